"""GradScaler: losses scaled up, so that gradients in float16 are not rounded to 0."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from lazygrad import modes
from lazygrad.aliases import snapshot
from lazygrad.arguments import require_range, shown
from lazygrad.errors import ArgumentError, CheckpointError, GradError, ValueRangeError
from lazygrad.modes import ambient
from lazygrad.public import public
from lazygrad.runtime import registry
from lazygrad.tensor_class import Tensor

FACTORS = ("scale", "growth_factor", "backoff_factor", "growth_interval", "_growth_tracker")


@dataclass
class Seen:
    """What was done for an optimizer since the latest ``update``.

    Attributes:
        found: whether a gradient is not finite, shape ().
        has_stepped: whether its step was taken.
    """

    found: Tensor
    has_stepped: bool = False


class GradScaler:
    """Multiplies losses with a factor that grows as long as gradients are finite, and shrinks when
    they are not: such a step is left out.

    Outside of ``jit``, ``step`` reads whether gradients are finite, as PyTorch does. Inside,
    nothing is read: the step's results are chosen or left out where they are computed.

    Args:
        device: accepted as PyTorch's; the factor is on the default device.
        init_scale: the factor to start with.
        growth_factor, backoff_factor: what it is multiplied with, after ``growth_interval`` steps
            with finite gradients and after one without.
        enabled: with False losses stay as they are and steps are the optimizer's.

    >>> w = nn.Parameter(lazygrad.ones(2))
    >>> optimizer, scaler = optim.SGD([w], lr=0.5), lazygrad.amp.GradScaler(init_scale=1024.0)
    >>> scaler.scale((w * w).sum()).backward()
    >>> w.grad.tolist()
    [2048.0, 2048.0]
    >>> scaler.step(optimizer)
    >>> scaler.update()
    >>> w.tolist(), scaler.get_scale()
    ([0.0, 0.0], 1024.0)
    """

    @public
    def __init__(
        self,
        device: Any = "cuda",
        init_scale: float = 2.0**16,
        growth_factor: float = 2.0,
        backoff_factor: float = 0.5,
        growth_interval: int = 2000,
        enabled: bool = True,
    ) -> None:
        require_range("GradScaler", 1, growth_interval=growth_interval)
        if growth_factor <= 1 or not 0 < backoff_factor < 1 or init_scale <= 0:
            raise ValueRangeError(
                "[GradScaler] init_scale must be above 0, growth_factor above 1 and backoff_factor "
                f"between 0 and 1, got {init_scale}, {growth_factor} and {backoff_factor}"
            )
        self._growth_factor, self._backoff_factor = growth_factor, backoff_factor
        self._growth_interval, self._enabled = growth_interval, enabled
        self._scale, self._tracker = _number(init_scale), _number(0.0)
        self._seen: dict[int, Seen] = {}

    def is_enabled(self) -> bool:
        """Whether it scales at all."""
        return self._enabled

    # -- steps ------------------------------------------------------------------------------------

    @public
    def scale(self, outputs: Any) -> Any:
        """A loss, or a list or tuple of losses, times the factor."""
        if not self._enabled:
            return outputs
        if isinstance(outputs, Tensor):
            return outputs * self._scale.to(outputs.device).cast(outputs.dtype)
        if isinstance(outputs, list | tuple):
            return type(outputs)(self.scale(output) for output in outputs)
        raise ArgumentError(f"[scale] outputs must be Tensors, got {shown(outputs)}")

    @public
    def unscale_(self, optimizer: Any) -> None:
        """Divide the gradients of an optimizer's parameters by the factor, to clip them, say.

        Raises:
            GradError: if that was done already since the latest ``update``.
        """
        if not self._enabled:
            return
        if id(optimizer) in self._seen:
            raise GradError(
                "[unscale_] the gradients of this optimizer are unscaled already; call update() "
                "after step(), once for each iteration"
            )
        grads = [
            param.grad
            for group in optimizer.param_groups
            for param in group["params"]
            if param.grad is not None
        ]
        if not grads:
            raise GradError("[unscale_] no parameter of this optimizer has a gradient; call "
                            "backward() on the scaled loss first")  # fmt: skip
        with modes.no_grad():
            found = None
            for grad in grads:
                factor = self._scale.to(grad.device).reciprocal()
                value = grad.cast(factor.dtype) * factor
                bad = value.isfinite().all().logical_not().to(self._scale.device)
                found = bad if found is None else found.logical_or(bad)
                grad.assign(value.cast(grad.dtype))
        if found is not None:
            self._seen[id(optimizer)] = Seen(found)

    @public
    def step(self, optimizer: Any, *args: Any, **kwargs: Any) -> Any:
        """The optimizer's step, unless a gradient is not finite; they are unscaled if they are not
        yet.

        Raises:
            GradError: for a second step since the latest ``update``.
        """
        if not self._enabled:
            return optimizer.step(*args, **kwargs)
        if id(optimizer) not in self._seen:
            self.unscale_(optimizer)
        seen = self._seen[id(optimizer)]
        if seen.has_stepped:
            raise GradError("[step] this optimizer has stepped already; call update() first")
        seen.has_stepped = True
        if not ambient.has_values:
            return _step_or_stay(optimizer, seen.found, *args, **kwargs)
        return None if seen.found.item() else optimizer.step(*args, **kwargs)

    @public
    def update(self, new_scale: Tensor | float | None = None) -> None:
        """Change the factor for the next iteration, or set it."""
        if not self._enabled:
            return
        if new_scale is not None:
            value = new_scale if isinstance(new_scale, Tensor) else _number(float(new_scale))
            self._scale.assign(value.reshape(()))
        elif not self._seen:
            raise GradError(
                "[update] no step was taken since the latest update(); call step() first"
            )
        else:
            self._move()
        self._seen.clear()

    def _move(self) -> None:
        found: Tensor | None = None
        for seen in self._seen.values():
            found = seen.found if found is None else found.logical_or(seen.found)
        if found is None:
            return
        with modes.no_grad():
            count = self._tracker + 1
            due = count >= self._growth_interval
            larger = self._scale * self._growth_factor
            larger = larger.where(larger.isfinite(), self._scale)
            scale = larger.where(due, self._scale)
            scale = (self._scale * self._backoff_factor).where(found, scale)
            again = found.logical_or(due)
            self._tracker.assign(Tensor.zeros_like(count).where(again, count))
            self._scale.assign(scale)

    # -- facts and state --------------------------------------------------------------------------

    def get_scale(self) -> float:
        """The factor."""
        return float(self._scale.item()) if self._enabled else 1.0

    def get_growth_factor(self) -> float:
        """What the factor is multiplied with when it grows."""
        return self._growth_factor

    def get_backoff_factor(self) -> float:
        """What the factor is multiplied with when it shrinks."""
        return self._backoff_factor

    def get_growth_interval(self) -> int:
        """Steps with finite gradients after which the factor grows."""
        return self._growth_interval

    @public
    def set_growth_factor(self, new_factor: float) -> None:
        """Set what the factor is multiplied with when it grows."""
        self._growth_factor = new_factor

    @public
    def set_backoff_factor(self, new_factor: float) -> None:
        """Set what the factor is multiplied with when it shrinks."""
        self._backoff_factor = new_factor

    @public
    def set_growth_interval(self, new_interval: int) -> None:
        """Set after how many steps with finite gradients the factor grows."""
        self._growth_interval = new_interval

    def state_dict(self) -> dict[str, Any]:
        """As PyTorch's; empty if it is not enabled."""
        if not self._enabled:
            return {}
        values = (self.get_scale(), self._growth_factor, self._backoff_factor,
                  self._growth_interval, int(self._tracker.item()))  # fmt: skip
        return dict(zip(FACTORS, values, strict=True))

    @public
    def load_state_dict(self, state_dict: Mapping[str, Any]) -> None:
        """Take over what ``state_dict()`` gave, or PyTorch's.

        Raises:
            CheckpointError: for what is no such state.
        """
        if not self._enabled:
            return
        missing = [name for name in FACTORS if name not in state_dict]
        if missing:
            raise CheckpointError(f"[load_state_dict] the state has no {', '.join(missing)}")
        scale, self._growth_factor, self._backoff_factor, self._growth_interval, count = (
            state_dict[name] for name in FACTORS
        )
        self._scale.assign(_number(float(scale)))
        self._tracker.assign(_number(float(count)))


def _step_or_stay(optimizer: Any, stay: Tensor, *args: Any, **kwargs: Any) -> Any:
    """A step of which nothing is left where ``stay`` holds."""
    tensors = optimizer.tensors()
    before = [snapshot(tensor) for tensor in tensors]
    result = optimizer.step(*args, **kwargs)
    for tensor, held in zip(tensors, before, strict=True):
        tensor.assign(held.where(stay.to(tensor.device), snapshot(tensor)))
    return result


def _number(value: float) -> Tensor:
    """In memory from the start, so that the first step is planned as all later ones."""
    return Tensor(np.float32(value), device=registry.default_device())
