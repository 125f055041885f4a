"""The state that a loop carries from step to step without its history: ``h = h.detach()``.

A plan keeps what is asked for, and nobody asks for ``h`` in the step that computes it. So the next
step has to compute it again, once. From then on it is known by the line that it comes from, and
plans that compute it keep it: the steps to come begin with a value that is there.
"""

from __future__ import annotations

from collections import OrderedDict, defaultdict
from collections.abc import Hashable, Iterable, Sequence

from lazygrad.graph import Node, Origin

LIMIT = 64  # lines that are known; the one that was met first goes first

# For each line, the values it carries: what they are like, and how many like it come before.
_known: OrderedDict[Origin, set[tuple[Hashable, int]]] = OrderedDict()


def clear() -> None:
    """Forgets all lines."""
    _known.clear()


def remember(value: Node, below: Sequence[Node]) -> None:
    """``value``, the last of those ``below`` and itself, is to be kept by the plans to come."""
    if value.origin is None:
        return
    while value.origin not in _known and len(_known) >= LIMIT:
        _known.popitem(last=False)
    alike = [v for v in below if v.origin == value.origin and _kind(v) == _kind(value)]
    _known.setdefault(value.origin, set()).add((_kind(value), len(alike) - 1))


def among(values: Iterable[Node]) -> list[Node]:
    """Those of ``values``, sources first, that the next step will want."""
    if not _known:
        return []
    counted: defaultdict[Hashable, int] = defaultdict(int)
    found = []
    for value in values:
        if value.origin is not None and value.origin in _known:
            kind = _kind(value)
            place = (kind, counted[value.origin, kind])
            counted[value.origin, kind] += 1
            if place in _known[value.origin] and value.tracked and value.value is None:
                found.append(value)
    return found


def _kind(value: Node) -> Hashable:
    return value.op, value.shape, value.dtype
