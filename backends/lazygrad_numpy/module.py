"""Generated code as a Python module that stands for itself: it imports what it calls, and holds its
constants. For people, who may change it: a module runs as any Python does."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from textwrap import fill, indent
from typing import Any

import numpy as np

from lazygrad.plugin import DeviceError
from lazygrad_numpy import support
from lazygrad_numpy.arrays import name_of
from lazygrad_numpy.compiled import FUNCTION, Text
from lazygrad_numpy.support import DTYPES, NUMPY, OWN

COMMENT = re.compile(r"#.*")
WORD = re.compile(r"\b[a-z_]\w*\b")
MAKING = {"array", "frombuffer", "nan"}  # what constants are made with, besides NUMPY
LONGEST_LINE = 100
LEGEND = {  # by pattern
    r" scratch\(": "scratch(shape, dtype, first byte, strides in bytes): what begins at the same "
    "byte is used in turn",
    r"_as+\b": "_as: the same memory in another shape",
    r"_padded\b": "_padded: with zeros around; _box: what lies inside",
    r"_seen\b": "_seen: as windows slide over it",
    r"_all\b": "_all: of which a loop takes a block at a time",
    r"\(team\)": "team: the threads that share the blocks of a loop",
}
READABLE = 64  # elements of a constant that are written out as numbers


def module_text(text: str, constants: Mapping[str, np.ndarray[Any, Any]]) -> str:
    """The module of generated ``text``, which names ``constants``."""
    comments, code = _split(text)
    words = set(WORD.findall(COMMENT.sub("", code)))
    made = [_constant(name, value) for name, value in constants.items() if name in words]
    used = words.union(*(WORD.findall(each) for each in made))
    head = [*comments, *_legend(code), "", *_imports(used), *made]
    return "\n".join([*head, "", "", code.strip()]) + "\n"


def module_function(name: str, text: str) -> Any:
    """``prepare`` of a module.

    Raises:
        DeviceError: it does not define it, or raises an error, which this one is raised from.
    """
    namespace = {"__name__": name, "__loader__": Text(text)}
    try:
        exec(compile(text, f"{name}.py", "exec"), namespace)
        return namespace[FUNCTION]
    except Exception as error:
        raise DeviceError(f"[numpy] {name} is not compiled: {error!r}") from error


def _split(text: str) -> tuple[list[str], str]:
    """The comments that code begins with, and the code."""
    lines = text.splitlines()
    first = next(number for number, line in enumerate(lines) if not line.startswith("#"))
    return lines[:first], "\n".join(lines[first:])


def _legend(code: str) -> Iterator[str]:
    """What is to be known of names that the code has."""
    yield from (f"# {said}" for pattern, said in LEGEND.items() if re.search(pattern, code))


def _imports(used: set[str]) -> Iterator[str]:
    for module, names in (
        ("numpy", used & (NUMPY.keys() | MAKING | DTYPES.keys())),
        (support.__name__, used & OWN.keys()),
    ):
        line = f"from {module} import {', '.join(sorted(names))}"
        if len(line) > LONGEST_LINE:
            listed = fill(", ".join(sorted(names)), LONGEST_LINE - 4)
            line = f"from {module} import (\n{indent(listed, '    ')},\n)"
        if names:
            yield line


def _constant(name: str, value: np.ndarray[Any, Any]) -> str:
    dtype = name_of(value.dtype)
    if not value.ndim:
        return f"{name} = array({value!s}, {dtype})"
    if value.size <= READABLE:
        return f"{name} = array({value.tolist()}, {dtype})"
    data = f'frombuffer(bytes.fromhex("{value.tobytes().hex()}"), {dtype})'
    return f"{name} = {data}.reshape({value.shape})"
