"""Colour on a terminal. What is written to a file or a pipe has none, nor where NO_COLOR is set."""

from __future__ import annotations

import os
import re
from typing import TextIO

BOLD, DIM, RESET = "\033[1m", "\033[2m", "\033[0m"
NAMES = {"comment": "\033[2m", "word": "\033[34m", "type": "\033[36m", "number": "\033[33m"}
# Of generated Python and OpenCL C, and of plain loops.
TOKENS = re.compile(
    r"(?P<comment>(?:#(?!\s*(?:define|if|else|endif|pragma)\b)|//(?=\s)).*)"
    r"|(?P<word>\b(?:def|return|for|in|if|else|and|or|not|from|import|static|const|switch|case|break)\b"
    r"|#\s*\w+)"
    r"|(?P<type>\b(?:__\w+|void|bool_?|u?(?:char|short|int|long)\d*|float\d*|double\d*)\b)"
    r"|(?P<number>(?<![\w.])\d[\w.]*(?:e-\d+\w?)?)"
)


def is_wanted(stream: TextIO) -> bool:
    """Whether what goes to ``stream`` is shown on a terminal that has colours."""
    plain = bool(os.environ.get("NO_COLOR")) or os.environ.get("TERM") == "dumb"
    return stream.isatty() and not plain


def code(text: str) -> str:
    """Code, by what words are."""
    return TOKENS.sub(lambda found: f"{NAMES[found.lastgroup or 'word']}{found[0]}{RESET}", text)


def told(text: str, mark: str) -> str:
    """What is told of a step: the lines that begin with ``mark`` are titles, others explain."""
    lines = text.split("\n")
    return "\n".join(_title(line) if line.startswith(mark) else _fact(line) for line in lines)


def _title(line: str) -> str:
    return f"{BOLD}{line}{RESET}"


def _fact(line: str) -> str:
    return f"{DIM}{line}{RESET}" if line.strip() else line
