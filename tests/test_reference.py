"""The reference: every public name says what it is for, and shows it by an example that is right.

Examples stand in docstrings. They are computed here in one process, on the CPU.
"""

from __future__ import annotations

import doctest
import inspect
import re
from collections import defaultdict
from collections.abc import Iterator
from functools import cache
from types import ModuleType
from typing import Any

import numpy as np
import pytest

import lazygrad
import lazygrad.nn.functional as F
from lazygrad import (
    Generator,
    Tensor,
    accelerator,
    amp,
    autograd,
    backends,
    cuda,
    data,
    distributions,
    fft,
    func,
    implicit,
    linalg,
    nn,
    optim,
    random,
    special,
    testing,
    utils,
)
from lazygrad.data import transforms
from lazygrad.optim import lr_scheduler, swa_utils

MODULES = (
    lazygrad, F, linalg, special, fft, nn, nn.init, nn.utils, nn.utils.rnn, nn.state, optim,
    lr_scheduler, swa_utils, data, transforms, distributions, amp, autograd, accelerator, backends,
    cuda, cuda.amp, random, utils.data, utils.dlpack, testing, func, implicit,
)  # fmt: skip
CLASSES = (Tensor, nn.Module, Generator)  # those whose methods are told one by one
HELPERS = {f"lazygrad.{name}" for name in ("arguments", "files", "names", "public", "shape")}
# What an example can use without importing it.
KNOWN = {
    "lazygrad": lazygrad, "Tensor": Tensor, "nn": nn, "optim": optim, "F": F, "data": data,
    "np": np,
}  # fmt: skip
# A docstring that is such a sentence stands for the example of the function that it names.
RULES = (
    r"``self = self\.(\w+)\(\.\.\.\)``.*",
    r"A copy of what ``(\w+)`` shows\.",
    r"``(cast)\(lazygrad\.\w+\)``",
)
FLAGS = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE


def named(owner: ModuleType | type) -> Iterator[tuple[str, Any]]:
    """The functions and classes of ours that ``owner`` has under public names."""
    names = getattr(owner, "__all__", None) or [n for n in dir(owner) if not n.startswith("_")]
    for name in names:
        getattr(owner, name)  # some modules import what they show when it is asked for
        found = inspect.getattr_static(owner, name)
        found = found.fget if isinstance(found, property) else getattr(owner, name)
        home = getattr(found, "__module__", None) or ""
        is_error = isinstance(found, type) and issubclass(found, Exception)
        if callable(found) and home.startswith("lazygrad") and not is_error | (home in HELPERS):
            yield name, found


@cache
def documented() -> dict[str, dict[str, Any]]:
    """All of them, by the module that they stand in; each object once, under its first name."""
    families: dict[str, dict[str, Any]] = defaultdict(dict)
    seen = set()
    for owner in (*MODULES, *CLASSES):
        for name, found in named(owner):
            if id(found) not in seen:
                seen.add(id(found))
                families[found.__module__][f"{owner.__name__.rpartition('.')[2]}.{name}"] = found
    return families


def has_example(thing: Any) -> bool:
    return ">>> " in (thing.__doc__ or "")


def shown_by_its_class(thing: Any) -> bool:
    """Whether it is an attribute of a class whose example reads it."""
    owner = next(
        (c for c in CLASSES if thing.__qualname__ == f"{c.__name__}.{thing.__name__}"), None
    )
    return owner is not None and f".{thing.__name__}" in str(owner.__doc__)


def stands_for(thing: Any) -> str | None:
    found = (re.fullmatch(rule, thing.__doc__ or "") for rule in RULES)
    return next((match[1] for match in found if match), None)


def test_every_public_name_has_an_example() -> None:
    shown = {
        thing.__name__.rstrip("_")
        for family in documented().values()
        for thing in family.values()
        if has_example(thing)
    }
    missing = {
        module: lacking
        for module, family in documented().items()
        if (lacking := [n for n, t in family.items() if not has_example(t)
                        and stands_for(t) not in shown and not shown_by_its_class(t)])
    }  # fmt: skip
    counts = {module: len(names) for module, names in missing.items()}
    assert not missing, f"{sum(counts.values())} names have no example: {counts}\n{missing}"


@pytest.mark.parametrize("module", documented())
def test_examples_are_right(module: str) -> None:
    parser, runner = doctest.DocTestParser(), doctest.DocTestRunner(optionflags=FLAGS)
    told: list[str] = []
    texts = {t.__doc__: n for n, t in documented()[module].items() if has_example(t)}
    for text, name in texts.items():
        with lazygrad.config(backend="CPU"):
            test = parser.get_doctest(inspect.cleandoc(text), dict(KNOWN), name, module, 0)
            runner.run(test, out=told.append)
    assert not told, "".join(told)
