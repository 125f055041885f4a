"""What can be said of a tensor without its values."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from lazygrad import aliases, element_types as dt
from lazygrad.element_types import DType
from lazygrad.errors import ShapeError
from lazygrad.functional.arguments import Operand
from lazygrad.handle import Handle
from lazygrad.lang import operands
from lazygrad.layout import Layout
from lazygrad.public import alias, public
from lazygrad.shape import normalize_axis, strides_of

if TYPE_CHECKING:
    from lazygrad.tensor_class import Tensor

# -- shape -----------------------------------------------------------------------------------------


@public
def dim(input: Tensor) -> int:
    """Number of dims.

    >>> lazygrad.zeros(2, 3).dim()
    2
    """
    return len(input._node.shape)


@public
def numel(input: Tensor) -> int:
    """Number of elements.

    >>> lazygrad.zeros(2, 3).numel()
    6
    """
    return input._node.size


@public
def size(input: Tensor, dim: int | None = None) -> Any:
    """The shape, or the size of one dim.

    >>> lazygrad.zeros(2, 3).size(), lazygrad.zeros(2, 3).size(-1)
    ((2, 3), 3)
    """
    if dim is None:
        return input.shape
    axis = normalize_axis("size", dim, input.ndim)
    if not input.shape:
        raise ShapeError("[size] a scalar has no dims")
    return input.shape[axis]


@public
def is_same_size(input: Tensor, other: Tensor) -> bool:
    """Whether both have one shape.

    >>> lazygrad.zeros(2, 3).is_same_size(lazygrad.zeros(3, 2))
    False
    """
    return input.shape == other.shape


def length(self: Tensor) -> int:
    """Size of the first dim."""
    if not self.shape:
        raise ShapeError("[len] a scalar has no len()")
    return self.shape[0]


# -- dtype -----------------------------------------------------------------------------------------


@public
def element_size(input: Tensor) -> int:
    """Bytes of one element.

    >>> lazygrad.zeros(2, dtype=lazygrad.float16).element_size()
    2
    """
    return input.dtype.itemsize


@public
def is_floating_point(input: Tensor) -> bool:
    """Whether its elements are floats.

    >>> Tensor([1]).is_floating_point(), Tensor([1.0]).is_floating_point()
    (False, True)
    """
    return input.dtype.is_floating_point


@public
def is_signed(input: Tensor) -> bool:
    """Whether its dtype has numbers below 0.

    >>> Tensor([1], dtype="uint8").is_signed()
    False
    """
    return input.dtype.is_signed


@public
def is_complex(input: Tensor) -> bool:
    """False: there are no complex numbers.

    >>> Tensor([1.0]).is_complex()
    False
    """
    return False


@public
def is_nonzero(input: Tensor) -> bool:
    """Whether its one element is not 0.

    >>> Tensor([[0.5]]).is_nonzero()
    True
    """
    return bool(input)


def is_tensor(obj: Any) -> bool:
    """Whether it is a Tensor.

    >>> lazygrad.is_tensor(Tensor(1)), lazygrad.is_tensor(1)
    (True, False)
    """
    return isinstance(obj, Handle)


@public
def result_type(tensor1: Operand, tensor2: Operand) -> DType:
    """The dtype of an operation on two tensors, or a tensor and a number, which is weak.

    >>> lazygrad.result_type(Tensor([1]), 0.5), lazygrad.result_type(Tensor([1], dtype="int8"), 9)
    (lazygrad.float32, lazygrad.int8)
    """
    given = [value._node if isinstance(value, Handle) else value for value in (tensor1, tensor2)]
    return operands.common_dtype("result_type", given)


@public
def promote_types(type1: Any, type2: Any) -> DType:
    """The smallest dtype that holds the values of both.

    >>> lazygrad.promote_types(lazygrad.int8, lazygrad.uint8)
    lazygrad.int16
    """
    return dt.promote(dt.of(type1), dt.of(type2))


@public
def can_cast(from_: Any, to: Any) -> bool:
    """Whether values of one dtype may become another in place: not from floats to integers, nor
    from numbers to bools.

    >>> lazygrad.can_cast("int64", "float16"), lazygrad.can_cast("float16", "int64")
    (True, False)
    """
    return dt.of(from_).category <= dt.of(to).category


# -- memory ----------------------------------------------------------------------------------------


@public
def stride(input: Tensor, dim: int | None = None) -> Any:
    """Elements from one index to the next along each dim, or along one.

    >>> x = lazygrad.zeros(2, 3)
    >>> x.stride(), x.t().stride()
    ((3, 1), (1, 3))
    """
    found = _layout(input).strides
    return found if dim is None else found[normalize_axis("stride", dim, input.ndim)]


@public
def storage_offset(input: Tensor) -> int:
    """Elements before the first one in the memory that it shows a part of.

    >>> lazygrad.arange(6)[2:].storage_offset()
    2
    """
    return _layout(input).offset


@public
def is_contiguous(input: Tensor, memory_format: Any = None) -> bool:
    """Whether its elements lie in row-major order, one beside the other.

    >>> lazygrad.zeros(2, 3).t().is_contiguous()
    False
    """
    return aliases.is_contiguous(input)


def _layout(input: Tensor) -> Layout:
    """Of a view that PyTorch would not make, that of a copy."""
    return aliases.layout(input) or Layout(strides_of(input.shape), 0)


@public
def get_device(input: Tensor) -> int:
    """PyTorch's number of the device: -1 for the CPU, 0 for the GPU.

    >>> Tensor([1.0], device="CPU").get_device()
    -1
    """
    return 0 if input.is_cuda else -1


@public
def is_inference(input: Tensor) -> bool:
    """False: a tensor made without history can be used with one later.

    >>> with lazygrad.inference_mode():
    ...     made = lazygrad.ones(2) * 2
    >>> made.is_inference()
    False
    """
    return False


@public
def is_pinned(input: Tensor) -> bool:
    """False: memory that a device reads needs no pinning.

    >>> Tensor([1.0]).pin_memory().is_pinned()
    False
    """
    return False


@public
def pin_memory(input: Tensor) -> Tensor:
    """This tensor: memory that a device reads needs no pinning.

    >>> x = Tensor([1.0])
    >>> x.pin_memory() is x
    True
    """
    return input


@public
def share_memory_(input: Tensor) -> Tensor:
    """This tensor: threads share tensors, other processes are given copies.

    >>> x = Tensor([1.0])
    >>> x.share_memory_() is x
    True
    """
    return input


@public
def is_shared(input: Tensor) -> bool:
    """Whether other processes see this memory: no.

    >>> Tensor([1.0]).is_shared()
    False
    """
    return False


nelement, ndimension = alias(numel, "nelement"), alias(dim, "ndimension")
