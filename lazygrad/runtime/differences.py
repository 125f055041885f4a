"""What tells a graph from the one that was planned before it, in the user's words."""

from __future__ import annotations

from collections.abc import Hashable, Iterator, Sequence
from itertools import takewhile
from typing import Any, NamedTuple

from lazygrad import ops
from lazygrad.graph import Node, Origin, toposort
from lazygrad.runtime.buffer import is_realised

MOST = 4  # differences that are told
SHOWN = 60  # characters of an argument

PAD = (
    "bring what differs to one shape and dtype: pad it, or leave out a last batch that is not full "
    "(DataLoader(..., drop_last=True))"
)
TENSOR = "make the number a Tensor, which each run reads anew"
ALIKE = (
    "do the same operations each time: pad sequences to one length, and detach() or realize() what "
    "goes on from step to step"
)
KEEP = "give it to jit, which keeps its plans, or run what is alike together"

NAMES = {ops.SHRINK: "a slice", ops.PAD: "what is padded", ops.IOTA: "a range"}


class Graph(NamedTuple):
    """What is remembered of a graph: where and how it runs, and its structure.

    ``rows`` has shape and dtype of a leaf, and op, sources and argument of all else; ``requested``
    says which rows were asked for.
    """

    setting: Hashable
    rows: Sequence[tuple[Any, ...]]
    requested: Sequence[int]


class Change(NamedTuple):
    """Differences in words, and what would keep graphs from having them."""

    words: tuple[str, ...]
    way_out: str

    def __str__(self) -> str:
        return told(self.words)


def told(words: Sequence[str]) -> str:
    """The first differences of a list that can be long."""
    more = ["..."] if len(words) > MOST else []
    return "; ".join([*words[:MOST], *more])


def values_of(requested: Sequence[Node]) -> list[Node]:
    """The values in the order of a structure's rows."""
    order = toposort(requested, lambda v: () if is_realised(v) else v.src[: v.op.value_arity])
    return [v for v in order if is_realised(v) or v.op not in ops.DERIVATIVE_MARKS]


def program_of(requested: Sequence[Node], values: Sequence[Node]) -> frozenset[Origin]:
    """The user's operations that a graph is made of, however often each of them.

    What is made of constants alone does not count: equal constants are one node, whose origin is
    the line that made one first, wherever that was.
    """
    own = {*requested}
    for value in values:
        if is_realised(value) or not own.isdisjoint(value.src):
            own.add(value)
    return frozenset(value.origin for value in own if value.origin is not None)


def change(before: Graph, now: Graph, values: Sequence[Node], numbers: Sequence[str]) -> Change:
    """What is other ``now``, whose rows belong to ``values``; ``numbers`` tells in words which of
    its numbers were not met before."""
    if before.setting != now.setting:
        return Change(("another device, or other settings",), ALIKE)
    if [*map(_place, before.rows)] != [*map(_place, now.rows)]:
        return Change((_other_operations(before, now, values),), ALIKE)
    differing = [i for i, row in enumerate(now.rows) if row != before.rows[i]]
    if differing:
        causes = _causes(now.rows, differing)
        words = dict.fromkeys(_words(i, before, now, values) for i in causes)
        return Change(tuple(words), PAD)
    if before.requested != now.requested:
        return Change(("other values of the same graph are asked for",), ALIKE)
    if numbers:
        return Change(tuple(numbers), TENSOR)
    return Change(("its plan had to make room for others",), KEEP)


def _is_op(row: tuple[Any, ...]) -> bool:
    return len(row) == 3


def _place(row: tuple[Any, ...]) -> tuple[Any, ...]:
    """Op and sources; nothing of a leaf."""
    return row[:-1] if _is_op(row) else ()


def _other_operations(before: Graph, now: Graph, values: Sequence[Node]) -> str:
    """Where the graphs part, and how large they are."""
    counts = [sum(map(_is_op, graph.rows)) for graph in (now, before)]
    pairs = zip(now.rows, before.rows, strict=False)
    alike = sum(1 for _ in takewhile(lambda pair: _place(pair[0]) == _place(pair[1]), pairs))
    found = (value.origin for value in values[alike:] if value.origin is not None)
    where = next((f", others from {origin} on" for origin in found), "")
    return f"the number of operations is {counts[0]}, was {counts[1]}{where}"


def _causes(rows: Sequence[tuple[Any, ...]], differing: Sequence[int]) -> list[int]:
    """What differs though nothing does that it is made of: inputs, slices and ranges, if there are
    any; the shapes of constants and views follow from theirs."""
    changed = set(differing)
    first = [i for i in differing if not _is_op(rows[i]) or changed.isdisjoint(rows[i][1])]
    given = [i for i in first if not _is_op(rows[i]) or rows[i][0] in NAMES]
    views = [i for i in first if rows[i][0] is not ops.CONST]
    return given or views or first


def _words(number: int, before: Graph, now: Graph, values: Sequence[Node]) -> str:
    row = now.rows[number]
    what = NAMES.get(row[0], row[0].name.lower()) if _is_op(row) else "an input"
    facts = zip(_facts(row), _facts(before.rows[number]), strict=True)
    origin = values[number].origin or next(_readers(number, now, values), None)
    where = f" in {origin}" if origin else ""
    found = next(((a[0], a[1], b[1]) for a, b in facts if a != b), None)
    if found is None:  # a routine, whose line is part of the plan: errors name it
        return f"{what} stands in another line{where}"
    verb, fact, then = found
    return f"{what} {verb} {fact}, was {then}{where}"


def _facts(row: tuple[Any, ...]) -> tuple[tuple[str, str], ...]:
    """What a row says besides where it stands, each as a verb and the rest."""
    if not _is_op(row) or row[0] in (ops.CONST, ops.IOTA):
        shape, dtype = (row[-1] if _is_op(row) else row)[:2]
        return ("has shape", str(shape)), ("is", dtype.name)
    text = str(row[-1])
    return (("has", text if len(text) <= SHOWN else f"{text[:SHOWN]}..."),)


def _readers(number: int, now: Graph, values: Sequence[Node]) -> Iterator[Origin]:
    """Which of the user's operations read a value."""
    for row, value in zip(now.rows, values, strict=True):
        if _is_op(row) and number in row[1] and value.origin is not None:
            yield value.origin
