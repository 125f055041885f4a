"""Averages of weights over training: torch.optim.swa_utils (Izmailov et al., 2018)."""

from __future__ import annotations

import copy
import math
from collections.abc import Callable, Iterable, Iterator
from typing import Any

import numpy as np

from lazygrad import modes
from lazygrad.arguments import require_range
from lazygrad.errors import ArgumentError
from lazygrad.nn import Module
from lazygrad.optim.checks import require_groups
from lazygrad.optim.lr_scheduler.base import LRScheduler, require_count, require_optimizer
from lazygrad.optim.optimizer import Optimizer
from lazygrad.public import public
from lazygrad.tensor_class import Tensor

__all__ = [
    "SWALR", "AveragedModel", "get_ema_avg_fn", "get_ema_multi_avg_fn", "get_swa_avg_fn",
    "get_swa_multi_avg_fn", "update_bn",
]  # fmt: skip

Average = Callable[[Tensor, Tensor, Any], Tensor]
Averages = Callable[[list[Tensor], list[Tensor], Any], Any]


@public
def get_ema_avg_fn(decay: float = 0.999) -> Average:
    """For ``AveragedModel``: an exponential moving average, of which ``decay`` stays.

    >>> average = optim.swa_utils.get_ema_avg_fn(decay=0.75)
    >>> average(Tensor(4.0), Tensor(8.0), 1).item()
    5.0
    """
    require_range("get_ema_avg_fn", 0, 1, decay=decay)
    return lambda average, current, count: average * decay + current * (1 - decay)


def get_swa_avg_fn() -> Average:
    """For ``AveragedModel``: the mean of all.

    >>> average = optim.swa_utils.get_swa_avg_fn()
    >>> average(Tensor(2.0), Tensor(8.0), 2).item()
    4.0
    """
    return lambda average, current, count: average + (current - average) / (count + 1)


@public
def get_ema_multi_avg_fn(decay: float = 0.999) -> Averages:
    """As ``get_ema_avg_fn``, for a list of Tensors, which it writes to.

    >>> held = [Tensor(4.0)]
    >>> optim.swa_utils.get_ema_multi_avg_fn(decay=0.75)(held, [Tensor(8.0)], 1)
    >>> held[0].item()
    5.0
    """
    return _for_all(get_ema_avg_fn(decay))


def get_swa_multi_avg_fn() -> Averages:
    """As ``get_swa_avg_fn``, for a list of Tensors, which it writes to.

    >>> held = [Tensor(2.0)]
    >>> optim.swa_utils.get_swa_multi_avg_fn()(held, [Tensor(8.0)], 2)
    >>> held[0].item()
    4.0
    """
    return _for_all(get_swa_avg_fn())


def _for_all(average: Average) -> Averages:
    @modes.no_grad()
    def update(averaged: list[Tensor], current: list[Tensor], count: Any) -> None:
        for held, now in zip(averaged, current, strict=True):
            held.assign(average(held, now, count).cast(held.dtype))

    return update


class AveragedModel(Module):
    """A copy of ``model`` whose parameters are averages over the calls of ``update_parameters``.
    It has no branch that depends on values: an update is one plan, and may be jitted.

    Args:
        device: where the copy is; default: where ``model`` is.
        avg_fn: the new average of an old one, a parameter and the number of averaged models (a
            Tensor); default: the mean of all.
        multi_avg_fn: the same for lists of Tensors, of which it writes to the first.
        use_buffers: average buffers too; otherwise they are those of the latest model.

    >>> model = nn.Linear(1, 1, bias=False)
    >>> averaged = optim.swa_utils.AveragedModel(model)
    >>> for value in (1.0, 2.0, 6.0):
    ...     _ = nn.init.constant_(model.weight, value)
    ...     averaged.update_parameters(model)
    >>> averaged.module.weight.item()
    3.0
    """

    n_averaged: Tensor

    @public
    def __init__(
        self,
        model: Module,
        device: str | None = None,
        avg_fn: Average | None = None,
        multi_avg_fn: Averages | None = None,
        use_buffers: bool = False,
    ) -> None:
        super().__init__()
        if avg_fn is not None and multi_avg_fn is not None:
            raise ArgumentError("[AveragedModel] give one of avg_fn and multi_avg_fn, not both")
        self.module = copy.deepcopy(model)
        if device is not None:
            self.module = self.module.to(device)
        tensors = [*self.module.parameters(), *self.module.buffers()]
        where = device or next((t.device for t in tensors), None)
        self.register_buffer("n_averaged", Tensor(np.zeros((), np.int64), device=where))
        self.avg_fn, self.multi_avg_fn = avg_fn or get_swa_avg_fn(), multi_avg_fn
        self.use_buffers = use_buffers
        Tensor.realize(*tensors, *model.parameters(), *model.buffers())  # as optimizers do

    def forward(self, *args: Any, **kwargs: Any) -> Any:
        return self.module(*args, **kwargs)

    @public
    def update_parameters(self, model: Module) -> None:
        """Take the parameters of ``model`` into the average; the first ones are the average."""
        averaged, current = self._averaged(self.module), self._averaged(model)
        rest: list[tuple[Tensor, Tensor]] = []
        if not self.use_buffers:
            rest = list(zip(self.module.buffers(), model.buffers(), strict=True))
        with modes.no_grad():
            given = [now.detach().to(held.device) for held, now in
                     zip(averaged, current, strict=True)]  # fmt: skip
            first = self.n_averaged == 0
            if self.multi_avg_fn is not None:
                self.multi_avg_fn(averaged, given, self.n_averaged)
            for held, now in zip(averaged, given, strict=True):
                after = held if self.multi_avg_fn else self.avg_fn(held, now, self.n_averaged)
                held.assign(now.cast(held.dtype).where(first, after.cast(held.dtype)))
            for held, now in rest:
                held.assign(now.to(held.device))
            self.n_averaged.assign(self.n_averaged + 1)
        Tensor.realize(self.n_averaged, *averaged, *(held for held, _ in rest))

    def _averaged(self, model: Module) -> list[Tensor]:
        buffers: Iterator[Tensor] = model.buffers() if self.use_buffers else iter(())
        return [*model.parameters(), *buffers]


@public
def update_bn(loader: Iterable[Any], model: Module, device: str | None = None) -> None:
    """Compute the running statistics of batch norms anew, as means over all batches of ``loader``;
    of batches that are tuples or lists, the first item is the input.

    >>> model = nn.Sequential(nn.BatchNorm1d(1))
    >>> optim.swa_utils.update_bn([Tensor([[1.0], [3.0]]), Tensor([[5.0], [7.0]])], model)
    >>> model[0].running_mean.tolist()
    [4.0]
    """
    norms: list[Any] = [module for module in model.modules() if _is_batch_norm(module)]
    if not norms:
        return
    momenta = [norm.momentum for norm in norms]
    was_training = model.training
    model.train()
    try:
        for norm in norms:
            norm.reset_running_stats()
            norm.momentum = None
        with modes.no_grad():
            for batch in loader:
                given = batch[0] if isinstance(batch, list | tuple) else batch
                model(given if device is None else given.to(device))
                moved = [buffer for norm in norms for buffer in norm.buffers()]
                Tensor.realize(*moved)
    finally:
        for norm, momentum in zip(norms, momenta, strict=True):
            norm.momentum = momentum
        model.train(was_training)


def _is_batch_norm(module: Any) -> bool:
    named = any("BatchNorm" in kind.__name__ for kind in type(module).__mro__)
    return named and getattr(module, "running_mean", None) is not None


def _cosine(share: float) -> float:
    return (1 - math.cos(math.pi * share)) / 2


WAYS: dict[str, Callable[[float], float]] = {"cos": _cosine, "linear": lambda share: share}


class SWALR(LRScheduler):
    """From the present rate to ``swa_lr`` in ``anneal_epochs`` epochs, where it stays.

    Args:
        swa_lr: a number, or a list of one for each group.
        anneal_strategy: ``"cos"`` or ``"linear"``.

    >>> optimizer = optim.SGD([nn.Parameter(lazygrad.zeros(1))], lr=1.0)
    >>> schedule = optim.swa_utils.SWALR(optimizer, 0.1, anneal_epochs=2, anneal_strategy="linear")
    >>> for _ in range(2):
    ...     optimizer.step()
    ...     schedule.step()
    >>> round(schedule.get_last_lr()[0], 4)
    0.1
    """

    @public
    def __init__(
        self,
        optimizer: Optimizer,
        swa_lr: Any,
        anneal_epochs: int = 10,
        anneal_strategy: str = "cos",
        last_epoch: int = -1,
    ) -> None:
        require_optimizer("SWALR", optimizer)
        require_count("SWALR", 0, anneal_epochs=anneal_epochs)
        if anneal_strategy not in WAYS:
            raise ArgumentError(
                f"[SWALR] anneal_strategy must be 'cos' or 'linear', got {anneal_strategy!r}"
            )
        rates = require_groups("SWALR", "swa_lr", swa_lr, len(optimizer.param_groups))
        for group, rate in zip(optimizer.param_groups, rates, strict=True):
            group["swa_lr"] = rate
        self.anneal_epochs, self._anneal_strategy = anneal_epochs, anneal_strategy
        super().__init__(optimizer, last_epoch)

    def get_lr(self) -> list[float]:
        step = self._step_count - 1
        step = max(1, step) if self.anneal_epochs == 0 else step
        before, now = self._share(step - 1), self._share(step)
        pairs = zip(self._rates(), self.optimizer.param_groups, strict=True)
        return [
            group["swa_lr"] * now + _undone(rate, group["swa_lr"], before) * (1 - now)
            for rate, group in pairs
        ]

    def _share(self, step: int) -> float:
        """How much of the way to ``swa_lr`` has been gone."""
        return WAYS[self._anneal_strategy](max(0, min(1, step / max(1, self.anneal_epochs))))


def _undone(rate: float, end: float, share: float) -> float:
    """The rate from which ``rate`` is ``share`` of the way to ``end``."""
    return end if share == 1 else (rate - share * end) / (1 - share)
