"""From generated text to functions. The text may come from a file, so it runs without Python's
built-in functions, and only if it names nothing but what generated code calls."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from functools import lru_cache
from types import CodeType
from typing import Any

from lazygrad.plugin import InternalError
from lazygrad_numpy.support import NAMESPACE

BUILTINS = {"max": max, "min": min, "range": range}
# of arrays, ufuncs and the team
ATTRIBUTES = frozenset({"blocks", "fill", "meet", "merge", "reduce", "reshape", "view"})
FUNCTION = "prepare"
KNOWN = ATTRIBUTES | NAMESPACE.keys() | BUILTINS.keys() | {FUNCTION}
CONSTANT = re.compile(r"c(m?\d|m?inf|nan|true|false)\w*")
PATTERN = re.compile(r"\bmatch\b")  # the one statement that reaches attributes without naming them


class Text:
    """Shows generated lines in tracebacks, for as long as the program lives."""

    def __init__(self, text: str) -> None:
        self.text = text

    def get_source(self, name: str) -> str:
        return self.text


@lru_cache(1024)
def _code(name: str, text: str) -> CodeType:
    """Equal kernels of a plan, and of plans, are one text."""
    return compile(text, f"{name}.py (generated)", "exec")


def functions(name: str, text: str, constants: Mapping[str, Any]) -> Any:
    """``prepare`` of a program.

    Raises:
        InternalError: the text names something else than generated code does.
    """
    code = _code(name, text)
    own = {word for word in constants if CONSTANT.fullmatch(word)}
    unknown = {word for part in _parts(code) for word in part.co_names} - KNOWN - own
    if unknown or PATTERN.search(text):
        raise InternalError(
            f"[compile] {name} is not of the form of generated code: it names "
            f"{', '.join(sorted(unknown)) or 'match'}"
        )
    namespace = {
        **NAMESPACE,
        **constants,
        "__builtins__": BUILTINS,
        "__name__": name,
        "__loader__": Text(text),
    }
    exec(code, namespace)
    return namespace[FUNCTION]


def _parts(code: CodeType) -> Iterator[CodeType]:
    """A code object and those of the functions in it."""
    yield code
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            yield from _parts(constant)
