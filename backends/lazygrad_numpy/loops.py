"""The order of a kernel's axes, and the ranges that are walked in blocks that fit the cache."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from math import prod

from lazygrad.plugin import Expr, Index, Kernel, Range, dtype as dt, expr as ex, ops
from lazygrad_numpy.code import Loop
from lazygrad_numpy.indexing import taken_whole
from lazygrad_numpy.running import along

BLOCKS_BYTES = 1 << 21  # of one array in the blocks of all threads: a few of them fit the cache
LEAST_BLOCK_BYTES = 1 << 19  # smaller blocks wait for the interpreter lock too often
LEAST_SHARED_WORK = 1 << 20  # elements: below this, waking a thread takes longer than it saves
SLACK = 2  # a kernel this many times larger than a block is not worth a loop
TINY = 4  # elements: NumPy's inner loop takes longer to start than to run
FEWEST_RUNS = 1024
SHORTEST_RUN = 512  # elements next to each other that a block of an inner range must have


def axis_order(kernel: Kernel, *, by_outputs: bool = False) -> tuple[Range, ...]:
    """All ranges, outermost in memory first, by the accesses that move most (or by the outputs,
    as far as they decide it)."""
    order: list[Range] = []
    walks = sorted(_walks(kernel), key=lambda w: -prod(r.size for r in w))
    if by_outputs:
        walks = [*(_steps(output.index) for output in kernel.outputs), *walks]
    for walk in walks:
        for r in sorted(walk, key=lambda r: -walk[r]):
            if r not in order:
                order.insert(_place(r, walk, order), r)
    rest = [r for output in kernel.outputs for r in output.ranges]
    bound = [*kernel.reductions(), *([kernel.collected] if kernel.collected is not None else [])]
    rest += [r for e in bound for r in e.arg.ranges]
    return tuple(dict.fromkeys([*order, *rest]))


def with_long_last(order: Sequence[Range]) -> tuple[Range, ...]:
    """``order`` with tiny innermost ranges outermost: what is computed lies in long runs, and only
    loads and stores see the short ones."""
    tail = len(order)
    while tail and order[tail - 1].size <= TINY:
        tail -= 1
    if prod(r.size for r in order[:tail]) < FEWEST_RUNS:
        return tuple(order)
    return (*order[tail:], *order[:tail])


def _walks(kernel: Kernel) -> Iterable[dict[Range, int]]:
    """The strides of every access, outputs first."""
    for output in kernel.outputs:
        yield _steps(output.index)
    for value in ex.toposort(kernel.values):
        if value.op is ex.LOAD:
            yield _steps(value.arg.index)


def _steps(index: Index) -> dict[Range, int]:
    return {atom: abs(c) for atom, c in index.terms if isinstance(atom, Range)}


def _place(r: Range, walk: Mapping[Range, int], order: Sequence[Range]) -> int:
    """Behind the ranges that take larger steps, before those that take smaller ones."""
    larger = [i for i, other in enumerate(order) if walk.get(other, 0) > walk[r]]
    if larger:
        return larger[-1] + 1
    smaller = [i for i, other in enumerate(order) if 0 < walk.get(other, 0) <= walk[r]]
    return smaller[0] if smaller else len(order)


def choose_loops(
    kernel: Kernel,
    order: Sequence[Range],
    units: int,
    scale: float,
    in_turn: Mapping[Expr, Iterable[Range]],
) -> dict[Range, Loop]:
    """Ranges to walk in blocks, so that no array of a block has more than its share of the cache,
    times ``scale``; and that there is a block for each of ``units`` threads, where there is enough
    to do. ``in_turn``: the ranges of which one point after the other is computed, by REDUCE.
    """
    block = int(max(LEAST_BLOCK_BYTES, BLOCKS_BYTES // units) * scale)
    spaces = _spaces(kernel, in_turn)
    whole = along(kernel) | taken_whole(kernel)
    blocks: dict[Range, int] = {}

    def extent(space: frozenset[Range]) -> int:
        return prod(blocks.get(r, r.size) for r in space)

    limits = {space: block // itemsize for space, itemsize in spaces.items()}
    slack = SLACK
    if units > 1 and work(kernel) >= LEAST_SHARED_WORK:
        slack = 1
        widest = max(spaces, key=extent)
        share = -(-extent(widest) // units)
        limits[widest] = min(limits.get(widest, share), share)
    for space in sorted(limits, key=lambda s: -extent(s) / limits[s]):
        limit = limits[space]
        while extent(space) > (limit if blocks else limit * slack):
            free = [r for r in order if r in space and r not in blocks and r not in whole]
            free.sort(key=lambda r: r.size <= TINY)  # the others first, in order
            cut = _range_to_cut(free, kernel.ranges, extent(space), limit)
            if cut is None:
                break
            blocks[cut] = block_of(cut.size, max(1, limit // (extent(space) // cut.size)))
    return {r: Loop(r, blocks[r]) for r in order if blocks.get(r, r.size) < r.size}


def work(kernel: Kernel, products: Iterable[Expr] = ()) -> int:
    """Elements computed, with 16 multiplications of a matrix product as one."""
    factors = {e: e.src[0] for e in products}
    total = 0
    for e in ex.toposort(kernel.values):
        if e in factors:
            total += prod(r.size for r in factors[e].ranges) // 16
        elif e.op is not ex.LITERAL and e not in factors.values():
            total += prod(r.size for r in e.ranges)
    return total


def _spaces(kernel: Kernel, in_turn: Mapping[Expr, Iterable[Range]]) -> dict[frozenset[Range], int]:
    """The sets of ranges that arrays are computed over, with the largest itemsize in each; what is
    summed where it lies in memory is no such array."""
    found: dict[frozenset[Range], int] = {}

    def add(ranges: Iterable[Range], itemsize: int) -> None:
        space = frozenset(ranges)
        found[space] = max(found.get(space, 0), itemsize)

    for output in kernel.outputs:
        add(output.ranges, output.value.dtype.itemsize)
    values = ex.toposort(kernel.values)
    in_place = {e.src[0] for e in values if _sums_columns(e)}
    in_place -= {operand for e in values if not _sums_columns(e) for operand in e.operands}
    below = {value: set(ranges) for e, ranges in in_turn.items() for value in ex.toposort(e.src)}
    for value in values:
        if value not in in_place:
            add(value.ranges - below.get(value, set()), _width(value))
    return found


def _sums_columns(e: Expr) -> bool:
    """Whether ``e`` adds up rows as they lie in memory, which BLAS does at any length."""
    if e.op is not ex.REDUCE or e.arg.op is not ops.SUM or e.src[0].op is not ex.LOAD:
        return False
    index = e.src[0].arg.index
    along = [r for r in e.src[0].ranges if index.coefficient(r) == 1]
    wide = bool(along) and along[0].size > TINY and along[0] not in e.arg.ranges
    return e.dtype is dt.float32 and wide


def _width(value: Expr) -> int:
    return max(4, value.dtype.itemsize)


def _range_to_cut(
    free: Sequence[Range], shared: Sequence[Range], extent: int, limit: int
) -> Range | None:
    """The outermost range; but rather a shared one further in, if its blocks still lie in long
    runs: then what is reduced stays in cache."""
    for position, r in enumerate(free):
        block = max(1, limit * r.size // extent)
        run = block * prod(inner.size for inner in free[position + 1 :])
        if r in shared and (position == 0 or run >= SHORTEST_RUN):
            return r
    return free[0] if free else None


def block_of(size: int, wanted: int) -> int:
    """A block of about ``wanted``: a divisor of ``size`` if there is one, else balanced."""
    if wanted >= size:
        return size
    for candidate in range(wanted, wanted // 2, -1):
        if size % candidate == 0:
            return candidate
    block = -(-size // -(-size // wanted))
    return -(-block // 64) * 64 if block >= 1024 else block
