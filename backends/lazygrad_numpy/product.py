"""Contractions by BLAS: which ranges are rows, columns and batch of the matrices, which operands
BLAS can read where they are and which are packed, a block at a time."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from itertools import pairwise
from math import prod

from lazygrad.plugin import Expr, Kernel, Range, contraction, expr as ex, ops
from lazygrad_numpy.access import Strided, classify
from lazygrad_numpy.arrays import Dims, is_mergeable
from lazygrad_numpy.code import Array, Loop, Scope
from lazygrad_numpy.indexing import taken_whole
from lazygrad_numpy.loops import TINY, block_of
from lazygrad_numpy.lower import Lowering, compute_dtype
from lazygrad_numpy.support import LOCKED
from lazygrad_numpy.windows import Windowed, windowed

SMALLEST = 512  # multiplications of one matrix product that are worth a call
NARROW = 32  # columns; below, transposing the result beats splitting the batch, for example
PACKED = 192 << 10  # elements of a packed block: it stays in the second-level cache
RESULT = 128 << 10  # elements of a block of the result
SCATTERED = 4  # times as long as copying runs
FEWEST_ROWS = 128  # of a matrix block, so that BLAS's own packing pays
FEWEST_SHARED_ROWS = 32
SMALL = 10**6  # multiplications of a matrix product up to which OpenBLAS packs nothing
LONG = 512  # rows, columns or summands that such a product must have left
LEAST_SHARED = 1 << 24  # multiplications that are worth waking a thread


@dataclass(frozen=True)
class Operand:
    """One factor: a matrix over ``free`` and the reduced ranges, for each point of the batch.

    Attributes:
        direct: BLAS reads it where it is.
        transposed: packed with the reduced ranges outside, because that is how memory runs.
        windows: how it is computed before it is packed, if windows slide over it.
    """

    value: Expr
    free: tuple[Range, ...]
    direct: bool
    transposed: bool
    windows: Windowed | None = None


@dataclass(frozen=True)
class Product:
    """``left[batch, rows, k] @ right[batch, k, columns]``, the ranges in this order."""

    left: Operand
    right: Operand
    batch: tuple[Range, ...]
    k: tuple[Range, ...]

    @property
    def rows(self) -> tuple[Range, ...]:
        return self.left.free

    @property
    def columns(self) -> tuple[Range, ...]:
        return self.right.free

    @property
    def windows(self) -> tuple[Windowed, ...]:
        """Of both operands."""
        return tuple(o.windows for o in (self.left, self.right) if o.windows is not None)

    @property
    def result(self) -> tuple[Range, ...]:
        """The ranges of the result as BLAS lays them out."""
        return (*self.batch, *self.rows, *self.columns)


def _size(ranges: Iterable[Range]) -> int:
    return prod(r.size for r in ranges)


# -- planning ---------------------------------------------------------------------------------


def with_factors(kernel: Kernel) -> Kernel:
    """``kernel`` with what stands around a contraction's product moved into its factors."""
    found = contraction.find_product(kernel)
    if found is None:
        return kernel
    together = ex.elementwise(ops.MUL, found.pairs[0], found.total.dtype)
    total = ex.reduce(ops.SUM, together, found.k)

    def visit(value: Expr, src: tuple[Expr, ...]) -> Expr:
        return total if value is found.total else ex.rebuild(value, src, value.arg)

    return kernel.transformed(visit)


def pays(found: contraction.Contraction) -> bool:
    """Whether it is worth packing: what is packed is read more than once, or computed. In a
    depthwise convolution, a matrix meets a single vector of each channel."""
    loaded = all(factor.op is ex.LOAD for factor in found.pairs[0])
    return not loaded or not found.batch or bool(found.m and found.n)


def plan(kernel: Kernel, order: Sequence[Range]) -> tuple[Expr, Product] | None:
    """The REDUCE that BLAS computes, and how; None if there is none that is worth it."""
    found = contraction.find_product(kernel)
    if found is None or found.total.src[0].op is not ops.MUL:
        return None
    batch, rows, columns = _arranged(found, order)
    left, right = found.pairs[0]
    if not (set(rows) <= set(found.m) and set(columns) <= set(found.n)):
        left, right = right, left
    work = _size(rows) * _size(columns) * _size(found.k)
    if batch and work < SMALLEST:
        return None
    options = [
        Product(_operand(kernel, left, r, k), _operand(kernel, right, c, k), batch, k)
        for k in _orders(found.k, (left, right))
        for r in _orders(rows, (left,), rows)
        for c in _orders(columns, (right,), columns)
    ]
    given = (*batch, *rows, *columns)
    best = min(options, key=lambda p: _packing_cost(p, given))
    return found.total, replace(best, left=_seen(best.left), right=_seen(best.right))


def _seen(operand: Operand) -> Operand:
    return replace(operand, windows=windowed(operand.value))


def _arranged(
    found: contraction.Contraction, order: Sequence[Range]
) -> tuple[tuple[Range, ...], tuple[Range, ...], tuple[Range, ...]]:
    """Batch, rows and columns, so that the result lies in memory as ``order`` says."""
    side = dict.fromkeys(found.m, "m") | dict.fromkeys(found.n, "n")
    result = [r for r in order if r in side or r in found.batch]
    columns = _trailing(result, side)
    before = result[: len(result) - len(columns)]
    rows = _trailing(before, side)
    batch = before[: len(before) - len(rows)]
    left_over = [r for r in batch if r in side]
    if not columns or (left_over and _size(columns) < NARROW):
        batch = [r for r in result if r in found.batch]
        rows = [r for r in result if side.get(r) == "m"]
        columns = [r for r in result if side.get(r) == "n"]
    return tuple(batch), tuple(rows), tuple(columns)


def _trailing(ranges: Sequence[Range], side: dict[Range, str]) -> list[Range]:
    """The last ranges of ``ranges`` that are on one side."""
    found: list[Range] = []
    for r in reversed(ranges):
        if r not in side or (found and side[r] != side[found[0]]):
            break
        found.insert(0, r)
    return found


def _orders(
    ranges: Sequence[Range], operands: Iterable[Expr], *given: tuple[Range, ...]
) -> list[tuple[Range, ...]]:
    """``ranges`` as each operand has them in memory, outermost first, besides those given."""
    found = list(given)
    for operand in operands:
        strides = _strides(operand)
        found.append(tuple(sorted(ranges, key=lambda r: -abs(strides.get(r, 0)))))
    return list(dict.fromkeys(found))


@lru_cache(maxsize=8)  # both factors of a product, asked for again and again
def _strides(value: Expr) -> dict[Range, int]:
    """The strides of the load below ``value`` that moves with most ranges."""
    loads = [e.arg.index for e in ex.toposort([value]) if e.op is ex.LOAD]
    if not loads:
        return {}
    widest = max(loads, key=lambda index: _size(index.ranges))
    return {atom: c for atom, c in widest.terms if isinstance(atom, Range)}


def _operand(kernel: Kernel, value: Expr, free: tuple[Range, ...], k: tuple[Range, ...]) -> Operand:
    direct = _is_direct(kernel, value, free, k)
    return Operand(value, free, direct, innermost(value, (*free, *k)) in free)


def innermost(value: Expr, ranges: Iterable[Range]) -> Range | None:
    """The range with the smallest stride in memory, and of equal ones the longest; rather not a
    tiny one, as that of a window is: copies run along it."""
    strides = {r: abs(c) for r, c in _strides(value).items()}
    walked = [r for r in ranges if strides.get(r)]
    return min(walked, key=lambda r: (r.size <= TINY, strides[r], -r.size), default=None)


def _is_direct(kernel: Kernel, value: Expr, free: Sequence[Range], k: Sequence[Range]) -> bool:
    """Whether BLAS can read the operand in the kernel's buffer: a matrix with a unit stride."""
    if value.op is not ex.LOAD or compute_dtype(value.dtype) != value.dtype.numpy:
        return False
    access = classify(value, kernel.buffers[value.arg.slot].size)
    if not isinstance(access, Strided):
        return False
    for group in (free, k):
        steps = [(access.strides.get(r, 0), r.size) for r in group]
        if any(outer != inner * size for (outer, _), (inner, size) in pairwise(steps)):
            return False
    along_free = access.strides.get(free[-1], 0) if free else 0
    along_k = access.strides.get(k[-1], 0)
    if not free:
        return along_k == 1
    return (along_k == 1 and along_free >= _size(k)) or (along_free == 1 and along_k >= _size(free))


def _packing_cost(product: Product, given: tuple[Range, ...]) -> int:
    """Elements to pack; more where they are gathered one by one, not in runs. A result in
    another order than the given one is copied once more."""
    total = 0 if product.result == given else SCATTERED * _size(given)
    for operand in (product.left, product.right):
        if operand.direct:
            continue
        inner = operand.free if operand.transposed else product.k
        in_runs = innermost(operand.value, (*operand.free, *product.k)) == inner[-1]
        total += _size(operand.value.ranges) * (1 if in_runs else SCATTERED)
    return total


# -- blocks -----------------------------------------------------------------------------------


@dataclass
class _Blocks:
    """Blocks being chosen. A range can be cut if those outside of it in its dim are cut to 1, and
    none of the dim must stay ``whole``."""

    product: Product
    chosen: dict[Range, int]
    whole: frozenset[Range]

    def extent(self, ranges: Iterable[Range]) -> int:
        return prod(self.chosen.get(r, r.size) for r in ranges)

    def cut(self, groups: Iterable[Sequence[Range]], share: float, fewest: int = 1) -> bool:
        """Cuts the first range that can be, to about ``share`` of its size, but leaves a group of
        rows or columns ``fewest`` of them."""
        for group in groups:
            uncut = [r for r in group if r not in self.chosen and r.size > 1]
            if self.whole.intersection(group):
                continue
            if uncut and all(self.chosen[r] == 1 for r in group if r in self.chosen):
                r = uncut[0]
                block = max(1, int(r.size * share))
                if group in (self.product.rows, self.product.columns):
                    block = max(block, -(-fewest // self.extent(uncut[1:])))
                self.chosen[r] = block_of(r.size, min(block, r.size))
                return True
        return False

    def shrink(self, group: Sequence[Range], share: float) -> None:
        """Makes the blocks of the outermost range that has more than one element in them smaller,
        to about ``share`` of what they were."""
        r = next(r for r in group if self.chosen.get(r, r.size) > 1)
        block = max(1, int(self.chosen.get(r, r.size) * share))
        self.chosen[r] = block_of(r.size, block)


def choose_loops(
    kernel: Kernel, reduce: Expr, product: Product, order: Sequence[Range], units: int, scale: float
) -> dict[Range, Loop]:
    """Blocks in which packed operands and the result stay in cache, and enough of them for all
    threads; no loop where there is nothing to pack, to do with the result or to share."""
    blocks = _Blocks(product, {}, taken_whole(kernel))
    for operand in sorted((product.left, product.right), key=lambda o: -_size(o.value.ranges)):
        if not operand.direct:
            _cut_for_packing(blocks, operand, PACKED * scale)
    along_k = any(r in blocks.chosen for r in product.k)
    if along_k or any(value is not reduce for value in kernel.values):
        while (size := blocks.extent(product.result)) > RESULT * scale * 2:
            if not blocks.cut((product.batch, product.rows), RESULT * scale / size, FEWEST_ROWS):
                break
    if blocks.chosen:
        _cut_to_small(blocks)
    elif units > 1:
        _cut_for_threads(blocks, units)
    chosen = blocks.chosen
    return {r: Loop(r, chosen[r]) for r in (*order, *product.k) if chosen.get(r, r.size) < r.size}


def _cut_for_packing(blocks: _Blocks, operand: Operand, limit: float) -> None:
    k = blocks.product.k
    own = tuple(r for r in blocks.product.batch if r in operand.value.ranges)
    while (size := blocks.extent((*own, *operand.free, *k))) > limit:
        along_k = blocks.extent(k) > blocks.extent((*own, *operand.free))
        groups = (k,) if along_k else (own, operand.free)
        if not blocks.cut(groups, limit / size, FEWEST_ROWS):
            return


def _cut_to_small(blocks: _Blocks) -> None:
    """Long products that are narrow in both other directions, in pieces that OpenBLAS does not
    pack: packing takes it longer than multiplying."""
    product = blocks.product
    groups = (product.rows, product.columns, product.k)
    *others, longest = sorted(groups, key=blocks.extent)
    if blocks.whole.intersection(longest):
        return
    length = SMALL // prod(map(blocks.extent, others))
    while length >= LONG and blocks.extent(longest) > length:
        blocks.shrink(longest, length / blocks.extent(longest))


def _cut_for_threads(blocks: _Blocks, units: int) -> None:
    """A product that BLAS could do in one call, cut where it costs least: along the batch, or
    along rows or columns, whichever are more."""
    product = blocks.product
    rows, columns = _size(product.rows), _size(product.columns)
    work = _size((*product.batch, *product.k)) * rows * columns
    if work < LEAST_SHARED:
        return
    longer = product.rows if rows >= columns else product.columns
    pieces = units if work < 16 * LEAST_SHARED else 4 * units
    blocks.cut((product.batch, longer), 1 / pieces, FEWEST_SHARED_ROWS)


# -- statements -------------------------------------------------------------------------------


def emit(lo: Lowering, e: Expr, scope: Scope, into: Array | None) -> Array:
    """One ``matmul`` a block."""
    product: Product = lo.products[e]
    left = _matrix(lo, product, product.left, scope)
    right = _matrix(lo, product, product.right, scope)
    dims: Dims = (*((r,) for r in product.batch), product.rows, product.columns)
    target = into
    if target is None or not _is_matrix(target, dims):
        target = lo.names.scratch(e.ranges, compute_dtype(e.dtype), scope, product.result, "matmul")
    rows, columns = (product.rows, product.k), (product.k, product.columns)
    called = (
        lo.names.of(left, scope, (*_batch_dims(product, left), *rows)),
        lo.names.of(right, scope, (*_batch_dims(product, right), *columns)),
        lo.names.of(target, scope, dims),
    )
    function = "dot" if _is_small(product, lo, target) else "matmul"
    scope.add(f"{function}({called[0]}, {called[1]}, out={called[2]})", left, right, target)
    if into is not None and target is not into:
        lo.copy(target, into, scope)
    return into or target


def _is_small(product: Product, lo: Lowering, target: Array) -> bool:
    """One matrix of so few elements that ``matmul`` would keep the interpreter lock; ``dot`` does
    not, but wants its result in C order."""
    rows, columns = (prod(lo.names.extent(r) for r in g) for g in (product.rows, product.columns))
    if product.batch or not product.rows or not product.columns:
        return False
    return rows * columns <= LOCKED and target.strides[product.rows[-1]] == columns


def _batch_dims(product: Product, operand: Array) -> Dims:
    return tuple((r,) if r in operand.ranges else () for r in product.batch)


def _is_matrix(array: Array, dims: Dims) -> bool:
    """Whether BLAS can write to ``array``: its dims can be merged, and rows are contiguous."""
    if not is_mergeable(array, dims):
        return False
    rows, columns = dims[-2:]
    if not columns:
        return not rows or array.strides[rows[-1]] == 1
    length = prod(array.extents[r] for r in columns)
    beside = not rows or array.strides[rows[-1]] >= length
    return array.strides[columns[-1]] == 1 and beside


def _matrix(lo: Lowering, product: Product, operand: Operand, scope: Scope) -> Array:
    """The operand's array: the buffer's own memory, or a packed block of it."""
    if operand.direct:
        return lo.need(operand.value, scope)
    home = lo.home(operand.value, scope) or scope
    ranges = operand.value.ranges | set(product.k)
    for loop in lo.loops_of(ranges - operand.value.ranges):
        home = next((s for s in scope.chain() if s.loop is loop), home)
    if home is lo.names.prepare:
        home = lo.names.launch
    key = (operand.value, product.k)
    if key not in home.values:
        own = [r for r in product.batch if r in ranges]
        pair = (product.k, operand.free) if operand.transposed else (operand.free, product.k)
        packed = lo.names.scratch(
            ranges, compute_dtype(operand.value.dtype), home, [*own, *pair[0], *pair[1]], "packed"
        )
        _pack(lo, operand, home, packed)
        home.values[key] = packed
    found: Array = home.values[key]
    return found


def _pack(lo: Lowering, operand: Operand, scope: Scope, packed: Array) -> None:
    """Computes the operand's block and puts it into ``packed``."""
    if operand.windows is None:
        lo.into(operand.value, scope, packed)
    else:
        once = lo.need(operand.windows.value, scope)
        lo.copy(operand.windows.seen(once, lo.names.loops), packed, scope)
