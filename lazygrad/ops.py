"""The op set: one row an op, the only place where ops are declared.

Everything else asks the row (``op.kind``, ``op.arity``, ``op.infer`` ...) or keeps one table keyed
by op. Shapes of elementwise operands are equal: ``lang`` broadcasts before it builds a node.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from enum import Enum
from typing import TYPE_CHECKING, Any, NamedTuple

from lazygrad import element_types as dt
from lazygrad.element_types import DType
from lazygrad.errors import DtypeError, ShapeError
from lazygrad.routines import ROUTINES
from lazygrad.shape import Shape, numel

if TYPE_CHECKING:
    from lazygrad.body import Looped
    from lazygrad.graph import Node

Infer = Callable[["Op", tuple["Node", ...], Any], tuple[Shape, DType]]
Vanishes = Callable[[Sequence[bool]], bool]


class Kind(Enum):
    """What an op is to the stages that read the graph."""

    ELEMENTWISE = "elementwise"
    REDUCE = "reduce"
    MOVEMENT = "movement"
    INDEXED = "indexed"
    CALL = "call"
    JOIN = "join"
    LEAF = "leaf"
    MARK = "mark"


def _never(zeros: Sequence[bool]) -> bool:
    return False


class Op:
    """One row of the table; identity is equality, so it hashes at C speed.

    Attributes:
        arity: how many sources it has; None: any number of them.
        cost: instructions an element, where an addition is one.
        value_arity: how many of its sources the value is computed from; the rest speaks to
            derivatives.
        singular: whether some finite operands have a result that is infinite or NaN.
        vanishes: whether the result is 0, given which operands are (and the others finite).
    """

    __slots__ = (
        "arity", "commutative", "cost", "doc", "infer", "kind", "name", "singular", "value_arity",
        "vanishes",
    )  # fmt: skip

    def __init__(
        self,
        name: str,
        kind: Kind,
        arity: int | None,
        infer: Infer,
        doc: str,
        *,
        commutative: bool = False,
        cost: int = 1,
        vanishes: Vanishes = _never,
        singular: bool = False,
        value_arity: int | None = None,
    ) -> None:
        self.name = name
        self.kind = kind
        self.arity = arity
        self.infer = infer
        self.doc = doc
        self.commutative = commutative
        self.cost = cost
        self.vanishes = vanishes
        self.singular = singular
        self.value_arity = arity if value_arity is None else value_arity
        ALL.append(self)

    def __repr__(self) -> str:
        return self.name


class Reduction(Op):
    """A row of kind REDUCE.

    Attributes:
        combine: the op that adds an element.
    """

    __slots__ = ("combine",)

    def __init__(self, name: str, doc: str, combine: Op) -> None:
        super().__init__(name, Kind.REDUCE, 1, _reduce, doc, vanishes=combine.vanishes)
        self.combine = combine

    def identity(self, dtype: DType) -> Any:
        """The result over nothing."""
        return NOTHING[self.combine](dtype)


ALL: list[Op] = []


class Shear(NamedTuple):
    """Argument of SHEAR; negative factors and offsets are fine."""

    axis: int
    by: int
    factor: int
    offset: int
    size: int


class Scatter(NamedTuple):
    """Argument of SCATTER.

    Attributes:
        axis, size: the dim that indices speak of, and how long it is in the result.
        combine: the op that adds an element to those before it; None: it takes their place.
    """

    axis: int
    size: int
    combine: Op | None


class Called(NamedTuple):
    """Argument of CALL.

    Attributes:
        routine: one of ``lazygrad.routines``, by its name.
        options: what it takes besides its operands.
        result: the number of the result that this is. A plan runs the routine once for all.
    """

    routine: str
    options: tuple[bool | int | float, ...]
    result: int

    @property
    def call(self) -> tuple[Any, ...]:
        """What the results of one call have in common."""
        return self[:2]


class Ruled(NamedTuple):
    """Argument of CUSTOM.

    Attributes:
        rule: says what the derivatives are (``autodiff.custom.Rule``).
        operands: how many of the sources behind the value it speaks of, the first ones. The others
            are what it needs beside.
        kinds: shape and dtype of each result of the call.
        result: the number of the result that this is. A rule answers for all of them at once.
    """

    rule: Any
    operands: int
    kinds: tuple[tuple[Shape, DType], ...]
    result: int

    @property
    def call(self) -> tuple[Any, ...]:
        """What the results of one call have in common."""
        return self[:3]


# -- shape and dtype rules -------------------------------------------------------------------


def _same_shape(op: Op, src: tuple[Node, ...]) -> Shape:
    shape = src[0].shape
    for operand in src[1:]:
        if operand.shape != shape:
            listed = " and ".join(str(node.shape) for node in src)
            raise ShapeError(f"[{op.name}] operands have shapes {listed}; broadcast them first")
    return shape


def _float_unary(op: Op, src: tuple[Node, ...], arg: Any) -> tuple[Shape, DType]:
    if not src[0].dtype.is_floating_point:
        raise DtypeError(f"[{op.name}] needs a float, got {src[0].dtype.name}; cast it first")
    return src[0].shape, src[0].dtype


def _same_dtype(op: Op, src: tuple[Node, ...]) -> DType:
    dtype = src[0].dtype
    for operand in src[1:]:
        if operand.dtype is not dtype:
            listed = " and ".join(node.dtype.name for node in src)
            raise DtypeError(f"[{op.name}] operands have dtypes {listed}; cast them first")
    return dtype


def _binary(op: Op, src: tuple[Node, ...], arg: Any) -> tuple[Shape, DType]:
    return _same_shape(op, src), _same_dtype(op, src)


def _bitwise(op: Op, src: tuple[Node, ...], arg: Any) -> tuple[Shape, DType]:
    shape, dtype = _binary(op, src, arg)
    if dtype.is_floating_point:
        raise DtypeError(f"[{op.name}] needs integers or bool, got {dtype.name}")
    return shape, dtype


def _compare(op: Op, src: tuple[Node, ...], arg: Any) -> tuple[Shape, DType]:
    return _binary(op, src, arg)[0], dt.bool_


def _where(op: Op, src: tuple[Node, ...], arg: Any) -> tuple[Shape, DType]:
    if src[0].dtype is not dt.bool_:
        raise DtypeError(f"[{op.name}] the condition must be bool, got {src[0].dtype.name}")
    return _same_shape(op, src), _same_dtype(op, src[1:])


def _cast(op: Op, src: tuple[Node, ...], arg: DType) -> tuple[Shape, DType]:
    return src[0].shape, arg


def _reduce(op: Op, src: tuple[Node, ...], arg: Shape) -> tuple[Shape, DType]:
    shape = src[0].shape
    return tuple(1 if axis in arg else size for axis, size in enumerate(shape)), src[0].dtype


def _reshape(op: Op, src: tuple[Node, ...], arg: Shape) -> tuple[Shape, DType]:
    if numel(arg) != numel(src[0].shape):
        raise ShapeError(f"[{op.name}] cannot view shape {src[0].shape} as {arg}")
    return arg, src[0].dtype


def _permute(op: Op, src: tuple[Node, ...], arg: Shape) -> tuple[Shape, DType]:
    shape = src[0].shape
    if sorted(arg) != list(range(len(shape))):
        raise ShapeError(f"[{op.name}] {arg} is not an order of the {len(shape)} dims of {shape}")
    return tuple(shape[axis] for axis in arg), src[0].dtype


def _expand(op: Op, src: tuple[Node, ...], arg: Shape) -> tuple[Shape, DType]:
    shape = src[0].shape
    fits = len(shape) == len(arg) and all(
        old == new or old == 1 for old, new in zip(shape, arg, strict=True)
    )
    if not fits:
        raise ShapeError(f"[{op.name}] cannot expand shape {shape} to {arg}")
    return arg, src[0].dtype


def _pad(op: Op, src: tuple[Node, ...], arg: Any) -> tuple[Shape, DType]:
    shape = src[0].shape
    if len(arg) != len(shape) or any(low < 0 or high < 0 for low, high in arg):
        raise ShapeError(f"[{op.name}] {arg} does not pad shape {shape}")
    return tuple(n + low + high for n, (low, high) in zip(shape, arg, strict=True)), src[0].dtype


def _shrink(op: Op, src: tuple[Node, ...], arg: Any) -> tuple[Shape, DType]:
    shape = src[0].shape
    fits = len(arg) == len(shape) and all(
        0 <= start <= stop <= size for size, (start, stop) in zip(shape, arg, strict=True)
    )
    if not fits:
        raise ShapeError(f"[{op.name}] {arg} does not lie inside shape {shape}")
    return tuple(stop - start for start, stop in arg), src[0].dtype


def _shear(op: Op, src: tuple[Node, ...], arg: Shear) -> tuple[Shape, DType]:
    shape = list(src[0].shape)
    if arg.axis == arg.by or not (0 <= arg.axis < len(shape) and 0 <= arg.by < len(shape)):
        raise ShapeError(f"[{op.name}] {arg} does not fit shape {src[0].shape}")
    shape[arg.axis] = arg.size
    return tuple(shape), src[0].dtype


def _unchanged(op: Op, src: tuple[Node, ...], arg: Any) -> tuple[Shape, DType]:
    return src[0].shape, src[0].dtype


def _gather(op: Op, src: tuple[Node, ...], arg: int) -> tuple[Shape, DType]:
    table, index = src
    _check_index(op, index)
    if not 0 <= arg < len(index.shape) or _apart_from(table.shape, arg) != _apart_from(
        index.shape, arg
    ):
        raise ShapeError(
            f"[{op.name}] indices of shape {index.shape} do not select from shape {table.shape} "
            f"along dim {arg}; every other dim must be equal"
        )
    return index.shape, table.dtype


def _scatter(op: Op, src: tuple[Node, ...], arg: Scatter) -> tuple[Shape, DType]:
    index, value = src
    _check_index(op, index)
    axis = arg.axis
    if index.shape != value.shape or not 0 <= axis < len(value.shape) or arg.size < 0:
        raise ShapeError(
            f"[{op.name}] indices of shape {index.shape} do not say where values of shape "
            f"{value.shape} go along dim {axis} of size {arg.size}; the shapes must be equal"
        )
    if arg.combine in (ADD, MUL) and value.dtype in dt.HALVES:
        raise DtypeError(f"[{op.name}] {value.dtype.name} would round each step; cast to float32")
    return (*value.shape[:axis], arg.size, *value.shape[axis + 1 :]), value.dtype


def _check_index(op: Op, index: Node) -> None:
    if index.dtype not in (dt.int32, dt.int64):
        raise DtypeError(
            f"[{op.name}] indices must be int32 or int64, got {index.dtype.name}; cast them first"
        )


def _join(op: Op, src: tuple[Node, ...], arg: int) -> tuple[Shape, DType]:
    shape = src[0].shape if src else ()
    if not 0 <= arg < len(shape) or any(
        _apart_from(piece.shape, arg) != _apart_from(shape, arg) for piece in src
    ):
        listed = " and ".join(str(piece.shape) for piece in src)
        raise ShapeError(f"[{op.name}] shapes {listed} differ in another dim than {arg}")
    total = sum(piece.shape[arg] for piece in src)
    return (*shape[:arg], total, *shape[arg + 1 :]), _same_dtype(op, src)


def _apart_from(shape: Shape, axis: int) -> Shape:
    return (*shape[:axis], -1, *shape[axis + 1 :])


def _call(op: Op, src: tuple[Node, ...], arg: Called) -> tuple[Shape, DType]:
    dtype = _same_dtype(op, src)
    if dtype not in (dt.float32, dt.float64):
        raise DtypeError(
            f"[{arg.routine}] needs float32 or float64, got {dtype.name}; cast it first"
        )
    shapes = ROUTINES[arg.routine].shapes(*(operand.shape for operand in src), *arg.options)
    return shapes[arg.result], dtype


def _loop(op: Op, src: tuple[Node, ...], arg: Looped) -> tuple[Shape, DType]:
    return arg.infer(op, src)


def _leaf(op: Op, src: tuple[Node, ...], arg: Any) -> tuple[Shape, DType]:
    return arg.shape, arg.dtype


# -- the table -------------------------------------------------------------------------------

_E, _M, _L, _K = Kind.ELEMENTWISE, Kind.MOVEMENT, Kind.LEAF, Kind.MARK
_I = Kind.INDEXED

# What calculus sees.
EXP = Op("EXP", _E, 1, _float_unary, "e to the power of x", cost=10, singular=True)
LOG = Op("LOG", _E, 1, _float_unary, "natural logarithm", cost=10, singular=True)
SIN = Op("SIN", _E, 1, _float_unary, "sine of radians", cost=20, vanishes=all)
SQRT = Op("SQRT", _E, 1, _float_unary, "square root", cost=4, vanishes=all, singular=True)
CAST = Op(
    "CAST", _E, 1, _cast,
    "to another dtype; arg: DType; floats truncate towards zero, out of range as"
    " semantics.truncated says; integers keep their low bits",
    vanishes=all,
)  # fmt: skip
ADD = Op("ADD", _E, 2, _binary, "sum; of bools: or", commutative=True, vanishes=all)
MUL = Op("MUL", _E, 2, _binary, "product; of bools: and", commutative=True, vanishes=any)
DIV = Op(
    "DIV", _E, 2, _binary, "quotient; of integers: truncated, by zero: 0", cost=4, singular=True
)
MAX = Op("MAX", _E, 2, _binary, "larger; NaN if either is NaN", commutative=True)
WHERE = Op(
    "WHERE", _E, 3, _where, "src[1] where src[0] else src[2]",
    vanishes=lambda zeros: zeros[1] and zeros[2],
)  # fmt: skip
SUM = Reduction("SUM", "sum; arg: axes, kept with size 1", ADD)
REDUCE_MAX = Reduction("REDUCE_MAX", "largest; arg: axes, kept with size 1", MAX)

# What it does not see.
LT = Op("LT", _E, 2, _compare, "src[0] < src[1]")
NE = Op("NE", _E, 2, _compare, "src[0] != src[1]; NaN differs from itself", commutative=True)
MOD = Op(
    "MOD", _E, 2, _binary, "remainder with the sign of src[0], as C's; of integers by zero: 0",
    cost=20, singular=True,
)  # fmt: skip
AND = Op("AND", _E, 2, _bitwise, "bitwise and", commutative=True)
XOR = Op("XOR", _E, 2, _bitwise, "bitwise exclusive or", commutative=True)

# Movement: index arithmetic, no data moves.
RESHAPE = Op("RESHAPE", _M, 1, _reshape, "arg: new shape, row-major order kept")
PERMUTE = Op("PERMUTE", _M, 1, _permute, "arg: axes; dim i of the result is axes[i] of src")
EXPAND = Op("EXPAND", _M, 1, _expand, "arg: new shape; repeats dims of size 1")
PAD = Op("PAD", _M, 1, _pad, "arg: ((before, after), ...) zeros")
SHRINK = Op("SHRINK", _M, 1, _shrink, "arg: ((start, stop), ...)")
FLIP = Op("FLIP", _M, 1, _unchanged, "arg: axes whose order is reversed")
# Sliding windows: expand a new axis k, then shear by it. Reshapes can skew as well, but their
# transpose is not affine, and the input gradient of a convolution would not be one contraction.
SHEAR = Op(
    "SHEAR", _M, 1, _shear,
    "arg: Shear; out[..i..k..] = src[.. i + factor*k + offset ..k..], 0 where that is outside;"
    " i runs over dim axis (of the given size in the result), k over dim by",
)  # fmt: skip

# Several values, one after the other. Each is stored where it belongs: as a chain of selections,
# each element of the result would test all of them.
JOIN = Op("JOIN", Kind.JOIN, None, _join, "arg: axis; the sources one after the other along it")

# Data decides where: elements are read and written by index.
GATHER = Op(
    "GATHER", _I, 2, _gather,
    "arg: axis; out[..i..] = src[0][..src[1][..i..]..] there, 0 for an index out of range",
    cost=4,
)  # fmt: skip
SCATTER = Op(
    "SCATTER", _I, 2, _scatter,
    "arg: Scatter; out[..src[0][..i..]..] combines all src[1][..i..] that go there, in order;"
    " the combination's identity (of none: 0) where none does; indices out of range are dropped",
    cost=4,
)  # fmt: skip
NOTHING: Mapping[Op | None, Callable[[DType], Any]] = {  # the result over nothing
    None: lambda dtype: 0,
    ADD: lambda dtype: 0,
    MUL: lambda dtype: 1,
    MAX: lambda dtype: dtype.min,
}

# What is no loop nest is a step of its own: linear algebra.
CALL = Op("CALL", Kind.CALL, None, _call, "arg: Called; a result of a routine, of whole values")

# A graph that is computed again and again, on what the last time left.
LOOP = Op("LOOP", Kind.CALL, None, _loop, "arg: body.Looped; a result of a loop over whole values")

# Leaves.
CONST = Op("CONST", _L, 0, _leaf, "arg: Const, one value everywhere")
IOTA = Op("IOTA", _L, 0, _leaf, "arg: Iota, 0 1 2 ... n-1 in one dim")
BUFFER = Op("BUFFER", _L, 0, _leaf, "arg: anything with shape, dtype, device: a value in memory")

# Marks: the value of src[0], and something said about it.
CONTIGUOUS = Op("CONTIGUOUS", _K, 1, _unchanged, "to be written to memory of its own")
COPY = Op("COPY", _K, 1, _unchanged, "arg: device to bring it to")
VARIABLE = Op("VARIABLE", _K, 1, _unchanged, "arg: identity; a leaf to differentiate against")
DETACH = Op("DETACH", _K, 1, _unchanged, "a constant to derivatives")
SURROGATE = Op(
    "SURROGATE", _K, 2, _binary, "the value of src[0] with the derivative of src[1]", value_arity=1
)
# As a surrogate's proxy it says what the derivative is where composing would give 0 * infinity.
SLOPE = Op(
    "SLOPE", _K, 2, _binary, "the value of src[0], of which each change counts src[1] times",
    value_arity=1,
)  # fmt: skip
CUSTOM = Op(
    "CUSTOM", _K, None, _unchanged,
    "arg: Ruled; the value of src[0], with derivatives by the others as a rule of the user's says",
    value_arity=1,
)  # fmt: skip

BY_NAME = {op.name: op for op in ALL}
ELEMENTWISE = tuple(op for op in ALL if op.kind is _E)
MOVEMENT = tuple(op for op in ALL if op.kind is _M)
REDUCE = tuple(op for op in ALL if isinstance(op, Reduction))
COMPARISONS = (LT, NE)
COSTLY = frozenset(op for op in ALL if op.cost >= 10)  # longer than writing and reading a value
DERIVATIVE_MARKS = (VARIABLE, DETACH, SURROGATE, SLOPE, CUSTOM)  # the value is src[0] alone
RESULTS = frozenset((CALL, LOOP, CUSTOM))  # of calls that may have several
