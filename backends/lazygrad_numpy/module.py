"""Generated code as a Python module that stands for itself: it imports what it calls, and holds its
constants. For people, who may change it: a module runs as any Python does."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from lazygrad.plugin import DeviceError
from lazygrad_numpy import support
from lazygrad_numpy.compiled import FUNCTIONS, Text
from lazygrad_numpy.support import DTYPES, NUMPY, OWN

WORD = re.compile(r"\b[a-z_]\w*\b")
MAKING = {"array", "frombuffer", "nan"}  # what constants are made with, besides NUMPY
READABLE = 64  # elements of a constant that are written out as numbers


def module_text(text: str, constants: Mapping[str, np.ndarray[Any, Any]]) -> str:
    """The module of generated ``text``, which names ``constants``."""
    comments, code = _split(text)
    made = [_constant(name, value) for name, value in constants.items()]
    used = {word for part in (code, *made) for word in WORD.findall(part)}
    return "\n".join([*comments, "", *_imports(used), *made, "", "", code.strip()]) + "\n"


def module_functions(name: str, text: str) -> tuple[Any, Any]:
    """``prepare`` and ``bind`` of a module.

    Raises:
        DeviceError: it does not define them, or raises an error, which this one is raised from.
    """
    namespace = {"__name__": name, "__loader__": Text(text)}
    try:
        exec(compile(text, f"{name}.py", "exec"), namespace)
        made, bind = (namespace[function] for function in FUNCTIONS)
    except Exception as error:
        raise DeviceError(f"[numpy] {name} is not compiled: {error!r}") from error
    return made, bind


def _split(text: str) -> tuple[list[str], str]:
    """The comments that code begins with, and the code."""
    lines = text.splitlines()
    first = next(number for number, line in enumerate(lines) if not line.startswith("#"))
    kept = [line for line in lines[:first] if not re.match(r"# c\d+ = ", line)]
    return kept, "\n".join(lines[first:])


def _imports(used: set[str]) -> Iterator[str]:
    dtypes = sorted(used & DTYPES.keys())
    for module, names in (
        ("numpy", used & (NUMPY.keys() | MAKING) | ({"dtype"} if dtypes else set())),
        (support.__name__, used & OWN.keys()),
    ):
        if names:
            yield f"from {module} import {', '.join(sorted(names))}"
    yield from (f'{name} = dtype("{name}")' for name in dtypes)


def _constant(name: str, value: np.ndarray[Any, Any]) -> str:
    if value.size <= READABLE:
        return f"{name} = array({value.tolist()}, {value.dtype.name})"
    data = f'frombuffer(bytes.fromhex("{value.tobytes().hex()}"), {value.dtype.name})'
    return f"{name} = {data}.reshape({value.shape})"
