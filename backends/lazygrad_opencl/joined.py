"""Texts of several programs, as they are, in one program: it is compiled, linked and loaded once.

What a text declares gets the text's number before its name, by macros. They end with the text, and
so do its own macros: what it lacks is not found in another one. Entry points call the functions of
all texts; those of the texts are compiled, too, but not called.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import replace

from lazygrad.plugin import Code
from lazygrad_opencl.entry import entry_points

FUNCTION = r"(?:FUNCTION|INLINED|static|void|__kernel void)\b[^;={]*?\b(\w+)\("
TYPE = r"typedef (?:[^;{]|\{[^}]*\})*?\b(\w+)(?: __attribute__\(.*\))?;"
MACRO = re.compile(r"^#define (\w+)", re.MULTILINE)
DECLARED = re.compile(rf"^(?:{FUNCTION}|{TYPE})", re.MULTILINE)


def joined(programs: Sequence[tuple[Sequence[Code], str]]) -> tuple[list[list[Code]], str]:
    """The codes of each program, which give its text, and the text of one program for all."""
    found = [
        [
            replace(code, data=replace(code.data, name=_numbered(code.data.name, n), program=0))
            for code in codes
        ]
        for n, (codes, _) in enumerate(programs)
    ]
    points = entry_points([code.data for codes in found for code in codes])
    parts = [*_parts([text for _, text in programs]), *(point.text for point in points)]
    return found, "\n".join(parts)


def _parts(texts: Sequence[str]) -> Iterator[str]:
    for n, text in enumerate(texts):
        names = sorted({a or b for a, b in DECLARED.findall(text)})
        yield from (f"#define {name} {_numbered(name, n)}" for name in names)
        yield text
        yield from (f"#undef {name}" for name in sorted({*names, *MACRO.findall(text)}))


def _numbered(name: str, number: int) -> str:
    return f"text{number}_{name}"
