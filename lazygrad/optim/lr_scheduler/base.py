"""What all schedulers share: counting epochs, setting rates, and their state."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from types import FunctionType
from typing import Any

from lazygrad.arguments import require_range, shown
from lazygrad.errors import ArgumentError, CheckpointError, JitError, ValueRangeError
from lazygrad.modes import ambient
from lazygrad.optim.optimizer import Optimizer
from lazygrad.public import public

ENTRIES = ("last_epoch", "_step_count")  # without one of them it is no scheduler's state


class LRScheduler:
    """Sets the rates of an optimizer's parameter groups, one for each ``step``.

    A scheduler of one's own defines ``get_lr``, and may override ``step``, as in PyTorch.

    Args:
        optimizer: whose rates are set, at once for the first step.
        last_epoch: the latest step of an earlier run, whose groups say ``"initial_lr"``; -1 starts.

    Attributes:
        base_lrs: the rate with which each group started.
        last_epoch: how many steps have been taken.

    >>> class Halved(optim.lr_scheduler.LRScheduler):
    ...     def get_lr(self):
    ...         return [rate / 2**self.last_epoch for rate in self.base_lrs]
    >>> optimizer = optim.SGD([nn.Parameter(lazygrad.zeros(1))], lr=1.0)
    >>> schedule = Halved(optimizer)
    >>> optimizer.step()
    >>> schedule.step()
    >>> schedule.get_last_lr()
    [0.5]
    """

    optimizer: Optimizer
    _is_initial = False

    def __init__(self, optimizer: Optimizer, last_epoch: int = -1) -> None:
        require_optimizer(self._name, optimizer)
        self.optimizer = optimizer
        for index, group in enumerate(optimizer.param_groups):
            if last_epoch == -1:
                group.setdefault("initial_lr", float(group["lr"]))
            elif "initial_lr" not in group:
                raise ValueRangeError(
                    f"[{self._name}] last_epoch={last_epoch} goes on with an earlier run, but "
                    f"param_groups[{index}] has no 'initial_lr'; load the optimizer's state first, "
                    "or leave last_epoch out"
                )
        self.base_lrs = [float(group["initial_lr"]) for group in optimizer.param_groups]
        self.last_epoch = last_epoch
        self._initial_step()

    @property
    def _name(self) -> str:
        return type(self).__name__

    def _initial_step(self) -> None:
        self._step_count = 0
        with self._initially():
            self.step()

    @contextmanager
    def _initially(self) -> Iterator[None]:
        self._is_initial = True
        try:
            yield
        finally:
            self._is_initial = False

    # -- what a scheduler defines -----------------------------------------------------------------

    def get_lr(self) -> list[float]:
        """The rate of each group at ``last_epoch``, from its latest one or from ``base_lrs``."""
        raise NotImplementedError(f"[{self._name}] does not define get_lr()")

    def closed_form(self) -> list[float]:
        """The same from ``last_epoch`` alone, for ``step(epoch)``."""
        return self.get_lr()

    # -- steps ------------------------------------------------------------------------------------

    def step(self, epoch: int | None = None) -> None:
        """Set the rates for the next step, after ``optimizer.step()``.

        Args:
            epoch: go to this one instead; PyTorch discourages it.

        Raises:
            JitError: inside a jitted function, where it would run once.
        """
        self._require_no_trace()
        if self._step_count == 1 and not self.optimizer.has_stepped:
            warnings.warn(
                f"[{self._name}] step() is called before optimizer.step(), so that the first rate "
                "is skipped; call optimizer.step() first",
                UserWarning,
                stacklevel=2,
            )
        self._step_count += 1
        self._update_lr(epoch)

    def _require_no_trace(self) -> None:
        if not ambient.has_values:
            raise JitError(
                f"[{self._name}] step() inside a jitted function would run once, while it is "
                "traced; call it outside: the jitted step sees the new rate"
            )

    def _update_lr(self, epoch: int | None = None) -> None:
        self.last_epoch = self.last_epoch + 1 if epoch is None else epoch
        self._set_rates(self.get_lr() if epoch is None else self.closed_form())

    def _set_rates(self, rates: Sequence[float]) -> None:
        for group, rate in zip(self.optimizer.param_groups, rates, strict=True):
            group.set_number("lr", rate)
        self._last_lr = self._rates()

    def _rates(self) -> list[float]:
        """The rate of each group now."""
        return [float(group["lr"]) for group in self.optimizer.param_groups]

    def _scaled(self, factor: float) -> list[float]:
        return [rate * factor for rate in self._rates()]

    def _based(self, factor: float) -> list[float]:
        return [rate * factor for rate in self.base_lrs]

    def get_last_lr(self) -> list[float]:
        """The latest rate of each group."""
        return self._last_lr

    # -- state ------------------------------------------------------------------------------------

    def state_dict(self) -> dict[str, Any]:
        """All but the optimizer; of functions, if they are objects with attributes, those."""
        held = {key: value for key, value in vars(self).items() if key != "optimizer"}
        return {key: _saved(value) for key, value in held.items()}

    @public
    def load_state_dict(self, state_dict: Mapping[str, Any]) -> None:
        """Take over what ``state_dict()`` gave. The rates themselves are part of the optimizer's
        state.

        Raises:
            CheckpointError: for what is no state of such a scheduler.
        """
        missing = [name for name in ENTRIES if name in vars(self) and name not in state_dict]
        if missing:
            raise CheckpointError(
                f"[load_state_dict] the state does not fit this {self._name}: it has no "
                f"{' and no '.join(missing)}"
            )
        for key, value in state_dict.items():
            setattr(self, key, _loaded(getattr(self, key, None), value))


def _saved(value: Any) -> Any:
    """What a state holds of a value: of functions nothing, of other callables their attributes."""
    if isinstance(value, list):
        return [_saved(item) for item in value]
    if isinstance(value, LRScheduler):
        return value.state_dict()
    if callable(value):
        return None if isinstance(value, FunctionType) else dict(getattr(value, "__dict__", {}))
    return value


def _loaded(own: Any, value: Any) -> Any:
    """The value of an attribute that was ``own``, after ``_saved`` gave ``value``."""
    if isinstance(own, list) and isinstance(value, list) and len(own) == len(value):
        return [_loaded(*pair) for pair in zip(own, value, strict=True)]
    if isinstance(own, LRScheduler):
        own.load_state_dict(value)
        return own
    if callable(own):
        vars(own).update(value or {})
        return own
    return value


def require_optimizer(op: str, optimizer: Any) -> None:
    """The optimizer, in constructors that need it before ``LRScheduler``'s looks at it."""
    if not isinstance(optimizer, Optimizer):
        raise ArgumentError(f"[{op}] optimizer must be an Optimizer, got {shown(optimizer)}")


def require_count(op: str, least: int, **values: Any) -> None:
    """Integers of at least ``least``, by the names of their arguments."""
    for name, value in values.items():
        if isinstance(value, bool) or not isinstance(value, int):
            raise ArgumentError(f"[{op}] {name} must be an integer, got {shown(value)}")
        require_range(op, least, **{name: value})


Rule = Callable[[int], float]
