"""Programs made small: lines that do not matter are left out, values replaced by others."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

Fails = Callable[[str], bool]


def shrunk(text: str, fails: Fails, most: int = 400) -> str:
    """A smaller program that still ``fails``, found in so many tries."""
    tries = 0
    going = True
    while going:
        going = False
        for candidate in _smaller(text):
            tries += 1
            if tries > most:
                return text
            if fails(candidate):
                text, going = candidate, True
                break
    return text


def _smaller(text: str) -> Iterator[str]:
    lines = text.splitlines()
    for number in reversed(range(len(lines))):
        yield "\n".join(lines[:number] + lines[_end(lines, number) :])
    for number in reversed(range(len(lines))):
        found = re.match(r"\s*(\w+) = ", lines[number])
        if found is None:
            continue
        rest = lines[:number] + lines[number + 1 :]
        for other in _names_before(lines[:number]):
            yield re.sub(rf"\b{found[1]}\b", other, "\n".join(rest))
    for number in reversed(range(len(lines))):
        for simpler in _plainer(lines[number]):
            yield "\n".join([*lines[:number], simpler, *lines[number + 1 :]])


def _end(lines: list[str], number: int) -> int:
    """Where the block of a line ends: a function goes with its body."""
    depth = _indent(lines[number])
    end = number + 1
    if lines[number].strip().startswith("def "):
        while end < len(lines) and _indent(lines[end]) > depth:
            end += 1
    return end


def _indent(line: str) -> int:
    return len(line) - len(line.lstrip())


def _names_before(lines: list[str]) -> list[str]:
    return list(dict.fromkeys(re.findall(r"\b[vax]\d+\b", "\n".join(lines))))[-8:]


def _plainer(line: str) -> Iterator[str]:
    """An inner call instead of the whole, without options, one result instead of several."""
    found = re.match(r"(\s*\w+ = )\w+\((\w+\(.*\))(?:, 0.\d)?\)$", line)
    if found is not None:
        yield found[1] + found[2]
    for pattern, by in (
        (r"sin\(mul\((.*), 0.5\)\)$", r"\1"), (r"tanh\(mul\((.*), 0.5\)\)$", r"\1"),
        (r"mul\((.*), 0.\d\)", r"\1"), (r"jit\((\w+)\)", r"\1"), (r"checkpoint\((\w+)\)", r"\1"),
        (r", chunk_size=2", ""), (r"return \[(\w+), \w+\]", r"return [\1]"),
        (r"return \[\w+, (\w+)\]", r"return [\1]"), (r"linearized", "jvp"), (r"jacrev", "jacfwd"),
    ):  # fmt: skip
        if re.search(pattern, line):
            yield re.sub(pattern, by, line, count=1)
