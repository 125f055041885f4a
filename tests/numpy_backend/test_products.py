"""Contractions: matrix products and convolutions with their gradients, and what rides along."""

from __future__ import annotations

import re

import numpy as np
import pytest

from lazygrad import element_types as dt, ops
from lazygrad.kernel import expr as ex
from lazygrad.kernel.expr import Bound
from lazygrad.kernel.index import Index, of as index_of
from lazygrad.kernel.kernel import Kernel
from lazygrad.runtime.backend import Program
from tests.numpy_backend.helpers import check, flat, kernel, load, op, ranges, reduce_sum

FLOATS = (dt.float16, dt.bfloat16, dt.float32, dt.float64)
SIZES = [(7, 5, 3), (1, 300, 40), (300, 1, 40), (129, 65, 257), (1024, 96, 128)]


def products_in(program: Program) -> int:
    """How many calls of BLAS the code has; small results come from ``dot``."""
    return len(re.findall(r"\b(?:matmul|dot)\(", program.source))


def matmul(m: int, n: int, k: int, order: str = "mk,kn,mn", dtype: dt.DType = dt.float32) -> Kernel:
    """``order``: the dims of both operands and the result as they lie in memory."""
    sizes = ranges(m=m, n=n, k=k)
    by_name = {r.name: r for r in sizes}
    left, right, result = ([by_name[name] for name in names] for names in order.split(","))
    product = op(ops.MUL, load(1, flat(left), dtype), load(2, flat(right), dtype))
    value = reduce_sum(product, by_name["k"])
    outputs = [(flat(result), value, ())]
    return kernel("matmul", sizes[:2], outputs, {1: m * k, 2: k * n})


@pytest.mark.parametrize(("m", "n", "k"), SIZES)
@pytest.mark.parametrize("order", ["mk,kn,mn", "km,nk,mn", "mk,nk,nm", "km,kn,mn"])
def test_matmul_in_every_layout(m: int, n: int, k: int, order: str) -> None:
    program = check(matmul(m, n, k, order))
    assert products_in(program) == 1
    assert "for " not in program.source  # BLAS reads and writes where the matrices are
    assert "scratch(" not in program.source.replace("prepare(scratch)", "")


@pytest.mark.parametrize("dtype", dt.ALL, ids=lambda d: d.name)
def test_matmul_in_every_dtype(dtype: dt.DType) -> None:
    check(matmul(33, 21, 65, dtype=dtype))


@pytest.mark.parametrize("batch", [1, 3, 50])
@pytest.mark.parametrize("order", ["bmk,bkn,bmn", "mbk,bkn,mbn", "bmk,kn,bmn", "bkm,bnk,nbm"])
def test_batched_matmul(batch: int, order: str) -> None:
    b, m, n, k = ranges(b=batch, m=17, n=23, k=29)
    by_name = {r.name: r for r in (b, m, n, k)}
    left, right, result = ([by_name[name] for name in names] for names in order.split(","))
    value = reduce_sum(op(ops.MUL, load(1, flat(left)), load(2, flat(right))), k)
    size = {r: int(np.prod([one.size for one in r])) for r in (tuple(left), tuple(right))}
    sizes = {1: size[tuple(left)], 2: size[tuple(right)]}
    check(kernel("bmm", (b, m, n), [(flat(result), value, ())], sizes))


@pytest.mark.parametrize("batch", [4000])
def test_many_tiny_products_are_not_sent_to_blas(batch: int) -> None:
    b, m, n, k = ranges(b=batch, m=2, n=2, k=3)
    value = reduce_sum(op(ops.MUL, load(1, flat([b, m, k])), load(2, flat([b, k, n]))), k)
    made = kernel("tiny", (b, m, n), [(flat([b, m, n]), value, ())], {1: 6 * batch, 2: 6 * batch})
    assert products_in(check(made)) == 0


@pytest.mark.parametrize(("m", "n", "k"), [(5, 6, 7), (3000, 128, 64), (700, 700, 30)])
@pytest.mark.parametrize("order", ["mn", "nm"])
def test_epilogue_and_prologue(m: int, n: int, k: int, order: str) -> None:
    """relu(relu(x) @ w + bias) * scale, with the result transposed or not."""
    rm, rn, rk = ranges(m=m, n=n, k=k)
    x = op(ops.MAX, load(1, flat([rm, rk])), 0.0)
    total = reduce_sum(op(ops.MUL, x, load(2, flat([rn, rk]))), rk)
    value = op(ops.MAX, op(ops.ADD, total, load(3, index_of(rn))), 0.0)
    value = op(ops.MUL, value, load(4, index_of(rm)))
    result = flat([rm, rn] if order == "mn" else [rn, rm])
    sizes = {1: m * k, 2: n * k, 3: n, 4: m}
    check(kernel("linear_relu", (rm, rn), [(result, value, ())], sizes))


def test_accumulation_in_place() -> None:
    """out = out + x @ w, where ``out`` is the memory of an input."""
    rm, rn, rk = ranges(m=3000, n=100, k=50)
    total = reduce_sum(op(ops.MUL, load(1, flat([rm, rk])), load(2, flat([rk, rn]))), rk)
    value = op(ops.ADD, total, load(3, flat([rm, rn])))
    sizes = {1: 150_000, 2: 5000, 3: 300_000}
    check(kernel("addmm", (rm, rn), [(flat([rm, rn]), value, ())], sizes), alias={0: 3})


def test_two_outputs_of_one_product() -> None:
    rm, rn, rk = ranges(m=2000, n=200, k=50)
    total = reduce_sum(op(ops.MUL, load(2, flat([rm, rk])), load(3, flat([rk, rn]))), rk)
    sign = op(ops.LT, total, 0.0)
    outputs = [(flat([rm, rn]), op(ops.MAX, total, 0.0), ()), (flat([rn, rm]), sign, ())]
    made = kernel("relu_and_mask", (rm, rn), outputs, {2: 100_000, 3: 10_000})
    assert products_in(check(made)) == 1


def test_half_precision_multiplies_in_float32() -> None:
    rm, rn, rk = ranges(m=40, n=50, k=60)
    product = op(ops.MUL, load(1, flat([rm, rk]), dt.float16), load(2, flat([rk, rn]), dt.float16))
    wide = ex.elementwise(ops.CAST, (product,), dt.float32)
    value = ex.elementwise(ops.CAST, (reduce_sum(wide, rk),), dt.float16)
    made = kernel("half", (rm, rn), [(flat([rm, rn]), value, ())], {1: 2400, 2: 3000})
    assert products_in(check(made)) == 1


def test_guard_around_a_product() -> None:
    rm, rn, rk = ranges(m=30, n=40, k=50)
    product = op(ops.MUL, load(1, flat([rm, rk])), load(2, flat([rk, rn])))
    inside = ex.guarded(product, (Bound(index_of(rm) + index_of(rk) * -1, 0, 30),))
    made = kernel("banded", (rm, rn), [(flat([rm, rn]), reduce_sum(inside, rk), ())],
                  {1: 1500, 2: 2000})  # fmt: skip
    check(made)


# -- convolutions -----------------------------------------------------------------------------


def memory(dims: dict[str, tuple[Index, int]], order: str) -> tuple[Index, int]:
    """The index of named dims that lie in memory in ``order``, and the size of the memory."""
    total, step = Index(), 1
    for name in reversed(order):
        index, size = dims[name]
        total = total + index * step
        step *= size
    return total, step


def conv(n: int, c: int, h: int, o: int, k: int, *, layout: str, pad: int = 0, stride: int = 1):  # type: ignore[no-untyped-def]
    """relu(conv2d(x, w) + bias); images in ``layout`` (nhwc or nchw), weights [o, c, k, k]."""
    out = (h + 2 * pad - k) // stride + 1
    rn, ro, rh, rw = ranges(n=n, o=o, h=out, w=out)
    rc, kh, kw = ranges(c=c, kh=k, kw=k)
    row = index_of(rh) * stride + index_of(kh) + -pad
    column = index_of(rw) * stride + index_of(kw) + -pad
    image = {"n": (index_of(rn), n), "h": (row, h), "w": (column, h), "c": (index_of(rc), c)}
    where, size = memory(image, layout)
    guard = (Bound(row, 0, h), Bound(column, 0, h)) if pad else ()
    x, w = load(1, where, guard=guard), load(2, flat([ro, rc, kh, kw]))
    total = reduce_sum(op(ops.MUL, x, w), rc, kh, kw)
    value = op(ops.MAX, op(ops.ADD, total, load(3, index_of(ro))), 0.0)
    result = {
        "n": (index_of(rn), n), "h": (index_of(rh), out), "w": (index_of(rw), out),
        "c": (index_of(ro), o),
    }  # fmt: skip
    index, _ = memory(result, layout)
    sizes = {1: size, 2: o * c * k * k, 3: o}
    return kernel("conv2d_relu", (rn, ro, rh, rw), [(index, value, ())], sizes)


CASES = [(2, 3, 8, 4, 3), (32, 1, 28, 32, 3), (33, 16, 13, 24, 3), (3, 5, 7, 6, 1), (2, 4, 9, 5, 5)]


@pytest.mark.parametrize(("n", "c", "h", "o", "k"), CASES)
@pytest.mark.parametrize("layout", ["nhwc", "nchw"])
@pytest.mark.parametrize(("pad", "stride"), [(0, 1), (1, 1), (0, 2), (1, 2)])
def test_conv2d_bias_relu(
    n: int, c: int, h: int, o: int, k: int, layout: str, pad: int, stride: int
) -> None:
    program = check(conv(n, c, h, o, k, layout=layout, pad=pad, stride=stride))
    assert products_in(program) == 1
    assert "take(" not in program.source


def input_gradient(n: int, c: int, h: int, o: int, k: int, layout: str) -> Kernel:
    """dx[n, h, w, c] = sum dy[n, h - kh, w - kw, o] * w[o, c, kh, kw], dy zero outside."""
    out = h - k + 1
    rn, rc, rh, rw = ranges(n=n, c=c, h=h, w=h)
    ro, kh, kw = ranges(o=o, kh=k, kw=k)
    row, column = index_of(rh) + index_of(kh) * -1, index_of(rw) + index_of(kw) * -1
    image = {"n": (index_of(rn), n), "h": (row, out), "w": (column, out), "c": (index_of(ro), o)}
    where, size = memory(image, layout)
    dy = load(1, where, guard=(Bound(row, 0, out), Bound(column, 0, out)))
    value = reduce_sum(op(ops.MUL, dy, load(2, flat([ro, rc, kh, kw]))), ro, kh, kw)
    result = {
        "n": (index_of(rn), n), "h": (index_of(rh), h), "w": (index_of(rw), h),
        "c": (index_of(rc), c),
    }  # fmt: skip
    index, _ = memory(result, layout)
    sizes = {1: size, 2: o * c * k * k}
    return kernel("conv2d_dx", (rn, rc, rh, rw), [(index, value, ())], sizes)


def weight_gradient(n: int, c: int, h: int, o: int, k: int, layout: str) -> Kernel:
    """dw[o, c, kh, kw] = sum dy[n, h, w, o] * x[n, h + kh, w + kw, c]."""
    out = h - k + 1
    ro, rc, kh, kw = ranges(o=o, c=c, kh=k, kw=k)
    rn, rh, rw = ranges(n=n, h=out, w=out)
    gradient = {
        "n": (index_of(rn), n), "h": (index_of(rh), out), "w": (index_of(rw), out),
        "c": (index_of(ro), o),
    }  # fmt: skip
    image = {
        "n": (index_of(rn), n), "h": (index_of(rh) + index_of(kh), h),
        "w": (index_of(rw) + index_of(kw), h), "c": (index_of(rc), c),
    }  # fmt: skip
    (at_dy, size_dy), (at_x, size_x) = memory(gradient, layout), memory(image, layout)
    value = reduce_sum(op(ops.MUL, load(1, at_dy), load(2, at_x)), rn, rh, rw)
    index = flat([ro, rc, kh, kw])
    return kernel("conv2d_dw", (ro, rc, kh, kw), [(index, value, ())], {1: size_dy, 2: size_x})


@pytest.mark.parametrize(("n", "c", "h", "o", "k"), CASES)
@pytest.mark.parametrize("layout", ["nhwc", "nchw"])
@pytest.mark.parametrize("which", [input_gradient, weight_gradient], ids=["dx", "dw"])
def test_gradients_of_conv2d(which, n: int, c: int, h: int, o: int, k: int, layout: str) -> None:  # type: ignore[no-untyped-def]
    program = check(which(n, c, h, o, k, layout))
    assert products_in(program) == 1
    assert "take(" not in program.source


def test_depthwise_convolution() -> None:
    n, c, h, w, i, j = ranges(n=8, c=32, h=20, w=20, i=3, j=3)
    row, column = index_of(h) + index_of(i), index_of(w) + index_of(j)
    x = load(1, index_of(n) * 15_488 + row * 704 + column * 32 + index_of(c))
    value = reduce_sum(op(ops.MUL, x, load(2, flat([c, i, j]))), i, j)
    made = kernel("depthwise", (n, c, h, w), [(flat([n, h, w, c]), value, ())],
                  {1: 123_904, 2: 288})  # fmt: skip
    check(made)


def test_grouped_convolution() -> None:
    n, g, o, h, w = ranges(n=4, g=3, o=8, h=10, w=10)
    c, i, j = ranges(c=5, i=3, j=3)
    row, column = index_of(h) + index_of(i), index_of(w) + index_of(j)
    channel = index_of(g) * 5 + index_of(c)
    x = load(1, index_of(n) * 2160 + channel * 144 + row * 12 + column)
    value = reduce_sum(op(ops.MUL, x, load(2, flat([g, o, c, i, j]))), c, i, j)
    made = kernel("grouped", (n, g, o, h, w), [(flat([n, g, o, h, w]), value, ())],
                  {1: 8640, 2: 1080})  # fmt: skip
    check(made)


def test_weights_of_attention() -> None:
    """softmax numerators times values: the left operand is computed from a product's result."""
    b, m, n, k = ranges(b=6, m=50, n=64, k=50)
    top = op(ops.MUL, load(3, flat([b, m])), -1.0)
    weight = op(ops.EXP, op(ops.ADD, load(1, flat([b, m, k])), top))
    value = reduce_sum(op(ops.MUL, weight, load(2, flat([b, k, n]))), k)
    made = kernel("attention", (b, m, n), [(flat([b, m, n]), value, ())],
                  {1: 15_000, 2: 19_200, 3: 300})  # fmt: skip
    assert products_in(check(made)) == 1


def test_embedding_gradient_as_a_product_with_one_hot() -> None:
    """sum over i of (ids[i] == v) * dy[i, d]."""
    v, d, i = ranges(v=50, d=20, i=600)
    number = ex.index_value(index_of(v), dt.int64)
    differs = op(ops.NE, load(1, index_of(i), dt.int64), number)
    same = op(ops.NE, differs, ex.literal(True, dt.bool_))
    hot = ex.elementwise(ops.CAST, (same,), dt.float32)
    value = reduce_sum(op(ops.MUL, hot, load(2, flat([i, d]))), i)
    made = kernel("embedding_dw", (v, d), [(flat([v, d]), value, ())], {1: 600, 2: 12_000})
    check(made, {1: np.random.default_rng(0).integers(0, 50, 600)})
