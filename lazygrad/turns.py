"""Views in place: ``x.unsqueeze_(0)`` has the handle show the same memory in another way."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import TYPE_CHECKING, Any

from lazygrad import ops
from lazygrad.bridge import bind, current_node
from lazygrad.errors import GradError
from lazygrad.functional import copies, views
from lazygrad.modes import ambient
from lazygrad.public import public

if TYPE_CHECKING:
    from lazygrad.tensor_class import Tensor


def turned(function: Callable[..., Tensor]) -> Callable[..., Tensor]:
    """The method that has its tensor show what ``function``, which makes views, makes of it.

    Raises:
        GradError: for a leaf that requires a gradient, unless gradients are off.
    """
    label = f"{function.__name__}_"

    @wraps(function)
    def method(input: Tensor, *args: Any, **kwargs: Any) -> Tensor:
        if ambient.grad_enabled and current_node(input).op is ops.VARIABLE:
            raise GradError(
                f"[{label}] a leaf that requires a gradient cannot be changed in place; use "
                f"{function.__name__}(), or do it inside no_grad()"
            )
        shown = function(input, *args, **kwargs)
        input._alias = shown._alias
        bind(input, current_node(shown))
        return input

    method.__name__ = method.__qualname__ = label
    method.__doc__ = f"``self = self.{function.__name__}(...)``, which shows the same memory."
    return public(method)


squeeze_ = turned(views.squeeze)
unsqueeze_ = turned(views.unsqueeze)
t_ = turned(views.t)
transpose_ = turned(views.transpose)
swapaxes_ = turned(views.swapaxes)
swapdims_ = turned(views.swapdims)
detach_ = turned(copies.detach)
