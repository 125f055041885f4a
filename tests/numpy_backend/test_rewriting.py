"""Guards that both factors of a product have."""

from __future__ import annotations

import math

import numpy as np
import pytest

from lazygrad import Tensor, element_types as dt, ops
from lazygrad.inspect import kernels
from lazygrad.kernel import expr as ex
from lazygrad.kernel.expr import Bound, Expr
from lazygrad.kernel.index import Index, Range, of
from lazygrad.kernel.kernel import BufferSpec, Kernel, Output
from lazygrad_numpy.rewriting import with_guards_once
from tests.numpy_backend.helpers import BACKEND

q, p, j = Range("q", 9), Range("p", 2), Range("j", 2)
PLACE = Bound(of(q) - of(j), 0, 8)
TAP = Bound(of(j) * 2 + of(p), 0, 3)
IMAGE, TAPS = of(q) - of(j), of(j) * 2 + of(p)


def guards(
    a: tuple[Index, tuple[Bound, ...]], b: tuple[Index, tuple[Bound, ...]]
) -> list[ex.Guard]:
    """Those of two loads of 8 and 3 elements that are multiplied."""
    loads = [ex.load(i, index, dt.float32, guard) for i, (index, guard) in enumerate((a, b), 1)]
    total = ex.reduce(ops.SUM, ex.elementwise(ops.MUL, tuple(loads), dt.float32), (j,))
    sizes = [BufferSpec(dt.float32, n) for n in (18, 8, 3)]
    made = Kernel("k", (q, p), (Output(0, of(q) * 2 + of(p), total, (q, p)),), tuple(sizes))
    left = with_guards_once(made).outputs[0].value.src[0]
    return [factor.arg.guard for factor in left.src]


def test_each_load_keeps_the_bounds_of_its_own_memory() -> None:
    both = (PLACE, TAP)
    assert guards((IMAGE, both), (TAPS, both)) == [(PLACE,), (TAP,)]


def test_a_bound_stays_where_only_one_has_it() -> None:
    assert guards((IMAGE, (PLACE, TAP)), (TAPS, (TAP,))) == [(PLACE,), (TAP,)]
    assert guards((IMAGE, (PLACE,)), (of(p), (PLACE,))) == [(PLACE,), ()]


@pytest.mark.parametrize("index", [of(p) * 7, Index()])
def test_what_is_never_outside_needs_no_guard_but_the_others(index: Index) -> None:
    assert guards((index, (TAP,)), (TAPS, (TAP,))) == [(), (TAP,)]


def test_other_factors_are_left_alone() -> None:
    def value(e: Expr) -> Expr:
        return ex.elementwise(ops.ADD, (e, e), dt.float32)

    load = ex.load(1, IMAGE, dt.float32, (PLACE,))
    sizes = tuple(BufferSpec(dt.float32, n) for n in (18, 8))
    product = ex.elementwise(ops.MUL, (value(load), load), dt.float32)
    made = Kernel("k", (q, j), (Output(0, of(q) * 2 + of(j), product, (q, j)),), sizes)
    assert with_guards_once(made) == made


def test_erf_is_a_tanh() -> None:
    """To 4 units in the last place, everywhere."""
    x = np.concatenate([np.geomspace(1e-38, 20, 5000), [0.0, np.inf, 1e30]]).astype(np.float32)
    x = np.concatenate([x, -x, [np.nan]]).astype(np.float32)
    found = Tensor(x, device="CPU").erf()
    (program,) = BACKEND.compile(kernels(found))
    assert "tanh(" in program.source
    wanted = np.array([math.erf(value) for value in x.astype(np.float64)])
    result = found.numpy()
    np.testing.assert_array_max_ulp(result[:-1], wanted[:-1].astype(np.float32), 4)
    assert np.isnan(result[-1])
    assert np.array_equal(np.signbit(result[:-1]), np.signbit(x[:-1]))
