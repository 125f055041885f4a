"""Code in colour, in little HTML: a large step has megabytes of code."""

from __future__ import annotations

from functools import cache
from html import escape
from typing import Any

# What has a colour, by the beginnings of pygments' names; all else has none.
CLASSES = (
    ("Token.Comment.Preproc", "p"), ("Token.Comment", "c"), ("Token.Keyword", "k"),
    ("Token.Operator.Word", "k"), ("Token.Literal.String", "s"), ("Token.Literal.Number", "m"),
    ("Token.Name.Function", "f"), ("Token.Name.Builtin", "b"), ("Token.Name.Decorator", "p"),
)  # fmt: skip
LEXERS = {".py": "python", ".cl": "c"}


def coloured(pygments: Any, code: str, suffix: str = ".py") -> str:
    """HTML of ``code`` with spans of one-letter classes."""
    lexer = pygments.lexers.get_lexer_by_name(LEXERS.get(suffix, "text"), stripnl=False)
    parts: list[tuple[str, str]] = []
    for token, text in lexer.get_tokens(code):
        kind = _class(token)
        if parts and (parts[-1][0] == kind or not text.strip()):
            parts[-1] = (parts[-1][0], parts[-1][1] + text)
        else:
            parts.append((kind, text))
    return "".join(_span(kind, text) for kind, text in parts).rstrip("\n")


def coloured_lines(pygments: Any, code: str) -> list[str]:
    """Each line of Python by itself: a text of several lines in a span each."""
    lexer = pygments.lexers.get_lexer_by_name("python", stripnl=False)
    lines = [""]
    for token, text in lexer.get_tokens(code):
        first, *others = text.split("\n")
        lines[-1] += _span(_class(token), first)
        lines += (_span(_class(token), each) for each in others)
    return lines[: code.count("\n") + 1]


@cache
def _class(token: object) -> str:
    return next((kind for start, kind in CLASSES if str(token).startswith(start)), "")


def _span(kind: str, text: str) -> str:
    shown = escape(text, quote=False)
    return f'<i class="{kind}">{shown}</i>' if kind and text else shown
