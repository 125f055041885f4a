"""Models that PyTorch exports, and what it computes with them: ``python -m tests.onnx.record``.

Each is kept in ``recorded`` as an exporter writes it, with an input, the output, and the output
after a step of training.
"""

from __future__ import annotations

import tempfile
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import torch
from torch import nn
from torch.nn import functional as F

FOLDER = Path(__file__).parent / "recorded"
RATE = 0.5  # of the step


class Residual(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.conv1, self.bn1 = nn.Conv2d(2, 4, 3, 2, 1, bias=False), nn.BatchNorm2d(4)
        self.conv2, self.bn2 = nn.Conv2d(4, 4, 3, 1, 1, bias=False), nn.BatchNorm2d(4)
        self.shortcut = nn.Sequential(nn.Conv2d(2, 4, 1, 2, bias=False), nn.BatchNorm2d(4))
        self.pool, self.fc = nn.MaxPool2d(3, 2, 1), nn.Linear(4, 3)

    def forward(self, x: Any) -> Any:
        out = self.bn2(self.conv2(F.relu(self.bn1(self.conv1(x)))))
        out = self.pool(F.relu(out + self.shortcut(x)))
        return self.fc(F.adaptive_avg_pool2d(out, 1).flatten(1))


class Recurrent(nn.Module):
    def __init__(self, kind: Any) -> None:
        super().__init__()
        self.embedding = nn.Embedding(7, 4)
        self.rnn = kind(4, 5, batch_first=True, bidirectional=True)
        self.head = nn.Linear(10, 3)

    def forward(self, x: Any) -> Any:
        return self.head(self.rnn(self.embedding(x))[0][:, -1])


class Transformer(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        layer = nn.TransformerEncoderLayer(8, 2, 16, 0.0, "gelu", batch_first=True, norm_first=True)
        self.positions = nn.Parameter(torch.randn(1, 6, 8))
        self.encoder = nn.TransformerEncoder(layer, 1, enable_nested_tensor=False)
        self.head = nn.Linear(8, 3)

    def forward(self, x: Any) -> Any:
        x = x + self.positions[:, : x.shape[1]]
        mask = torch.triu(torch.full((x.shape[1], x.shape[1]), float("-inf")), diagonal=1)
        return self.head(self.encoder(x, mask=mask, is_causal=True))


class Decoder(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.up = nn.ConvTranspose2d(2, 4, 3, 2, 1, output_padding=1)
        self.norm, self.act = nn.GroupNorm(2, 4), nn.SiLU()
        self.conv = nn.Conv2d(6, 2, 3, padding="same")

    def forward(self, x: Any) -> Any:
        up = self.act(self.norm(self.up(x)))
        wide = F.interpolate(x, scale_factor=2, mode="bilinear", align_corners=False)
        return torch.tanh(self.conv(torch.cat([up, F.pad(wide, (0, 0, 0, 0))], 1)))


def models() -> dict[str, tuple[nn.Module, Any]]:
    """By name: with an input."""
    tokens = torch.randint(0, 7, (3, 3))
    return {
        "residual": (Residual(), torch.randn(4, 2, 9, 9)),
        "lstm": (Recurrent(nn.LSTM), tokens),
        "gru": (Recurrent(nn.GRU), tokens),
        "transformer": (Transformer(), torch.randn(2, 6, 8)),
        "decoder": (Decoder(), torch.randn(2, 2, 4, 5)),
    }


OLD = ("residual", "decoder")  # also by the exporter of TorchScript

# How a model is exported that is to be trained: constants are not made of weights, nor batch norms
# part of convolutions.
WAYS: dict[str, dict[str, Any]] = {
    "dynamo": {"dynamo": True, "optimize": False},
    "script": {
        "dynamo": False,
        "do_constant_folding": False,
        "training": torch.onnx.TrainingMode.PRESERVE,
    },
}


def exported(model: nn.Module, x: Any, options: dict[str, Any]) -> bytes:
    with tempfile.TemporaryDirectory() as folder, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        path = f"{folder}/model.onnx"
        torch.onnx.export(model, (x,), path, verbose=False, **options)
        proto = onnx.load_model(path)
    for item in (*proto.graph.node, *proto.graph.value_info, *proto.graph.initializer):
        del item.metadata_props[:]  # lines of PyTorch's source
        item.doc_string = ""
    for function in proto.functions:
        del function.metadata_props[:]
        for node in function.node:
            del node.metadata_props[:]
    del proto.graph.value_info[:]
    return proto.SerializeToString()


def trained(model: nn.Module, x: Any) -> dict[str, Any]:
    """The output before and after a step."""
    optimizer = torch.optim.SGD(model.parameters(), lr=RATE)
    optimizer.zero_grad()
    before = model(x)
    before.square().mean().backward()
    optimizer.step()
    return {"output": before.detach().numpy(), "after": model(x).detach().numpy()}


def main() -> None:
    FOLDER.mkdir(exist_ok=True)
    for seed, name in enumerate(models()):
        torch.manual_seed(seed)
        model, x = models()[name]
        with torch.no_grad():  # weights and statistics as of a trained model
            for key, value in model.state_dict().items():
                if value.dtype.is_floating_point:
                    noise = torch.rand_like if "var" in key else torch.randn_like
                    value.add_(0.2 * noise(value))
        state = {key: value.clone() for key, value in model.state_dict().items()}
        ways = WAYS if name in OLD else {"dynamo": WAYS["dynamo"]}
        files = {way: exported(model.eval(), x, options) for way, options in ways.items()}
        found = {"input": x.numpy()}
        for mode in (False, True):
            model.load_state_dict(state)
            values = trained(model.train(mode), x)
            found |= {f"{key}_{'train' if mode else 'eval'}": v for key, v in values.items()}
        found["after_training"] = model.eval()(x).detach().numpy()
        for way, content in files.items():
            (FOLDER / f"{name}.{way}.onnx").write_bytes(content)
            print(f"{name}.{way}: {len(content)} bytes")
        np.savez_compressed(FOLDER / f"{name}.npz", **found)


if __name__ == "__main__":
    main()
