# ruff: noqa: E501 (tables: one line a case)
"""Schedulers: what PyTorch's frame does not show. Their rates are cases of tests.parity."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from lazygrad import Tensor, jit, optim
from lazygrad.errors import (
    ArgumentError,
    CheckpointError,
    JitError,
    LazygradError,
    ValueRangeError,
)
from lazygrad.optim import lr_scheduler as S


def sgd(lr: Any = 0.1, **options: Any) -> optim.SGD:
    return optim.SGD([Tensor([1.0], requires_grad=True)], lr=lr, **options)


def after(scheduler: Any, steps: int) -> list[float]:
    found = []
    for _ in range(steps):
        scheduler.optimizer.step()
        scheduler.step()
        found += scheduler.get_last_lr()
    return found


CASES: dict[str, tuple[Callable[[], Any], type[LazygradError], str]] = {
    "no_optimizer": (lambda: S.StepLR(3, 1), ArgumentError, r"\[StepLR\] optimizer must be an Optimizer, got 3"),
    "no_optimizer_lambda": (lambda: S.LambdaLR("a", abs), ArgumentError, r"\[LambdaLR\] optimizer must be an Optimizer, got 'a'"),
    "lambda": (lambda: S.LambdaLR(sgd(), 0.1), ArgumentError, r"\[LambdaLR\] lr_lambda must be a function, got 0\.1"),
    "lambdas": (lambda: S.MultiplicativeLR(sgd(), [abs, abs]), ValueRangeError, r"\[MultiplicativeLR\] lr_lambda has 2 values, the optimizer 1 parameter groups"),
    "step_size": (lambda: S.StepLR(sgd(), 0), ValueRangeError, r"\[StepLR\] step_size must be at least 1, got 0"),
    "step_size_float": (lambda: S.StepLR(sgd(), 1.5), ArgumentError, r"\[StepLR\] step_size must be an integer, got 1\.5"),
    "factor": (lambda: S.ConstantLR(sgd(), 1.5), ValueRangeError, r"\[ConstantLR\] factor must be from 0 to 1, got 1\.5"),
    "start_factor": (lambda: S.LinearLR(sgd(), 0.0), ValueRangeError, r"\[LinearLR\] start_factor must be above 0"),
    "T_max": (lambda: S.CosineAnnealingLR(sgd(), 0), ValueRangeError, r"\[CosineAnnealingLR\] T_max must be at least 1"),
    "T_0": (lambda: S.CosineAnnealingWarmRestarts(sgd(), 0), ValueRangeError, r"T_0 must be at least 1"),
    "T_mult": (lambda: S.CosineAnnealingWarmRestarts(sgd(), 2, 0), ValueRangeError, r"T_mult must be at least 1"),
    "epoch": (lambda: S.CosineAnnealingWarmRestarts(sgd(), 2).step(-1), ValueRangeError, r"epoch must be at least 0, got -1"),
    "cyclic_momentum": (lambda: S.CyclicLR(optim.Adagrad([Tensor([1.0], requires_grad=True)]), 0.1, 1.0), ArgumentError, r"\[CyclicLR\] Adagrad has no momentum and no betas; pass cycle_momentum=False"),
    "cyclic_mode": (lambda: S.CyclicLR(sgd(), 0.1, 1.0, mode="up"), ArgumentError, r"\[CyclicLR\] mode must be one of triangular, triangular2, exp_range"),
    "one_cycle": (lambda: S.OneCycleLR(sgd(), 1.0, epochs=3), ArgumentError, r"\[OneCycleLR\] needs total_steps, or both epochs and steps_per_epoch"),
    "one_cycle_way": (lambda: S.OneCycleLR(sgd(), 1.0, 10, anneal_strategy="exp"), ArgumentError, r"anneal_strategy must be 'cos' or 'linear', got 'exp'"),
    "one_cycle_end": (lambda: after(S.OneCycleLR(sgd(), 1.0, 2), 4), ValueRangeError, r"\[OneCycleLR\] step 3 is beyond the 2 steps of the cycle"),
    "plateau_factor": (lambda: S.ReduceLROnPlateau(sgd(), factor=1.0), ValueRangeError, r"factor must be below 1, got 1\.0"),
    "plateau_mode": (lambda: S.ReduceLROnPlateau(sgd(), "least"), ArgumentError, r"mode must be one of \('min', 'max'\), got 'least'"),
    "plateau_min": (lambda: S.ReduceLROnPlateau(sgd(), min_lr=[0.1, 0.2]), ValueRangeError, r"min_lr has 2 values"),
    "chained": (lambda: S.ChainedScheduler([]), ValueRangeError, r"\[ChainedScheduler\] needs at least one scheduler"),
    "chained_kind": (lambda: S.ChainedScheduler([3]), ArgumentError, r"schedulers must be LRSchedulers, got 3"),
    "chained_plateau": (lambda: S.ChainedScheduler([S.ReduceLROnPlateau(sgd())]), ArgumentError, r"is a ReduceLROnPlateau, whose step\(\) needs a measure"),
    "chained_others": (lambda: S.ChainedScheduler([S.StepLR(sgd(), 1), S.StepLR(sgd(), 1)]), ValueRangeError, r"scheduler 1 belongs to another optimizer"),
    "milestones": (lambda: S.SequentialLR(o := sgd(), [S.StepLR(o, 1)], [2]), ValueRangeError, r"1 schedulers need one milestone less, got \[2\]"),
    "resumed": (lambda: S.StepLR(sgd(), 1, last_epoch=3), ValueRangeError, r"param_groups\[0\] has no 'initial_lr'; load the optimizer's state first"),
    "state": (lambda: S.StepLR(sgd(), 1).load_state_dict({"last_epoch": 1}), CheckpointError, r"does not fit this StepLR: it has no _step_count"),
    "base": (lambda: S.LRScheduler(sgd()), NotImplementedError, r"\[LRScheduler\] does not define get_lr\(\)"),
}  # fmt: skip


@pytest.mark.parametrize("name", CASES)
def test_error(name: str) -> None:
    function, kind, message = CASES[name]
    with pytest.raises(kind, match=message):
        function()


def test_a_step_inside_a_jitted_function_is_an_error() -> None:
    for scheduler in (S.StepLR(sgd(), 1), S.CosineAnnealingWarmRestarts(sgd(), 2)):
        with pytest.raises(JitError, match="inside a jitted function would run once"):
            jit(lambda x, s=scheduler: (s.step(), x)[1])(Tensor([1.0]))
    plateau = S.ReduceLROnPlateau(sgd())
    with pytest.raises(JitError, match=r"\[ReduceLROnPlateau\] step\(\) inside"):
        jit(lambda x: (plateau.step(1.0), x)[1])(Tensor([1.0]))


def test_a_step_before_the_optimizers_is_told_of() -> None:
    scheduler = S.StepLR(sgd(), 1)
    with pytest.warns(UserWarning, match=r"\[StepLR\] step\(\) is called before optimizer.step"):
        scheduler.step()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        after(S.StepLR(sgd(), 1), 3)


def test_a_rate_that_is_a_tensor_stays_one() -> None:
    rate = Tensor(0.5)
    optimizer = sgd(rate)
    assert after(S.ExponentialLR(optimizer, 0.5), 2) == [0.25, 0.125]
    assert optimizer.param_groups[0]["lr"] is rate
    assert rate.item() == 0.125


def test_the_optimizer_uses_the_rate() -> None:
    param = Tensor(np.array([1.0]), requires_grad=True)
    optimizer = optim.SGD([param], lr=1.0)
    scheduler = S.ExponentialLR(optimizer, 0.5)
    for _ in range(3):
        param.grad = Tensor(np.array([1.0]))
        optimizer.step()
        scheduler.step()
    assert param.item() == 1 - (1 + 0.5 + 0.25)


class Halving(S.LRScheduler):
    """One of one's own, as PyTorch's users write it."""

    def get_lr(self) -> list[float]:
        return [base / 2**self.last_epoch for base in self.base_lrs]


def test_a_scheduler_of_ones_own() -> None:
    scheduler = Halving(sgd(0.8))
    assert scheduler.get_last_lr() == [0.8]
    assert after(scheduler, 2) == [0.4, 0.2]
    assert issubclass(Halving, S._LRScheduler)


class Warm:
    """A rule with a state."""

    def __init__(self, width: int) -> None:
        self.width = width

    def __call__(self, epoch: int) -> float:
        return min(1.0, (epoch + 1) / self.width)


MAKERS: dict[str, Callable[[Any], Any]] = {
    "LambdaLR": lambda o: S.LambdaLR(o, Warm(6)),
    "MultiStepLR": lambda o: S.MultiStepLR(o, [2, 5]),
    "CosineAnnealingLR": lambda o: S.CosineAnnealingLR(o, 5),
    "CosineAnnealingWarmRestarts": lambda o: S.CosineAnnealingWarmRestarts(o, 3, 2),
    "CyclicLR": lambda o: S.CyclicLR(o, 0.1, 0.5, 3, mode="exp_range", gamma=0.9),
    "CyclicLR, scale_fn": lambda o: S.CyclicLR(o, 0.1, 0.5, 3, scale_fn=Warm(3)),
    "OneCycleLR": lambda o: S.OneCycleLR(o, 0.5, 20),
    "ChainedScheduler": lambda o: S.ChainedScheduler([S.StepLR(o, 2), S.ExponentialLR(o, 0.9)]),
    "SequentialLR": lambda o: S.SequentialLR(o, [S.ConstantLR(o), S.ExponentialLR(o, 0.9)], [3]),
}


@pytest.mark.parametrize("name", MAKERS)
def test_a_state_goes_on_where_it_was_taken(name: str) -> None:
    scheduler = MAKERS[name](sgd(momentum=0.9))
    after(scheduler, 4)
    optimizer = sgd(momentum=0.9)
    other = MAKERS[name](optimizer)
    optimizer.load_state_dict(scheduler.optimizer.state_dict())
    other.load_state_dict(scheduler.state_dict())
    assert other.get_last_lr() == scheduler.get_last_lr()
    assert after(other, 4) == after(scheduler, 4)


def test_a_plateaus_state_goes_on() -> None:
    optimizer = sgd()
    scheduler = S.ReduceLROnPlateau(optimizer, patience=1)
    for measure in (1.0, 1.0, Tensor(2.0)):
        scheduler.step(measure)
    other = S.ReduceLROnPlateau(sgd())
    other.load_state_dict({**scheduler.state_dict(), "mode_worse": float("inf")})  # PyTorch's
    assert (other.best, other.patience, other.num_bad_epochs) == (1.0, 1, 0)
    assert other.get_last_lr() == pytest.approx([0.01])
    assert not other.in_cooldown
    assert other.is_better(0.5, 1.0)


def test_a_state_of_a_rule_is_its_attributes() -> None:
    state = S.LambdaLR(sgd(), Warm(6)).state_dict()
    assert state["lr_lambdas"] == [{"width": 6}]
    other = S.LambdaLR(sgd(), Warm(2))
    other.load_state_dict(state)
    assert other.lr_lambdas[0].width == 6
    assert S.LambdaLR(sgd(), lambda epoch: 1.0).state_dict()["lr_lambdas"] == [None]
