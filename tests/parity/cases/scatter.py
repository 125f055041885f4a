"""Writing by index."""

from tests.parity.case import Case, booleans, distinct, exactly, integers, normal

ROWS = exactly([[2, 0, 1], [0, 2, 2]])  # for dim 0 of (3, 4)
UNIQUE = exactly([[2, 0, 1], [0, 2, 0]])
SMALL, SOURCE = distinct(3, 4), normal(2, 3)  # PyTorch has derivatives if src is like the index

CASES = [
    Case("scatter", lambda T, x, s, i: T.scatter(x, 0, i, s), [SMALL, SOURCE, UNIQUE]),
    Case("scatter, negative dim", lambda T, x, s, i: x.scatter(-1, i, s),
         [SMALL, distinct(2, 2), exactly([[3, 1], [0, 2]])]),
    Case("scatter, part of src", lambda T, x, s, i: T.scatter(x, 0, i, s),
         [SMALL, distinct(2, 4), UNIQUE], order=0),
    Case("scatter, number", lambda T, x, i: x.scatter(0, i, 2.5), [SMALL, ROWS]),
    Case("scatter, value", lambda T, x, i: T.scatter(x, 0, i, value=2), [SMALL, ROWS]),
    Case("scatter, add", lambda T, x, s, i: x.scatter(0, i, s, reduce="add"), [SMALL, SOURCE, ROWS],
         order=0),
    Case("scatter, multiply", lambda T, x, i: x.scatter(0, i, 2.0, reduce="multiply"),
         [SMALL, ROWS], order=0),
    Case("scatter, integers", lambda T, x, s, i: x.scatter(0, i, s),
         [integers(0, 9, 3, 4), integers(9, 20, 2, 4), UNIQUE]),
    Case("scatter_", lambda T, x, i: (x * 1).scatter_(1, i, 1.0),
         [SMALL, exactly([[1], [0], [3]])]),
    Case("scatter_add", lambda T, x, s, i: T.scatter_add(x, 0, i, s), [SMALL, SOURCE, ROWS]),
    Case("scatter_add_", lambda T, x, s, i: (x * 1).scatter_add_(1, i, s),
         [SMALL, SOURCE, exactly([[1, 1, 1], [0, 3, 0]])]),
    *[
        Case(f"scatter_reduce, {reduce}, {own}",
             lambda T, x, s, i, r=reduce, o=own: T.scatter_reduce(x, 0, i, s, r, include_self=o),
             [SMALL, SOURCE, ROWS], order=1 if reduce != "prod" else 0)
        for reduce in ("sum", "prod", "mean", "amax", "amin") for own in (True, False)
    ],
    *[
        Case(f"scatter_reduce of integers, {reduce}",
             lambda T, x, s, i, r=reduce: T.scatter_reduce(x, 0, i, s, r),
             [integers(-9, 9, 3, 4), integers(-9, 9, 2, 4), ROWS])
        for reduce in ("sum", "prod", "mean", "amax", "amin")
    ],
    Case("index_add", lambda T, x, s, i: T.index_add(x, 0, i, s, alpha=0.5),
         [SMALL, distinct(2, 4), exactly([2, 2])]),
    Case("index_add_", lambda T, x, s, i: (x * 1).index_add_(1, i, s),
         [SMALL, distinct(3, 2), exactly([3, 0])]),
    Case("index_copy", lambda T, x, s, i: T.index_copy(x, 1, i, s),
         [SMALL, distinct(3, 2), exactly([3, 0])]),
    Case("index_copy_", lambda T, x, s, i: (x * 1).index_copy_(0, i, s),
         [SMALL, distinct(1, 4), exactly([1])]),
    Case("index_fill", lambda T, x, i: T.index_fill(x, -1, i, 7.0), [SMALL, exactly([3, 0])]),
    Case("index_fill_", lambda T, x, i: (x * 1).index_fill_(0, i, 7.0), [SMALL, exactly([1])]),
    *[
        Case(f"index_reduce, {reduce}",
             lambda T, x, s, i, r=reduce: T.index_reduce(x, 0, i, s, r),
             [SMALL, distinct(2, 4), exactly([2, 2])], order=0)
        for reduce in ("prod", "mean", "amax", "amin")
    ],
    Case("index_put", lambda T, x, v, i, j: T.index_put(x, (i, j), v),
         [SMALL, distinct(3), exactly([0, 2, 1]), exactly([3, 3, 0])]),
    Case("index_put, accumulate", lambda T, x, v, i, j: T.index_put(x, (i, j), v, True),
         [SMALL, distinct(3), exactly([0, 2, 0]), exactly([3, 3, 3])]),
    Case("index_put_, rows", lambda T, x, v, i: (x * 1).index_put_((i,), v, accumulate=True),
         [SMALL, distinct(3, 4), exactly([0, -1, 0])]),
    Case("index_put, mask", lambda T, x, v, m: x.index_put((m,), v),
         [SMALL, distinct(1), booleans(3, 4)]),
    Case("put_", lambda T, x, v, i: (x * 1).put_(i, v), [SMALL, distinct(2), exactly([11, 3])],
         order=1),
    Case("masked_scatter", lambda T, x, m, s: T.masked_scatter(x, m, s),
         [SMALL, booleans(3, 4), distinct(12)]),
    Case("masked_scatter, broadcast", lambda T, x, m, s: x.masked_scatter(m, s),
         [SMALL, booleans(4), distinct(4, 3)]),
    Case("scatter_reduce_", lambda T, x, s, i: (x * 1).scatter_reduce_(0, i, s, "amin"),
         [SMALL, SOURCE, ROWS], order=0),
    Case("index_reduce_", lambda T, x, s, i: (x * 1).index_reduce_(0, i, s, "amax"),
         [SMALL, distinct(1, 4), exactly([2])], order=0),
    Case("masked_scatter_", lambda T, x, m, s: (x * 1).masked_scatter_(m, s),
         [SMALL, booleans(3, 4), distinct(12)], order=0),
    Case("masked_fill_", lambda T, x, m: (x * 1).masked_fill_(m, 3.0), [SMALL, booleans(3, 4)]),
    Case("select_scatter", lambda T, x, s: T.select_scatter(x, s, 1, -1), [SMALL, normal(3)]),
    Case("slice_scatter", lambda T, x, s: T.slice_scatter(x, s, 1, 1, 4, 2), [SMALL, normal(3, 2)]),
]  # fmt: skip
