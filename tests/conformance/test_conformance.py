"""Every case on the reference, and on each backend, fused and unfused."""

from collections import Counter

import pytest

from lazygrad.testing import check_grads, conformance
from lazygrad.testing.cases import CASES, edges, elementwise
from lazygrad.testing.conformance import REFERENCE, Case

BY_DTYPE = [(case, dtype) for case in CASES for dtype in case.dtypes]
SMOOTH = [case for case in CASES if case.gradient]
# A kernel for each op takes a compiler long; these cases would show nothing new by it.
APART = [case for case in CASES if case not in (*elementwise.CASES, *edges.CASES)]


def test_names_are_distinct() -> None:
    twice = [name for name, count in Counter(map(str, CASES)).items() if count > 1]
    assert not twice


@pytest.mark.parametrize(("case", "dtype"), BY_DTYPE, ids=str)
def test_reference(case: Case, dtype: str) -> None:
    """The composition itself: what a failure here shows is no backend's fault."""
    conformance.check(case, dtype, REFERENCE)


@pytest.mark.parametrize("case", SMOOTH, ids=str)
def test_derivative(case: Case) -> None:
    """The derivative graph against differences, to second order."""
    arrays = case.arrays("float64")
    places = [i for i, arg in enumerate(case.args) if arg.kind == "float"]

    def function(*sources: object) -> object:
        inputs = conformance.reference_inputs(case, arrays)
        for place, source in zip(places, sources, strict=True):
            inputs[place] = source
        results = case.function(*inputs)
        listed = results if isinstance(results, tuple) else (results,)
        return tuple(r for r in listed if r.dtype.is_floating_point)

    check_grads(function, [arrays[i] for i in places], rtol=2e-5, atol=2e-6)


@pytest.mark.parametrize(("case", "dtype"), BY_DTYPE, ids=str)
def test_fused(case: Case, dtype: str, device: str) -> None:
    conformance.check(case, dtype, device)


@pytest.mark.parametrize("case", APART, ids=str)
def test_unfused(case: Case, device: str) -> None:
    conformance.check(case, "float32", device, fuse=False)


@pytest.mark.parametrize("case", SMOOTH, ids=str)
def test_gradient(case: Case, device: str) -> None:
    conformance.check_gradient(case, "float32", device)
