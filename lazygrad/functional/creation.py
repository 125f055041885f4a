"""New tensors of given values."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from lazygrad import element_types as dt, host
from lazygrad.arguments import shown
from lazygrad.bridge import detached, read, wrap
from lazygrad.errors import ArgumentError, SharingError, ValueRangeError
from lazygrad.functional.arguments import Number
from lazygrad.graph import Node
from lazygrad.handle import Handle
from lazygrad.lang import creation, elementwise, operands
from lazygrad.public import public
from lazygrad.runtime import registry
from lazygrad.shape import as_shape

if TYPE_CHECKING:
    from lazygrad.tensor_class import Tensor


def as_leaf(made: Node, requires_grad: bool) -> Tensor:
    """The Tensor that the function which calls this one returns."""
    tensor = wrap(made, sys._getframe(1).f_code.co_name)
    return tensor.requires_grad_() if requires_grad else tensor


def leaf_of(data: Any, dtype: Any, device: str | None) -> Node:
    """What a new tensor of ``data`` is bound to: another Tensor's value, or numbers copied."""
    chosen = None if dtype is None else dt.of(dtype)
    if not isinstance(data, Handle):
        return host.leaf_of(data, chosen, registry.check_device(device))
    made = detached(read(data))
    made = made if chosen is None else operands.cast(made, chosen)
    return made if device is None else elementwise.copy_to(made, registry.check_device(device))


def sizes_meant(args: tuple[Any, ...]) -> str:
    """What to say where ``Tensor(3, 4)`` was refused."""
    given = args[1:]
    sizes = len(given) > 1 and all(isinstance(value, int) for value in given)
    return f"; for a tensor of sizes {given} use Tensor.empty or Tensor.zeros" if sizes else ""


@public
def tensor(
    data: Any, *, dtype: Any = None, device: str | None = None, requires_grad: bool = False
) -> Tensor:
    """A new tensor of a number, nested lists, a NumPy array (copied) or another Tensor (detached);
    the dtype as of ``Tensor``.

    >>> lazygrad.tensor([[1, 2], [3, 4]]).dtype, lazygrad.tensor([1, 2.5]).dtype
    (lazygrad.int64, lazygrad.float32)
    >>> lazygrad.tensor(np.float64([1.0, 2.0])).dtype
    lazygrad.float64
    """
    return as_leaf(leaf_of(data, dtype, device), requires_grad)


@public
def full(
    size: int | Sequence[int],
    fill_value: Number,
    *,
    dtype: Any = None,
    device: str | None = None,
    requires_grad: bool = False,
) -> Tensor:
    """``fill_value`` everywhere; its own dtype by default.

    >>> lazygrad.full((2, 2), 7).tolist()
    [[7, 7], [7, 7]]
    """
    chosen = dt.of_scalar(fill_value) if dtype is None else dt.of(dtype)
    made = creation.full(
        as_shape("full", (size,)), fill_value, chosen, registry.check_device(device)
    )
    return as_leaf(made, requires_grad)


@public
def zeros(
    *size: Any, dtype: Any = None, device: str | None = None, requires_grad: bool = False
) -> Tensor:
    """Zeros: ``Tensor.zeros(2, 3)`` or ``Tensor.zeros((2, 3))``.

    >>> lazygrad.zeros(2, 3).shape, lazygrad.zeros((2,), dtype=lazygrad.int32).tolist()
    ((2, 3), [0, 0])
    """
    return as_leaf(filled("zeros", size, 0, dtype, device), requires_grad)


@public
def ones(
    *size: Any, dtype: Any = None, device: str | None = None, requires_grad: bool = False
) -> Tensor:
    """Ones.

    >>> lazygrad.ones(2, requires_grad=True).realize()
    Tensor([1., 1.], requires_grad=True)
    """
    return as_leaf(filled("ones", size, 1, dtype, device), requires_grad)


@public
def empty(
    *size: Any, dtype: Any = None, device: str | None = None, requires_grad: bool = False
) -> Tensor:
    """To be filled; zeros until then.

    >>> lazygrad.empty(2, 3, dtype="bool").shape
    (2, 3)
    """
    return as_leaf(filled("empty", size, 0, dtype, device), requires_grad)


def filled(op: str, size: Any, value: Number, dtype: Any, device: str | None) -> Node:
    """``value`` everywhere, float32 by default."""
    chosen = dt.default_float if dtype is None else dt.of(dtype)
    return creation.full(as_shape(op, size), value, chosen, registry.check_device(device))


@public
def arange(
    start: Number,
    end: Number | None = None,
    step: Number = 1,
    *,
    dtype: Any = None,
    device: str | None = None,
    requires_grad: bool = False,
) -> Tensor:
    """start, start + step, ... before ``end``; int64 for whole bounds, else float32.

    >>> lazygrad.arange(5).tolist(), lazygrad.arange(1, 2, 0.25).tolist()
    ([0, 1, 2, 3, 4], [1.0, 1.25, 1.5, 1.75])
    """
    first, last = (0, start) if end is None else (start, end)
    chosen = creation.default_range_dtype(first, last, step) if dtype is None else dt.of(dtype)
    made = creation.arange(first, last, step, chosen, registry.check_device(device))
    return as_leaf(made, requires_grad)


@public
def linspace(
    start: float,
    end: float,
    steps: int,
    *,
    dtype: Any = None,
    device: str | None = None,
    requires_grad: bool = False,
) -> Tensor:
    """``steps`` values from ``start`` to ``end``, both included.

    >>> lazygrad.linspace(0, 1, 5).tolist()
    [0.0, 0.25, 0.5, 0.75, 1.0]
    """
    chosen = dt.default_float if dtype is None else dt.of(dtype)
    made = creation.linspace(start, end, steps, chosen, registry.check_device(device))
    return as_leaf(made, requires_grad)


@public
def eye(
    n: int,
    m: int | None = None,
    *,
    dtype: Any = None,
    device: str | None = None,
    requires_grad: bool = False,
) -> Tensor:
    """Ones on the diagonal of an (n, m) matrix; ``m`` is ``n`` by default.

    >>> lazygrad.eye(2, 3).tolist()
    [[1.0, 0.0, 0.0], [0.0, 1.0, 0.0]]
    """
    chosen = dt.default_float if dtype is None else dt.of(dtype)
    made = creation.eye(n, n if m is None else m, chosen, registry.check_device(device))
    return as_leaf(made, requires_grad)


@public
def from_numpy(array: np.ndarray[Any, Any], device: str | None = None) -> Tensor:
    """A copy of an array, with its dtype. What is written to one of them later is not seen by the
    other, as it is in PyTorch.

    >>> array = np.array([1, 2], dtype=np.uint8)
    >>> lazygrad.from_numpy(array).dtype
    lazygrad.uint8
    """
    return wrap(leaf_of(array, None, device))


@public
def as_tensor(data: Any, dtype: Any = None, device: str | None = None) -> Tensor:
    """``data`` itself where it is a Tensor of this dtype and device, else a new tensor of it.

    >>> x = Tensor([1.0, 2.0])
    >>> lazygrad.as_tensor(x) is x, lazygrad.as_tensor(x, dtype="int64") is x
    (True, False)
    """
    if isinstance(data, Handle):
        kept: Any = data
        same_dtype = dtype is None or dt.of(dtype) is kept.dtype
        if same_dtype and (device is None or registry.check_device(device) == kept.device):
            return kept
        made = read(data) if dtype is None else operands.cast(read(data), dt.of(dtype))
        where = kept.device if device is None else registry.check_device(device)
        return wrap(elementwise.copy_to(made, where))
    return wrap(leaf_of(data, dtype, device))


@public
def asarray(
    obj: Any, *, dtype: Any = None, device: str | None = None, copy: bool | None = None,
    requires_grad: bool = False,
) -> Tensor:  # fmt: skip
    """As ``as_tensor``; a new tensor if ``copy``.

    Raises:
        SharingError: with ``copy=False`` for what is no Tensor of this dtype and device.
    >>> x = Tensor([1.0, 2.0])
    >>> lazygrad.asarray(x) is x, lazygrad.asarray(x, copy=True) is x
    (True, False)
    """
    made = tensor(obj, dtype=dtype, device=device) if copy else as_tensor(obj, dtype, device)
    if copy is False and made is not obj:
        raise SharingError("[asarray] these values are copied; leave out copy=False")
    return made.requires_grad_() if requires_grad else made


@public
def scalar_tensor(
    s: Number, *, dtype: Any = None, device: str | None = None, requires_grad: bool = False
) -> Tensor:
    """A tensor of no dims, float32 by default.

    >>> lazygrad.scalar_tensor(3).item()
    3.0
    """
    made = creation.full(
        (), s, dt.default_float if dtype is None else dt.of(dtype), registry.check_device(device)
    )
    return as_leaf(made, requires_grad)


@public
def logspace(
    start: float,
    end: float,
    steps: int,
    base: float = 10.0,
    *,
    dtype: Any = None,
    device: str | None = None,
    requires_grad: bool = False,
) -> Tensor:
    """``base`` to the power of ``steps`` values from ``start`` to ``end``, both included.

    >>> lazygrad.logspace(0, 3, 4).tolist(), lazygrad.logspace(0, 3, 4, base=2).tolist()
    ([1.0, 10.0, 100.0, 1000.0], [1.0, 2.0, 4.0, 8.0])
    """
    as_shape("logspace", (steps,))
    values = np.logspace(float(start), float(end), steps, base=base)
    made = leaf_of(values, dt.default_float if dtype is None else dtype, device)
    return as_leaf(made, requires_grad)


@public
def range(
    start: Number = 0,
    end: Number | None = None,
    step: Number = 1,
    *,
    dtype: Any = None,
    device: str | None = None,
    requires_grad: bool = False,
) -> Tensor:
    """start, start + step, ... up to ``end``, which is included, float32 by default; see
    ``arange``.

    >>> lazygrad.range(1, 3).tolist()
    [1.0, 2.0, 3.0]
    """
    first, last = (0, start) if end is None else (start, end)
    chosen = dt.default_float if dtype is None else dt.of(dtype)
    if not step:
        raise ValueRangeError(f"[range] step must not be 0, got {step}")
    count = int((last - first) / step) + 1
    end_of_range = first + count * step
    made = creation.arange(first, end_of_range, step, chosen, registry.check_device(device))
    return as_leaf(made, requires_grad)


@public
def frombuffer(
    buffer: Any, *, dtype: Any, count: int = -1, offset: int = 0, requires_grad: bool = False
) -> Tensor:
    """A copy of what lies in a buffer, as numbers of ``dtype``, from byte ``offset`` on.

    >>> lazygrad.frombuffer(bytearray([9, 1, 2]), dtype=lazygrad.uint8, offset=1).tolist()
    [1, 2]
    """
    try:
        values = np.frombuffer(buffer, dt.of(dtype).numpy, count, offset)
    except (TypeError, ValueError) as error:
        raise ArgumentError(f"[frombuffer] {error}; got {shown(buffer)}") from None
    return as_leaf(leaf_of(values, None, None), requires_grad)


@public
def tril_indices(
    row: int, col: int, offset: int = 0, *, dtype: Any = None, device: str | None = None
) -> Tensor:
    """(2, n): rows and columns of the elements on or below a diagonal, row by row; int64.

    >>> lazygrad.tril_indices(2, 3).tolist()
    [[0, 1, 1], [0, 0, 1]]
    """
    as_shape("tril_indices", (row, col))
    return _indices(np.tril_indices(row, offset, col), dtype, device)


@public
def triu_indices(
    row: int, col: int, offset: int = 0, *, dtype: Any = None, device: str | None = None
) -> Tensor:
    """(2, n): rows and columns of the elements on or above a diagonal, row by row; int64.

    >>> lazygrad.triu_indices(2, 3, offset=1).tolist()
    [[0, 0, 1], [1, 2, 2]]
    """
    as_shape("triu_indices", (row, col))
    return _indices(np.triu_indices(row, offset, col), dtype, device)


def _indices(found: tuple[Any, ...], dtype: Any, device: str | None) -> Tensor:
    return wrap(leaf_of(np.stack(found), dtype or dt.default_int, device))
