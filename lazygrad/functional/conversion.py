"""Between dtypes and devices."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any

from lazygrad import element_types as dt
from lazygrad.bridge import read, wrap
from lazygrad.config import meant
from lazygrad.element_types import DType
from lazygrad.functional.maps import titled
from lazygrad.handle import Handle
from lazygrad.lang import elementwise, operands
from lazygrad.public import public
from lazygrad.runtime import registry
from lazygrad.runtime.devices import MEANT, Device, cuda_device

if TYPE_CHECKING:
    from lazygrad.tensor_class import Tensor


@public
def to(
    input: Tensor, *args: Any, dtype: Any = None, device: str | None = None, copy: bool = False,
    non_blocking: bool = False, memory_format: Any = None,
) -> Tensor:  # fmt: skip
    """On another device, in another dtype, or like another tensor: ``to("GPU")``,
    ``to(lazygrad.float16)``, ``to("GPU", lazygrad.float16)``, ``to(other)``.

    Args:
        copy: a new tensor even where nothing changes.
        non_blocking, memory_format: accepted as PyTorch's: nothing waits for a copy, and memory is
            laid out as a kernel needs it.

    >>> Tensor([1.9, -1.9]).to(lazygrad.int32).tolist()
    [1, -1]
    >>> Tensor([1.0]).to(Tensor([1], dtype="float16")).dtype
    lazygrad.float16
    """
    dtype, device = destination(args, dtype, device)
    own = read(input)
    moved = own if dtype is None else operands.cast(own, dt.of(dtype))
    if device is not None:
        moved = elementwise.copy_to(moved, registry.check_device(device))
    if copy and moved is own:
        moved = elementwise.contiguous(own)
    return input if moved is own else wrap(moved)


def destination(args: Iterable[Any], dtype: Any, device: Any) -> tuple[Any, Any]:
    """The dtype and the device that the arguments of ``to`` name; None for one that stays."""
    for arg in args:
        if isinstance(arg, Handle):
            dtype, device = arg._node.dtype, arg._node.device
        elif isinstance(arg, bool) or arg is None:
            continue  # non_blocking and copy
        elif isinstance(arg, int):
            device = Device(arg)
        elif isinstance(arg, str) and not (arg in dt.BY_NAME or _meant_as_dtype(arg)):
            device = arg
        else:
            dtype = arg
    return dtype, device


def _meant_as_dtype(name: str) -> bool:
    """Whether a name is more like that of a dtype than like that of a device."""
    return bool(meant(name, dt.BY_NAME)) and not meant(name, [*registry.registered(), *MEANT])


@public
def to_device(input: Tensor, device: str, /, *, stream: Any = None) -> Tensor:
    """On another device, as the Python array API standard calls it.

    Args:
        stream: accepted: a copy waits for what it copies.

    >>> Tensor([1.0]).to_device("CPU").device
    'CPU'
    """
    return to(input, device=device)


@public
def cpu(input: Tensor) -> Tensor:
    """On the CPU.

    >>> Tensor([1.0]).cpu().device
    'CPU'
    """
    return to(input, device="CPU")


@public
def cuda(input: Tensor, device: Any = None, non_blocking: bool = False) -> Tensor:
    """On the GPU: the backend of this name, which PyTorch calls cuda.

    >>> x = Tensor([1.0])
    >>> (x.cuda() if lazygrad.cuda.is_available() else x).is_cuda == lazygrad.cuda.is_available()
    True
    """
    return to(input, device=cuda_device(device))


@public
def cast(input: Tensor, dtype: Any) -> Tensor:
    """In another dtype; floats truncate towards zero on their way to integers.

    >>> Tensor([1.9, -1.9]).cast("int8").tolist()
    [1, -1]
    """
    chosen = dt.of(dtype)
    return input if chosen is input.dtype else wrap(operands.cast(read(input), chosen))


@public
def type_as(input: Tensor, other: Tensor) -> Tensor:
    """In the dtype of ``other``.

    >>> Tensor([1, 2]).type_as(Tensor(0.5)).dtype
    lazygrad.float32
    """
    return cast(input, other.dtype)


def cast_to(dtype: DType, label: str) -> Callable[[Tensor], Tensor]:
    """The method ``label``, which casts to ``dtype``."""

    def method(self: Tensor) -> Tensor:
        return self if dtype is self.dtype else wrap(operands.cast(read(self), dtype), "cast")

    return titled(method, label, f"``cast(lazygrad.{dtype.name})``")
