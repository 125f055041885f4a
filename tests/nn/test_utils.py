"""nn.utils beyond what PyTorch computes: plans, and errors."""

from __future__ import annotations

import numpy as np
import pytest

from lazygrad import Tensor, jit, nn, optim
from lazygrad.errors import GradError, ModuleError, ShapeError, ValueRangeError
from lazygrad.inspect import plan_cache
from lazygrad.nn.utils import (
    clip_grad_norm_,
    clip_grad_value_,
    fuse_conv_bn_eval,
    remove_spectral_norm,
    remove_weight_norm,
    rnn,
    vector_to_parameters,
    weight_norm,
)


def test_another_bound_makes_no_plan(device: str) -> None:
    model = nn.Linear(3, 2).to(device)
    optimizer = optim.SGD(model.parameters(), lr=0.1)
    x = Tensor(np.ones((4, 3), np.float32), device=device)

    def step(bound: float) -> Tensor:
        optimizer.zero_grad()
        loss = model(x).square().sum()
        loss.backward()
        clip_grad_norm_(model.parameters(), bound)
        clip_grad_value_(model.parameters(), bound)
        optimizer.step()
        return loss

    for bound in (1.0, 0.9, 0.8):
        step(bound).item()
    before = plan_cache().misses
    for bound in (0.7, 0.6, 0.5):
        step(bound).item()
    assert plan_cache().misses == before


def test_gradients_are_clipped_in_a_jitted_step(device: str) -> None:
    model = nn.Linear(2, 1, bias=False).to(device)
    x = Tensor(np.array([[3.0, 4.0]], np.float32), device=device)

    @jit
    def step(x: Tensor) -> Tensor:
        model.zero_grad()
        model(x).sum().backward()
        return clip_grad_norm_(model.parameters(), 1.0)

    for _ in range(3):
        np.testing.assert_allclose(step(x).item(), 5.0, rtol=1e-6)
        assert model.weight.grad is not None
        np.testing.assert_allclose(model.weight.grad.numpy(), [[0.6, 0.8]], rtol=1e-5)


def test_errors() -> None:
    weight = nn.Parameter(Tensor.ones(2))
    weight.grad = Tensor([float("inf"), 1.0])
    with pytest.raises(GradError, match=r"\[clip_grad_norm_\] the norm of the gradients is inf"):
        clip_grad_norm_(weight, 1.0, error_if_nonfinite=True)
    with pytest.raises(ShapeError, match=r"\[vector_to_parameters\] parameters of 2 elements"):
        vector_to_parameters(Tensor.zeros(3), [weight])
    with pytest.raises(ModuleError, match="both layers must be in evaluation mode"):
        fuse_conv_bn_eval(nn.Conv2d(2, 3, 1), nn.BatchNorm2d(3))
    with pytest.raises(ModuleError, match="weight of Linear is no WeightNorm"):
        remove_weight_norm(nn.Linear(2, 3))
    with pytest.raises(ModuleError, match="weight of Linear is no SpectralNorm"):
        remove_spectral_norm(weight_norm(nn.Linear(2, 3)))
    with pytest.raises(ModuleError, match="no parameter 'kernel'"):
        weight_norm(nn.Linear(2, 3), "kernel")


def test_packed_sequences_that_do_not_fit() -> None:
    x = Tensor.zeros(4, 2, 3)
    with pytest.raises(ValueRangeError, match=r"lengths \[1, 4\] are not in descending order"):
        rnn.pack_padded_sequence(x, [1, 4])
    with pytest.raises(ValueRangeError, match=r"lengths must be from 1 to 4, got \[5, 1\]"):
        rnn.pack_padded_sequence(x, [5, 1])
    with pytest.raises(ShapeError, match="2 sequences need as many lengths"):
        rnn.pack_padded_sequence(x, [3])
    packed = rnn.pack_padded_sequence(x, [4, 2])
    with pytest.raises(ValueRangeError, match="total_length 3 is less than the longest"):
        rnn.pad_packed_sequence(packed, total_length=3)
    with pytest.raises(ShapeError, match="differ in dim 0 only"):
        rnn.pad_sequence([Tensor.zeros(2, 3), Tensor.zeros(2, 4)])
    with pytest.raises(ValueRangeError, match="padding_side must be"):
        rnn.pad_sequence([x], padding_side="top")


def test_a_name_that_is_not_here_is_guessed() -> None:
    with pytest.raises(
        AttributeError, match=r"\[nn\.utils\] no name 'clip_grad_norm': use clip_grad_norm_"
    ):
        _ = nn.utils.clip_grad_norm
    with pytest.raises(
        AttributeError, match=r"\[nn\.init\] no name 'xavier_uniform': use xavier_uniform_"
    ):
        _ = nn.init.xavier_uniform
