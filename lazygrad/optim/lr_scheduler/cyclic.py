"""Rates that go up and down again and again."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

from lazygrad.errors import ArgumentError
from lazygrad.optim.checks import require_groups
from lazygrad.optim.lr_scheduler.base import require_count, require_optimizer
from lazygrad.optim.lr_scheduler.momentum import CyclesMomentum
from lazygrad.optim.optimizer import Optimizer
from lazygrad.public import public

# By mode: the scale of a cycle, and what it depends on: the cycle or the iterations.
MODES: dict[str, tuple[Callable[[float, float], float], str]] = {
    "triangular": (lambda x, gamma: 1.0, "cycle"),
    "triangular2": (lambda x, gamma: 1 / 2.0 ** (x - 1), "cycle"),
    "exp_range": (lambda x, gamma: gamma**x, "iterations"),
}


class CyclicLR(CyclesMomentum):
    """From ``base_lr`` up to ``max_lr`` and back, batch by batch (Smith, 2017), while momentum goes
    from ``max_momentum`` down to ``base_momentum`` and back.

    Args:
        base_lr, max_lr: a number, or a list of one for each group.
        step_size_up, step_size_down: batches on the way up and down (None: as up).
        mode: ``"triangular"``; ``"triangular2"``, where each cycle is half as high;
            ``"exp_range"``, where the height shrinks as ``gamma ** iterations``.
        scale_fn: the height instead, by the number of the cycle (from 1) or of iterations, as
            ``scale_mode`` says ("cycle" or "iterations").
        cycle_momentum: whether momentum (or the first beta) moves too. Steps that are jitted
            after the scheduler was made see it.

    >>> optimizer = optim.SGD([nn.Parameter(lazygrad.zeros(1))], lr=1.0)
    >>> schedule = optim.lr_scheduler.CyclicLR(
    ...     optimizer, base_lr=0.1, max_lr=0.5, step_size_up=2, cycle_momentum=False
    ... )
    >>> rates = [round(schedule.get_last_lr()[0], 4)]
    >>> for _ in range(4):
    ...     optimizer.step()
    ...     schedule.step()
    ...     rates.append(round(schedule.get_last_lr()[0], 4))
    >>> rates
    [0.1, 0.3, 0.5, 0.3, 0.1]
    """

    @public
    def __init__(
        self,
        optimizer: Optimizer,
        base_lr: Any,
        max_lr: Any,
        step_size_up: int = 2000,
        step_size_down: int | None = None,
        mode: str = "triangular",
        gamma: float = 1.0,
        scale_fn: Callable[[float], float] | None = None,
        scale_mode: str = "cycle",
        cycle_momentum: bool = True,
        base_momentum: Any = 0.8,
        max_momentum: Any = 0.9,
        last_epoch: int = -1,
    ) -> None:
        require_optimizer("CyclicLR", optimizer)
        require_count("CyclicLR", 1, step_size_up=step_size_up)
        if scale_fn is None and mode not in MODES:
            raise ArgumentError(
                f"[CyclicLR] mode must be one of {', '.join(MODES)}, or give a scale_fn; got "
                f"{mode!r}"
            )
        down = step_size_up if step_size_down is None else step_size_down
        self.total_size = float(step_size_up + down)
        self.step_ratio = step_size_up / self.total_size
        self.mode, self.gamma, self._scale_fn_custom = mode, gamma, scale_fn
        self.scale_mode = scale_mode if scale_fn is not None else MODES[mode][1]
        count = len(optimizer.param_groups)
        bases = require_groups("CyclicLR", "base_lr", base_lr, count)
        self.max_lrs = require_groups("CyclicLR", "max_lr", max_lr, count)
        if last_epoch == -1:
            for group, rate in zip(optimizer.param_groups, bases, strict=True):
                group.set_number("lr", rate)
        self.cycle_momentum = cycle_momentum
        if cycle_momentum:
            self.base_momentums = require_groups("CyclicLR", "base_momentum", base_momentum, count)
            self.max_momentums = require_groups("CyclicLR", "max_momentum", max_momentum, count)
            self._start_momentum(optimizer, base_momentum, max_momentum, last_epoch)
        super().__init__(optimizer, last_epoch)
        self.base_lrs = bases

    def scale_fn(self, x: float) -> float:
        """How high a cycle is, of the full height."""
        if self._scale_fn_custom is not None:
            return self._scale_fn_custom(x)
        return MODES[self.mode][0](x, self.gamma)

    def get_lr(self) -> list[float]:
        cycle = math.floor(1 + self.last_epoch / self.total_size)
        x = 1.0 + self.last_epoch / self.total_size - cycle
        up = x <= self.step_ratio
        height = x / self.step_ratio if up else (x - 1) / (self.step_ratio - 1)
        height *= self.scale_fn(cycle if self.scale_mode == "cycle" else self.last_epoch)
        if self.cycle_momentum:
            rows = zip(self.optimizer.param_groups, self.base_momentums, self.max_momentums,
                       strict=True)  # fmt: skip
            for group, low, high in rows:
                self._set_momentum(group, high - (high - low) * height)
        pairs = zip(self.base_lrs, self.max_lrs, strict=True)
        return [low + (high - low) * height for low, high in pairs]
