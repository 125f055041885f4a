"""Schedulers made of schedulers."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from typing import Any

from lazygrad.arguments import shown
from lazygrad.errors import ArgumentError, ValueRangeError
from lazygrad.optim.lr_scheduler.base import LRScheduler
from lazygrad.optim.lr_scheduler.plateau import ReduceLROnPlateau
from lazygrad.optim.optimizer import Optimizer
from lazygrad.public import public


class ChainedScheduler(LRScheduler):
    """Several schedulers, each of which changes the rate at every step.

    >>> optimizer = optim.SGD([nn.Parameter(lazygrad.zeros(1))], lr=1.0)
    >>> first = optim.lr_scheduler.ExponentialLR(optimizer, 0.9)
    >>> second = optim.lr_scheduler.ConstantLR(optimizer, 0.5, total_iters=2)
    >>> schedule = optim.lr_scheduler.ChainedScheduler([first, second])
    >>> rates = [round(schedule.get_last_lr()[0], 4)]
    >>> for _ in range(3):
    ...     optimizer.step()
    ...     schedule.step()
    ...     rates.append(round(schedule.get_last_lr()[0], 4))
    >>> rates
    [0.5, 0.45, 0.81, 0.729]
    """

    @public
    def __init__(
        self, schedulers: Sequence[LRScheduler], optimizer: Optimizer | None = None
    ) -> None:
        self._schedulers = list(schedulers)
        self.optimizer = _require_parts(self._name, self._schedulers, optimizer)
        self._last_lr = self._rates()

    def step(self, epoch: int | None = None) -> None:
        """A step of each, in their order."""
        for scheduler in self._schedulers:
            scheduler.step(epoch)
        self._last_lr = self._rates()

    def _update_lr(self, epoch: int | None = None) -> None:
        for scheduler in self._schedulers:
            scheduler._update_lr(epoch)
        self._last_lr = self._rates()


class SequentialLR(LRScheduler):
    """Several schedulers one after another.

    Args:
        milestones: the epochs at which the second, third, ... takes over, from its own start.

    >>> optimizer = optim.SGD([nn.Parameter(lazygrad.zeros(1))], lr=1.0)
    >>> warmup = optim.lr_scheduler.LinearLR(optimizer, 0.5, total_iters=2)
    >>> decay = optim.lr_scheduler.ExponentialLR(optimizer, 0.9)
    >>> schedule = optim.lr_scheduler.SequentialLR(optimizer, [warmup, decay], milestones=[2])
    >>> rates = [round(schedule.get_last_lr()[0], 4)]
    >>> for _ in range(4):
    ...     optimizer.step()
    ...     schedule.step()
    ...     rates.append(round(schedule.get_last_lr()[0], 4))
    >>> rates
    [0.5, 0.75, 1.0, 0.9, 0.81]
    """

    @public
    def __init__(
        self,
        optimizer: Optimizer,
        schedulers: Sequence[LRScheduler],
        milestones: Sequence[int],
        last_epoch: int = -1,
    ) -> None:
        self._schedulers, self._milestones = list(schedulers), list(milestones)
        self.optimizer = _require_parts(self._name, self._schedulers, optimizer)
        if len(self._milestones) != len(self._schedulers) - 1:
            raise ValueRangeError(
                f"[SequentialLR] {len(self._schedulers)} schedulers need one milestone less, got "
                f"{self._milestones}"
            )
        self.last_epoch = last_epoch + 1
        for group in optimizer.param_groups:
            group.set_number("lr", float(group["initial_lr"]))
        _take_back(self._schedulers)  # their constructors have set rates one after another
        first = self._schedulers[bisect_right(self._milestones, 0)]
        first._initial_step()
        self._last_lr = first.get_last_lr()

    def step(self, epoch: int | None = None) -> None:
        """A step of the one whose turn it is."""
        self._require_no_trace()
        self.last_epoch = self.last_epoch + 1 if epoch is None else epoch
        turn = bisect_right(self._milestones, self.last_epoch)
        scheduler = self._schedulers[turn]
        if turn > 0 and self._milestones[turn - 1] == self.last_epoch:
            scheduler._update_lr(0)
        else:
            scheduler.step()
        self._last_lr = scheduler.get_last_lr()


def _take_back(schedulers: Sequence[Any]) -> None:
    for scheduler in schedulers:
        if isinstance(scheduler, ChainedScheduler | SequentialLR):
            _take_back(scheduler._schedulers)
        else:
            scheduler.last_epoch -= 1


def _require_parts(op: str, parts: Sequence[Any], optimizer: Optimizer | None) -> Optimizer:
    """The optimizer that all parts belong to.

    Raises:
        ArgumentError, ValueRangeError: for no parts, parts of several optimizers, or such as need
            a measure.
    """
    if not parts:
        raise ValueRangeError(f"[{op}] needs at least one scheduler")
    for index, part in enumerate(parts):
        if not isinstance(part, LRScheduler):
            raise ArgumentError(f"[{op}] schedulers must be LRSchedulers, got {shown(part)}")
        if isinstance(part, ReduceLROnPlateau):
            raise ArgumentError(
                f"[{op}] scheduler {index} is a ReduceLROnPlateau, whose step() needs a measure; "
                "step it by itself"
            )
        if part.optimizer is not (optimizer or parts[0].optimizer):
            raise ValueRangeError(f"[{op}] scheduler {index} belongs to another optimizer")
    found: Optimizer = parts[0].optimizer
    return found
