"""Vectors of bool: every conversion between masks and anything else.

A lane of a mask is -1 where it holds and 0 elsewhere, as comparisons give it; as a number True is
1. So a mask has a type of its own, although the compiler sees a vector of int in it: what is asked
for as numbers cannot be taken for one by its type.
"""

from __future__ import annotations

from lazygrad.plugin import DType, dtype
from lazygrad_opencl import spelling


def widened(scalar: str, lanes: int) -> str:
    """The same bool in every lane."""
    return f"({spelling.register(dtype.bool_, lanes)})(-(int)({scalar}))"


def of_comparison(text: str, compared: str, lanes: int) -> str:
    """The mask that a comparison of vectors of the C type ``compared`` gave."""
    same = spelling.SELECTORS[compared] == "int"
    return text if same else f"CONVERT(int{lanes}, {text})"


def selector(mask: str, of: DType, lanes: int) -> str:
    """What chooses between vectors of ``of`` by a mask."""
    kind = spelling.SELECTORS[spelling.register(of)]
    return mask if kind == "int" else f"CONVERT({kind}{lanes}, {mask})"


def numbers(mask: str, kind: str, lanes: int) -> str:
    """0 and 1 in a vector of the C type ``kind``."""
    return f"-{mask}" if kind == "int" else f"CONVERT({kind}{lanes}, -{mask})"


def loaded(stored: str, lanes: int) -> str:
    """The mask of the 0 and 1 that memory holds."""
    return f"-CONVERT(int{lanes}, {stored})"
