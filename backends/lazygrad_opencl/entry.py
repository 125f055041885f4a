"""Entry points: the kernel functions by which launches reach the functions of a program.

On GPUs each function is a kernel function itself. Drivers for CPUs compile, link and load every
kernel function by itself, which takes PoCL longer than the work that is in most of them, and it
keeps no more than 128 of them loaded. So there a program has a few kernel functions for all of its
launches; their first argument is the number of the function to call, the second one which of its
parts to run (-1: all, one after the other).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property

from lazygrad_opencl.prelude import Dialect, prelude
from lazygrad_opencl.spelling import call, signature

# Parameters of entry points; one more takes all that there are. A launch copies all its arguments,
# so those with few are kept apart from those with many.
PARAMETERS = (8, 32)
LAUNCH = "launch_"  # starts their names


@dataclass(frozen=True)
class Entry:
    """A launch's function as plain data.

    Attributes:
        name: what it is called.
        functions: the texts of all functions that it needs, by name; its own comes last.
        items, group: work-items, and how many of them are a group.
        memory: how many pieces of memory it takes.
        zeros: it takes the zeros besides.
        called: it is called by an entry point; otherwise it is a kernel function.
        parts: what it does in turn, by counters that it takes as its last memory; 0 if it does all
            at once.
        program: the number of the program that it belongs to.
        moving: the positions of memory of which it is told where it starts, by arguments of their
            own after all memory.
        counters: how many it takes: one for each part, and for what takes turns inside of those.
    """

    name: str
    functions: dict[str, str]
    items: int
    group: int
    memory: int
    zeros: bool
    called: bool
    parts: int = 0
    program: int = 0
    moving: tuple[int, ...] = ()
    counters: int = 0

    @property
    def geometry(self) -> str:
        return f"{self.items} work-items in groups of {self.group}"

    @property
    def arguments(self) -> int:
        return self.memory + self.zeros + bool(self.parts)


@dataclass(frozen=True)
class EntryPoint:
    """A kernel function that calls one of ``entries``, by number; it takes as many pieces of memory
    as the one with most of them, and places where memory starts."""

    parameters: int
    starts: int
    entries: tuple[Entry, ...]

    @property
    def name(self) -> str:
        return f"{LAUNCH}{self.parameters}" + (f"_{self.starts}" if self.starts else "")

    @cached_property
    def numbers(self) -> dict[str, int]:
        return {entry.name: number for number, entry in enumerate(self.entries)}

    @property
    def text(self) -> str:
        given = [f"m{i}" for i in range(self.parameters)]
        starts = [f"s{i}" for i in range(self.starts)]
        declared = [f"__global void *{name}" for name in given]
        declared += [f"const long {name}" for name in starts]
        cases = []
        for number, entry in enumerate(self.entries):
            last = "part" if entry.parts else "item"
            own = [*given[: entry.arguments], *starts[: len(entry.moving)]]
            cases += [
                f"    case {number}:",
                call("      ", entry.name, [*own, last]),
                "      break;",
            ]
        parameters = ["const int number", "const int part", *declared]
        return "\n".join([
            "// Calls one of the functions above; part: of one whose parts take turns, -1: all",
            "__kernel __attribute__((reqd_work_group_size(1, 1, 1)))",
            *signature(f"void {self.name}", parameters),
            "  const int item = get_global_id(0);",
            "  switch (number) {",
            *cases,
            "  }",
            "}",
        ])  # fmt: skip


def is_entry_point(name: str) -> bool:
    """Whether a kernel function of this ``name`` is one."""
    return name.startswith(LAUNCH)


def starts_of(name: str) -> int:
    """How many places where memory starts the entry point of this ``name`` takes."""
    return int(name.removeprefix(LAUNCH).partition("_")[2] or 0)


def entry_points(entries: Sequence[Entry]) -> list[EntryPoint]:
    """Entry points for those that are called, equal ones once."""
    by_name = {entry.name: entry for entry in entries if entry.called}
    return list(_by_parameters(list(by_name.values())))


def _by_parameters(entries: Sequence[Entry]) -> Iterator[EntryPoint]:
    fewer = 0
    for most in (*PARAMETERS, max((entry.arguments for entry in entries), default=0)):
        found = [entry for entry in entries if fewer < entry.arguments <= most]
        fewer = most
        for moves in (False, True):
            some = tuple(entry for entry in found if bool(entry.moving) is moves)
            if some:
                starts = max(len(entry.moving) for entry in some)
                yield EntryPoint(max(entry.arguments for entry in some), starts, some)


def program_text(entries: Sequence[Entry], dialect: Dialect) -> str:
    """A whole program: the prelude, every function once, the entry points."""
    functions: dict[str, str] = {}
    for entry in entries:
        functions |= entry.functions
    parts = [*functions.values(), *(point.text for point in entry_points(entries))]
    body = "\n\n".join(parts)
    return f"{prelude(body, dialect)}\n{body}\n"
