"""Momentum that goes down while the rate goes up: of SGD and its kind, or Adam's first beta."""

from __future__ import annotations

from typing import Any

from lazygrad.errors import ArgumentError
from lazygrad.optim.checks import require_groups
from lazygrad.optim.lr_scheduler.base import LRScheduler
from lazygrad.optim.optimizer import Optimizer


class CyclesMomentum(LRScheduler):
    """A scheduler that may set momentum too."""

    cycle_momentum: bool
    use_beta1: bool

    def _start_momentum(self, optimizer: Optimizer, base: Any, most: Any, last_epoch: int) -> None:
        """Find what to set; at the start, set it to ``most``.

        Raises:
            ArgumentError: for an optimizer without momentum.
        """
        options = optimizer.param_groups[0]
        self.use_beta1 = "betas" in options
        if not self.use_beta1 and "momentum" not in options:
            raise ArgumentError(
                f"[{self._name}] {type(optimizer).__name__} has no momentum and no betas; pass "
                "cycle_momentum=False"
            )
        count = len(optimizer.param_groups)
        lows = require_groups(self._name, "base_momentum", base, count)
        highs = require_groups(self._name, "max_momentum", most, count)
        for group, low, high in zip(optimizer.param_groups, lows, highs, strict=True):
            if last_epoch == -1:
                group.update(max_momentum=high, base_momentum=low)
                self._set_momentum(group, high)
            group.live("betas" if self.use_beta1 else "momentum")

    def _set_momentum(self, group: Any, value: float) -> None:
        if self.use_beta1:
            group["betas"] = (value, *group["betas"][1:])
        else:
            group["momentum"] = value
