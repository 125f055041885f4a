"""Rates that are multiplied with something as epochs go by."""

from __future__ import annotations

from bisect import bisect_right
from collections import Counter
from collections.abc import Iterable
from typing import Any

from lazygrad.arguments import require_range, shown
from lazygrad.errors import ArgumentError, ValueRangeError
from lazygrad.optim.checks import require_groups
from lazygrad.optim.lr_scheduler.base import LRScheduler, Rule, require_count, require_optimizer
from lazygrad.optim.optimizer import Optimizer
from lazygrad.public import public


class _ByFunction(LRScheduler):
    """A function of the epoch for each group."""

    def __init__(self, optimizer: Optimizer, lr_lambda: Any, last_epoch: int = -1) -> None:
        require_optimizer(self._name, optimizer)
        groups = len(optimizer.param_groups)
        self.lr_lambdas: list[Rule] = require_groups(self._name, "lr_lambda", lr_lambda, groups)
        for rule in self.lr_lambdas:
            if not callable(rule):
                raise ArgumentError(
                    f"[{self._name}] lr_lambda must be a function, got {shown(rule)}"
                )
        super().__init__(optimizer, last_epoch)


class LambdaLR(_ByFunction):
    """``lr = initial lr * lr_lambda(epoch)``.

    Args:
        lr_lambda: a function, or a list of one for each group. ``state_dict`` keeps the attributes
            of callable objects, and nothing of plain functions.

    >>> optimizer = optim.SGD([nn.Parameter(lazygrad.zeros(1))], lr=1.0)
    >>> schedule = optim.lr_scheduler.LambdaLR(optimizer, lambda epoch: 1 / (1 + epoch))
    >>> rates = [round(schedule.get_last_lr()[0], 4)]
    >>> for _ in range(3):
    ...     optimizer.step()
    ...     schedule.step()
    ...     rates.append(round(schedule.get_last_lr()[0], 4))
    >>> rates
    [1.0, 0.5, 0.3333, 0.25]
    """

    def get_lr(self) -> list[float]:
        pairs = zip(self.base_lrs, self.lr_lambdas, strict=True)
        return [rate * rule(self.last_epoch) for rate, rule in pairs]


class MultiplicativeLR(_ByFunction):
    """``lr *= lr_lambda(epoch)``.

    Args:
        lr_lambda: a function, or a list of one for each group. ``state_dict`` keeps the attributes
            of callable objects, and nothing of plain functions.

    >>> optimizer = optim.SGD([nn.Parameter(lazygrad.zeros(1))], lr=1.0)
    >>> schedule = optim.lr_scheduler.MultiplicativeLR(optimizer, lambda epoch: 0.5)
    >>> rates = [round(schedule.get_last_lr()[0], 4)]
    >>> for _ in range(3):
    ...     optimizer.step()
    ...     schedule.step()
    ...     rates.append(round(schedule.get_last_lr()[0], 4))
    >>> rates
    [1.0, 0.5, 0.25, 0.125]
    """

    def get_lr(self) -> list[float]:
        if self._is_initial:
            return self._rates()
        pairs = zip(self._rates(), self.lr_lambdas, strict=True)
        return [rate * rule(self.last_epoch) for rate, rule in pairs]


class StepLR(LRScheduler):
    """``lr *= gamma`` every ``step_size`` epochs.

    >>> optimizer = optim.SGD([nn.Parameter(lazygrad.zeros(1))], lr=1.0)
    >>> schedule = optim.lr_scheduler.StepLR(optimizer, step_size=2, gamma=0.1)
    >>> rates = [round(schedule.get_last_lr()[0], 4)]
    >>> for _ in range(4):
    ...     optimizer.step()
    ...     schedule.step()
    ...     rates.append(round(schedule.get_last_lr()[0], 4))
    >>> rates
    [1.0, 1.0, 0.1, 0.1, 0.01]
    """

    @public
    def __init__(
        self, optimizer: Optimizer, step_size: int, gamma: float = 0.1, last_epoch: int = -1
    ) -> None:
        require_count("StepLR", 1, step_size=step_size)
        self.step_size, self.gamma = step_size, gamma
        super().__init__(optimizer, last_epoch)

    def get_lr(self) -> list[float]:
        turn = self.last_epoch > 0 and self.last_epoch % self.step_size == 0
        return self._scaled(self.gamma) if turn else self._rates()

    def closed_form(self) -> list[float]:
        return self._based(self.gamma ** (self.last_epoch // self.step_size))


class MultiStepLR(LRScheduler):
    """``lr *= gamma`` at each epoch among ``milestones``, as often as it is there.

    >>> optimizer = optim.SGD([nn.Parameter(lazygrad.zeros(1))], lr=1.0)
    >>> schedule = optim.lr_scheduler.MultiStepLR(optimizer, milestones=[1, 3])
    >>> rates = [round(schedule.get_last_lr()[0], 4)]
    >>> for _ in range(3):
    ...     optimizer.step()
    ...     schedule.step()
    ...     rates.append(round(schedule.get_last_lr()[0], 4))
    >>> rates
    [1.0, 0.1, 0.1, 0.01]
    """

    @public
    def __init__(
        self,
        optimizer: Optimizer,
        milestones: Iterable[int],
        gamma: float = 0.1,
        last_epoch: int = -1,
    ) -> None:
        self.milestones, self.gamma = Counter(milestones), gamma
        super().__init__(optimizer, last_epoch)

    def get_lr(self) -> list[float]:
        times = self.milestones.get(self.last_epoch, 0)
        return self._scaled(self.gamma**times) if times else self._rates()

    def closed_form(self) -> list[float]:
        passed = bisect_right(sorted(Counter(self.milestones).elements()), self.last_epoch)
        return self._based(self.gamma**passed)


class ConstantLR(LRScheduler):
    """``factor`` of the rate until ``total_iters`` epochs are over, then all of it.

    >>> optimizer = optim.SGD([nn.Parameter(lazygrad.zeros(1))], lr=1.0)
    >>> schedule = optim.lr_scheduler.ConstantLR(optimizer, factor=0.5, total_iters=2)
    >>> rates = [round(schedule.get_last_lr()[0], 4)]
    >>> for _ in range(3):
    ...     optimizer.step()
    ...     schedule.step()
    ...     rates.append(round(schedule.get_last_lr()[0], 4))
    >>> rates
    [0.5, 0.5, 1.0, 1.0]
    """

    @public
    def __init__(
        self,
        optimizer: Optimizer,
        factor: float = 1.0 / 3,
        total_iters: int = 5,
        last_epoch: int = -1,
    ) -> None:
        require_range("ConstantLR", 0, 1, factor=factor)
        self.factor, self.total_iters = factor, total_iters
        super().__init__(optimizer, last_epoch)

    def get_lr(self) -> list[float]:
        if self.last_epoch == 0:
            return self._scaled(self.factor)
        if self.last_epoch != self.total_iters:
            return self._rates()
        # PyTorch divides, which cannot bring a rate of 0 back
        return self._scaled(1 / self.factor) if self.factor else list(self.base_lrs)

    def closed_form(self) -> list[float]:
        return self._based(1.0 if self.last_epoch >= self.total_iters else self.factor)


class LinearLR(LRScheduler):
    """From ``start_factor`` to ``end_factor`` of the rate, linearly, in ``total_iters`` epochs.

    >>> optimizer = optim.SGD([nn.Parameter(lazygrad.zeros(1))], lr=1.0)
    >>> schedule = optim.lr_scheduler.LinearLR(optimizer, start_factor=0.5, total_iters=2)
    >>> rates = [round(schedule.get_last_lr()[0], 4)]
    >>> for _ in range(3):
    ...     optimizer.step()
    ...     schedule.step()
    ...     rates.append(round(schedule.get_last_lr()[0], 4))
    >>> rates
    [0.5, 0.75, 1.0, 1.0]
    """

    @public
    def __init__(
        self,
        optimizer: Optimizer,
        start_factor: float = 1.0 / 3,
        end_factor: float = 1.0,
        total_iters: int = 5,
        last_epoch: int = -1,
    ) -> None:
        require_range("LinearLR", 0, 1, start_factor=start_factor, end_factor=end_factor)
        if not start_factor:
            raise ValueRangeError("[LinearLR] start_factor must be above 0, got 0: later rates are "
                                  "products with it; use LambdaLR")  # fmt: skip
        self.start_factor, self.end_factor = start_factor, end_factor
        self.total_iters = total_iters
        super().__init__(optimizer, last_epoch)

    def get_lr(self) -> list[float]:
        if self.last_epoch == 0:
            return self._scaled(self.start_factor)
        if self._is_initial or self.last_epoch > self.total_iters:
            return self._rates()
        rise = self.end_factor - self.start_factor
        before = self.total_iters * self.start_factor + (self.last_epoch - 1) * rise
        return self._scaled(1.0 + rise / before)

    def closed_form(self) -> list[float]:
        share = min(self.total_iters, self.last_epoch) / self.total_iters
        return self._based(self.start_factor + (self.end_factor - self.start_factor) * share)


class ExponentialLR(LRScheduler):
    """``lr *= gamma`` every epoch.

    >>> optimizer = optim.SGD([nn.Parameter(lazygrad.zeros(1))], lr=1.0)
    >>> schedule = optim.lr_scheduler.ExponentialLR(optimizer, gamma=0.5)
    >>> rates = [round(schedule.get_last_lr()[0], 4)]
    >>> for _ in range(3):
    ...     optimizer.step()
    ...     schedule.step()
    ...     rates.append(round(schedule.get_last_lr()[0], 4))
    >>> rates
    [1.0, 0.5, 0.25, 0.125]
    """

    @public
    def __init__(self, optimizer: Optimizer, gamma: float, last_epoch: int = -1) -> None:
        self.gamma = gamma
        super().__init__(optimizer, last_epoch)

    def get_lr(self) -> list[float]:
        return self._rates() if self._is_initial else self._scaled(self.gamma)

    def closed_form(self) -> list[float]:
        return self._based(self.gamma**self.last_epoch)


class PolynomialLR(LRScheduler):
    """``lr = initial lr * (1 - epoch / total_iters) ** power``, 0 from then on.

    >>> optimizer = optim.SGD([nn.Parameter(lazygrad.zeros(1))], lr=1.0)
    >>> schedule = optim.lr_scheduler.PolynomialLR(optimizer, total_iters=4, power=1.0)
    >>> rates = [round(schedule.get_last_lr()[0], 4)]
    >>> for _ in range(4):
    ...     optimizer.step()
    ...     schedule.step()
    ...     rates.append(round(schedule.get_last_lr()[0], 4))
    >>> rates
    [1.0, 0.75, 0.5, 0.25, 0.0]
    """

    @public
    def __init__(
        self,
        optimizer: Optimizer,
        total_iters: int = 5,
        power: float = 1.0,
        last_epoch: int = -1,
    ) -> None:
        require_count("PolynomialLR", 1, total_iters=total_iters)
        self.total_iters, self.power = total_iters, power
        super().__init__(optimizer, last_epoch)

    def get_lr(self) -> list[float]:
        if self._is_initial or self.last_epoch > self.total_iters:
            return self._rates()
        now = 1.0 - self.last_epoch / self.total_iters
        before = 1.0 - (self.last_epoch - 1) / self.total_iters
        return self._scaled((now / before) ** self.power)

    def closed_form(self) -> list[float]:
        left = 1.0 - min(self.total_iters, self.last_epoch) / self.total_iters
        return self._based(left**self.power)
