"""Kernels written by hand in the kernel language: what code generation is tested with."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from lazygrad import element_types as dt, ops
from lazygrad.element_types import DType
from lazygrad.kernel import expr as ex, index as ix
from lazygrad.kernel.expr import Bound, Expr
from lazygrad.kernel.index import DataAtom, Index, Range
from lazygrad.kernel.kernel import BufferSpec, Kernel, Output

Array = np.ndarray[Any, Any]
Build = Callable[[], Kernel]


# -- a little notation --------------------------------------------------------------------------


def at(*steps: tuple[Range, int] | int) -> Index:
    """``at((row, 10), (column, 1), 3)`` is ``10*row + column + 3``."""
    total = Index()
    for step in steps:
        total = total + (step if isinstance(step, int) else ix.of(step[0]) * step[1])
    return total


def number(value: float, dtype: DType = dt.float32) -> Expr:
    return ex.literal(value, dtype)


def do(op: ops.Op, *src: Expr, dtype: DType | None = None) -> Expr:
    compares = op in (ops.LT, ops.NE)
    return ex.elementwise(op, src, dtype or (dt.bool_ if compares else src[-1].dtype))


def relu(value: Expr) -> Expr:
    return do(ops.MAX, value, number(0.0, value.dtype))


def total(value: Expr, *ranges: Range) -> Expr:
    return ex.reduce(ops.SUM, value, ranges)


def largest(value: Expr, *ranges: Range) -> Expr:
    return ex.reduce(ops.REDUCE_MAX, value, ranges)


def kernel(
    name: str,
    ranges: Sequence[Range],
    stores: Sequence[tuple[Index, Expr, Sequence[Range]]],
    inputs: Sequence[tuple[DType, int]],
) -> Kernel:
    """A kernel with a buffer for each store; ``inputs`` are dtypes and sizes."""
    outputs, buffers = [], []
    for slot, (index, value, own) in enumerate(stores):
        every = (*ranges, *own)
        outputs.append(Output(slot, index, value, every))
        size = int(np.prod([r.size for r in every], dtype=np.int64))
        buffers.append(BufferSpec(value.dtype, size))
    buffers += [BufferSpec(dtype, size) for dtype, size in inputs]
    return Kernel(name, tuple(ranges), tuple(outputs), tuple(buffers))


def inputs_of(built: Kernel, seed: int = 0) -> list[Array]:
    """Values for the input buffers of a kernel: small integers, or floats around zero."""
    rng = np.random.default_rng(seed)
    arrays = []
    for spec in built.buffers[len(built.written) :]:
        if spec.dtype.kind == dt.BOOL:
            array = rng.integers(0, 2, spec.size).astype(np.bool_)
        elif spec.dtype is dt.bfloat16:
            floats = rng.standard_normal(spec.size).astype(np.float32)
            array = (floats.view(np.uint32) >> 16).astype(np.uint16)
        elif spec.dtype.is_floating_point:
            array = rng.standard_normal(spec.size).astype(spec.dtype.numpy)
        else:
            low = -9 if spec.dtype.is_signed else 0
            array = rng.integers(low, 10, spec.size).astype(spec.dtype.numpy)
        arrays.append(array)
    return arrays


# -- elementwise --------------------------------------------------------------------------------


def chain(rows: int, columns: int) -> Kernel:
    """relu(x * scale[column] + shift[row]): broadcasting."""
    r, c = Range("r", rows), Range("c", columns)
    x = ex.load(1, at((r, columns), (c, 1)), dt.float32)
    scale, shift = ex.load(2, at((c, 1)), dt.float32), ex.load(3, at((r, 1)), dt.float32)
    value = relu(do(ops.ADD, do(ops.MUL, x, scale), shift))
    sizes = [(dt.float32, rows * columns), (dt.float32, columns), (dt.float32, rows)]
    return kernel("chain", [r, c], [(at((r, columns), (c, 1)), value, ())], sizes)


def parts(rows: int, columns: int) -> Kernel:
    """x and -y side by side, below them z with loops of its own: three parts of one buffer."""
    r, c, own = Range("r", rows), Range("c", columns), Range("own", 2 * columns)
    x, y = (ex.load(slot, at((r, columns), (c, 1)), dt.float32) for slot in (1, 2))
    z = ex.load(3, at((own, 1)), dt.float32)
    width = 2 * columns
    outputs = (
        Output(0, at((r, width), (c, 1)), x, (r, c)),
        Output(0, at((r, width), (c, 1), columns), do(ops.MUL, y, number(-1.0)), (r, c)),
        Output(0, at((own, 1), rows * width), z, (own,)),
    )
    sizes = (rows + 1) * width, rows * columns, rows * columns, width
    return Kernel("parts", (), outputs, tuple(BufferSpec(dt.float32, n) for n in sizes))


def columns_of_one(rows: int, count: int) -> Kernel:
    """Several inputs as the columns of one matrix."""
    r = Range("r", rows)
    outputs = (
        Output(0, at((r, count), n), ex.load(n + 1, at((r, 1)), dt.float32), (r,))
        for n in range(count)
    )
    sizes = rows * count, *(rows for _ in range(count))
    return Kernel("columns", (r,), tuple(outputs), tuple(BufferSpec(dt.float32, n) for n in sizes))


def transpose(rows: int, columns: int) -> Kernel:
    r, c = Range("r", rows), Range("c", columns)
    value = ex.load(1, at((c, rows), (r, 1)), dt.float32)
    stores = [(at((r, columns), (c, 1)), value, ())]
    return kernel("transpose", [r, c], stores, [(dt.float32, rows * columns)])


def flip(size: int) -> Kernel:
    i = Range("i", size)
    value = ex.load(1, at((i, -1), size - 1), dt.float32)
    return kernel("flip", [i], [(at((i, 1)), value, ())], [(dt.float32, size)])


def pad(size: int, before: int, after: int) -> Kernel:
    """The guard moves with the lanes."""
    whole = size + before + after
    i = Range("i", whole)
    inside = Bound(at((i, 1), -before), 0, size)
    value = do(ops.ADD, ex.load(1, inside.index, dt.float32, (inside,)), number(1.0))
    kept = ex.guarded(value, (inside,))
    return kernel("pad", [i], [(at((i, 1)), kept, ())], [(dt.float32, size)])


def repeat(size: int, times: int) -> Kernel:
    """out[i] = x[i // times] + y[i % times], and the coordinate itself."""
    i = Range("i", size * times)
    x = ex.load(1, at((i, 1)).floordiv(times), dt.float32)
    y = ex.load(2, at((i, 1)).mod(times), dt.float32)
    shifted = ex.index_value(at((i, 3), -size).floordiv(7), dt.float32)
    value = do(ops.ADD, do(ops.ADD, x, y), shifted)
    sizes = [(dt.float32, size), (dt.float32, times)]
    return kernel("repeat", [i], [(at((i, 1)), value, ())], sizes)


def quotients(size: int) -> Kernel:
    """Of an index that goes below zero, rounded down: ``(3 - 2 * i) // 5`` and ``% 5``, and whether
    there is a remainder."""
    i = Range("i", size)
    falling = at((i, -2), 3)
    stores = [
        (at((i, 1)), ex.index_value(falling.floordiv(5), dt.int32), ()),
        (at((i, 1)), ex.index_value(falling.mod(5), dt.int32), ()),
        (at((i, 1)), ex.index_value(falling.mod(5), dt.bool_), ()),
    ]
    return kernel("quotients", [i], stores, [])


def threefry(size: int) -> Kernel:
    """Rotations and additions that wrap around, as random numbers need them."""
    i = Range("i", size)
    x = ex.index_value(at((i, 1)), dt.uint32)
    key = ex.load(1, Index(), dt.uint32)
    for amount in (13, 15, 26, 6):
        x = do(ops.ADD, x, key)
        high = do(ops.MUL, x, number(1 << amount, dt.uint32))
        low = do(ops.DIV, x, number(1 << (32 - amount), dt.uint32))
        x = do(ops.XOR, do(ops.ADD, high, low), do(ops.AND, x, number(0xF0F0F0F0, dt.uint32)))
    return kernel("threefry", [i], [(at((i, 1)), x, ())], [(dt.uint32, 1)])


def gather(rows: int, columns: int, picked: int, dtype: DType = dt.int64) -> Kernel:
    """Rows of a table by labels; a label outside gives zeros."""
    p, c = Range("p", picked), Range("c", columns)
    label = Index([(DataAtom(ex.load(1, at((p, 1)), dtype), (-9, 9)), 1)])
    guard = (Bound(label, 0, rows),)
    value = ex.load(2, label * columns + at((c, 1)), dt.float32, guard)
    sizes = [(dtype, picked), (dt.float32, rows * columns)]
    return kernel("gather", [p, c], [(at((p, columns), (c, 1)), value, ())], sizes)


def gather_elements(size: int, table: int) -> Kernel:
    """The gathered index moves with the lanes."""
    i = Range("i", size)
    label = Index([(DataAtom(ex.load(1, at((i, 1)), dt.int32), (-9, 9)), 1)])
    value = ex.load(2, label, dt.float32, (Bound(label, 0, table),))
    sizes = [(dt.int32, size), (dt.float32, table)]
    return kernel("gather_elements", [i], [(at((i, 1)), value, ())], sizes)


def copy(dtype: DType, size: int) -> Kernel:
    i = Range("i", size)
    value = ex.load(1, at((i, 1)), dtype)
    return kernel("copy", [i], [(at((i, 1)), value, ())], [(dtype, size)])


def copy_as(source: DType, target: DType, size: int) -> Kernel:
    i = Range("i", size)
    value = do(ops.CAST, ex.load(1, at((i, 1)), source), dtype=target)
    return kernel("copy_as", [i], [(at((i, 1)), value, ())], [(source, size)])


def rounded(target: DType, size: int) -> Kernel:
    """float32 as ``target``: stored, and as float32 again without having been stored."""
    i = Range("i", size)
    value = do(ops.CAST, ex.load(2, at((i, 1)), dt.float32), dtype=target)
    back = do(ops.CAST, value, dtype=dt.float32)
    stores = [(at((i, 1)), value, ()), (at((i, 1)), back, ())]
    return kernel("rounded", [i], stores, [(dt.float32, size)])


def cast(source: DType, target: DType, size: int) -> Kernel:
    """There, and the target's square: computed in its own arithmetic."""
    i = Range("i", size)
    value = do(ops.CAST, ex.load(1, at((i, 1)), source), dtype=target)
    value = do(ops.MUL, value, value)
    return kernel("cast", [i], [(at((i, 1)), value, ())], [(source, size)])


def binary(op: ops.Op, dtype: DType, size: int) -> Kernel:
    i = Range("i", size)
    a, b = ex.load(1, at((i, 1)), dtype), ex.load(2, at((i, 1)), dtype)
    value = do(op, a, b)
    sizes = [(dtype, size), (dtype, size)]
    return kernel("binary", [i], [(at((i, 1)), value, ())], sizes)


def select(dtype: DType, size: int) -> Kernel:
    """where(mask, a, b) under a second mask that is one value for all."""
    i = Range("i", size)
    mask, one = ex.load(1, at((i, 1)), dt.bool_), ex.load(2, Index(), dt.bool_)
    a, b = ex.load(3, at((i, 1)), dtype), ex.load(4, at((i, 1)), dtype)
    value = do(ops.WHERE, do(ops.AND, mask, one), a, b)
    sizes = [(dt.bool_, size), (dt.bool_, 1), (dtype, size), (dtype, size)]
    return kernel("select", [i], [(at((i, 1)), value, ())], sizes)


def constant(size: int) -> Kernel:
    i = Range("i", size)
    return kernel("constant", [i], [(at((i, 1)), number(2.5), ())], [])


def scalar() -> Kernel:
    """No ranges: one element."""
    value = do(ops.ADD, ex.load(1, Index(), dt.float32), number(1.0))
    return kernel("scalar", [], [(Index(), value, ())], [(dt.float32, 1)])


# -- reductions ---------------------------------------------------------------------------------


def sum_rows(rows: int, columns: int, dtype: DType = dt.float32) -> Kernel:
    r, k = Range("r", rows), Range("k", columns)
    value = total(ex.load(1, at((r, columns), (k, 1)), dtype), k)
    return kernel("sum_rows", [r], [(at((r, 1)), value, ())], [(dtype, rows * columns)])


def sum_columns(rows: int, columns: int) -> Kernel:
    k, c = Range("k", rows), Range("c", columns)
    value = total(ex.load(1, at((k, columns), (c, 1)), dt.float32), k)
    return kernel("sum_columns", [c], [(at((c, 1)), value, ())], [(dt.float32, rows * columns)])


def sum_all(rows: int, columns: int) -> Kernel:
    i, k = Range("i", rows), Range("k", columns)
    value = total(ex.load(1, at((i, columns), (k, 1)), dt.float32), i, k)
    return kernel("sum_all", [], [(Index(), value, ())], [(dt.float32, rows * columns)])


def max_rows(rows: int, columns: int, dtype: DType) -> Kernel:
    r, k = Range("r", rows), Range("k", columns)
    value = largest(ex.load(1, at((r, columns), (k, 1)), dtype), k)
    return kernel("max_rows", [r], [(at((r, 1)), value, ())], [(dtype, rows * columns)])


def argmax_rows(rows: int, columns: int) -> Kernel:
    """The first place of the largest, as int64: a reduction that reads another one."""
    r, k = Range("r", rows), Range("k", columns)
    j = Range("j", columns)
    most = largest(ex.load(1, at((r, columns), (k, 1)), dt.float32), k)
    here = do(ops.NE, ex.load(1, at((r, columns), (j, 1)), dt.float32), most)
    backwards = ex.index_value(at((j, -1), columns), dt.int64)
    found = largest(do(ops.WHERE, here, number(0, dt.int64), backwards), j)
    minus = do(ops.MUL, found, number(-1, dt.int64))
    value = do(ops.ADD, minus, number(columns, dt.int64))
    return kernel("argmax", [r], [(at((r, 1)), value, ())], [(dt.float32, rows * columns)])


def softmax(rows: int, columns: int) -> Kernel:
    r, c = Range("r", rows), Range("c", columns)
    k, j = Range("k", columns), Range("j", columns)

    def x(over: Range) -> Expr:
        return ex.load(1, at((r, columns), (over, 1)), dt.float32)

    most = largest(x(k), k)

    def shifted(over: Range) -> Expr:
        return do(ops.EXP, do(ops.ADD, x(over), do(ops.MUL, most, number(-1.0))))

    value = do(ops.DIV, shifted(c), total(shifted(j), j))
    stores = [(at((r, columns), (c, 1)), value, [c])]
    return kernel("softmax", [r], stores, [(dt.float32, rows * columns)])


def moments(rows: int, columns: int) -> Kernel:
    """Sum and sum of squares of a row, stored beside the normalised row."""
    r, c = Range("r", rows), Range("c", columns)
    k, j = Range("k", columns), Range("j", columns)

    def x(over: Range) -> Expr:
        return ex.load(3, at((r, columns), (over, 1)), dt.float32)

    first, second = total(x(k), k), total(do(ops.MUL, x(j), x(j)), j)
    value = do(ops.ADD, do(ops.MUL, x(c), first), second)
    stores = [
        (at((r, 1)), first, []), (at((r, 1)), second, []), (at((r, columns), (c, 1)), value, [c]),
    ]  # fmt: skip
    return kernel("moments", [r], stores, [(dt.float32, rows * columns)])


def largest_padded(rows: int, columns: int, width: int) -> Kernel:
    """The largest of a row by itself, and among zeros around it: outputs with ranges of their own,
    of which one has a part of the other's."""
    r, j, c, k = Range("r", rows), Range("j", 3), Range("c", width), Range("k", columns)
    most = largest(ex.load(2, at((r, columns), (k, 1)), dt.float32), k)
    padded = ex.guarded(most, (Bound(at((c, 1), -2), 0, 3),))
    stores = [
        (at((r, 3 * width), (j, width), (c, 1)), padded, [j, c]),
        (at((r, 3), (j, 1)), most, [j]),
    ]
    return kernel("largest_padded", [r], stores, [(dt.float32, rows * columns)])


def _beside(r: Range, rows: int, i: Range, *sizes: int, backwards: bool = False) -> Expr:
    """Matrices (slots from 1 on) side by side along ``i``; or ``backwards``, the last one first,
    and each from its end on."""
    start, chosen = 0, number(0.0)
    for slot, size in enumerate(sizes, 1):
        along = at((i, 1), -start)
        if backwards:
            along = at((i, -1), i.size - 1 - start)
        bound = Bound(along, 0, size)
        value = ex.load(slot, at((r, size)) + along, dt.float32, (bound,))
        inside = ex.guarded(ex.literal(True, dt.bool_), (bound,))
        chosen = do(ops.WHERE, inside, value, chosen)
        start += size
    return chosen


def beside(rows: int, *sizes: int, backwards: bool = False) -> Kernel:
    """Matrices side by side, at least 1/4."""
    r, i = Range("r", rows), Range("i", sum(sizes))
    value = _beside(r, rows, i, *sizes, backwards=backwards)
    inputs = [(dt.float32, rows * size) for size in sizes]
    stores = [(at((r, i.size), (i, 1)), do(ops.MAX, value, number(0.25)), ())]
    return kernel("beside", [r, i], stores, inputs)


def beside_summed(parts: int, rows: int, *sizes: int) -> Kernel:
    """The sums of the columns of matrices side by side, in parts."""
    p, r, i = Range("p", parts), Range("r", rows), Range("i", sum(sizes))
    value = _beside(r, rows, i, *sizes)
    moved = value.substitute({r: at((p, rows), (r, 1))})
    inputs = [(dt.float32, parts * rows * size) for size in sizes]
    stores = [(at((p, i.size), (i, 1)), total(moved, r), ())]
    return kernel("beside_summed", [p, i], stores, inputs)


def nested(rows: int, middle: int, inner: int) -> Kernel:
    """The sum over k of the largest over j."""
    r, k, j = Range("r", rows), Range("k", middle), Range("j", inner)
    x = ex.load(1, at((r, middle * inner), (k, inner), (j, 1)), dt.float32)
    value = total(largest(x, j), k)
    size = rows * middle * inner
    return kernel("nested", [r], [(at((r, 1)), value, ())], [(dt.float32, size)])


def repeated_sum(size: int, times: int) -> Kernel:
    """A sum over a range that its operand does not move with, and one over an upsampled axis."""
    r, k = Range("r", size), Range("k", times)
    j = Range("j", 4 * size)
    once = total(ex.load(1, at((r, 1)), dt.float32), k)
    blocks = total(ex.load(1, at((j, 1)).floordiv(4), dt.float32), j)
    value = do(ops.ADD, once, blocks)
    return kernel("repeated", [r], [(at((r, 1)), value, ())], [(dt.float32, size)])


def pool(batch: int, channels: int, size: int) -> Kernel:
    """2x2 max pooling, channels last."""
    half = size // 2
    n, h, w, c = (
        Range("n", batch), Range("h", half), Range("w", half), Range("c", channels),
    )  # fmt: skip
    i, j = Range("i", 2), Range("j", 2)
    row = size * channels
    x = at((n, size * row), (h, 2 * row), (i, row), (w, 2 * channels), (j, channels), (c, 1))
    value = largest(ex.load(1, x, dt.float32), i, j)
    out = at((n, half * half * channels), (h, half * channels), (w, channels), (c, 1))
    return kernel("pool", [n, h, w, c], [(out, value, ())], [(dt.float32, batch * size * row)])


def empty_sum(rows: int) -> Kernel:
    """A sum over nothing, and the largest of nothing."""
    r, k = Range("r", rows), Range("k", 0)
    none = ex.load(2, at((k, 1)), dt.float32)
    value = do(ops.ADD, total(none, k), number(1.0))
    most = largest(none, k)
    smaller = do(ops.LT, most, value)
    stores = [(at((r, 1)), value, ()), (at((r, 1)), smaller, ())]
    return kernel("empty_sum", [r], stores, [(dt.float32, 0)])


# -- contractions -------------------------------------------------------------------------------


def matmul(rows: int, columns: int, depth: int, dtype: DType = dt.float32) -> Kernel:
    m, n, k = Range("m", rows), Range("n", columns), Range("k", depth)
    a = ex.load(1, at((m, depth), (k, 1)), dtype)
    b = ex.load(2, at((k, columns), (n, 1)), dtype)
    value = total(do(ops.MUL, a, b), k)
    stores = [(at((m, columns), (n, 1)), value, ())]
    return kernel("matmul", [m, n], stores, [(dtype, rows * depth), (dtype, depth * columns)])


def batched_matmul(batch: int, rows: int, columns: int, depth: int) -> Kernel:
    """relu(a) @ b for each of a batch: a factor that is computed."""
    g, m, n, k = Range("g", batch), Range("m", rows), Range("n", columns), Range("k", depth)
    a = relu(ex.load(1, at((g, rows * depth), (m, depth), (k, 1)), dt.float32))
    b = ex.load(2, at((g, depth * columns), (k, columns), (n, 1)), dt.float32)
    b = do(ops.ADD, b, number(1.0))  # not zero beyond the end
    stores = [(at((g, rows * columns), (m, columns), (n, 1)), total(do(ops.MUL, a, b), k), ())]
    sizes = [(dt.float32, batch * rows * depth), (dt.float32, batch * depth * columns)]
    return kernel("batched_matmul", [g, m, n], stores, sizes)


def linear(rows: int, columns: int, depth: int) -> Kernel:
    """relu(x @ w + bias) and its mask: two outputs over one contraction."""
    m, n, k = Range("m", rows), Range("n", columns), Range("k", depth)
    a = ex.load(2, at((m, depth), (k, 1)), dt.float32)
    b = ex.load(3, at((k, columns), (n, 1)), dt.float32)
    sums = do(ops.ADD, total(do(ops.MUL, a, b), k), ex.load(4, at((n, 1)), dt.float32))
    place = at((m, columns), (n, 1))
    stores = [(place, relu(sums), ()), (place, do(ops.LT, number(0.0), sums), ())]
    sizes = [(dt.float32, rows * depth), (dt.float32, depth * columns), (dt.float32, columns)]
    return kernel("linear", [m, n], stores, sizes)


def half_matmul(rows: int, columns: int, depth: int) -> Kernel:
    """float16 factors, summed in float32."""
    m, n, k = Range("m", rows), Range("n", columns), Range("k", depth)
    a = ex.load(1, at((m, depth), (k, 1)), dt.float16)
    b = ex.load(2, at((k, columns), (n, 1)), dt.float16)
    product = do(ops.CAST, do(ops.MUL, a, b), dtype=dt.float32)
    stores = [(at((m, columns), (n, 1)), total(product, k), ())]
    sizes = [(dt.float16, rows * depth), (dt.float16, depth * columns)]
    return kernel("half_matmul", [m, n], stores, sizes)


def conv2d(batch: int, inside: int, out: int, size: int, window: int, padding: int = 0) -> Kernel:
    """relu(conv2d(x, w) + bias): x channels last, w packed [window][window][in][out]."""
    after = size + 2 * padding - window + 1
    n, h, w, o = Range("n", batch), Range("h", after), Range("w", after), Range("o", out)
    i, j, c = Range("i", window), Range("j", window), Range("c", inside)
    row, column = at((h, 1), (i, 1), -padding), at((w, 1), (j, 1), -padding)
    place = at((n, size * size * inside), (c, 1)) + row * (size * inside) + column * inside
    guard = ex.simplify_guard([Bound(row, 0, size), Bound(column, 0, size)])
    x = ex.load(1, place, dt.float32, guard)
    packed = at((i, window * inside * out), (j, inside * out), (c, out), (o, 1))
    sums = total(do(ops.MUL, x, ex.load(2, packed, dt.float32)), c, i, j)
    value = relu(do(ops.ADD, sums, ex.load(3, at((o, 1)), dt.float32)))
    store = at((n, after * after * out), (h, after * out), (w, out), (o, 1))
    sizes = [
        (dt.float32, batch * size * size * inside),
        (dt.float32, window * window * inside * out), (dt.float32, out),
    ]  # fmt: skip
    return kernel("conv2d", [n, h, w, o], [(store, value, ())], sizes)


def conv2d_pooled(batch: int, inside: int, out: int, size: int, window: int, pool: int) -> Kernel:
    """max_pool2d(relu(conv2d(x, w) + bias)), everything channels last."""
    after = (size - window + 1) // pool
    n, h, w, o = Range("n", batch), Range("h", after), Range("w", after), Range("o", out)
    p, q = Range("p", pool), Range("q", pool)
    i, j, c = Range("i", window), Range("j", window), Range("c", inside)
    row, column = at((h, pool), (p, 1), (i, 1)), at((w, pool), (q, 1), (j, 1))
    place = at((n, size * size * inside), (c, 1)) + row * (size * inside) + column * inside
    packed = at((i, window * inside * out), (j, inside * out), (c, out), (o, 1))
    product = do(ops.MUL, ex.load(1, place, dt.float32), ex.load(2, packed, dt.float32))
    value = do(ops.ADD, total(product, c, i, j), ex.load(3, at((o, 1)), dt.float32))
    store = at((n, after * after * out), (h, after * out), (w, out), (o, 1))
    sizes = [
        (dt.float32, batch * size * size * inside), (dt.float32, window * window * inside * out),
        (dt.float32, out),
    ]  # fmt: skip
    stores = [(store, largest(relu(value), p, q), ())]
    return kernel("conv2d_pooled", [n, h, w, o], stores, sizes)


def conv2d_input_gradient(batch: int, inside: int, out: int, size: int, window: int) -> Kernel:
    """dx from dy (channels last) and w packed [window][window][out][in]."""
    after = size - window + 1
    n, h, w, c = Range("n", batch), Range("h", size), Range("w", size), Range("c", inside)
    i, j, o = Range("i", window), Range("j", window), Range("o", out)
    row, column = at((h, 1), (i, -1)), at((w, 1), (j, -1))
    guard = (Bound(row, 0, after), Bound(column, 0, after))
    place = at((n, after * after * out), (o, 1)) + row * (after * out) + column * out
    dy = ex.load(1, place, dt.float32, guard)
    packed = at((i, window * out * inside), (j, out * inside), (o, inside), (c, 1))
    value = total(do(ops.MUL, dy, ex.load(2, packed, dt.float32)), o, i, j)
    store = at((n, size * size * inside), (h, size * inside), (w, inside), (c, 1))
    sizes = [
        (dt.float32, batch * after * after * out), (dt.float32, window * window * out * inside),
    ]  # fmt: skip
    return kernel("conv2d_dx", [n, h, w, c], [(store, value, ())], sizes)


def conv2d_weight_gradient(
    parts: int, batch: int, inside: int, out: int, size: int, window: int, padding: int = 0
) -> Kernel:
    """dw in ``parts`` partial sums over the batch; both operands channels last."""
    after = size + 2 * padding - window + 1
    p, o, c = Range("p", parts), Range("o", out), Range("c", inside)
    i, j = Range("i", window), Range("j", window)
    n, h, w = Range("n", batch // parts), Range("h", after), Range("w", after)
    image, each = after * after * out, batch // parts
    y = at((p, each * image), (n, image), (h, after * out), (w, out), (o, 1))
    line = size * inside
    row, column = at((h, 1), (i, 1), -padding), at((w, 1), (j, 1), -padding)
    x = at((p, each * size * line), (n, size * line), (c, 1)) + row * line + column * inside
    guard = ex.simplify_guard([Bound(row, 0, size), Bound(column, 0, size)])
    product = do(ops.MUL, ex.load(1, y, dt.float32), ex.load(2, x, dt.float32, guard))
    value = total(product, n, h, w)
    weights = out * inside * window * window
    store = at(
        (p, weights), (o, inside * window * window), (c, window * window), (i, window), (j, 1)
    )
    sizes = [(dt.float32, batch * image), (dt.float32, batch * size * line)]
    return kernel("conv2d_dw", [p, o, c, i, j], [(store, value, ())], sizes)


def guarded_flip(rows: int, columns: int, depth: int) -> Kernel:
    """Rows outside are zero, and the sum walks backwards through those inside."""
    m, n, k = Range("m", rows + 2), Range("n", columns), Range("k", depth)
    row = at((m, 1), -1)
    a = ex.load(1, row * depth + at((k, -1), depth - 1), dt.float32, (Bound(row, 0, rows),))
    b = ex.load(2, at((k, columns), (n, 1)), dt.float32)
    stores = [(at((m, columns), (n, 1)), total(do(ops.MUL, a, b), k), ())]
    sizes = [(dt.float32, rows * depth), (dt.float32, depth * columns)]
    return kernel("guarded_flip", [m, n], stores, sizes)


def three_products(rows: int, columns: int, depth: int) -> Kernel:
    """One sum of three products, the factors of one of them the other way round."""
    m, n, k = Range("m", rows), Range("n", columns), Range("k", depth)

    def pair(slot: int) -> tuple[Expr, Expr]:
        a = ex.load(slot, at((m, depth), (k, 1)), dt.float32)
        return a, ex.load(slot + 1, at((k, columns), (n, 1)), dt.float32)

    one, two, three = pair(1), pair(3), pair(5)
    value = do(ops.ADD, do(ops.MUL, *one), do(ops.MUL, *reversed(two)))
    value = total(do(ops.ADD, value, do(ops.MUL, *three)), k)
    stores = [(at((m, columns), (n, 1)), value, ())]
    sizes = [(dt.float32, rows * depth), (dt.float32, depth * columns)] * 3
    return kernel("three_products", [m, n], stores, sizes)


def unpacked(rows: int, columns: int, depth: int) -> Kernel:
    """x @ w.T, where neither factor is contiguous in a range of the result."""
    m, n, k = Range("m", rows), Range("n", columns), Range("k", depth)
    a = ex.load(1, at((m, depth), (k, 1)), dt.float32)
    b = ex.load(2, at((n, depth), (k, 1)), dt.float32)
    stores = [(at((m, columns), (n, 1)), total(do(ops.MUL, a, b), k), ())]
    sizes = [(dt.float32, rows * depth), (dt.float32, depth * columns)]
    return kernel("unpacked", [m, n], stores, sizes)


def guarded_product(rows: int, columns: int, depth: int) -> Kernel:
    """A guard around the product, that only one of its factors varies with."""
    m, n, k = Range("m", rows), Range("n", columns), Range("k", depth)
    a = ex.load(1, at((m, depth), (k, 1)), dt.float32)
    b = ex.load(2, at((k, columns), (n, 1)), dt.float32)
    kept = ex.guarded(do(ops.MUL, a, b), (Bound(at((m, 1), (k, 1)), 3, rows),))
    stores = [(at((m, columns), (n, 1)), total(kept, k), ())]
    sizes = [(dt.float32, rows * depth), (dt.float32, depth * columns)]
    return kernel("guarded_product", [m, n], stores, sizes)


# -- what goes where data says ------------------------------------------------------------------


def collect(
    op: ops.Op | None, shape: tuple[int, int, int], count: int, *, each: bool = False,
    dtype: DType = dt.float32, index: DType = dt.int64,
) -> Kernel:  # fmt: skip
    """``count`` rows a batch go to one of the places (batch, places, columns), or ``each`` element
    of a row to its own; those of a place outside go nowhere."""
    b, d, c = (Range(name, size) for name, size in zip("bdc", shape, strict=True))
    k = Range("k", count)
    value_at = at((b, count * c.size), (k, c.size), (c, 1))
    place = ex.load(1, value_at if each else at((k, 1)), index)
    value = do(ops.ADD, ex.load(2, value_at, dtype), number(1, dtype))
    found = ex.collect(ex.Collect(op, at((d, 1)), at((k, 1)), (k,)), place, value)
    stores = [(at((b, d.size * c.size), (d, c.size), (c, 1)), found, ())]
    elements = b.size * count * c.size
    return kernel(
        "collect", [b, d, c], stores, [(index, elements if each else count), (dtype, elements)]
    )


def collect_in_turn() -> Kernel:
    """Of equal places the last one counts, in the order of two ranges, which memory has turned."""
    d, outer, inner = Range("d", 7), Range("outer", 5), Range("inner", 6)
    turned = at((inner, 5), (outer, 1))
    place, value = ex.load(1, turned, dt.int32), ex.load(2, turned, dt.float32)
    arg = ex.Collect(None, at((d, 1)), at((outer, 6), (inner, 1)), (outer, inner))
    found = ex.collect(arg, place, value)
    return kernel(
        "collect_in_turn", [d], [(at((d, 1)), found, ())], [(dt.int32, 30), (dt.float32, 30)]
    )


def collect_in_one() -> Kernel:
    """All that goes to the only place."""
    c, k = Range("c", 5), Range("k", 40)
    value = ex.load(2, at((k, 5), (c, 1)), dt.float32)
    arg = ex.Collect(ops.ADD, Index(), at((k, 1)), (k,))
    found = ex.collect(arg, ex.load(1, at((k, 1)), dt.int32), value)
    return kernel(
        "collect_in_one", [c], [(at((c, 1)), found, ())], [(dt.int32, 40), (dt.float32, 200)]
    )


# -- all of them --------------------------------------------------------------------------------

SIZES = (1, 2, 3, 7, 8, 9, 16, 31, 65)

CASES: dict[str, Build] = {
    "chain": lambda: chain(5, 24),
    "chain_tall": lambda: chain(33, 3),
    "parts": lambda: parts(5, 24),
    "columns_of_one": lambda: columns_of_one(37, 9),
    "transpose": lambda: transpose(17, 21),
    "flip": lambda: flip(37),
    "pad": lambda: pad(19, 3, 6),
    "beside": lambda: beside(5, 40, 20, 3, 19),
    "beside_backwards": lambda: beside(5, 21, 16, 9, backwards=True),
    "beside_many": lambda: beside(3, *range(1, 12)),
    "beside_summed": lambda: beside_summed(4, 6, 40, 20, 3, 19),
    "beside_summed_in_one": lambda: beside_summed(1, 6, 40, 20, 3, 19),
    "repeat": lambda: repeat(5, 8),
    "repeat_odd": lambda: repeat(7, 5),
    "quotients": lambda: quotients(45),
    "threefry": lambda: threefry(45),
    "gather": lambda: gather(6, 11, 9),
    "gather_int8": lambda: gather(6, 8, 5, dt.int8),
    "gather_elements": lambda: gather_elements(21, 6),
    "constant": lambda: constant(11),
    "scalar": scalar,
    "empty": lambda: chain(0, 4),
    "sum_rows": lambda: sum_rows(6, 75),
    "sum_rows_short": lambda: sum_rows(40, 5),
    "sum_rows_long": lambda: sum_rows(3, 400),
    "sum_rows_longest": lambda: sum_rows(11, 1027),
    "sum_rows_int": lambda: sum_rows(4, 70, dt.int32),
    "sum_rows_bool": lambda: sum_rows(4, 19, dt.bool_),
    "sum_columns": lambda: sum_columns(30, 43),
    "sum_columns_wide": lambda: sum_columns(12, 200),
    "sum_all": lambda: sum_all(9, 31),
    "max_rows_int8": lambda: max_rows(5, 40, dt.int8),
    "max_rows_uint64": lambda: max_rows(5, 13, dt.uint64),
    "max_rows_bool": lambda: max_rows(5, 13, dt.bool_),
    "argmax": lambda: argmax_rows(4, 37),
    "softmax": lambda: softmax(5, 37),
    "softmax_10": lambda: softmax(20, 10),
    "softmax_16": lambda: softmax(6, 16),
    "softmax_64": lambda: softmax(5, 64),
    "softmax_208": lambda: softmax(7, 208),
    "moments": lambda: moments(4, 29),
    "largest_padded": lambda: largest_padded(6, 4, 7),
    "nested": lambda: nested(3, 5, 20),
    "nested_small": lambda: nested(9, 12, 4),
    "repeated_sum": lambda: repeated_sum(11, 3),
    "pool": lambda: pool(2, 11, 6),
    "empty_sum": lambda: empty_sum(5),
    "matmul_1": lambda: matmul(1, 1, 1),
    "matmul_row": lambda: matmul(1, 20, 7),
    "matmul_column": lambda: matmul(20, 1, 7),
    "matmul_10": lambda: matmul(7, 10, 5),
    "matmul_odd": lambda: matmul(13, 43, 9),
    "matmul_even": lambda: matmul(24, 32, 16),
    "matmul_far": lambda: matmul(90, 521, 3),
    "matmul_int": lambda: matmul(5, 9, 6, dt.int32),
    "matmul_double": lambda: matmul(9, 18, 6, dt.float64),
    "half_matmul": lambda: half_matmul(50, 18, 6),
    "guarded_flip": lambda: guarded_flip(9, 16, 11),
    "three_products": lambda: three_products(13, 24, 9),
    "unpacked": lambda: unpacked(70, 19, 11),
    "guarded_product": lambda: guarded_product(13, 24, 9),
    "linear": lambda: linear(11, 20, 13),
    "matmul_blocks": lambda: matmul(33, 36, 35),
    "matmul_blocks_even": lambda: matmul(32, 64, 48),
    "matmul_blocks_odd": lambda: matmul(17, 19, 21),
    "matmul_blocks_double": lambda: matmul(18, 18, 33, dt.float64),
    "batched_matmul": lambda: batched_matmul(3, 17, 20, 18),
    "half_matmul_blocks": lambda: half_matmul(18, 20, 17),
    "three_products_blocks": lambda: three_products(17, 20, 18),
    "unpacked_blocks": lambda: unpacked(20, 17, 33),
    "guarded_product_blocks": lambda: guarded_product(20, 24, 17),
    "linear_blocks": lambda: linear(19, 20, 17),
    "conv2d": lambda: conv2d(2, 3, 16, 6, 3),
    "conv2d_padded": lambda: conv2d(2, 5, 10, 5, 3, padding=1),
    "conv2d_along_a_row": lambda: conv2d(2, 1, 3, 12, 5, padding=2),
    "conv2d_along_a_long_row": lambda: conv2d(1, 1, 2, 77, 3, padding=1),
    "conv2d_weight_gradient_along_a_row": lambda: conv2d_weight_gradient(
        1, 2, 1, 3, 20, 5, padding=2
    ),
    "conv2d_pooled": lambda: conv2d_pooled(2, 3, 16, 9, 3, 2),
    "conv2d_pooled_3x3": lambda: conv2d_pooled(1, 2, 37, 8, 2, 3),
    "conv2d_input_gradient": lambda: conv2d_input_gradient(2, 8, 6, 6, 3),
    "conv2d_weight_gradient_padded": lambda: conv2d_weight_gradient(2, 4, 8, 5, 6, 3, padding=1),
    "conv2d_blocks": lambda: conv2d(2, 5, 18, 4, 3, padding=1),
    "conv2d_input_gradient_blocks": lambda: conv2d_input_gradient(1, 16, 17, 5, 2),
    "conv2d_weight_gradient_blocks": lambda: conv2d_weight_gradient(2, 4, 5, 18, 4, 2, padding=1),
    "conv2d_weight_gradient": lambda: conv2d_weight_gradient(2, 4, 8, 5, 5, 3),
    "collect_rows": lambda: collect(ops.ADD, (1, 9, 40), 30),
    "collect_rows_int32": lambda: collect(ops.ADD, (1, 7, 19), 30, index=dt.int32),
    "collect_rows_one": lambda: collect(ops.ADD, (1, 8, 16), 1),
    "collect_rows_double": lambda: collect(ops.ADD, (1, 8, 16), 50, dtype=dt.float64),
    "collect_batches": lambda: collect(ops.ADD, (3, 5, 20), 9),
    "collect_narrow": lambda: collect(ops.ADD, (1, 8, 1), 60, dtype=dt.int64),
    "collect_elements": lambda: collect(ops.ADD, (2, 6, 11), 20, each=True),
    "collect_last": lambda: collect(None, (1, 6, 16), 30),
    "collect_last_of_elements": lambda: collect(None, (3, 6, 1), 30, each=True),
    "collect_last_half": lambda: collect(None, (1, 6, 16), 30, dtype=dt.bfloat16),
    "collect_largest": lambda: collect(ops.MAX, (1, 6, 16), 30),
    "collect_largest_int8": lambda: collect(ops.MAX, (1, 6, 17), 30, dtype=dt.int8),
    "collect_largest_half": lambda: collect(ops.MAX, (1, 6, 17), 30, dtype=dt.float16),
    "collect_product": lambda: collect(ops.MUL, (1, 6, 9), 25),
    "collect_any": lambda: collect(ops.ADD, (1, 6, 9), 25, dtype=dt.bool_),
    "collect_in_turn": collect_in_turn,
    "collect_in_one": collect_in_one,
}
CASES |= {f"chain_{size}": lambda size=size: chain(1, size) for size in SIZES}
# In sizes that groups of a GPU compute in blocks; for other devices they are as those above.
BLOCKS = frozenset(name for name in CASES if "_blocks" in name)
# How operations and dtypes are spelled, which depends on little else.
SPELLED: dict[str, Build] = {f"copy_{d.name}": lambda d=d: copy(d, 21) for d in dt.ALL}
SPELLED |= {
    f"cast_{a.name}_{b.name}": lambda a=a, b=b: cast(a, b, 13)
    for a in dt.ALL
    for b in (dt.bool_, dt.int8, dt.uint16, dt.int32, dt.int64, dt.float16, dt.bfloat16, dt.float32)
}
SPELLED |= {
    f"{op.name.lower()}_{d.name}": lambda op=op, d=d: binary(op, d, 19)
    for op in (ops.ADD, ops.MUL, ops.MAX, ops.LT, ops.NE, ops.XOR, ops.AND, ops.DIV, ops.MOD)
    for d in (dt.bool_, dt.int8, dt.uint8, dt.int32, dt.int64, dt.float32)
    if not (d is dt.float32 and op in (ops.XOR, ops.AND))
    and not (d is dt.bool_ and op in (ops.DIV, ops.MOD))
}
SPELLED |= {
    f"select_{d.name}": lambda d=d: select(d, 18)
    for d in (dt.bool_, dt.int8, dt.int16, dt.float16, dt.float32, dt.float64)
}
CASES |= SPELLED
