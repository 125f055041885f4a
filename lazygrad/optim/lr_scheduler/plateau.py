"""A rate that is reduced when nothing gets better."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from lazygrad.errors import ArgumentError, ValueRangeError
from lazygrad.optim.checks import require_groups
from lazygrad.optim.lr_scheduler.base import LRScheduler, require_count, require_optimizer
from lazygrad.optim.optimizer import Optimizer
from lazygrad.public import public


class ReduceLROnPlateau(LRScheduler):
    """``lr *= factor`` when a measure has not got better for more than ``patience`` epochs:
    ``scheduler.step(validation_loss)``.

    Args:
        mode: ``"min"`` if less is better, ``"max"`` if more is.
        threshold, threshold_mode: what counts as better than the best: by that share of it
            (``"rel"``), or by that much (``"abs"``).
        cooldown: epochs after a reduction in which nothing is counted.
        min_lr: a number, or a list of one for each group.
        eps: smaller changes are not made.

    >>> optimizer = optim.SGD([nn.Parameter(lazygrad.zeros(1))], lr=1.0)
    >>> schedule = optim.lr_scheduler.ReduceLROnPlateau(optimizer, factor=0.5, patience=1)
    >>> for loss in (3.0, 2.0, 2.0, 2.0):
    ...     schedule.step(loss)
    >>> schedule.get_last_lr()
    [0.5]
    """

    @public
    def __init__(
        self,
        optimizer: Optimizer,
        mode: str = "min",
        factor: float = 0.1,
        patience: int = 10,
        threshold: float = 1e-4,
        threshold_mode: str = "rel",
        cooldown: int = 0,
        min_lr: Any = 0,
        eps: float = 1e-8,
    ) -> None:
        require_optimizer("ReduceLROnPlateau", optimizer)
        require_count("ReduceLROnPlateau", 0, patience=patience, cooldown=cooldown)
        if factor >= 1:
            raise ValueRangeError(f"[ReduceLROnPlateau] factor must be below 1, got {factor}")
        for name, value, known in (
            ("mode", mode, ("min", "max")),
            ("threshold_mode", threshold_mode, ("rel", "abs")),
        ):
            if value not in known:
                raise ArgumentError(
                    f"[ReduceLROnPlateau] {name} must be one of {known}, got {value!r}"
                )
        self.optimizer = optimizer
        self.mode, self.threshold, self.threshold_mode = mode, threshold, threshold_mode
        self.factor, self.patience, self.cooldown, self.eps = factor, patience, cooldown, eps
        self.default_min_lr = None if isinstance(min_lr, list | tuple) else min_lr
        count = len(optimizer.param_groups)
        self.min_lrs = require_groups("ReduceLROnPlateau", "min_lr", min_lr, count)
        self.last_epoch = 0
        self.best = math.inf if mode == "min" else -math.inf
        self.cooldown_counter = self.num_bad_epochs = 0
        self._last_lr = self._rates()

    def get_lr(self) -> list[float]:
        return self._rates()

    def step(self, metrics: Any, epoch: int | None = None) -> None:  # type: ignore[override]
        """Look at a measure (a number or a Tensor of one element), once an epoch."""
        self._require_no_trace()
        current = float(metrics)
        self.last_epoch = self.last_epoch + 1 if epoch is None else epoch
        self.num_bad_epochs += 1
        if self.is_better(current, self.best):
            self.best, self.num_bad_epochs = current, 0
        if self.in_cooldown:
            self.cooldown_counter -= 1
            self.num_bad_epochs = 0
        if self.num_bad_epochs > self.patience:
            self._reduce()
            self.cooldown_counter, self.num_bad_epochs = self.cooldown, 0
        self._last_lr = self._rates()

    @property
    def in_cooldown(self) -> bool:
        """Whether epochs are not counted now."""
        return self.cooldown_counter > 0

    def is_better(self, a: float, best: float) -> bool:
        """Whether ``a`` is better than ``best`` by more than the threshold."""
        sign = -1 if self.mode == "min" else 1
        if self.threshold_mode == "rel":
            least = best * (1 + sign * self.threshold)
        else:
            least = best + sign * self.threshold
        return a < least if self.mode == "min" else a > least

    def _reduce(self) -> None:
        groups = self.optimizer.param_groups
        least = self.min_lrs if self.default_min_lr is None else self.default_min_lr
        self.min_lrs = require_groups(self._name, "min_lr", least, len(groups))
        for group, low in zip(groups, self.min_lrs, strict=True):
            before = float(group["lr"])
            after = max(before * self.factor, low)
            if before - after > self.eps:
                group.set_number("lr", after)

    @public
    def load_state_dict(self, state_dict: Mapping[str, Any]) -> None:
        """Take over what ``state_dict()`` gave, or PyTorch's."""
        super().load_state_dict({k: v for k, v in state_dict.items() if k != "mode_worse"})
