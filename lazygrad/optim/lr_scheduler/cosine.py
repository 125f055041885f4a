"""Rates that fall along half a cosine."""

from __future__ import annotations

import math

from lazygrad.errors import ValueRangeError
from lazygrad.optim.lr_scheduler.base import LRScheduler, require_count
from lazygrad.optim.optimizer import Optimizer
from lazygrad.public import public


class CosineAnnealingLR(LRScheduler):
    """``lr = eta_min + (initial lr - eta_min) * (1 + cos(pi * epoch / T_max)) / 2`` (Loshchilov
    and Hutter, 2017), computed from the latest rate, as in PyTorch, so that others can change it
    too. After ``T_max`` epochs it rises again.

    >>> optimizer = optim.SGD([nn.Parameter(lazygrad.zeros(1))], lr=1.0)
    >>> schedule = optim.lr_scheduler.CosineAnnealingLR(optimizer, T_max=4)
    >>> rates = [round(schedule.get_last_lr()[0], 4)]
    >>> for _ in range(4):
    ...     optimizer.step()
    ...     schedule.step()
    ...     rates.append(round(schedule.get_last_lr()[0], 4))
    >>> rates
    [1.0, 0.8536, 0.5, 0.1464, 0.0]
    """

    @public
    def __init__(
        self, optimizer: Optimizer, T_max: int, eta_min: float = 0.0, last_epoch: int = -1
    ) -> None:
        require_count("CosineAnnealingLR", 1, T_max=T_max)
        self.T_max, self.eta_min = T_max, eta_min
        super().__init__(optimizer, last_epoch)

    def get_lr(self) -> list[float]:
        if self._is_initial:
            return self._rates()
        if self._step_count == 1 and self.last_epoch > 0:
            return self.closed_form()
        if (self.last_epoch - 1 - self.T_max) % (2 * self.T_max) == 0:  # at the bottom: no ratio
            rise = (1 - math.cos(math.pi / self.T_max)) / 2
            pairs = zip(self._rates(), self.base_lrs, strict=True)
            return [rate + (base - self.eta_min) * rise for rate, base in pairs]
        ratio = self._height(self.last_epoch) / self._height(self.last_epoch - 1)
        return [ratio * (rate - self.eta_min) + self.eta_min for rate in self._rates()]

    def closed_form(self) -> list[float]:
        height = self._height(self.last_epoch)
        return [self.eta_min + (rate - self.eta_min) * height / 2 for rate in self.base_lrs]

    def _height(self, epoch: int) -> float:
        return 1 + math.cos(math.pi * epoch / self.T_max)


class CosineAnnealingWarmRestarts(LRScheduler):
    """As ``CosineAnnealingLR``, back at the top after ``T_0`` epochs, then after ``T_0 * T_mult``,
    and so on (SGDR, Loshchilov and Hutter, 2017). ``step(epoch)`` takes fractions of epochs.

    >>> optimizer = optim.SGD([nn.Parameter(lazygrad.zeros(1))], lr=1.0)
    >>> schedule = optim.lr_scheduler.CosineAnnealingWarmRestarts(optimizer, T_0=2)
    >>> rates = [round(schedule.get_last_lr()[0], 4)]
    >>> for _ in range(4):
    ...     optimizer.step()
    ...     schedule.step()
    ...     rates.append(round(schedule.get_last_lr()[0], 4))
    >>> rates
    [1.0, 0.5, 1.0, 0.5, 1.0]
    """

    @public
    def __init__(
        self,
        optimizer: Optimizer,
        T_0: int,
        T_mult: int = 1,
        eta_min: float = 0.0,
        last_epoch: int = -1,
    ) -> None:
        require_count("CosineAnnealingWarmRestarts", 1, T_0=T_0, T_mult=T_mult)
        self.T_0, self.T_mult, self.eta_min = T_0, T_mult, eta_min
        self.T_i, self.T_cur = T_0, float(last_epoch)
        super().__init__(optimizer, last_epoch)

    def get_lr(self) -> list[float]:
        height = 1 + math.cos(math.pi * self.T_cur / self.T_i)
        return [self.eta_min + (rate - self.eta_min) * height / 2 for rate in self.base_lrs]

    def step(self, epoch: float | None = None) -> None:
        """Set the rates for the next step, or for ``epoch``, which need not be whole."""
        self._require_no_trace()
        if epoch is None and self.last_epoch < 0:
            epoch = 0
        if epoch is None:
            epoch = self.last_epoch + 1
            self.T_cur += 1
            if self.T_cur >= self.T_i:
                self.T_cur, self.T_i = self.T_cur % self.T_i, self.T_i * self.T_mult
        elif epoch < 0:
            raise ValueRangeError(f"[{self._name}] epoch must be at least 0, got {epoch}")
        else:
            self._go_to(epoch)
        self.last_epoch = math.floor(epoch)
        self._set_rates(self.get_lr())

    def _go_to(self, epoch: float) -> None:
        """Which turn ``epoch`` is in, and where in it."""
        if self.T_mult == 1:
            self.T_i, self.T_cur = self.T_0, epoch % self.T_0
            return
        turns = int(math.log(epoch / self.T_0 * (self.T_mult - 1) + 1, self.T_mult))
        self.T_cur = epoch - self.T_0 * (self.T_mult**turns - 1) / (self.T_mult - 1)
        self.T_i = self.T_0 * self.T_mult**turns
