"""The programs of nested transforms in their short form, and that a fault would be noticed.

The long form: ``python -m tests.fuzz --transforms --programs 3000``.
"""

from __future__ import annotations

import re
from collections import Counter

import pytest

from lazygrad import func
from lazygrad.autodiff import rules
from lazygrad.ops import SIN
from tests.fuzz.test_fuzz import report
from tests.fuzz.transforms import library, meaning
from tests.fuzz.transforms.duals import World
from tests.fuzz.transforms.hunt import MODES, case_of, hunt, written

PROGRAMS = {"CPU": 48, "GPU": 16}  # kernels compile for long


def test_programs_agree_with_the_oracle(device: str) -> None:
    """A failure shows a small program."""
    tally = hunt(range(PROGRAMS[device]), (device,))
    assert tally.certain > 0.9 * tally.elements, "the oracle must know what it compares"
    assert not tally.found, report(tally)


def test_the_oracle_knows_how_much_roundings_of_float64_matter() -> None:
    """18 sin(x), inside of a cosine: a unit in the last place is 5 times as much behind it."""
    [known] = case_of(124332).expected
    assert known.value.dtype == "float64" and known.tolerance.min() > 2e-14


def test_every_name_and_mode_is_met() -> None:
    text, modes = "", set()
    for seed in range(150):
        program = written(seed)
        text += program.text
        modes.add(program.mode)
    used = Counter(re.findall(r"\b[a-z_]+(?=\()", text))
    names = library.names("float32", "CPU").keys()
    assert names == meaning.names(World()).keys()
    assert not [name for name in names if name not in used and f"{name}, " not in text]
    assert modes == set(MODES)


def test_transforms_of_functions_are_all_among_them() -> None:
    """Those that change what a function is; a purified function is one that keeps a state."""
    own = {"linearize": "linearized", "purify": "purified", "stop_gradient": "stop"}
    about = {"functional_call", "stack_module_state", "register_pytree_node"}  # not functions
    public = {name for name in vars(func) if not name.startswith("_")} - MODULES - about
    known = library.names("float32", "CPU").keys()
    assert not sorted(name for name in public if own.get(name, name) not in known)


MODULES = {name for name, value in vars(func).items() if type(value).__name__ == "module"}


def test_a_program_is_the_same_every_time() -> None:
    assert case_of(3).program.source() == case_of(3).program.source()


def test_a_fault_is_found_and_made_small(monkeypatch: pytest.MonkeyPatch) -> None:
    """The derivative of the sine is that of the exponential."""
    monkeypatch.setitem(rules.RULES, SIN, rules.RULES[rules.ops.EXP])  # type: ignore[arg-type]
    seeds = [s for s in range(40) if "grad" in (p := written(s)).text and "sin" in p.text][:3]
    found = [f for seed in seeds for f in hunt([seed], ("CPU",)).found]
    assert found
    assert min(len(f.source.splitlines()) for f in found) <= 12
