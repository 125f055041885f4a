"""Every case on the reference, and on each backend, fused and unfused."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest

from lazygrad.errors import ShapeError
from lazygrad.testing import check_grads, conformance
from lazygrad.testing.cases import CASES, edges, elementwise, vectors
from lazygrad.testing.conformance import REFERENCE, Case, Check, ConformanceError, Together, floats
from tests.devices import NEEDS, marks_of, shared

BY_DTYPE = [(case, dtype) for case in CASES for dtype in case.dtypes]
SMOOTH = [case for case in CASES if case.gradient]
# A kernel for each op takes a compiler long; elementwise cases would show nothing new by it.
APART = [case for case in CASES if case not in (*elementwise.CASES, *edges.CASES, *vectors.CASES)]
PLAN = 48  # checks that an OpenCL compiler gets at once


def on_each_device(kind: str, make: Callable[[str], list[Check]]) -> list[object]:
    """Parameters: on the CPU each check has a plan of its own, on the GPU several share one."""
    params: list[object] = []
    for device in NEEDS:
        checks = make(device)
        size = PLAN if device == "GPU" else 1
        for start in range(0, len(checks), size):
            together = Together(checks[start : start + size])
            for check in together.checks:
                name = f"{check}-{device}"
                name = shared(name, f"{kind}-{start}") if size > 1 else name
                params.append(pytest.param(together, check, marks=marks_of(device), id=name))
    return params


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


@pytest.mark.parametrize(
    ("together", "check"),
    on_each_device("fused", lambda device: [Check(*each, device) for each in BY_DTYPE]),
)
def test_fused(together: Together, check: Check) -> None:
    together.run(check)


@pytest.mark.parametrize(
    ("together", "check"),
    on_each_device("unfused", lambda d: [Check(c, "float32", d, fuse=False) for c in APART]),
)
def test_unfused(together: Together, check: Check) -> None:
    together.run(check)


@pytest.mark.parametrize(
    ("together", "check"),
    on_each_device("gradient", lambda d: [Check(c, "float32", d, gradient=True) for c in SMOOTH]),
)
def test_gradient(together: Together, check: Check) -> None:
    together.run(check)


def case(name: str, function: Callable[..., Any]) -> Case:
    return Case(name, function, lambda x: x + 1, (floats(3),))


def test_a_check_that_fails_among_others_says_so_alone(device: str) -> None:
    wrong = Check(case("wrong", lambda x: x + 1.5), "float32", device)
    right = Check(case("right", lambda x: x + 1), "float32", device)
    together = Together([right, wrong])
    together.run(right)
    with pytest.raises(ConformanceError, match=r"\[wrong\] float32 on .*: 3 of 3 values differ"):
        together.run(wrong)


def test_a_check_that_cannot_be_computed_stops_none_but_the_first(device: str) -> None:
    """What failed for all of them must be seen, even where each alone is fine."""
    broken = Check(case("broken", lambda x: x.reshape(2)), "float32", device)
    others = [Check(case(name, lambda x: x + 1), "float32", device) for name in "ab"]
    together = Together([others[0], broken, others[1]])
    with pytest.raises(ShapeError, match="reshape"):
        together.run(others[0])
    with pytest.raises(ShapeError, match="reshape"):
        together.run(broken)
    together.run(others[1])
