"""Reductions, statistics, and what runs along a dim."""

import math

from tests.parity.case import Case, booleans, distinct, exactly, integers, normal, turned, uniform

X, SMALL = normal(3, 4), uniform(0.5, 2, 2, 3, 2)
TIED = exactly([[1.0, 2.0, 2.0, 0.0], [-1.0, -1.0, 3.0, 3.0]])
HOLES = exactly([[1.0, math.nan, 2.0], [math.nan, 4.0, 0.5]])
WEIGHTS = exactly([1, 2, 3, 1]), exactly([0.5, 1.0, 2.0, 0.25])


def reduction(name: str, x=X, order: int = 2) -> list[Case]:
    """Over all, over one dim, over a negative one that is kept, and of a scalar."""

    def call(T, x):
        f = getattr(T, name)
        return [f(x), f(x, 0), f(x, -1, keepdim=True), getattr(x, name)(1)]

    return [
        Case(name, call, [x], order, ("float32", "float64")),
        Case(f"{name}, turned", call, [turned(uniform(0.5, 2, 4, 3))], 0),
        Case(f"{name}, dims", lambda T, x: getattr(T, name)(x, (0, -1)), [SMALL], order),
        Case(f"{name}, 0-d", lambda T, x: getattr(T, name)(x), [uniform(0.5, 2)], order),
    ]


CASES = [
    *reduction("sum"),
    *reduction("mean"),
    *reduction("nansum"),
    *reduction("nanmean"),
    *reduction("amax", order=1),
    *reduction("amin", order=1),
    Case("axis and keepdims", lambda T, x: [T.sum(x, axis=0, keepdims=True), x.mean(axis=(0, 1)),
                                            T.softmax(x, axis=1)], [X]),
    Case("holes", lambda T, x: [T.nansum(x, 1), T.nanmean(x, 1), T.nansum(x), T.nanmean(x)],
         [HOLES]),
    Case("nansum, integers", lambda T, x: [T.nansum(x), T.nansum(x, dtype=T.float64)],
         [integers(-9, 9, 4)]),
    Case("prod", lambda T, x: [T.prod(x), T.prod(x, 1), T.prod(x, 0, keepdim=True)],
         [exactly([[0.0, 2.0, -1.0], [0.5, 3.0, 2.0], [0.0, 0.0, 1.0]])]),
    Case("max, min", lambda T, x: [T.max(x), T.min(x), T.max(x, 1), T.min(x, 0, keepdim=True)],
         [distinct(3, 4)]),
    Case("argmax, argmin", lambda T, x: [T.argmax(x), T.argmin(x, 1), x.argmax(-1, keepdim=True)],
         [distinct(3, 4)]),
    Case("any, all", lambda T, x: [T.any(x), T.all(x), T.any(x, 0), T.all(x, 1, keepdim=True)],
         [booleans(3, 4)]),
    Case("aminmax", lambda T, x: [*T.aminmax(x), *T.aminmax(x, dim=0, keepdim=True)],
         [distinct(3, 4)], order=1),
    Case("count_nonzero", lambda T, x: [T.count_nonzero(x), T.count_nonzero(x, 0),
                                        x.count_nonzero((0, 1))], [integers(0, 2, 3, 4)]),
    Case("var", lambda T, x: [T.var(x, 1), T.var(x, 0, correction=0), T.std(x), T.std(x, -1)], [X]),
    Case("var_mean", lambda T, x: [*T.var_mean(x, 1), *T.std_mean(x, 0, keepdim=True),
                                   *T.var_mean(x, 0, correction=0), *T.std_mean(x)], [X]),
    Case("logsumexp", lambda T, x: [T.logsumexp(x, 1), T.logsumexp(x, (0, 1), keepdim=True)], [X]),
    Case("cov", lambda T, x: [T.cov(x), T.cov(x, correction=0), T.cov(x[0])], [X]),
    Case("cov, weights", lambda T, x, f, a: [
        T.cov(x, fweights=f), T.cov(x, aweights=a), T.cov(x, fweights=f, aweights=a),
        T.cov(x, correction=0, aweights=a)], [X, *WEIGHTS], order=0),
    Case("corrcoef", lambda T, x: T.corrcoef(x), [X]),
    # norms
    *[Case(f"norm {p}", lambda T, x, p=p: [
        T.norm(x, p), T.norm(x, p, 1), x.norm(p, (0, 1), keepdim=True)], [distinct(3, 4)],
        order=1 if p in (math.inf, -math.inf, 0, 0.5) else 2, rtol=1e-4)
      for p in (2, 1, 3, 0.5, 0, math.inf, -math.inf, "fro")],
    Case("norm, zeros", lambda T, x: [T.norm(x, p, 1) for p in (2, 1, 3, 1.5)],
         [exactly([[0.0, 0.0], [0.0, 2.0]])], order=1),
    Case("norm, dtype", lambda T, x: T.norm(x, dtype=T.float64), [X]),
    Case("dist", lambda T, x, y: [T.dist(x, y), T.dist(x, y, 3), x.dist(y, 1)], [X, normal(4)]),
    Case("renorm", lambda T, x: [T.renorm(x, 2, 0, 1.0), x.renorm(1, 1, 2.0)], [X], order=1),
    *[Case(f"cdist {p}", lambda T, x, y, p=p: T.cdist(x, y, p), [normal(2, 3, 4), normal(5, 4)],
           order=1, rtol=1e-4) for p in (2.0, 1.0, 3.0, 0.0, math.inf)],
    Case("pdist", lambda T, x: [T.pdist(x), T.pdist(x, 1.0)], [normal(4, 3)], order=1),
    Case("cosine_similarity",
         lambda T, x, y: [T.cosine_similarity(x, y), T.cosine_similarity(x, y, dim=0)],
         [X, normal(3, 4)]),
    Case("pairwise_distance", lambda T, x, y: T.pairwise_distance(x, y, keepdim=True),
         [X, normal(3, 4)]),
    # what runs along a dim
    Case("cumsum", lambda T, x: [T.cumsum(x, 0), T.cumsum(x, -1)], [X]),
    Case("cumprod", lambda T, x: [T.cumprod(x, 0), T.cumprod(x, -1)],
         [exactly([[1.5, 0.0, 2.0], [0.5, 3.0, 0.0], [-1.0, 2.0, 2.0]])]),
    Case("cumprod, integers", lambda T, x: [T.cumprod(x, 0), x.cumprod(0, dtype=T.float32)],
         [integers(-3, 4, 5)]),
    Case("cumprod, 0-d", lambda T, x: T.cumprod(x, 0), [uniform(0, 1)]),
    Case("cumprod, long", lambda T, x: T.cumprod(x, 1), [uniform(0.99, 1.01, 2, 700)], order=1),
    Case("logcumsumexp", lambda T, x: [T.logcumsumexp(x, 0), x.logcumsumexp(-1)], [X]),
    Case("logcumsumexp, infinite", lambda T, x: T.logcumsumexp(x, 0),
         [exactly([-math.inf, -math.inf, 1.0, 200.0, math.inf])], order=0),
    *[Case(f"{name}, {what}", lambda T, x, f=name: [getattr(T, f)(x, 0), getattr(x, f)(-1)], [x],
           order)
      for name in ("cummax", "cummin")
      for what, x, order in [("distinct", distinct(3, 4), 1), ("ties", TIED, 0), ("NaN", HOLES, 0),
                             ("integers", integers(-2, 3, 3, 4), 0)]],
    Case("diff", lambda T, x: [T.diff(x), T.diff(x, 2, 0), x.diff(dim=0), T.diff(x, 0)], [X]),
    Case("diff, between", lambda T, x, y: T.diff(x, prepend=y, append=y), [X, normal(3, 1)]),
    Case("diff, bool", lambda T, x: T.diff(x), [booleans(7)]),
    Case("trapezoid", lambda T, y, x: [T.trapezoid(y), T.trapz(y, dx=0.5, dim=0), T.trapezoid(y, x),
                                       T.trapezoid(y, y * 2)], [X, normal(4)]),
    *[Case(f"gradient, {order}", lambda T, x, y, o=order: [
        *T.gradient(x, edge_order=o), *T.gradient(x, spacing=2.0, dim=1, edge_order=o),
        *T.gradient(x, spacing=(y,), dim=1, edge_order=o)],
        [normal(3, 5), exactly([0.0, 1.0, 1.5, 4.0, 5.0])], order=1) for order in (1, 2)],
    Case("cumulative_trapezoid", lambda T, y, x: [T.cumulative_trapezoid(y, dx=2.0, dim=0),
                                                  T.cumulative_trapezoid(y, x)], [X, normal(4)]),
]  # fmt: skip
