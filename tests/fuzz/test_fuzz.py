"""The fuzzer in its short form, and that it would notice.

The long form: ``python -m tests.fuzz --programs 20000``.
"""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest

from lazygrad import Tensor
from lazygrad.bridge import wrap
from lazygrad.lang.reduce import cumsum
from tests.fuzz.hunt import Tally, hunt, program_of
from tests.fuzz.program import Maker
from tests.fuzz.table import EXCLUDED, ROWS, Row
from tests.fuzz.values import Undefined

ROOT = Path(__file__).parents[1]
PROGRAMS = 50
CHUNK = 25  # in one plan
PLUMBING = {"__module__", "__annotations__", "__doc__", "__slots__", "__weakref__"}  # of any class


def public_names() -> set[str]:
    """Methods and operators that users may call."""
    own = set(vars(Tensor)) - PLUMBING
    return {name for name in own if not name.startswith("_") or name.endswith("__")}


def compared() -> set[str]:
    """Names that a table of cases for PyTorch calls or quotes."""
    text = "".join(file.read_text() for file in (ROOT / "parity" / "cases").glob("*.py"))
    return {
        *re.findall(r"\.(\w+)", text),
        *re.findall(r"\w+", "".join(re.findall(r'"[^"]*"', text))),
    }


def test_every_public_method_is_fuzzed_or_compared_or_excluded() -> None:
    known = set(ROWS) | set(EXCLUDED) | compared()
    assert sorted(public_names() - known) == [], "give them a row, or a reason in table.EXCLUDED"
    assert sorted(set(EXCLUDED) & set(ROWS)) == [], "excluded, and yet fuzzed"
    assert sorted(set(EXCLUDED) - public_names()) == [], "excluded, but not there"


@pytest.mark.parametrize("row", ROWS.values(), ids=lambda row: row.name)
def test_every_row_makes_a_line(row: Row) -> None:
    for seed in range(200):
        g = Maker(seed)
        g.leaf()
        try:
            with np.errstate(all="ignore"):
                row.make(g, row.name)
        except Undefined:
            continue
        assert g.steps
        return
    pytest.fail(f"no line calls {row.name}")


@pytest.mark.parametrize("start", range(0, PROGRAMS, CHUNK))
def test_programs_agree_with_the_oracle(start: int, device: str) -> None:
    """A failure names a small program; ``python -m tests.fuzz --program SEED`` shows all of it."""
    tally = hunt(range(start, start + CHUNK), (device,))
    assert tally.certain > tally.elements / 3, "the oracle must know what it compares"
    assert not tally.found, report(tally)


def report(tally: Tally) -> str:
    parts = [f"seed {f.seed}, {f.mode}, {f.device}: {f.cause}\n{f.source}\n-> {f.what}"
             for f in tally.found]  # fmt: skip
    return "\n\n".join(["", *parts])


def test_a_program_is_the_same_every_time() -> None:
    assert program_of(3)[0].source() == program_of(3)[0].source()


def test_a_fault_is_found_and_made_small(monkeypatch: pytest.MonkeyPatch) -> None:
    """A cumsum that forgets its first element where it is long enough."""

    def faulty(self: Tensor, dim: int) -> Tensor:
        right = wrap(cumsum(self._node, dim))
        return right if self.shape[dim] < 3 else right.sub(self.narrow(dim, 0, 1))

    monkeypatch.setattr(Tensor, "cumsum", faulty)
    programs = ((seed, program_of(seed)[0]) for seed in range(400))
    seeds = [seed for seed, p in programs if any(step.name == "cumsum" for step in p.steps)]
    found = [f for seed in seeds[:6] for f in hunt([seed], ("CPU",)).found]
    assert found
    assert any(f.source.count("\n") <= 3 and "cumsum" in f.source for f in found)
