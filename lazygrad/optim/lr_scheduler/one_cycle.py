"""One cycle of the rate for a whole training."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, NamedTuple

from lazygrad.arguments import require_range
from lazygrad.errors import ArgumentError, ValueRangeError
from lazygrad.optim.checks import require_groups
from lazygrad.optim.lr_scheduler.base import require_count, require_optimizer
from lazygrad.optim.lr_scheduler.momentum import CyclesMomentum
from lazygrad.optim.optimizer import Optimizer
from lazygrad.public import public


def _cosine(start: float, end: float, share: float) -> float:
    return end + (start - end) / 2.0 * (math.cos(math.pi * share) + 1)


def _line(start: float, end: float, share: float) -> float:
    return (end - start) * share + start


WAYS: dict[str, Callable[[float, float, float], float]] = {"cos": _cosine, "linear": _line}


class Phase(NamedTuple):
    """Until ``end``, from and to which of a group's rates and momenta, by their names."""

    end: float
    start_lr: str
    end_lr: str
    start_momentum: str
    end_momentum: str


class OneCycleLR(CyclesMomentum):
    """From ``max_lr / div_factor`` up to ``max_lr`` and down to ``max_lr / (div_factor *
    final_div_factor)``, batch by batch, over a whole training (Smith and Topin, 2019), while
    momentum goes from ``max_momentum`` down to ``base_momentum`` and back.

    Args:
        max_lr: a number, or a list of one for each group.
        total_steps: batches in all; else ``epochs * steps_per_epoch``.
        pct_start: the share of steps on the way up.
        anneal_strategy: ``"cos"`` or ``"linear"``.
        cycle_momentum: whether momentum (or the first beta) moves too. Steps that are jitted
            after the scheduler was made see it.
        three_phase: down as fast as up, and then on to the least rate.

    >>> optimizer = optim.SGD([nn.Parameter(lazygrad.zeros(1))], lr=1.0)
    >>> schedule = optim.lr_scheduler.OneCycleLR(
    ...     optimizer, max_lr=1.0, total_steps=5, cycle_momentum=False
    ... )
    >>> rates = [round(schedule.get_last_lr()[0], 4)]
    >>> for _ in range(4):
    ...     optimizer.step()
    ...     schedule.step()
    ...     rates.append(round(schedule.get_last_lr()[0], 4))
    >>> rates
    [0.04, 0.9505, 0.6113, 0.1883, 0.0]
    """

    @public
    def __init__(
        self,
        optimizer: Optimizer,
        max_lr: Any,
        total_steps: int | None = None,
        epochs: int | None = None,
        steps_per_epoch: int | None = None,
        pct_start: float = 0.3,
        anneal_strategy: str = "cos",
        cycle_momentum: bool = True,
        base_momentum: Any = 0.85,
        max_momentum: Any = 0.95,
        div_factor: float = 25.0,
        final_div_factor: float = 1e4,
        three_phase: bool = False,
        last_epoch: int = -1,
    ) -> None:
        require_optimizer("OneCycleLR", optimizer)
        require_range("OneCycleLR", 0, 1, pct_start=pct_start)
        if anneal_strategy not in WAYS:
            raise ArgumentError(
                f"[OneCycleLR] anneal_strategy must be 'cos' or 'linear', got {anneal_strategy!r}"
            )
        self.total_steps = _steps(total_steps, epochs, steps_per_epoch)
        self.anneal_strategy = anneal_strategy
        self._phases = _phases(pct_start * self.total_steps, self.total_steps, three_phase)
        rates = require_groups("OneCycleLR", "max_lr", max_lr, len(optimizer.param_groups))
        if last_epoch == -1:
            for group, rate in zip(optimizer.param_groups, rates, strict=True):
                first = rate / div_factor
                group.update(initial_lr=first, max_lr=rate, min_lr=first / final_div_factor)
        self.cycle_momentum = cycle_momentum
        if cycle_momentum:
            self._start_momentum(optimizer, base_momentum, max_momentum, last_epoch)
        super().__init__(optimizer, last_epoch)

    def get_lr(self) -> list[float]:
        """The rates; momentum is set.

        Raises:
            ValueRangeError: after more than ``total_steps`` steps.
        """
        if self.last_epoch > self.total_steps:
            raise ValueRangeError(
                f"[OneCycleLR] step {self.last_epoch} is beyond the {self.total_steps} steps of "
                "the cycle; give more total_steps"
            )
        start, phase = 0.0, self._phases[0]
        for phase in self._phases:
            if self.last_epoch <= phase.end or phase is self._phases[-1]:
                break
            start = phase.end
        share = (self.last_epoch - start) / (phase.end - start)
        between = WAYS[self.anneal_strategy]
        groups = self.optimizer.param_groups
        if self.cycle_momentum:
            for group in groups:
                ends = group[phase.start_momentum], group[phase.end_momentum]
                self._set_momentum(group, between(*ends, share))
        return [between(group[phase.start_lr], group[phase.end_lr], share) for group in groups]


def _steps(total: int | None, epochs: int | None, by_epoch: int | None) -> int:
    if total is not None:
        require_count("OneCycleLR", 1, total_steps=total)
        return total
    if epochs is None or by_epoch is None:
        raise ArgumentError("[OneCycleLR] needs total_steps, or both epochs and steps_per_epoch")
    require_count("OneCycleLR", 1, epochs=epochs, steps_per_epoch=by_epoch)
    return epochs * by_epoch


def _phases(up: float, total: int, three: bool) -> list[Phase]:
    rise = Phase(up - 1, "initial_lr", "max_lr", "max_momentum", "base_momentum")
    if not three:
        return [rise, Phase(total - 1, "max_lr", "min_lr", "base_momentum", "max_momentum")]
    fall = Phase(2 * up - 2, "max_lr", "initial_lr", "base_momentum", "max_momentum")
    return [rise, fall, Phase(total - 1, "initial_lr", "min_lr", "max_momentum", "max_momentum")]
