"""Indexing by numbers, slices and tensors."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from lazygrad import host
from lazygrad.aliases import view_of
from lazygrad.arguments import require_range
from lazygrad.bridge import read, wrap
from lazygrad.functional.keys import check_items, has_scalar_mask, items_of, of_new_dims
from lazygrad.graph import Node
from lazygrad.lang import indexing, movement
from lazygrad.public import public
from lazygrad.shape import normalize_axis

if TYPE_CHECKING:
    from lazygrad.tensor_class import Tensor


@public
def getitem(input: Tensor, key: Any) -> Tensor:
    """Ints, slices, None, ``...``, masks and integer tensors, together as in NumPy. A mask's number
    of elements is looked up now; one of no dims stands for a new dim of one element.

    Raises:
        AxisError, ValueRangeError: an index out of range; where its value is not known yet,
            floats become NaN there instead.
        JitError: for a mask inside a jitted function.

    >>> x = lazygrad.arange(12).reshape(3, 4)
    >>> x[-1, ::2].tolist(), x[x > 9].tolist(), x[[0, 2], [1, 1]].tolist()
    ([8, 10], [10, 11], [1, 9])
    >>> x[:, None, ..., 0].shape
    (3, 1)
    """
    if has_scalar_mask(key):
        given, new = of_new_dims(key, input)
        found: Tensor = getitem(view_of(input, movement.unsqueeze, new), given)
        return found
    items = items_of("getitem", key, input)
    if any(isinstance(item, Node) for item in items):
        known = check_items("getitem", items, input.shape)
        return wrap(indexing.getitem(read(input), items, known))
    return view_of(input, indexing.getitem, items)


@public
def gather(input: Tensor, dim: int, index: Tensor) -> Tensor:
    """``out[i][j] = input[i][index[i][j]]`` for dim 1.

    >>> Tensor([[1, 2], [3, 4]]).gather(1, Tensor([[0, 0], [1, 0]])).tolist()
    [[1, 1], [4, 3]]
    """
    where = read(index)
    axis = normalize_axis("gather", dim, input.ndim)
    known = len(input.shape) > 0 and host.check_indices("gather", where, input.shape[axis])
    return wrap(indexing.gather(read(input), dim, where, known))


@public
def index_select(input: Tensor, dim: int, index: Tensor) -> Tensor:
    """The slices along ``dim`` that ``index`` names.

    >>> Tensor([[1, 2], [3, 4]]).index_select(0, Tensor([1, 1, 0])).tolist()
    [[3, 4], [3, 4], [1, 2]]
    """
    where = read(index)
    known = host.check_indices("index_select", where, input.size(dim))
    return wrap(indexing.index_select(read(input), dim, where, known))


@public
def one_hot(tensor: Tensor, num_classes: int = -1) -> Tensor:
    """int64 (.., num_classes): 1 at each index. -1 looks for the largest, now.

    >>> F.one_hot(Tensor([2, 0])).tolist()
    [[0, 0, 1], [1, 0, 0]]
    """
    index = read(tensor)
    require_range("one_hot", -1, num_classes=num_classes)
    if num_classes < 0:
        num_classes = (tensor.max().item() + 1) if tensor.numel() else 0
    host.check_labels("one_hot", index, num_classes)
    return wrap(indexing.one_hot(index, num_classes))
