"""Derivatives of a part of the cases; of all of them: ``python -m tests.parity.derivatives``."""

from __future__ import annotations

from zlib import crc32

import pytest

from tests.parity.case import Case, normal
from tests.parity.derivatives import (
    ADJOINT,
    DIFFERENCES,
    EXCEPT,
    UNTRACED,
    checks,
    differentiated,
    outcome,
)
from tests.parity.tables import cases

SHARE = {ADJOINT: 2, DIFFERENCES: 6}  # one case in so many


def chosen() -> list[tuple[str, Case, str]]:
    return [
        (family, case, check)
        for family, case in differentiated()
        for check in checks(family, case)
        if crc32(f"{family} {case.name}".encode()) % SHARE[check] == 0
    ]


@pytest.mark.parametrize("check", SHARE)
def test_derivatives_of_cases(check: str) -> None:
    found = {f"{f} {case.name}": outcome(case, c) for f, case, c in chosen() if c == check}
    assert len(found) > 40
    assert not {name: said for name, said in found.items() if said != "right"}


def test_exceptions_are_cases() -> None:
    assert not [name for f, name in (*EXCEPT, *UNTRACED) if name not in cases(f)]


def test_what_is_wrong_is_found() -> None:
    wrong = Case("wrong", lambda T, x: x.detach() * x, [normal(3)])
    assert outcome(wrong, DIFFERENCES).startswith("wrong")
    assert outcome(wrong, ADJOINT) == "right"
    refused = Case("refused", lambda T, x: x.reshape(7), [normal(3)])
    assert outcome(refused, ADJOINT).startswith("ShapeError")
