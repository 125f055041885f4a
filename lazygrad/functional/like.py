"""New tensors like another one: of its shape, or of its dtype and on its device."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from lazygrad import element_types as dt
from lazygrad.functional.arguments import Number
from lazygrad.functional.creation import as_leaf, filled, leaf_of
from lazygrad.lang import creation
from lazygrad.public import public
from lazygrad.runtime import registry

if TYPE_CHECKING:
    from lazygrad.tensor_class import Tensor


@public
def full_like(
    input: Tensor,
    fill_value: Number,
    *,
    dtype: Any = None,
    device: str | None = None,
    requires_grad: bool = False,
) -> Tensor:
    """``fill_value`` in this shape.

    >>> lazygrad.full_like(Tensor([1.0, 2.0]), 7, dtype="int32").tolist()
    [7, 7]
    """
    chosen = input.dtype if dtype is None else dt.of(dtype)
    where = input.device if device is None else registry.check_device(device)
    return as_leaf(creation.full(input.shape, fill_value, chosen, where), requires_grad)


@public
def zeros_like(input: Tensor, **options: Any) -> Tensor:
    """Zeros in this shape; options as of ``full_like``.

    >>> lazygrad.zeros_like(Tensor([[1, 2]])).tolist()
    [[0, 0]]
    """
    return full_like(input, 0, **options)


@public
def ones_like(input: Tensor, **options: Any) -> Tensor:
    """Ones in this shape; options as of ``full_like``.

    >>> lazygrad.ones_like(Tensor([1, 2]), dtype="float32").tolist()
    [1.0, 1.0]
    """
    return full_like(input, 1, **options)


@public
def empty_like(input: Tensor, **options: Any) -> Tensor:
    """To be filled, in this shape; options as of ``full_like``.

    >>> lazygrad.empty_like(lazygrad.zeros(2, 3)).shape
    (2, 3)
    """
    return full_like(input, 0, **options)


@public
def new_tensor(
    input: Tensor, data: Any, *, dtype: Any = None, device: str | None = None,
    requires_grad: bool = False,
) -> Tensor:  # fmt: skip
    """A new tensor of ``data``, with this dtype and device.

    >>> Tensor([1.0], dtype="float64").new_tensor([1, 2]).dtype
    lazygrad.float64
    """
    made = leaf_of(data, dtype or input.dtype, device or input.device)
    return as_leaf(made, requires_grad)


@public
def new_full(
    input: Tensor, size: Sequence[int], fill_value: Number, *, dtype: Any = None,
    device: str | None = None, requires_grad: bool = False,
) -> Tensor:  # fmt: skip
    """``fill_value`` everywhere, with this dtype and device.

    >>> Tensor([1.0]).new_full((2, 2), 7).tolist()
    [[7.0, 7.0], [7.0, 7.0]]
    """
    made = filled("new_full", size, fill_value, dtype or input.dtype, device or input.device)
    return as_leaf(made, requires_grad)


@public
def new_zeros(
    input: Tensor, *size: Any, dtype: Any = None, device: str | None = None,
    requires_grad: bool = False,
) -> Tensor:  # fmt: skip
    """Zeros, with this dtype and device.

    >>> Tensor([1]).new_zeros(2, 3).dtype
    lazygrad.int64
    """
    made = filled("new_zeros", size, 0, dtype or input.dtype, device or input.device)
    return as_leaf(made, requires_grad)


@public
def new_ones(
    input: Tensor, *size: Any, dtype: Any = None, device: str | None = None,
    requires_grad: bool = False,
) -> Tensor:  # fmt: skip
    """Ones, with this dtype and device.

    >>> Tensor([1]).new_ones(2).tolist()
    [1, 1]
    """
    made = filled("new_ones", size, 1, dtype or input.dtype, device or input.device)
    return as_leaf(made, requires_grad)


@public
def new_empty(
    input: Tensor, *size: Any, dtype: Any = None, device: str | None = None,
    requires_grad: bool = False,
) -> Tensor:  # fmt: skip
    """To be filled, with this dtype and device.

    >>> Tensor([1.0]).new_empty((2, 3)).shape
    (2, 3)
    """
    made = filled("new_empty", size, 0, dtype or input.dtype, device or input.device)
    return as_leaf(made, requires_grad)
