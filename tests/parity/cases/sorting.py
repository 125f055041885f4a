"""Order, ranks, counts, and elements chosen by value."""

import math

from tests.parity.case import Case, booleans, distinct, exactly, integers, normal, turned, uniform

X = distinct(3, 5)
TIED = exactly([[2.0, 1.0, 2.0, 1.0], [0.0, -0.0, math.nan, 0.0], [math.inf, 1.0, -math.inf, 1.0]])
EDGES = exactly([-1.0, 0.0, 0.5, 0.5, 2.0])
VALUES = exactly([[-2.0, -1.0, 0.5], [0.6, 2.0, math.nan]])
RANGES = ("linear", "lower", "higher", "nearest", "midpoint")

CASES = [
    Case("sort", lambda T, x: [*T.sort(x), *T.sort(x, 0, True), *x.sort(-1, descending=True)], [X]),
    Case("sort, ties", lambda T, x: [*T.sort(x, dim=1, stable=True),
                                     *T.sort(x, dim=1, descending=True, stable=True)], [TIED], 0),
    Case("sort, integers", lambda T, x: T.sort(x, 0), [exactly([[3, 1], [2, 9], [7, 0]])]),
    Case("sort, bool", lambda T, x: T.sort(x, stable=True)[0], [booleans(9)]),
    Case("sort, turned", lambda T, x: T.sort(x), [turned(distinct(4, 3))], order=0),
    Case("sort, 0-d", lambda T, x: T.sort(x), [uniform(0, 1)], order=1),
    Case("sort, empty", lambda T, x: T.sort(x), [normal(2, 0)], order=0),
    Case("sort, many", lambda T, x: [*T.sort(x), *T.sort(x, descending=True)], [distinct(1500)], 1),
    Case("argsort", lambda T, x: [T.argsort(x), T.argsort(x, 0, True), x.argsort(-1)], [X]),
    Case("msort", lambda T, x: [T.msort(x), x.msort()], [X]),
    Case("topk", lambda T, x: [*T.topk(x, 2), *T.topk(x, 3, 0, largest=False), *x.topk(1, dim=1)],
         [X]),
    Case("topk, many", lambda T, x: T.topk(x, 5), [distinct(1500)], order=1),
    Case("topk, none", lambda T, x: T.topk(x, 0), [X], order=0),
    Case("kthvalue", lambda T, x: [*T.kthvalue(x, 2), *x.kthvalue(3, 0, keepdim=True)], [X]),
    Case("median", lambda T, x: [T.median(x), *T.median(x, 1), *x.median(0, keepdim=True)], [X]),
    Case("median, NaN", lambda T, x: [T.median(x), T.median(x, 1)[0], T.nanmedian(x),
                                      T.nanmedian(x, 1)[0]], [TIED], order=0),
    Case("median, ties", lambda T, x: T.median(x), [exactly([1.0, 2.0, 2.0, 2.0, 3.0])], order=1),
    Case("median, integers", lambda T, x: [T.median(x), T.median(x, 0)[0]], [integers(0, 9, 4, 3)]),
    Case("nanmedian", lambda T, x: [T.nanmedian(x), *T.nanmedian(x, 0, keepdim=True)], [X]),
    Case("mode", lambda T, x: [T.mode(x, 0)[0], T.mode(x)[0], x.mode(1, keepdim=True)[0]],
         [integers(0, 3, 5, 6)]),
    *[Case(f"quantile, {kind}", lambda T, x, q, k=kind: [
        T.quantile(x, 0.3, interpolation=k), T.quantile(x, q, 1, interpolation=k),
        x.quantile(q, 0, keepdim=True, interpolation=k)], [X, exactly([0.0, 0.25, 0.61, 1.0])],
        order=0) for kind in RANGES],
    Case("quantile, derivative", lambda T, x: T.quantile(x, 0.3, 1), [X]),
    Case("nanquantile", lambda T, x, q: [T.nanquantile(x, q), T.nanquantile(x, 0.4, 1)],
         [exactly([[1.0, math.nan, 2.0], [math.nan, 4.0, 0.5]]), exactly([0.2, 0.9])], order=0),
    # by value
    Case("nonzero", lambda T, x: [T.nonzero(x), *T.nonzero(x, as_tuple=True), T.argwhere(x)],
         [integers(0, 2, 3, 4)]),
    Case("nonzero, 0-d", lambda T, x: [T.nonzero(x), T.argwhere(x)], [exactly(3)]),
    Case("masked_select", lambda T, x, m: [T.masked_select(x, m), x.masked_select(m[0])],
         [X, booleans(3, 5)]),
    Case("take", lambda T, x, i: [T.take(x, i), x.take(i)], [X, exactly([[0, 14], [3, -1]])]),
    Case("take_along_dim", lambda T, x, i: [T.take_along_dim(x, i, 1), x.take_along_dim(i[:1], -1),
                                            T.take_along_dim(x, i)],
         [X, integers(0, 5, 3, 5)]),
    *[Case(f"unique, {dim}", lambda T, x, d=dim: [
        T.unique(x, dim=d), *T.unique(x, return_inverse=True, return_counts=True, dim=d),
        *x.unique_consecutive(return_inverse=True, return_counts=True, dim=d),
        T.unique_consecutive(x, dim=d)], [integers(0, 2, 4, 3)]) for dim in (None, 0, 1)],
    # counts and places
    Case("bincount", lambda T, x, w: [T.bincount(x), x.bincount(minlength=12), T.bincount(x, w)],
         [integers(0, 9, 20), normal(20)], order=0),
    Case("histc", lambda T, x: [T.histc(x, 7), T.histc(x, 5, -1, 1), x.histc(bins=3)],
         [normal(50)], order=0),
    Case("histogram", lambda T, x, w, e: [
        *T.histogram(x, 5), *T.histogram(x, 4, range=(-1, 1)), *x.histogram(e),
        *T.histogram(x, 5, weight=w, density=True)],
        [normal(30), uniform(0, 1, 30), exactly([-1.0, 0.0, 0.5, 2.0])], order=0),
    Case("nonzero_static", lambda T, x: [T.nonzero_static(x, size=3),
                                         x.nonzero_static(size=14, fill_value=7)],
         [integers(0, 2, 3, 4)]),
    Case("unravel_index", lambda T, x: T.unravel_index(x, (2, 3, 4)), [integers(0, 24, 2, 5)]),
    *[Case(f"searchsorted, {right}", lambda T, e, v, r=right: [
        T.searchsorted(e, v, right=r), T.bucketize(v, e, right=r, out_int32=True),
        T.searchsorted(e, v, side="right" if r else "left"), T.searchsorted(e, 0.5, right=r)],
        [EDGES, VALUES], order=0) for right in (False, True)],
    Case("searchsorted, rows", lambda T, e, v: T.searchsorted(T.sort(e)[0], v),
         [distinct(2, 7), normal(2, 4)], order=0),
    Case("searchsorted, sorter", lambda T, e, v: T.searchsorted(e, v, sorter=T.argsort(e)),
         [distinct(2, 7), normal(2, 4)], order=0),
    Case("isin", lambda T, x, y: [T.isin(x, y), T.isin(x, y, invert=True), T.isin(x, 3),
                                  T.isin(3, x)], [integers(0, 9, 3, 4), integers(0, 9, 3)]),
    Case("isin, many", lambda T, x, y: T.isin(x, y), [integers(0, 200, 50), integers(0, 200, 90)]),
]  # fmt: skip
