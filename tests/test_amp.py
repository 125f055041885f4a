"""Mixed precision: what is computed in which dtype, and losses that are scaled."""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import lazygrad
from lazygrad import Tensor, amp, functional, jit, nn, optim
from lazygrad.casting import ROLES
from lazygrad.cuda import amp as cuda_amp
from lazygrad.errors import (
    ArgumentError,
    CheckpointError,
    GradError,
    LazygradError,
    ValueRangeError,
)
from lazygrad.nn import functional as F

X = np.random.default_rng(0).standard_normal((4, 3)).astype(np.float32)


def made(shape: tuple[int, ...], dtype: str = "float32") -> Tensor:
    values = np.random.default_rng(1).standard_normal(shape).astype(np.float32)
    return Tensor(values).cast(dtype)


# -- autocast --------------------------------------------------------------------------------------

IN_HALF: dict[str, Callable[[], Tensor]] = {
    "matmul": lambda: made((2, 3)).matmul(made((3, 2))),
    "@": lambda: made((2, 3)) @ made((3, 2)),
    "linear": lambda: F.linear(made((2, 3)), made((4, 3)), made((4,))),
    "Linear": lambda: nn.Linear(3, 2)(made((2, 3))),
    "conv2d": lambda: F.conv2d(made((1, 2, 4, 4)), made((3, 2, 3, 3)), made((3,))),
    "bmm": lambda: lazygrad.bmm(made((2, 2, 3)), made((2, 3, 2))),
    "attention": lambda: F.scaled_dot_product_attention(*[made((1, 2, 3))] * 3),
}
IN_SINGLE: dict[str, Callable[[], Tensor]] = {
    "softmax": lambda: made((2, 3), "float16").softmax(-1),
    "exp": lambda: made((2, 3), "bfloat16").exp(),
    "sum": lambda: made((2, 3), "float16").sum(),
    "cross_entropy": lambda: F.cross_entropy(made((2, 3), "float16"), Tensor([0, 1])),
    "mse_loss": lambda: F.mse_loss(made((2,), "float16"), made((2,))),
    "layer_norm": lambda: F.layer_norm(made((2, 3), "float16"), (3,)),
}
AS_GIVEN: dict[str, Callable[[], Tensor]] = {
    "add": lambda: made((2,), "float16") + made((2,), "float16"),
    "relu": lambda: made((2,), "float16").relu(),
    "max_pool2d": lambda: F.max_pool2d(made((1, 1, 2, 2), "float16"), 2),
}


@pytest.mark.parametrize("dtype", ["float16", "bfloat16"])
@pytest.mark.parametrize("name", IN_HALF)
def test_products_are_computed_in_half_precision(name: str, dtype: str) -> None:
    plain = IN_HALF[name]()
    assert plain.dtype.name == "float32"
    with amp.autocast("cuda", dtype=dtype):
        found = IN_HALF[name]()
    assert found.dtype.name == dtype
    if name != "Linear":  # whose weights are drawn
        tolerance = {"float16": 5e-3, "bfloat16": 4e-2}[dtype]
        np.testing.assert_allclose(found.numpy(), plain.numpy(), rtol=tolerance, atol=tolerance)


@pytest.mark.parametrize("name", IN_SINGLE)
def test_what_is_delicate_is_computed_in_float32(name: str) -> None:
    with amp.autocast("cuda"):
        assert IN_SINGLE[name]().dtype.name == "float32"


@pytest.mark.parametrize("name", AS_GIVEN)
def test_all_else_is_computed_as_it_is_given(name: str) -> None:
    with amp.autocast("cuda"):
        assert AS_GIVEN[name]().dtype.name == "float16"


def test_doubles_and_integers_stay() -> None:
    with amp.autocast("cuda"):
        assert (made((2, 2), "float64") @ made((2, 2), "float64")).dtype.name == "float64"
        assert Tensor([1, 2]).sum().dtype.name == "int64"


def test_where_it_is_in_effect() -> None:
    def dtype() -> str:
        return (made((2, 2)) @ made((2, 2))).dtype.name

    assert not lazygrad.is_autocast_enabled()
    with lazygrad.autocast("cpu"):
        assert lazygrad.is_autocast_enabled()
        assert (dtype(), lazygrad.get_autocast_dtype()) == ("bfloat16", lazygrad.bfloat16)
        with lazygrad.autocast("cuda", enabled=False):
            assert dtype() == "float32"
        with cuda_amp.autocast():
            assert dtype() == "float16"
        assert dtype() == "bfloat16"
    assert dtype() == "float32"
    assert lazygrad.autocast("cuda")(dtype)() == "float16"
    assert amp.get_autocast_dtype("cpu") is lazygrad.bfloat16
    with pytest.raises(ZeroDivisionError), amp.autocast("cuda"):
        _ = 1 / 0
    assert dtype() == "float32"
    with pytest.raises(ArgumentError, match=r"\[autocast\] dtype must be float16 or bfloat16"):
        amp.autocast("cuda", dtype="float64")
    assert amp.is_autocast_enabled() is False


def test_a_jitted_function_is_traced_anew() -> None:
    product = jit(lambda x: x @ x)
    x = made((2, 2))
    assert product(x).dtype.name == "float32"
    with amp.autocast("cuda"):
        assert product(x).dtype.name == "float16"
    assert product(x).dtype.name == "float32"
    assert product.captures == 2


def test_gradients_are_those_of_float32_parameters(device: str) -> None:
    model = nn.Sequential(nn.Linear(3, 4), nn.ReLU(), nn.Linear(4, 2)).to(device)
    x = Tensor(X, device=device)
    model(x).square().sum().backward()
    plain = [param.grad.numpy() for param in model.parameters()]
    model.zero_grad()
    with amp.autocast("cpu"):
        loss = model(x).square().sum()
    assert loss.dtype.name == "float32"
    loss.backward()
    for param, expected in zip(model.parameters(), plain, strict=True):
        assert param.grad.dtype.name == "float32"
        np.testing.assert_allclose(param.grad.numpy(), expected, rtol=0.1, atol=0.1)


# -- GradScaler ------------------------------------------------------------------------------------


def training(
    device: str, jitted: bool, scaler: amp.GradScaler
) -> tuple[Tensor, optim.Optimizer, Callable[[Tensor], Any]]:
    param = Tensor([1.0, 2.0], device=device, requires_grad=True)
    optimizer = optim.Adam([param], lr=0.1)

    def step(x: Tensor) -> None:
        optimizer.zero_grad()
        scaler.scale((param * x).sum()).backward()
        scaler.step(optimizer)
        scaler.update()

    return param, optimizer, jit(step) if jitted else step


@pytest.mark.parametrize("jitted", [False, True], ids=["eager", "jitted"])
def test_steps_without_finite_gradients_are_left_out(device: str, jitted: bool) -> None:
    with lazygrad.config(backend=device):
        scaler = amp.GradScaler(init_scale=8.0, growth_interval=2)
        param, optimizer, step = training(device, jitted, scaler)
        other = Tensor([1.0, 2.0], device=device, requires_grad=True)
        plain = optim.Adam([other], lr=0.1)
        scales = []
        for values in ([1.0, 2.0], [np.inf, 1.0], [3.0, -1.0], [0.5, 1.0], [np.nan, 1.0]):
            x = Tensor(np.array(values, np.float32), device=device)
            step(x)
            scales.append(scaler.get_scale())
            if np.isfinite(values).all():
                plain.zero_grad()
                (other * x).sum().backward()
                plain.step()
            np.testing.assert_allclose(param.tolist(), other.tolist(), rtol=1e-6)
    assert scales == [8, 4, 4, 8, 4]
    assert optimizer.state_dict()["state"][0]["step"].item() == 3


def test_small_gradients_are_kept_in_float16() -> None:
    param = Tensor(np.ones(2), dtype="float16", requires_grad=True)
    scaler = amp.GradScaler(init_scale=2.0**14)

    def gradient(scale: Callable[[Tensor], Tensor]) -> list[float]:
        param.grad = None
        scale((param * 1e-4).sum() * 1e-4).backward()
        return param.grad.tolist()

    assert gradient(lambda loss: loss) == [0, 0]
    np.testing.assert_allclose(gradient(scaler.scale), 1e-8 * 2**14, rtol=1e-2)


def test_gradients_can_be_clipped_in_between() -> None:
    param = Tensor([1.0], requires_grad=True)
    optimizer, scaler = optim.SGD([param], lr=1.0), cuda_amp.GradScaler(init_scale=4.0)
    losses = scaler.scale([param.sum(), (param * 2).sum()])
    sum(losses).backward()
    assert param.grad.tolist() == [12]
    scaler.unscale_(optimizer)
    assert param.grad.tolist() == [3]
    scaler.step(optimizer)
    scaler.update()
    assert param.tolist() == [-2]


def test_states() -> None:
    scaler = amp.GradScaler(init_scale=2.0, growth_factor=3.0, backoff_factor=0.25,
                            growth_interval=7)  # fmt: skip
    other = amp.GradScaler()
    other.load_state_dict(scaler.state_dict())
    assert other.state_dict() == scaler.state_dict() == {
        "scale": 2.0, "growth_factor": 3.0, "backoff_factor": 0.25, "growth_interval": 7,
        "_growth_tracker": 0,
    }  # fmt: skip
    other.update(5.0)
    assert other.get_scale() == 5
    other.set_growth_factor(4.0)
    other.set_backoff_factor(0.5)
    other.set_growth_interval(9)
    factors = other.get_growth_factor(), other.get_backoff_factor(), other.get_growth_interval()
    assert factors == (4.0, 0.5, 9)
    with pytest.raises(CheckpointError, match="the state has no scale, growth_factor"):
        other.load_state_dict({})


def test_one_that_is_not_enabled() -> None:
    scaler = amp.GradScaler(enabled=False)
    param = Tensor([1.0], requires_grad=True)
    optimizer = optim.SGD([param], lr=0.5)
    scaler.scale(param.sum()).backward()
    scaler.unscale_(optimizer)
    scaler.step(optimizer)
    scaler.update()
    assert (param.tolist(), scaler.get_scale(), scaler.state_dict()) == ([0.5], 1.0, {})
    assert not scaler.is_enabled()


def twice(*names: str) -> Callable[[], Any]:
    def call() -> None:
        param = Tensor([1.0], requires_grad=True)
        optimizer, scaler = optim.SGD([param], lr=0.5), amp.GradScaler()
        scaler.scale(param.sum()).backward()
        for name in names:
            getattr(scaler, name)(*[optimizer] * (name != "update"))

    return call


CASES: dict[str, tuple[Callable[[], Any], type[LazygradError], str]] = {
    "unscaled": (twice("unscale_", "unscale_"), GradError, "unscaled already; call update"),
    "stepped": (twice("step", "step"), GradError, r"\[step\] this optimizer has stepped already"),
    "updated": (twice("update"), GradError, r"\[update\] no step was taken"),
    "none": (
        lambda: amp.GradScaler().step(optim.SGD([Tensor([1.0], requires_grad=True)], lr=0.1)),
        GradError, "no parameter of this optimizer has a gradient"),
    "loss": (lambda: amp.GradScaler().scale(3.0), ArgumentError, r"outputs must be Tensors, got 3"),
    "factor": (lambda: amp.GradScaler(growth_factor=0.5), ValueRangeError, "growth_factor above 1"),
}  # fmt: skip


@pytest.mark.parametrize("name", CASES)
def test_error(name: str) -> None:
    function, kind, message = CASES[name]
    with pytest.raises(kind, match=message):
        function()


def test_every_name_in_the_table_is_a_function() -> None:
    found: set[str] = set()
    for module in pkgutil.iter_modules(functional.__path__, "lazygrad.functional."):
        found.update(vars(importlib.import_module(module.name)))
    assert set(ROLES) - found == set()
