"""The tables of cases, by family: each module in ``cases``."""

from __future__ import annotations

import importlib
from pathlib import Path

from tests.parity.case import Case

FAMILIES = sorted(path.stem for path in (Path(__file__).parent / "cases").glob("*.py"))


def cases(family: str) -> dict[str, Case]:
    """The rows of a table by name."""
    rows: list[Case] = importlib.import_module(f"tests.parity.cases.{family}").CASES
    found = {row.name: row for row in rows}
    if len(found) != len(rows):
        twice = sorted({row.name for row in rows if found[row.name] is not row})
        raise ValueError(f"two cases of {family} have one name: {', '.join(twice)}")
    return found
