"""Algebraic simplification: marks removed, constants folded, identities, movement merged.

Rules keep values exactly as they are for every input, NaN and infinities included.
"""

from __future__ import annotations

import math
from collections.abc import Iterable

import numpy as np

from lazygrad import dtype as dt, ops, semantics
from lazygrad.graph import Iota, Node, Scalar, const, node
from lazygrad.ops import Kind
from lazygrad.rewrite import Rules, rewrite
from lazygrad.shape import Shape

rules = Rules()


def simplify(roots: Iterable[Node], known: dict[Node, Node] | None = None) -> dict[Node, Node]:
    """Maps every node below ``roots`` to an equal, simpler one. ``known`` is left as given."""
    return rewrite(roots, rules, known)


def is_const(value: Node, number: Scalar | None = None) -> bool:
    """A CONST, and of this number if one is given."""
    return value.op is ops.CONST and (number is None or value.arg.value == number)


def _like(value: Node, number: Scalar) -> Node:
    return const(number, value.dtype, value.shape, value.device)


# -- nothing ----------------------------------------------------------------------------------


@rules.on(*(op for op in ops.ALL if op.kind is not Kind.LEAF))
def drop_empty(current: Node) -> Node | None:
    """A value without elements needs no computation, so later stages meet none in a kernel."""
    return _like(current, 0) if current.size == 0 else None


@rules.on(*ops.REDUCE)
def reduce_nothing(current: Node) -> Node | None:
    if current.src[0].size or not isinstance(current.op, ops.Reduction):
        return None
    return _like(current, current.op.identity(current.dtype))


# -- marks ------------------------------------------------------------------------------------


@rules.on(*ops.DERIVATIVE_MARKS)
def drop_mark(current: Node) -> Node | None:
    """Marks speak to derivatives only."""
    return current.src[0]


@rules.on(ops.CONTIGUOUS)
def contiguous_of_memory(current: Node) -> Node | None:
    inner = current.src[0]
    return inner if inner.op in (ops.BUFFER, ops.CONTIGUOUS) else None


@rules.on(ops.COPY)
def copy_to_same_device(current: Node) -> Node | None:
    return current.src[0] if current.src[0].device == current.arg else None


# -- constants --------------------------------------------------------------------------------


@rules.on(*ops.ELEMENTWISE)
def fold_constants(current: Node) -> Node | None:
    if not all(operand.op is ops.CONST for operand in current.src):
        return None
    constants = [(operand.arg.value, operand.dtype) for operand in current.src]
    return _like(current, semantics.fold(current.op, constants, current.dtype))


@rules.on(ops.RESHAPE, ops.PERMUTE, ops.EXPAND, ops.SHRINK, ops.FLIP)
def move_constant(current: Node) -> Node | None:
    inner = current.src[0]
    return _like(current, inner.arg.value) if inner.op is ops.CONST else None


@rules.on(ops.PAD, ops.SHEAR)
def pad_zero(current: Node) -> Node | None:
    inner = current.src[0]
    nothing = inner.size == 0 or (is_const(inner, 0) and inner.arg.sign > 0)
    return _like(current, 0) if nothing else None


@rules.on(ops.SUM)
def sum_constant(current: Node) -> Node | None:
    """A sum of equal numbers, where the product is exact."""
    inner = current.src[0]
    if inner.op is not ops.CONST:
        return None
    count = int(np.prod([inner.shape[axis] for axis in current.arg], dtype=np.int64))
    if inner.dtype.kind == dt.BOOL:
        return _like(current, bool(inner.arg.value) and count > 0)
    if inner.dtype.kind == dt.FLOAT and (inner.arg.value != 0 and count > 1 << 20):
        return None
    return _like(current, inner.arg.value * count if count else 0)


@rules.on(ops.REDUCE_MAX)
def max_constant(current: Node) -> Node | None:
    inner = current.src[0]
    return _like(current, inner.arg.value) if inner.op is ops.CONST and inner.size else None


# -- identities -------------------------------------------------------------------------------


@rules.on(ops.ADD)
def add_zero(current: Node) -> Node | None:
    """x + 0; of floats x + -0.0 only, because -0.0 + 0.0 is 0.0."""
    left, right = current.src
    if _adds_nothing(right):
        return left
    return right if _adds_nothing(left) else None


def _adds_nothing(value: Node) -> bool:
    return is_const(value, 0) and (value.dtype.kind != dt.FLOAT or value.arg.sign < 0)


@rules.on(ops.MUL)
def multiply_one(current: Node) -> Node | None:
    left, right = current.src
    if is_const(right, 1):
        return left
    if is_const(left, 1):
        return right
    if not current.dtype.is_floating_point and (is_const(left, 0) or is_const(right, 0)):
        return _like(current, 0)
    return None


@rules.on(ops.ADD, ops.MUL, ops.DIV, ops.MAX)
def nan_of_nan(current: Node) -> Node | None:
    """NaN, whatever the other operand is: compilers leave open what functions make of it."""
    unknown = any(is_const(s) and s.arg.value != s.arg.value for s in current.src)
    return _like(current, math.nan) if unknown else None


@rules.on(ops.MOD)
def remainder_of_nothing(current: Node) -> Node | None:
    """By zero, by NaN, or of an infinite number: compilers may leave open what that is."""
    dividend, divisor = current.src
    if current.dtype.kind != dt.FLOAT:
        return _like(current, 0) if is_const(divisor, 0) else None
    by_nothing = is_const(divisor) and (divisor.arg.value == 0 or math.isnan(divisor.arg.value))
    of_nothing = is_const(dividend) and not math.isfinite(dividend.arg.value)
    return _like(current, math.nan) if by_nothing or of_nothing else None


@rules.on(ops.MUL)
def multiply_constants(current: Node) -> Node | None:
    """(x * a) * b -> x * (ab) where a or b is -1, so that signs cancel; others may round."""
    inner, outer = current.src
    if not is_const(outer) or inner.op is not ops.MUL or not is_const(inner.src[1]):
        return None
    if outer.arg.value != -1 and inner.src[1].arg.value != -1:
        return None
    return node(ops.MUL, (inner.src[0], _like(current, inner.src[1].arg.value * outer.arg.value)))


@rules.on(*(op for op in ops.ALL if op.commutative))
def constant_to_the_right(current: Node) -> Node | None:
    left, right = current.src
    if left.op is ops.CONST and right.op is not ops.CONST:
        return node(current.op, (right, left))
    return None


@rules.on(ops.DIV)
def divide_by_one(current: Node) -> Node | None:
    return current.src[0] if is_const(current.src[1], 1) else None


@rules.on(ops.DIV)
def divide_by_power_of_two(current: Node) -> Node | None:
    """Exact as a product, and products are cheaper."""
    divisor = current.src[1]
    if not is_const(divisor) or not current.dtype.is_floating_point:
        return None
    mantissa, exponent = np.frexp(divisor.arg.value)
    if abs(mantissa) != 0.5 or not -100 < exponent < 100 or current.dtype.itemsize < 4:
        return None
    return node(ops.MUL, (current.src[0], _like(current, 1.0 / divisor.arg.value)))


@rules.on(ops.MAX)
def max_of_itself(current: Node) -> Node | None:
    left, right = current.src
    return left if left is right or is_const(right, current.dtype.min) else None


@rules.on(ops.AND)
def and_constant(current: Node) -> Node | None:
    """x & 0, and x & all bits."""
    left, right = current.src
    if is_const(right, 0):
        return right
    all_bits = right.dtype.max if not right.dtype.is_signed else -1
    return left if is_const(right, all_bits) else None


@rules.on(ops.XOR)
def exclusive_or(current: Node) -> Node | None:
    left, right = current.src
    if is_const(right, 0):
        return left
    if left.op is ops.XOR and is_const(right) and is_const(left.src[1]):
        return node(ops.XOR, (left.src[0], node(ops.XOR, (left.src[1], right))))
    return None


@rules.on(ops.WHERE)
def where_decided(current: Node) -> Node | None:
    condition, yes, no = current.src
    if yes is no:
        return yes
    if condition.op is ops.CONST:
        return yes if condition.arg.value else no
    if condition.op is ops.XOR and is_const(condition.src[1], True):  # where(not c, a, b)
        return node(ops.WHERE, (condition.src[0], no, yes))
    return None


@rules.on(ops.CAST)
def cast_to_same(current: Node) -> Node | None:
    """x.cast(own dtype), and a widening cast followed by another cast."""
    inner = current.src[0]
    if inner.dtype is current.dtype:
        return inner
    if inner.op is not ops.CAST:
        return None
    (first,) = inner.src
    if not _holds(inner.dtype, first.dtype):
        return None
    by_float = inner.dtype.kind == dt.FLOAT and first.dtype.is_integer and current.dtype.is_integer
    wide = semantics.wide_integer(current.dtype)
    if by_float and wide is not first.dtype and not _holds(wide, first.dtype):
        return None  # out of range as a float, but cut to its low bits as an integer
    return node(ops.CAST, (first,), current.dtype)


def _holds(wide: dt.DType, narrow: dt.DType) -> bool:
    """Every value of ``narrow`` is a value of ``wide``."""
    if narrow.kind == dt.BOOL:
        return True
    if wide.kind != narrow.kind:
        fits_float = wide.kind == dt.FLOAT and narrow.kind != dt.FLOAT
        signed_up = wide.kind == dt.SIGNED and narrow.kind == dt.UNSIGNED
        return (fits_float or signed_up) and wide.itemsize > narrow.itemsize
    return wide.itemsize > narrow.itemsize


# -- reductions -------------------------------------------------------------------------------


@rules.on(*ops.REDUCE)
def reduce_single_elements(current: Node) -> Node | None:
    """Axes of size 1 need no reduction."""
    inner = current.src[0]
    axes = tuple(axis for axis in current.arg if inner.shape[axis] != 1)
    if axes == current.arg:
        return None
    return node(current.op, (inner,), axes) if axes else inner


@rules.on(*ops.REDUCE)
def reduce_reduced(current: Node) -> Node | None:
    """A sum of a sum is one sum."""
    inner = current.src[0]
    if inner.op is not current.op or inner.arg == ():
        return None
    return node(current.op, inner.src, tuple(sorted(set(current.arg) | set(inner.arg))))


@rules.on(ops.REDUCE_MAX)
def max_of_expanded(current: Node) -> Node | None:
    inner = current.src[0]
    if inner.op is not ops.EXPAND or 0 in inner.shape:
        return None
    before = inner.src[0].shape
    axes = tuple(axis for axis in current.arg if before[axis] != 1)
    if axes == current.arg:
        return None
    shape = tuple(1 if axis in current.arg else n for axis, n in enumerate(inner.shape))
    kept = tuple(n if axis in axes else shape[axis] for axis, n in enumerate(inner.shape))
    moved = _expand(inner.src[0], kept)
    return node(current.op, (moved,), axes) if axes else moved


# -- indices ----------------------------------------------------------------------------------


@rules.on(ops.GATHER)
def gather_zeros(current: Node) -> Node | None:
    table = current.src[0]
    zeros = is_const(table, 0) and table.arg.sign > 0
    return _like(current, 0) if zeros or table.size == 0 else None


@rules.on(ops.GATHER)
def gather_in_order(current: Node) -> Node | None:
    """The first elements, as of positions that are counted: a piece, or all and zeros."""
    table, index = current.src
    axis = current.arg
    return _cut_to(table, axis, index.shape[axis]) if _counts(index, axis) else None


@rules.on(ops.SCATTER)
def scatter_in_order(current: Node) -> Node | None:
    """Each element goes to its own position."""
    index, value = current.src
    axis, size, combine = current.arg
    in_order = combine in (None, ops.ADD) and _counts(index, axis)
    return _cut_to(value, axis, size) if in_order else None


def _counts(index: Node, axis: int) -> bool:
    """Whether an index is 0 1 2 ... along ``axis``, everywhere."""
    line = tuple(size if a == axis else 1 for a, size in enumerate(index.shape))
    for op in (ops.EXPAND, ops.RESHAPE):
        if index.op is op and index.src[0].shape in (line, line[axis : axis + 1]):
            (index,) = index.src
    return index.op is ops.IOTA and index.shape == line[axis : axis + 1]


def _cut_to(value: Node, axis: int, size: int) -> Node:
    """The first ``size`` elements along a dim; zeros where there are fewer."""
    old = value.shape[axis]
    bounds = tuple((0, min(size, n) if a == axis else n) for a, n in enumerate(value.shape))
    fill = tuple((0, max(size - old, 0) if a == axis else 0) for a in range(value.ndim))
    return node(ops.PAD, (node(ops.SHRINK, (value,), bounds),), fill)


@rules.on(ops.SCATTER)
def scatter_nothing(current: Node) -> Node | None:
    value, combine = current.src[1], current.arg.combine
    zeros = is_const(value, 0) and value.arg.sign > 0 and combine in (None, ops.ADD)
    if value.size and not zeros:
        return None
    return _like(current, ops.NOTHING[combine](current.dtype))


@rules.on(ops.SCATTER)
def scatter_one(current: Node) -> Node | None:
    """Where one element of each row goes, every place can tell by itself: so the gradient of a
    loss that picks one score a row is elementwise."""
    index, value = current.src
    axis, size, combine = current.arg
    if index.shape[axis] != 1:
        return None
    iota = node(ops.IOTA, (), Iota((size,), index.dtype, index.device))
    line = tuple(size if a == axis else 1 for a in range(current.ndim))
    place = _expand(node(ops.RESHAPE, (iota,), line), current.shape)
    missed = node(ops.NE, (_expand(index, current.shape), place))
    nothing = _like(current, ops.NOTHING[combine](current.dtype))
    return node(ops.WHERE, (missed, nothing, _expand(value, current.shape)))


# -- movement ---------------------------------------------------------------------------------


def _expand(inner: Node, shape: Shape) -> Node:
    return inner if inner.shape == shape else node(ops.EXPAND, (inner,), shape)


@rules.on(ops.RESHAPE, ops.EXPAND)
def keep_shape(current: Node) -> Node | None:
    return current.src[0] if current.src[0].shape == current.shape else None


@rules.on(ops.RESHAPE)
def reshape_reshaped(current: Node) -> Node | None:
    inner = current.src[0]
    return node(ops.RESHAPE, inner.src, current.arg) if inner.op is ops.RESHAPE else None


@rules.on(ops.EXPAND)
def expand_expanded(current: Node) -> Node | None:
    inner = current.src[0]
    return node(ops.EXPAND, inner.src, current.arg) if inner.op is ops.EXPAND else None


@rules.on(ops.PERMUTE)
def permute_permuted(current: Node) -> Node | None:
    inner = current.src[0]
    if current.arg == tuple(range(inner.ndim)):
        return inner
    if inner.op is not ops.PERMUTE:
        return None
    return node(ops.PERMUTE, inner.src, tuple(inner.arg[axis] for axis in current.arg))


@rules.on(ops.PAD)
def pad_nothing(current: Node) -> Node | None:
    inner = current.src[0]
    if all(pair == (0, 0) for pair in current.arg):
        return inner
    if inner.op is not ops.PAD:
        return None
    both = zip(current.arg, inner.arg, strict=True)
    return node(ops.PAD, inner.src, tuple((a + c, b + d) for (a, b), (c, d) in both))


@rules.on(ops.SHRINK)
def shrink_nothing(current: Node) -> Node | None:
    inner = current.src[0]
    if current.shape == inner.shape:
        return inner
    if inner.op is ops.SHRINK:
        both = zip(current.arg, inner.arg, strict=True)
        return node(ops.SHRINK, inner.src, tuple((a + c, b + c) for (a, b), (c, _) in both))
    return None


@rules.on(ops.SHRINK)
def shrink_padded(current: Node) -> Node | None:
    """What was only just padded around is cut off again."""
    inner = current.src[0]
    if inner.op is not ops.PAD:
        return None
    before = inner.src[0].shape
    pairs = zip(current.arg, inner.arg, before, strict=True)
    inside = [low <= start and stop <= low + size for (start, stop), (low, _), size in pairs]
    if not all(inside):
        return None
    moved = zip(current.arg, inner.arg, strict=True)
    return node(
        ops.SHRINK, inner.src, tuple((start - low, stop - low) for (start, stop), (low, _) in moved)
    )


@rules.on(ops.FLIP)
def flip_flipped(current: Node) -> Node | None:
    inner = current.src[0]
    axes = tuple(axis for axis in current.arg if inner.shape[axis] > 1)
    if axes != current.arg:
        return node(ops.FLIP, (inner,), axes) if axes else inner
    if inner.op is ops.FLIP:
        both = tuple(sorted(set(axes) ^ set(inner.arg)))
        return node(ops.FLIP, inner.src, both) if both else inner.src[0]
    return None


def base_of(view: Node) -> Node:
    """The node below all movement ops."""
    while view.op.kind is Kind.MOVEMENT:
        view = view.src[0]
    return view
