# ruff: noqa: E501 (a table: one line a layer)
"""What layers look like: as PyTorch's."""

from __future__ import annotations

import pytest

from lazygrad import nn

SHOWN = [
    (nn.ReLU(), "ReLU()"), (nn.ReLU(True), "ReLU(inplace=True)"),
    (nn.LeakyReLU(0.2, True), "LeakyReLU(negative_slope=0.2, inplace=True)"),
    (nn.ELU(), "ELU(alpha=1.0)"), (nn.GELU(), "GELU(approximate='none')"),
    (nn.Softplus(), "Softplus(beta=1.0, threshold=20.0)"), (nn.GLU(), "GLU(dim=-1)"),
    (nn.Hardtanh(), "Hardtanh(min_val=-1.0, max_val=1.0)"), (nn.Softmax(1), "Softmax(dim=1)"),
    (nn.PReLU(3), "PReLU(num_parameters=3)"), (nn.Threshold(0.1, 20), "Threshold(threshold=0.1, value=20)"),
    (nn.MSELoss(), "MSELoss()"), (nn.CrossEntropyLoss(), "CrossEntropyLoss()"),
    (nn.Conv1d(2, 4, 3), "Conv1d(2, 4, kernel_size=(3,), stride=(1,))"),
    (nn.Conv2d(2, 4, 3, 2, 1, groups=2, bias=False, padding_mode="reflect"), "Conv2d(2, 4, kernel_size=(3, 3), stride=(2, 2), padding=(1, 1), groups=2, bias=False, padding_mode=reflect)"),
    (nn.Conv3d(2, 4, 3, padding="same"), "Conv3d(2, 4, kernel_size=(3, 3, 3), stride=(1, 1, 1), padding=same)"),
    (nn.ConvTranspose2d(2, 4, 3, 2, 1, 1), "ConvTranspose2d(2, 4, kernel_size=(3, 3), stride=(2, 2), padding=(1, 1), output_padding=(1, 1))"),
    (nn.MaxPool2d(2), "MaxPool2d(kernel_size=2, stride=2, padding=0, dilation=1, ceil_mode=False)"),
    (nn.AvgPool2d(3, 2), "AvgPool2d(kernel_size=3, stride=2, padding=0)"),
    (nn.AdaptiveAvgPool2d((1, 1)), "AdaptiveAvgPool2d(output_size=(1, 1))"),
    (nn.BatchNorm1d(3), "BatchNorm1d(3, eps=1e-05, momentum=0.1, affine=True, bias=True, track_running_stats=True)"),
    (nn.GroupNorm(2, 4), "GroupNorm(2, 4, eps=1e-05, affine=True, bias=True)"),
    (nn.LayerNorm(4), "LayerNorm((4,), eps=1e-05, elementwise_affine=True, bias=True)"),
    (nn.RMSNorm(4), "RMSNorm((4,), eps=None, elementwise_affine=True)"),
    (nn.Dropout2d(0.2), "Dropout2d(p=0.2, inplace=False)"), (nn.ZeroPad2d(1), "ZeroPad2d((1, 1, 1, 1))"),
    (nn.ConstantPad1d(1, 2.0), "ConstantPad1d(padding=(1, 1), value=2.0)"),
    (nn.Upsample(scale_factor=2, mode="bilinear"), "Upsample(scale_factor=2.0, mode='bilinear')"),
    (nn.PixelShuffle(2), "PixelShuffle(upscale_factor=2)"), (nn.Unflatten(1, (2, 2)), "Unflatten(dim=1, unflattened_size=(2, 2))"),
    (nn.Embedding(5, 3, 1), "Embedding(5, 3, padding_idx=1)"), (nn.EmbeddingBag(5, 3), "EmbeddingBag(5, 3, mode='mean')"),
    (nn.LSTM(3, 4, 2, bidirectional=True, batch_first=True), "LSTM(3, 4, num_layers=2, batch_first=True, bidirectional=True)"),
    (nn.GRUCell(3, 4), "GRUCell(3, 4)"), (nn.Bilinear(2, 3, 4), "Bilinear(in1_features=2, in2_features=3, out_features=4, bias=True)"),
    (nn.Unfold(2), "Unfold(kernel_size=2, dilation=1, padding=0, stride=1)"),
    (nn.CosineSimilarity(), "CosineSimilarity()"),
    (nn.Sequential(nn.Linear(2, 3), nn.Tanh()), "Sequential(\n  (0): Linear(in_features=2, out_features=3, bias=True)\n  (1): Tanh()\n)"),
]  # fmt: skip


@pytest.mark.parametrize(("layer", "text"), SHOWN, ids=lambda value: type(value).__name__)
def test_repr(layer: nn.Module, text: str) -> None:
    assert repr(layer) == text
