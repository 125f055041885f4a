"""Every public name is named by some test, as an attribute or in a table of cases.

Naming is no proof of a good test, but what no test names has none.
"""

from __future__ import annotations

import ast
import re
from functools import cache
from pathlib import Path
from types import ModuleType

import pytest

import lazygrad
from lazygrad import Tensor, data, inspect, nn, optim, testing

ROOT = Path(__file__).parents[1]
MODULES = [lazygrad, nn, nn.init, optim, data, inspect, testing]
CLASSES = [Tensor, nn.Module, nn.Sequential, optim.Optimizer, data.DataLoader]


@cache
def named() -> set[str]:
    """What tests and conformance cases read from something, import, override or quote."""
    files = [*(ROOT / "tests").rglob("*.py"), *(ROOT / "lazygrad" / "testing").rglob("*.py")]
    text = "\n".join(file.read_text() for file in files if file != Path(__file__))
    imported = re.findall(r"^from lazygrad\S* import (?:\(([^)]*)\)|(.*))", text, re.MULTILINE)
    words = {word for pair in imported for word in re.findall(r"\w+", "".join(pair))}
    forms = (r"\.(\w+)", r'"(\w+)"', r"\bdef (\w+)")
    return words.union(*(re.findall(form, text) for form in forms))


def public(owner: ModuleType | type) -> list[str]:
    """The names that ``owner`` makes public: of a module those that it or a part of it defines."""
    names = getattr(owner, "__all__", None) or [n for n in vars(owner) if not n.startswith("_")]
    if isinstance(owner, type):
        return names
    homes = {name: str(getattr(vars(owner)[name], "__module__", "")) for name in names}
    return [name for name, home in homes.items() if home.startswith(owner.__name__)]


@pytest.mark.parametrize("owner", [*MODULES, *CLASSES], ids=lambda owner: owner.__name__)
def test_every_public_name_is_named_by_a_test(owner: ModuleType | type) -> None:
    names = public(owner)
    assert names
    assert [name for name in names if name not in named()] == []


def test_no_module_takes_the_place_of_a_function_of_its_name() -> None:
    """As ``lazygrad/trace.py`` would that of ``lazygrad.trace``, once it is imported."""
    tree = ast.parse(Path(str(lazygrad.__file__)).read_text())
    taken = [
        alias.name
        for line in ast.walk(tree)
        if isinstance(line, ast.ImportFrom) and line.module != "lazygrad"
        for alias in line.names
        if isinstance(vars(lazygrad).get(alias.name), ModuleType)
    ]
    assert not taken
