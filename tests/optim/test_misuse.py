# ruff: noqa: E501 (tables: one line a case)
"""Optimizers that are given nonsense: an error that names the argument, when it is given."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import pytest

from lazygrad import Tensor, nn, optim
from lazygrad.errors import (
    ArgumentError,
    CheckpointError,
    LazygradError,
    ShapeError,
    ValueRangeError,
)


def params() -> list[Tensor]:
    return [nn.Parameter([1.0, 2.0])]


def sgd(**options: Any) -> optim.SGD:
    return optim.SGD(params(), **{"lr": 0.1, **options})


def adam(**options: Any) -> optim.Adam:
    return optim.Adam(params(), **options)


MODEL = nn.Linear(2, 2)
CASES: dict[str, tuple[Callable[[], Any], type[LazygradError], str]] = {
    "tensor": (lambda: optim.SGD(params()[0], 0.1), ArgumentError, r"\[SGD\] params must be a sequence of Tensors, a sequence of Mappings or a sequence of tuples, got a Tensor \(float32 \(2,\)\)"),
    "model": (lambda: optim.Adam(MODEL), ArgumentError, r"\[Adam\] params must be a sequence of Tensors"),
    "state_dict": (lambda: optim.AdamW(MODEL.state_dict()), ArgumentError, r"\[AdamW\] params must be a sequence of Tensors"),
    "names": (lambda: optim.SGD(["weight"], 0.1), ArgumentError, r"\[SGD\] can only optimize Tensors, got 'weight' \(str\)"),
    "lr_infinite": (lambda: sgd(lr=math.inf), ValueRangeError, r"\[SGD\] lr must be at least 0, got inf"),
    "lr_nan": (lambda: adam(lr=math.nan), ValueRangeError, r"\[Adam\] lr must be at least 0, got nan"),
    "lr_negative": (lambda: optim.AdamW(params(), -0.1), ValueRangeError, r"\[AdamW\] lr must be at least 0, got -0\.1"),
    "lr_text": (lambda: sgd(lr="a"), ArgumentError, r"\[SGD\] lr must be a number or a Tensor, got 'a' \(str\)"),
    "lr_none": (lambda: adam(lr=None), ArgumentError, r"\[Adam\] lr must be a number or a Tensor, got None"),
    "momentum": (lambda: sgd(momentum=-0.9), ValueRangeError, r"\[SGD\] momentum must be at least 0, got -0\.9"),
    "momentum_nan": (lambda: sgd(momentum=math.nan), ValueRangeError, r"\[SGD\] momentum"),
    "momentum_tensor": (lambda: sgd(momentum=Tensor(0.9)), ArgumentError, r"\[SGD\] momentum must be a number, got a Tensor"),
    "dampening": (lambda: sgd(dampening=math.inf), ValueRangeError, r"\[SGD\] dampening must be finite, got inf"),
    "decay": (lambda: adam(weight_decay=math.inf), ValueRangeError, r"\[Adam\] weight_decay"),
    "nesterov": (lambda: sgd(nesterov="no"), ArgumentError, r"\[SGD\] nesterov must be True or False, got 'no'"),
    "betas_one": (lambda: adam(betas=(0.9,)), ValueRangeError, r"\[Adam\] betas must be two numbers from 0 to below 1, got \(0\.9,\)"),
    "betas_large": (lambda: adam(betas=(0.9, 1.0)), ValueRangeError, r"\[Adam\] betas must be two numbers from 0 to below 1"),
    "betas_nan": (lambda: adam(betas=(math.nan, 0.9)), ValueRangeError, r"\[Adam\] betas"),
    "betas_number": (lambda: adam(betas=0.9), ArgumentError, r"\[Adam\] betas must be a sequence of numbers, got 0\.9"),
    "amsgrad": (lambda: adam(amsgrad=1), ArgumentError, r"\[Adam\] amsgrad must be True or False, got 1"),
    "differentiable": (lambda: adam(differentiable=True), ArgumentError, r"\[Adam\] differentiable=True is not there: steps record no history"),
    "maximize": (lambda: optim.Lion(params(), maximize=1), ArgumentError, r"\[Lion\] maximize must be True or False, got 1"),
    "foreach": (lambda: optim.Rprop(params(), foreach=3), ArgumentError, r"\[Rprop\] foreach must be True or False"),
    "etas": (lambda: optim.Rprop(params(), etas=(1.2, 0.5)), ValueRangeError, r"\[Rprop\] etas must be a number below 1 and one above"),
    "rho": (lambda: optim.Adadelta(params(), rho=1.5), ValueRangeError, r"\[Adadelta\] rho must be from 0 to 1, got 1\.5"),
    "alpha": (lambda: optim.RMSprop(params(), alpha=-1.0), ValueRangeError, r"\[RMSprop\] alpha must be at least 0"),
    "muon_vector": (lambda: optim.Muon(params()), ShapeError, r"\[Muon\] takes matrices, got a parameter of shape \(2,\); give vectors"),
    "muon_fn": (lambda: optim.Muon([nn.Parameter([[1.0]])], adjust_lr_fn="x"), ArgumentError, r"\[Muon\] adjust_lr_fn must be one of"),
    "muon_coefficients": (lambda: optim.Muon([nn.Parameter([[1.0]])], ns_coefficients=(1.0, 2.0)), ValueRangeError, r"\[Muon\] takes 3 ns_coefficients"),
    "adafactor_eps": (lambda: optim.Adafactor(params(), eps=(None, -1.0)), ValueRangeError, r"\[Adafactor\] eps must be at least 0"),
    "lamb_betas": (lambda: optim.LAMB(params(), betas=(0.9, 1.5)), ValueRangeError, r"\[LAMB\] betas must be two numbers"),
    "asgd": (lambda: optim.ASGD(params(), lambd=-1.0), ValueRangeError, r"\[ASGD\] lambd must be at least 0"),
    "group": (lambda: sgd().add_param_group(params()), ArgumentError, r"\[add_param_group\] param_group must be a mapping"),
    "group_empty": (lambda: sgd().add_param_group({"lr": 0.1}), ValueRangeError, "a group has no parameters"),
    "group_lr": (lambda: optim.SGD([{"params": params(), "lr": "a"}]), ArgumentError, r"\[SGD\] lr must be a number, got 'a'"),
    "set_lr": (lambda: sgd().param_groups[0].update(lr=math.nan), ValueRangeError, r"\[SGD\] lr must be at least 0, got nan"),
    "set_betas": (lambda: adam().param_groups[0].__setitem__("betas", (2, 3)), ValueRangeError, r"\[Adam\] betas"),
    "closure": (lambda: sgd().step(3), ArgumentError, r"\[step\] closure must be a function or None, got 3"),
    "state": (lambda: sgd().load_state_dict({}), CheckpointError, "it has no state and param_groups"),
    "state_list": (lambda: sgd().load_state_dict([]), ArgumentError, r"\[load_state_dict\] state_dict must be a mapping"),
}  # fmt: skip


@pytest.mark.parametrize("name", CASES)
def test_error(name: str) -> None:
    function, kind, message = CASES[name]
    with pytest.raises(kind, match=message):
        function()


def test_an_option_that_is_refused_is_not_set() -> None:
    optimizer = sgd()
    with pytest.raises(ValueRangeError):
        optimizer.param_groups[0]["lr"] = -1.0
    assert optimizer.param_groups[0]["lr"] == 0.1
