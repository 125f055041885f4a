"""Every argument of every public function of transforms and implicit layers does what is said of
it, on both backends, by itself and in a jitted function.

Whoever adds an argument, or one of the words that it may be, is told by name what is missing.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from types import ModuleType
from typing import Any

import numpy as np
import pytest

from lazygrad import Tensor, func, implicit, jit, pytree
from tests.arguments import of_func, of_implicit
from tests.arguments.asked import Asked, Case, M, Refused, X, public

TABLES = {func: (of_func.CASES, of_func.WORDS), implicit: (of_implicit.CASES, of_implicit.WORDS)}
CLOSE = {func: 1e-6, implicit: 1e-4}  # solutions are as close as solvers are asked to come
NAMES = [(module, name) for module in TABLES for name, _ in public(module)]


def label(value: Any) -> str:
    return value if isinstance(value, str) else value.__name__.rpartition(".")[2]


of_each = pytest.mark.parametrize(("module", "name"), NAMES, ids=label)


def outcome(case: Case, asked: Asked, x: Tensor, m: Tensor) -> Any:
    try:
        return case.call(asked, x, m)
    except Exception as error:
        return error


def data(device: str, x: Any = X, m: Any = M) -> tuple[Tensor, Tensor]:
    return Tensor(x, device=device), Tensor(m, device=device)


def fault(found: Any, wanted: Any, close: float) -> str | None:
    """How a result differs from what is wanted, in which lists are arrays."""
    if isinstance(wanted, Refused):
        said = f"{type(found).__name__}: {found}"
        right = isinstance(found, wanted.error) and re.search(wanted.message, str(found))
        return None if right else f"{said}, not {wanted}"
    if isinstance(found, Exception):
        return f"{type(found).__name__}: {found}"
    if isinstance(wanted, tuple | dict) or wanted is None:
        (values, own), (numbers, like) = pytree.flatten(found), pytree.flatten(arrays(wanted))
        if own != like:
            return f"{pytree.text(own)}, not {pytree.text(like)}"
        pairs = zip(values, numbers, strict=True)
        faults = (fault(v, n, close) for v, n in pairs if v is not None or n is not None)
        return next((said for said in faults if said), None)
    got, right = found.numpy(), np.array(wanted)
    same = got.shape == right.shape and np.allclose(got, right, close, close, equal_nan=True)
    return None if same else f"{got}, not {right}"


def arrays(wanted: Any) -> Any:
    """A container with an array for each list."""
    if isinstance(wanted, tuple):
        return tuple(arrays(part) for part in wanted)
    if isinstance(wanted, dict):
        return {name: arrays(part) for name, part in wanted.items()}
    return np.array(wanted) if isinstance(wanted, list) else wanted


def faults(module: ModuleType, name: str, found: Any, wanted: list[Any]) -> list[str]:
    rows = enumerate(zip(found, wanted, strict=True))
    said = [(number, fault(got, right, CLOSE[module])) for number, (got, right) in rows]
    return [f"{name}, case {number}: {text}" for number, text in said if text]


@of_each
def test_what_each_argument_does(module: ModuleType, name: str, device: str) -> None:
    cases, asked = TABLES[module][0].get(name, []), Asked(module)
    x, m = data(device)
    found = [outcome(case, asked, x, m) for case in cases]
    x.realize(*[leaf for leaf in pytree.flatten(found)[0] if isinstance(leaf, Tensor)])
    assert not faults(module, name, found, [case.gives for case in cases])
    assert not list(missing(module, name, asked))


@of_each
def test_the_same_in_a_jitted_function(module: ModuleType, name: str, device: str) -> None:
    """Captured with other numbers."""
    cases, refused = TABLES[module][0].get(name, []), dict[int, Exception]()

    @jit
    def run(x: Tensor, m: Tensor) -> list[Any]:
        found = [outcome(case, Asked(module), x, m) for case in cases]
        refused.update({n: f for n, f in enumerate(found) if isinstance(f, Exception)})
        return [None if n in refused else f for n, f in enumerate(found)]

    run(*data(device, [1.5, 1.0], [[3.0, 0.5], [0.5, 2.0]]))
    found = [refused.get(n, f) for n, f in enumerate(run(*data(device)))]
    assert not faults(module, name, found, [case.in_jit() for case in cases])
    assert run.captures == 1


def missing(module: ModuleType, name: str, asked: Asked) -> Iterator[str]:
    """What of the signature of a function no case gives."""
    words = TABLES[module][1]
    for argument in dict(public(module))[name].parameters:
        what = f"{name}.{argument}"
        if what not in asked.given:
            yield what
        for word in words.get(what, ()):
            if word not in asked.given[what]:
                yield f"{what}={word!r}"


def test_what_is_missing_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    def twice(x: Tensor, often: int = 2) -> Tensor:
        return x * often

    monkeypatch.setattr(func, "twice", twice, raising=False)
    asked = Asked(func)
    assert set(missing(func, "twice", asked)) == {"twice.x", "twice.often"}
    assert asked.twice(3) == 6
    assert set(missing(func, "twice", asked)) == {"twice.often"}
    monkeypatch.setitem(of_func.WORDS, "twice.often", (2, 5))
    asked.twice(3, often=2)
    assert set(missing(func, "twice", asked)) == {"twice.often=5"}


def test_the_tables_are_about_what_there_is() -> None:
    for module, (cases, words) in TABLES.items():
        there = dict(public(module))
        assert cases.keys() == there.keys()
        assert words.keys() <= {f"{n}.{a}" for n, s in there.items() for a in s.parameters}
