"""Methods of Tensor that compute its value, and that give it to the host."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from typing import TYPE_CHECKING, Any

import numpy as np

from lazygrad import state
from lazygrad.bridge import require_tensor
from lazygrad.config import settings
from lazygrad.errors import DtypeError, LazygradError, ShapeError
from lazygrad.handle import value_node
from lazygrad.modes import ambient
from lazygrad.printing import SHOWN_ELEMENTS, describe, in_html
from lazygrad.public import public
from lazygrad.runtime import buffer

if TYPE_CHECKING:
    from lazygrad.tensor_class import Tensor


def realize(self: Tensor, *others: Tensor) -> Tensor:
    """Compute the value now, with those of ``others`` in one plan. Nothing waits for the
    device. Inside a jitted function it does nothing.

    >>> Tensor([0.0, 1.0]).exp().realize()
    Tensor([1.    , 2.7183])
    """
    for other in others:
        require_tensor(other, "realize")
    if ambient.has_values:
        state.realize((self, *others))
    return self


def shown(self: Tensor) -> bool:
    """Whether there are values to show, which are computed where they are few. What cannot be
    computed is no reason to fail: whoever asks for it by itself is told."""
    if not ambient.has_values:
        return False
    value = value_node(self._node)
    if not buffer.is_realised(value) and settings.repr == "value" and value.size <= SHOWN_ELEMENTS:
        with suppress(LazygradError):
            state.realize((self,))
    return buffer.is_realised(value_node(self._node))


@public
def numpy(self: Tensor, *, force: bool = False) -> np.ndarray[Any, Any]:
    """A copy on the host; bfloat16 comes as float32. Gradients do not flow through it.

    In PyTorch the array and a tensor on the CPU share memory. Here a value may be that of several
    tensors, and of some that are still to be computed, so that a write to it would reach them too:
    an array that may be written is one of its own. ``np.asarray(tensor, copy=False)`` gives one
    that may be read only, without a copy, on devices whose memory is the host's.

    Args:
        force: accepted as PyTorch's; a tensor of any device, tracked or not, is given anyway.

    Raises:
        JitError: inside a jitted function.
        VmapError: inside a mapped function, of what differs from sample to sample.

    >>> x = Tensor([1.0, 2.0])
    >>> array = x.numpy()
    >>> array[0] = 5
    >>> x.tolist()
    [1.0, 2.0]
    """
    found: np.ndarray[Any, Any] = value(self).numpy()
    return found


def value(self: Tensor) -> buffer.Buffer:
    """The value in memory, computed if need be.

    Raises:
        JitError: inside a jitted function.
        VmapError: inside a mapped function, of what differs from sample to sample.
    """
    if ambient.trace is not None:
        ambient.trace.require_value(self)
    state.realize((self,))
    return buffer.value_of(value_node(self._node))


def item(self: Tensor) -> Any:
    """The value of a tensor with one element, as a Python number.

    >>> Tensor([[2.5]]).item()
    2.5
    """
    if self.numel() != 1:
        raise ShapeError(
            f"[item] needs a tensor with one element, got shape {self.shape}; use tolist(), or "
            "select an element"
        )
    return self.numpy().item()


def tolist(self: Tensor) -> Any:
    """Nested lists of Python numbers.

    >>> Tensor([[1, 2], [3, 4]]).tolist(), Tensor(5).tolist()
    ([[1, 2], [3, 4]], 5)
    """
    return self.numpy().tolist()


def truth(self: Tensor) -> bool:
    if self.numel() != 1:
        raise ShapeError(
            f"[bool] the truth of a tensor of shape {self.shape} is ambiguous; use .any() or .all()"
        )
    return bool(self.item())


def index(self: Tensor) -> int:
    if self.dtype.is_floating_point:
        raise DtypeError(f"[index] a {self.dtype.name} tensor is not an integer")
    return int(self.item())


def to_float(self: Tensor) -> float:
    return float(self.item())


def to_int(self: Tensor) -> int:
    return int(self.item())


def to_complex(self: Tensor) -> complex:
    return complex(self.item())


def slices(self: Tensor) -> Iterator[Tensor]:
    if not self.shape:
        raise ShapeError("[iter] cannot iterate over a scalar")
    return (self[i] for i in range(self.shape[0]))


def described(self: Tensor) -> str:
    """What ``repr`` says: the values; of a small tensor that is lazy they are computed for that,
    unless ``LAZYGRAD_REPR=lazy``. Never inside a jitted function."""
    are_shown = shown(self)
    return describe(value_node(self._node), are_shown, self.requires_grad)


def in_notebook(self: Tensor) -> str:
    """The same for notebooks, as HTML."""
    return in_html(value_node(self._node), shown(self), self.requires_grad)


def formatted(self: Tensor, spec: str) -> str:
    """A tensor of one element as its number, where a format is given."""
    return format(self.item(), spec) if spec and self.numel() == 1 else format(str(self), spec)


def rounded(self: Tensor, ndigits: int | None = None) -> Any:
    """``round(tensor)``: a tensor, as ``tensor.round(decimals=ndigits)``."""
    return self.round(decimals=ndigits or 0)
