"""Rows of products, convolutions, pools, normalisation, attention and losses."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from tests.fuzz.elementwise import ADD, MUL, SUB, lift, logsigmoid, magnitude
from tests.fuzz.program import Maker, Ref
from tests.fuzz.reductions import _log_softmax, mean, softmax_of, total
from tests.fuzz.table import row
from tests.fuzz.values import FLOATS, LARGEST, Array, Undefined, Universe, Value, cast, wide

# -- products ------------------------------------------------------------------------------------


def product(u: Universe, a: Value, b: Value, function: Callable[[Array, Array], Array],
            count: int) -> Value:  # fmt: skip
    """A sum of products of two values of one dtype."""
    if not a.is_float:
        return Value(np.asarray(function(a.array, b.array)).astype(a.dtype), a.dtype)
    size = np.asarray(function(np.abs(a.real), np.abs(b.real)))
    whole = bool(np.all(a.real == np.rint(a.real)) and np.all(b.real == np.rint(b.real)))
    value = lift(function, a.array, b.array)
    # zero times infinity is in no sum of magnitudes
    return u.total(
        np.asarray(value), a.dtype, np.nan_to_num(size, nan=0, posinf=np.inf), count, whole
    )


@row("matmul", "mm", "mv", "__matmul__", "__rmatmul__", "bmm", "dot", "outer", "linear",
     smooth=True, weight=5)  # fmt: skip
def products(g: Maker, name: str) -> Any:
    ranks = {"mm": (2,), "mv": (2,), "bmm": (3,), "dot": (1,), "outer": (1,)}.get(name, (1, 2, 3))
    x = g.pick(lambda r: r.ndim in ranks and not r.value.is_bool and r.size <= 5000)
    inner = x.shape[-1]
    free = g.r.choice((1, 2, 3, 7, 17))
    if name in ("matmul", "__matmul__", "__rmatmul__"):
        shape: tuple[int, ...] = (inner,) if g.r.random() < 0.3 else (inner, free)
        if x.ndim == 3 and len(shape) == 2 and g.r.random() < 0.4:
            shape = (g.r.choice((1, x.shape[0])), *shape)
    else:
        shape = {"mm": (inner, free), "mv": (inner,), "bmm": (*x.shape[:-2], inner, free),
                 "dot": (inner,), "outer": (free,), "linear": (free, inner)}[name]  # fmt: skip
    y = g.like(x, shape)
    if name == "outer":

        def outer(u: Universe, a: Value, b: Value) -> Value:
            return MUL(u, Value(a.array[:, None], a.dtype), Value(b.array[None], b.dtype))

        return g.emit(name, f"{x}.outer({y})", outer, x, y)
    if name == "linear":
        bias = g.like(x, (free,)) if g.r.random() < 0.6 else None

        def linear(u: Universe, a: Value, w: Value, *b: Value) -> Value:
            made = product(u, a, Value(w.array.T, w.dtype), np.matmul, inner)
            return ADD(u, made, *b) if b else made

        text = f"{x}.linear({y}, {bias})"
        return g.emit(name, text, linear, *((x, y, bias) if bias else (x, y)))
    text = {"__matmul__": f"{x} @ {y}", "__rmatmul__": f"{y}.__rmatmul__({x})"}.get(
        name, f"{x}.{name}({y})")  # fmt: skip
    return g.emit(name, text, lambda u, a, b: product(u, a, b, np.matmul, inner), x, y)


def _windows(x: Array, kernel: tuple[int, ...], stride: int, dilation: int) -> Array:
    """(.., positions.., kernels..) over the last dims, which are padded already."""
    spatial = len(kernel)
    reach = tuple(dilation * (k - 1) + 1 for k in kernel)
    axes = tuple(range(x.ndim - spatial, x.ndim))
    seen = np.lib.stride_tricks.sliding_window_view(x, reach, axes)
    keep: Any = (..., *(slice(None, None, stride) for _ in kernel),
            *(slice(None, None, dilation) for _ in kernel))  # fmt: skip
    return seen[keep]


def _image(g: Maker, spatial: int, floats: bool = False) -> Ref:
    """(N, C, ..): found, made of what is there, or new."""
    rank = spatial + 2
    fits = [r for r in g.pool if r.ndim in (rank, rank - 1) and 0 not in r.shape
            and not r.value.is_bool and (r.value.is_float or not floats)]  # fmt: skip
    if fits and g.r.random() < 0.8:
        return g.r.choice(fits)
    shape = (g.r.choice((1, 2)), g.r.choice((1, 2, 3, 4)), *(g.r.choice((3, 5, 7, 8)),) * spatial)
    dtype = g.dtype()
    return g.leaf(shape, dtype if dtype in FLOATS or not (floats or dtype == "bool") else "float32")


@row("conv1d", "conv2d", smooth=True, weight=3)
def conv(g: Maker, name: str) -> Any:
    spatial = int(name[-2])
    x = _image(g, spatial)
    if x.value.is_bool or x.size > 3000:
        raise Undefined("too large")
    channels = x.shape[-spatial - 1]
    groups = g.r.choice([n for n in (1, 1, 2, 3, channels) if channels % n == 0])
    out = groups * g.r.choice((1, 2, 3))
    stride, padding, dilation = (
        g.r.choice((1, 1, 2, 3)),
        g.r.choice((0, 0, 1, 2)),
        g.r.choice((1, 1, 2)),
    )
    kernel = tuple(g.r.choice((1, 2, 3)) for _ in range(spatial))
    if any(n + 2 * padding < dilation * (k - 1) + 1
           for n, k in zip(x.shape[-spatial:], kernel, strict=True)):  # fmt: skip
        raise Undefined("window does not fit")
    w = g.like(x, (out, channels // groups, *kernel))
    bias = g.like(x, (out,)) if g.r.random() < 0.5 else None

    def function(x: Array, w: Array) -> Array:
        batched = x if x.ndim == spatial + 2 else x[None]
        padded = np.pad(batched, [(0, 0)] * 2 + [(padding, padding)] * spatial)
        seen = _windows(padded, kernel, stride, dilation)
        parts = []
        for k in range(groups):
            per, each = channels // groups, out // groups
            part = seen[:, k * per : (k + 1) * per]
            filters = w[k * each : (k + 1) * each]
            axes = [1, *range(2 + spatial, 2 + 2 * spatial)]
            parts.append(np.moveaxis(
                np.tensordot(part, filters, (axes, range(1, filters.ndim))), -1, 1))  # fmt: skip
        made = np.concatenate(parts, 1)
        return made if x.ndim == spatial + 2 else made[0]

    def meaning(u: Universe, x: Value, w: Value, *b: Value) -> Value:
        made = product(u, x, w, function, math.prod(w.shape[1:]))
        if not b:
            return made
        return ADD(u, made, Value(b[0].array.reshape(-1, *(1,) * spatial), b[0].dtype))

    text = f"{x}.{name}({w}, {bias}, {stride}, {padding}, {dilation}, {groups})"
    return g.emit(name, text, meaning, *((x, w, bias) if bias else (x, w)))


def _first_largest(seen: Array, real: Array) -> Array:
    """Where the first largest of each last dim is, among ``real`` elements; a NaN is largest."""
    order = np.zeros(seen.shape, np.int64)
    order[...] = np.unique(seen, return_inverse=True)[1].reshape(seen.shape)  # NaN sorts last
    return np.argmax(np.where(real, order, -1), -1)


@row("max_pool1d", "max_pool2d", "avg_pool1d", "avg_pool2d", smooth=True, weight=3)
def pool(g: Maker, name: str) -> Any:
    spatial, largest = int(name[-2]), name.startswith("max")
    x = _image(g, spatial, floats=not largest)
    kernel = g.r.choice((1, 2, 3))
    stride, padding = g.r.choice((1, 2, 3)), g.r.randint(0, kernel // 2)
    if any(n + 2 * padding < kernel for n in x.shape[-spatial:]):
        raise Undefined("window does not fit")
    pads = [(padding, padding)] * spatial
    kernels = (kernel,) * spatial

    def seen_of(a: Array, fill: float) -> Array:
        padded = np.pad(a, [(0, 0)] * (a.ndim - spatial) + pads, constant_values=fill)
        seen = _windows(padded, kernels, stride, 1)
        return seen.reshape(*seen.shape[: a.ndim], -1)

    if largest:

        def meaning(u: Universe, x: Value) -> Value:
            fill = -np.inf if x.is_float else np.iinfo(x.dtype).min
            seen = seen_of(x.array, fill)
            at = np.argmax(seen.real, -1, keepdims=True)
            found = np.take_along_axis(seen, at, -1)[..., 0]
            if x.is_float:
                return u.float(found, x.dtype, exact=True, loose_zero=True)
            return Value(found.astype(x.dtype), x.dtype)

        def places(u: Universe, x: Value) -> tuple[Value, Value]:
            inner = x.shape[-spatial:]
            at = np.arange(math.prod(inner), dtype=float).reshape(inner)
            seen_at = seen_of(np.broadcast_to(at, x.shape), -1)
            seen = seen_of(x.real, 0).astype(x.real.dtype)
            first = _first_largest(seen, seen_at >= 0)
            found = np.take_along_axis(seen_at, first[..., None], -1)[..., 0]
            return meaning(u, x), Value(found.astype(np.int64), "int64")

        arguments = f"{kernel}, {stride}, {padding}"
        if g.r.random() < 0.3 and not g.smooth:
            return g.emit(name, f"{x}.{name}({arguments}, return_indices=True)", places, x)
        return g.emit(name, f"{x}.{name}({arguments})", meaning, x)
    counted = g.r.random() < 0.5

    def average(u: Universe, x: Value) -> Value:
        seen = seen_of(x.array, 0)
        there = seen_of(np.ones(x.shape), float(counted)).sum(-1)
        carried = wide(x.dtype)
        added = total(u, cast(u, Value(seen, x.dtype), carried), (seen.ndim - 1,), False)
        # in which dtype it is divided is not promised
        return u.float(lift(lambda a: a / there, added.array), x.dtype, ulps=2)

    text = f"{x}.{name}({kernel}, {stride}, {padding}, count_include_pad={counted})"
    return g.emit(name, text, average, x)


# -- normalisation -------------------------------------------------------------------------------


def standardised(u: Universe, x: Value, axes: tuple[int, ...], eps: float) -> Value:
    carried = wide(x.dtype)
    x = cast(u, x, carried)
    center = mean(u, x, axes, True)
    gap = SUB(u, x, center)
    spread = mean(u, MUL(u, gap, gap), axes, True)
    scale = u.float(lift(lambda a: 1 / np.sqrt(a + eps), spread.array), carried, 4)
    return u.float(lift(np.multiply, gap.array, scale.array), carried, 3)


def affine(u: Universe, x: Value, parameters: tuple[Value, ...], shape: tuple[int, ...]) -> Value:
    scale, shift = (Value(p.array.reshape(shape), p.dtype) for p in parameters)
    return ADD(u, MUL(u, x, scale), shift)


@row("layernorm", "layer_norm", "group_norm", "batch_norm", "batchnorm", smooth=True, weight=3)
def norm(g: Maker, name: str) -> Any:
    if name in ("layernorm", "layer_norm"):
        x = g.float(lambda r: r.ndim > 0 and 0 not in r.shape)
        count = g.r.randint(1, x.ndim)
        axes = tuple(range(x.ndim - count, x.ndim))
        if name == "layernorm":
            return g.emit(
                name, f"{x}.layernorm({axes})",
                lambda u, x: cast(u, standardised(u, x, axes, 1e-5), x.dtype), x,
            )  # fmt: skip
        inner = x.shape[-count:]
        w, b = g.like(x, inner), g.like(x, inner)

        def layer(u: Universe, x: Value, w: Value, b: Value) -> Value:
            return affine(u, cast(u, standardised(u, x, axes, 1e-5), x.dtype), (w, b), inner)

        return g.emit(name, f"{x}.layer_norm({inner}, {w}, {b})", layer, x, w, b)
    x = g.float(lambda r: r.ndim >= 2 and 0 not in r.shape)
    channels, shape = x.shape[1], (-1, *(1,) * (x.ndim - 2))
    w, b = g.like(x, (channels,)), g.like(x, (channels,))
    if name == "group_norm":
        groups = g.r.choice([n for n in (1, 2, 3, channels) if channels % n == 0])

        def grouped(u: Universe, x: Value, w: Value, b: Value) -> Value:
            split = x.array.reshape(x.shape[0], groups, -1)
            made = standardised(u, Value(split, x.dtype), (2,), 1e-5)
            made = cast(u, Value(made.array.reshape(x.shape), made.dtype), x.dtype)
            return affine(u, made, (w, b), shape)

        return g.emit(name, f"{x}.group_norm({groups}, {w}, {b})", grouped, x, w, b)
    m, v = g.like(x, (channels,)), g.leaf((channels,), x.dtype, "positive")
    training = name == "batch_norm" and g.r.random() < 0.5 and x.size > channels

    def batch(u: Universe, x: Value, w: Value, b: Value, m: Value, v: Value) -> Value:
        carried = wide(x.dtype)
        if training:
            axes = tuple(d for d in range(x.ndim) if d != 1)
            made = standardised(u, x, axes, 1e-5)
        else:
            gap = SUB(
                u, cast(u, x, carried), Value(cast(u, m, carried).array.reshape(shape), carried)
            )
            scale = u.float(lift(lambda a: 1 / np.sqrt(a + 1e-5), v.array), carried, 4)
            made = u.float(lift(np.multiply, gap.array, scale.array.reshape(shape)), carried, 3)
        wide_scale = Value(cast(u, w, carried).array.reshape(shape), carried)
        made = cast(
            u, u.float(lift(np.multiply, made.array, wide_scale.array), carried, 3), x.dtype
        )
        made = ADD(u, made, Value(b.array.reshape(shape), b.dtype))
        # in which order three factors are multiplied, and so overflow, is not promised
        risky = np.asarray(False)
        for part in (x.real, wide_scale.real, b.real.reshape(shape)):
            risky = risky | (np.isfinite(part) & (np.abs(part) > LARGEST[carried] / 1e6))
        return u.unspecified(made, risky)

    if name == "batchnorm":
        return g.emit(name, f"{x}.batchnorm({w}, {b}, {m}, {v})", batch, x, w, b, m, v)
    running = "None, None" if training else f"{m}, {v}"
    text = f"{x}.batch_norm({running}, {w}, {b}, training={training})"
    return g.emit(name, text, batch, x, w, b, m, v)


@row("scaled_dot_product_attention", smooth=True, weight=1.5)
def attention(g: Maker, name: str) -> Any:
    q = g.float(lambda r: r.ndim in (2, 3, 4) and 0 not in r.shape and r.size <= 1000)
    length = g.r.choice((1, 2, 5, 7))
    k = g.like(q, (*q.shape[:-2], length, q.shape[-1]))
    v = g.like(q, (*q.shape[:-2], length, g.r.choice((1, 3, 4))))
    causal = g.r.random() < 0.3
    mask = None
    if not causal and g.r.random() < 0.5:
        mask = g.leaf((q.shape[-2], length), g.r.choice(("bool", q.dtype)), "normal")
    below = np.tril(np.ones((q.shape[-2], length), bool))

    def meaning(u: Universe, q: Value, k: Value, v: Value, *m: Value) -> Value:
        scaled = MUL(u, q, 1.0 / math.sqrt(q.shape[-1]))
        scores = product(
            u, scaled, Value(np.swapaxes(k.array, -1, -2), k.dtype), np.matmul, q.shape[-1]
        )
        # halves overflow where they are rounded, which fusion decides
        risky = np.any(np.abs(scores.real) > LARGEST[scores.dtype] / 2, -1, keepdims=True)
        allowed = below if causal else m[0].array if m and m[0].is_bool else np.asarray(True)
        if m and not m[0].is_bool:
            scores = ADD(u, scores, m[0])
        scores = Value(np.where(allowed, scores.array, -np.inf), scores.dtype)
        weights = softmax_of(u, scores, -1)
        # also where the scores overflow: all that is -inf counts as masked
        nothing = np.all(np.isneginf(scores.real), -1, keepdims=True)
        nothing = np.broadcast_to(nothing, weights.shape)
        weights = Value(np.where(nothing, 0, weights.array), weights.dtype)
        return u.unspecified(product(u, weights, v, np.matmul, length), risky)

    options = f"attn_mask={mask}, is_causal={causal}"
    given = (q, k, v, mask) if mask else (q, k, v)
    return g.emit(name, f"{q}.{name}({k}, {v}, {options})", meaning, *given)


# -- losses --------------------------------------------------------------------------------------


def reduced(u: Universe, x: Value, reduction: str) -> Value:
    if reduction == "none":
        return x
    axes = tuple(range(x.ndim))
    return mean(u, x, axes, False) if reduction == "mean" else total(u, x, axes, False)


def _reduction(g: Maker, x: Ref) -> str:
    return g.r.choice(("none", "mean", "sum") if x.size else ("none", "sum"))


@row("mse_loss", "l1_loss", "smooth_l1_loss", "huber_loss", smooth=True, weight=2)
def regression(g: Maker, name: str) -> Any:
    x = g.float()
    y, reduction = g.like(x), _reduction(g, x)

    def meaning(u: Universe, x: Value, y: Value) -> Value:
        gap = SUB(u, x, y)
        size = magnitude(gap.array)
        if name == "mse_loss":
            return reduced(u, MUL(u, gap, gap), reduction)
        if name == "l1_loss":
            return reduced(
                u, Value(np.where(gap.real == 0, 0 * size.real, size), gap.dtype), reduction
            )
        smooth = u.float(lift(lambda a: 0.5 * a * a, size), gap.dtype, 2)
        linear = u.float(lift(lambda a: a - 0.5, size), gap.dtype)
        return reduced(
            u, Value(np.where(size.real < 1, smooth.array, linear.array), gap.dtype), reduction
        )

    return g.emit(name, f"{x}.{name}({y}, reduction={reduction!r})", meaning, x, y)


@row("binary_cross_entropy", "binary_cross_entropy_with_logits", smooth=True, weight=1.5)
def binary_entropy(g: Maker, name: str) -> Any:
    x = g.float()
    if name == "binary_cross_entropy":
        x = g.emit("sigmoid", f"{x}.sigmoid()", _sigmoid, x) if g.r.random() < 0.5 else g.leaf(
            x.shape, x.dtype, "unit")  # fmt: skip
    y, reduction = g.leaf(x.shape, x.dtype, "unit"), _reduction(g, x)

    def meaning(u: Universe, x: Value, y: Value) -> Value:
        carried = wide(x.dtype)
        x, y = cast(u, x, carried), cast(u, y, carried)
        if name == "binary_cross_entropy":
            yes = u.float(lift(lambda a: _limited(np.log(a)), x.array), carried, 4)
            no = u.float(lift(lambda a: _limited(np.log1p(-a)), x.array), carried, 6)
        else:
            yes = u.float(lift(logsigmoid, x.array), carried, 8)
            no = u.float(lift(lambda a: logsigmoid(-a), x.array), carried, 8)
            # written as (1 - t) * x + softplus(-x), which cancels
            size = np.abs(x.real) * 2.0 ** (2 - {"float64": 53}.get(carried, 24))
            loss = -(y.array * yes.array + (1 - y.array) * no.array)
            size = np.where(np.isfinite(size), size, 0) + 2.0 ** (
                2 - {"float64": 53}.get(carried, 24)
            )
            made = u.unspecified(u.float(loss, carried, error=size), np.isinf(x.real))
            return cast(u, reduced(u, made, reduction), x0)
        rest = SUB(u, Value(np.ones(y.shape), carried), y)
        loss = ADD(u, MUL(u, y, yes), MUL(u, rest, no))
        made = Value(-loss.array, carried)
        if np.iscomplexobj(x.array):  # PyTorch's slope has a limit that the loss does not have
            made = u.unspecified(made, x.real * (1 - x.real) < 1e-11)
        return cast(u, reduced(u, made, reduction), x0)

    x0 = x.dtype
    return g.emit(name, f"{x}.{name}({y}, reduction={reduction!r})", meaning, x, y)


def _sigmoid(u: Universe, x: Value) -> Value:
    return u.float(lift(lambda a: 1 / (1 + np.exp(-a)), x.array), x.dtype, 8)


def _limited(x: Array) -> Array:
    return np.where(x.real < -100, -100, x)


@row("kl_div", smooth=True)
def kl_div(g: Maker, name: str) -> Any:
    x = g.float()
    y, reduction = g.leaf(x.shape, x.dtype, "positive"), _reduction(g, x)

    def meaning(u: Universe, x: Value, y: Value) -> Value:
        logs = u.float(lift(np.log, y.array), x.dtype, 4)
        return reduced(u, MUL(u, y, SUB(u, logs, x)), reduction)

    return g.emit(name, f"{x}.kl_div({y}, reduction={reduction!r})", meaning, x, y)


@row("cross_entropy", "nll_loss", smooth=True, weight=3)
def classification(g: Maker, name: str) -> Any:
    x = g.float(lambda r: r.ndim > 0 and 0 not in r.shape)
    axis = 0 if x.ndim == 1 else 1
    classes, outer = x.shape[axis], x.shape[:axis] + x.shape[axis + 1 :]
    target = g.index(classes, outer, negative=False)
    reduction = g.r.choice(("none", "mean", "sum"))
    smoothing = g.r.choice((0.0, 0.0, 0.1)) if name == "cross_entropy" else 0.0

    def meaning(u: Universe, x: Value, target: Value) -> Value:
        carried = wide(x.dtype)
        logs = cast(u, x, carried)
        if name == "cross_entropy":
            low = np.abs(x.real - np.max(x.real, axis=axis, keepdims=True))
            error = 2.0 ** (3 - {"float64": 53}.get(carried, 24)) * (
                1 + np.where(np.isfinite(low), low, 0)
            )
            logs = u.float(lift(lambda a: _log_softmax(a, axis), x.array), carried, error=error)
        at = np.expand_dims(np.mod(target.array.astype(np.int64), classes), axis)
        picked = -np.take_along_axis(logs.array, at, axis).squeeze(axis)
        loss = Value(picked, carried)
        if smoothing:
            every = total(u, logs, (axis,), False)
            loss = SUB(u, MUL(u, loss, 1 - smoothing), MUL(u, every, smoothing / classes))
        if reduction != "none":
            loss = total(u, loss, tuple(range(loss.ndim)), False)
        if reduction == "mean":
            loss = u.float(loss.array / max(math.prod(outer), 1), carried)
        return cast(u, loss, x.dtype)

    option = f", label_smoothing={smoothing}" if smoothing else ""
    text = f"{x}.{name}({target}, reduction={reduction!r}{option})"
    return g.emit(name, text, meaning, x, target)
