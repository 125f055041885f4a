"""Vectors whose lanes lie apart in memory: `stride` elements, or where a vector of indices says,
each perhaps under a test of its own.

Each is a macro that names every lane. Where a block has many of them they are functions, of which
a program needs one each: a compiler's time grows with the lanes that are written out, and a tile of
a contraction may have a thousand.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from lazygrad.plugin import nest

ROOM = 90  # characters of a line
INLINE = 64  # lanes that lie apart in a block, at most, for which no function is called
CALLED = "CALL_"  # starts the names of functions

# By name: what is given besides the memory, and the element of a lane.
GATHERS = {
    "GATHER": ("int stride", "p[{apart}]"),
    "GATHER_AT": ("int{n} at", "p[(at).s{i:x}]"),
    "GATHER_IF": ("int stride, int{n} ok", "((ok).s{i:x} ? p[{apart}] : 0)"),
    "GATHER_AT_IF": ("int{n} at, int{n} ok", "((ok).s{i:x} ? p[(at).s{i:x}] : 0)"),
}
SCATTERS = {
    "SCATTER": ("int stride", "q[{apart}] = (x).s{i:x};"),
    "SCATTER_AT": ("int{n} at", "q[(at).s{i:x}] = (x).s{i:x};"),
}
USE = re.compile(rf"\b({CALLED})?({'|'.join([*GATHERS, *SCATTERS])})_([a-z]+)(\d+)\(")


def is_called(block: Sequence[nest.Statement], wide: bool) -> bool:
    """Whether a block calls functions for the vectors whose lanes lie apart. Those take their
    integers in 32 bits."""
    return not wide and sum(map(_lanes_apart, block)) > INLINE


def _lanes_apart(statement: nest.Statement) -> int:
    if isinstance(statement, nest.Store):
        return statement.lanes if statement.stride != 1 or statement.index else 0
    return statement.lanes if isinstance(statement, nest.Gather) else 0


def gathered(
    kind: str, address: str, apart: int | str, test: str = "", called: bool = False
) -> str:
    """A vector of ``kind`` from memory, its lanes a stride or a vector of indices ``apart``; zeros
    where the lanes of ``test`` fail."""
    name = f"GATHER{'_AT' if isinstance(apart, str) else ''}{'_IF' if test else ''}"
    given = ", ".join([address, str(apart), *([test] if test else [])])
    return f"{CALLED if called else ''}{name}_{kind}({given})"


def scattered(kind: str, vector: str, address: str, apart: int | str, called: bool = False) -> str:
    """The statement that puts the lanes of ``vector`` into memory."""
    name = f"SCATTER{'_AT' if isinstance(apart, str) else ''}"
    return f"{CALLED if called else ''}{name}_{kind}({vector}, {address}, {apart});"


def definitions(sources: str) -> Iterator[str]:
    """Of what ``sources`` use."""
    used = any(f"{word}_" in sources for word in ("GATHER", "SCATTER"))
    for called, name, element, lanes in sorted(set(USE.findall(sources))) if used else ():
        make = _gather if name in GATHERS else _scatter
        yield make(name, element, int(lanes), bool(called))


def _gather(name: str, element: str, n: int, called: bool) -> str:
    given, lane = GATHERS[name]
    kind, given = f"{element}{n}", given.format(n=n)
    lanes = [lane.format(i=i, apart=_apart(i)) for i in range(n)]
    if called:
        head = f"FUNCTION {kind} {CALLED}{name}_{kind}(__global const {element} *p, {given})"
        return f"{head} {{\n  return ({kind})(\n{_lines(lanes, ', ')});\n}}\n"
    names = ", ".join(re.findall(r"(\w+)(?:,|$)", given))
    text = _lines([each.replace("p[", "(p)[") for each in lanes], ", ", " \\")
    return f"#define {name}_{kind}(p, {names}) (({kind})( \\\n{text}))\n"


def _scatter(name: str, element: str, n: int, called: bool) -> str:
    given, lane = SCATTERS[name]
    kind, given = f"{element}{n}", given.format(n=n)
    lanes = [lane.format(i=i, apart=_apart(i)) for i in range(n)]
    if called:
        head = f"FUNCTION void {CALLED}{name}_{kind}({kind} x, __global {element} *q, {given})"
        return f"{head} {{\n{_lines(lanes, ' ')}\n}}\n"
    names = ", ".join(re.findall(r"(\w+)(?:,|$)", given))
    return (
        f"#define {name}_{kind}(x, p, {names}) do {{ \\\n"
        f"  __global {element} *q = (p); \\\n"
        f"{_lines(lanes, ' ', ' ' + chr(92))} \\\n"
        "} while (0)\n"
    )


def _apart(i: int) -> str:
    """Where lane ``i`` lies."""
    return ("0", "(stride)")[i] if i < 2 else f"{i} * (stride)"


def _lines(lanes: Sequence[str], between: str, end: str = "") -> str:
    """As many lanes a line as there is room for, four at most."""
    count = next(n for n in (4, 2, 1) if n * (max(map(len, lanes)) + 2) <= ROOM or n == 1)
    rows = [between.join(lanes[n : n + count]) for n in range(0, len(lanes), count)]
    return f"{between.rstrip()}{end}\n".join(f"    {row}" for row in rows)
