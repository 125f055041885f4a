"""How dtypes are spelled in OpenCL C.

In memory a bool is a uchar, and float16 and bfloat16 are bits in a ushort. In registers both are
floats; a bool is a bool where it is a scalar, and a vector of bools is a mask (see ``masks``).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from textwrap import fill
from typing import Any

import numpy as np

from lazygrad.plugin import DType, dtype

LONGEST_LINE = 100
ROOM_FOR_NAME = 40  # characters, where % stands for it

_NAMES = {
    dtype.uint8: "uchar", dtype.uint16: "ushort", dtype.uint32: "uint", dtype.uint64: "ulong",
    dtype.int8: "char", dtype.int16: "short", dtype.int32: "int", dtype.int64: "long",
    dtype.float16: "float", dtype.bfloat16: "float", dtype.float32: "float",
    dtype.float64: "double",
}  # fmt: skip

_STORED = {dtype.bool_: "uchar", dtype.float16: "ushort", dtype.bfloat16: "ushort"}


_SUFFIX = {
    dtype.uint32: "u", dtype.uint64: "ul", dtype.int64: "l", dtype.float16: "f",
    dtype.bfloat16: "f", dtype.float32: "f",
}  # fmt: skip


# What selects between values of a type, and what comparing them gives, in vectors.
SELECTORS = {
    "bool": "int", "char": "char", "uchar": "char", "short": "short", "ushort": "short",
    "int": "int", "uint": "int", "float": "int", "long": "long", "ulong": "long", "double": "long",
}  # fmt: skip


def signature(start: str, parameters: Sequence[str]) -> list[str]:
    """The head of a function, a parameter a line where they are too many for one."""
    line = f"{start}({', '.join(parameters)}) {{"
    if len(line) <= LONGEST_LINE - ROOM_FOR_NAME * ("%" in start):
        return [line]
    *others, last = parameters
    return [f"{start}(", *(f"    {parameter}," for parameter in others), f"    {last}) {{"]


def call(indent: str, function: str, arguments: Sequence[str]) -> str:
    """A statement that calls a function, in several lines if one is too short."""
    line = f"{indent}{function}({', '.join(arguments)});"
    if len(line) <= LONGEST_LINE:
        return line
    deeper = indent + "    "
    listed = fill(
        ", ".join(arguments), LONGEST_LINE - 2, initial_indent=deeper, subsequent_indent=deeper
    )
    return f"{indent}{function}(\n{listed});"


def register(of: DType, lanes: int = 1) -> str:
    """The type of a value: float8."""
    if of is dtype.bool_:
        return "bool" if lanes == 1 else f"mask{lanes}"
    return _NAMES[of] if lanes == 1 else f"{_NAMES[of]}{lanes}"


def stored(of: DType) -> str:
    """The type of an element in memory."""
    return _STORED.get(of, _NAMES.get(of, ""))


def literal(value: Any, of: DType, lanes: int = 1) -> str:
    """A constant; a vector of it where ``lanes`` > 1."""
    if of is dtype.bool_:
        text = ("true" if value else "false") if lanes == 1 else ("-1" if value else "0")
    elif of.is_floating_point:
        text = _float(float(value), of)
    else:
        text = _integer(int(np.array(int(value)).astype(of.numpy)), of)
    if lanes > 1:
        return f"({register(of, lanes)})({text})"
    return f"({text})" if text.startswith("-") else text


def _float(value: float, of: DType) -> str:
    if not math.isfinite(value):
        text = "NAN" if math.isnan(value) else "INFINITY" if value > 0 else "-INFINITY"
        return f"(double)({text})" if of is dtype.float64 else text
    if of is not dtype.float64:
        with np.errstate(over="ignore"):
            rounded = np.float32(value)
        if np.isinf(rounded):
            return "INFINITY" if value > 0 else "-INFINITY"
        value_text = str(rounded)
    else:
        value_text = repr(value)
    if "." not in value_text and "e" not in value_text:
        value_text += ".0"
    return value_text + _SUFFIX.get(of, "")


def _integer(value: int, of: DType) -> str:
    suffix = _SUFFIX.get(of, "")
    if value == of.min and of in (dtype.int32, dtype.int64):  # its absolute value is no literal
        return f"({value + 1}{suffix} - 1)"
    return f"{value}{suffix}"
