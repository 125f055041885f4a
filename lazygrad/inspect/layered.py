"""Where the boxes of a graph go: in layers, each line downwards, with few crossings.

After Sugiyama, Tagawa and Toda, Methods for visual understanding of hierarchical system structures
(1981): layers, lines over several of them cut in pieces, orders by the middle of the neighbours.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import NamedTuple

Edge = tuple[int, int]
SWEEPS = 12


class Arranged(NamedTuple):
    """Places in units of one's own: the middle of each box, with the layer that it is in, and the
    places that each line goes through."""

    boxes: list[tuple[float, int]]
    lines: dict[Edge, list[tuple[float, int]]]


def layers(count: int, edges: Sequence[Edge]) -> list[int]:
    """Right above the first that reads it; what nobody reads, below all that it reads."""
    readers: list[list[int]] = [[] for _ in range(count)]
    sources: list[list[int]] = [[] for _ in range(count)]
    for a, b in edges:
        readers[a].append(b)
        sources[b].append(a)
    layer = [0] * count
    for number in range(count):
        layer[number] = max((layer[s] + 1 for s in sources[number]), default=0)
    for number in reversed(range(count)):
        if readers[number]:
            layer[number] = min(layer[reader] for reader in readers[number]) - 1
    return layer


def arranged(widths: Sequence[float], edges: Sequence[Edge], gap: float) -> Arranged:
    """Boxes of these widths, sources first, ``gap`` apart."""
    layer = layers(len(widths), edges)
    wide = [*widths]
    lines: dict[Edge, list[int]] = {}
    for a, b in edges:
        path = [a]
        for between in range(layer[a] + 1, layer[b]):
            path.append(len(wide))
            wide.append(0.0)
            layer.append(between)
        lines[a, b] = [*path, b]
    rows: list[list[int]] = [[] for _ in range(max(layer, default=-1) + 1)]
    for number, row in enumerate(layer):
        rows[row].append(number)
    above: list[list[int]] = [[] for _ in wide]
    below: list[list[int]] = [[] for _ in wide]
    for path in lines.values():
        for a, b in pairwise(path):
            below[a].append(b)
            above[b].append(a)
    x = _placed(rows, above, below, wide, gap)
    left = min((x[n] - wide[n] / 2 for n in x), default=0.0)
    place = {number: (x[number] - left, layer[number]) for number in x}
    return Arranged(
        [place[number] for number in range(len(widths))],
        {edge: [place[number] for number in path] for edge, path in lines.items()},
    )


def _placed(
    rows: list[list[int]],
    above: Sequence[Sequence[int]],
    below: Sequence[Sequence[int]],
    wide: Sequence[float],
    gap: float,
) -> dict[int, float]:
    """The middle of each box: first in the order of the neighbours, then as near to them as the
    others of its row leave room for."""
    x = {number: float(place) for row in rows for place, number in enumerate(row)}
    for sweep in range(2 * SWEEPS):
        near = above if sweep % 2 == 0 else below
        for row in rows if sweep % 2 == 0 else reversed(rows):
            wanted = {n: _middle(near[n], x, x[n]) for n in row}
            if sweep < SWEEPS:
                row.sort(key=lambda n: wanted[n])
                wanted = {n: float(place) for place, n in enumerate(row)}
            else:
                wanted = _apart(row, wanted, wide, gap)
            x |= wanted
    return x


def _middle(near: Sequence[int], x: Mapping[int, float], own: float) -> float:
    return sum(x[n] for n in near) / len(near) if near else own


def _apart(
    row: Sequence[int], wanted: Mapping[int, float], wide: Sequence[float], gap: float
) -> dict[int, float]:
    """A row in its order without overlaps, about where it is wanted."""
    found: dict[int, float] = {}
    edge = -float("inf")
    for number in row:
        found[number] = max(wanted[number], edge + wide[number] / 2)
        edge = found[number] + wide[number] / 2 + gap
    shift = sum(wanted[n] - found[n] for n in row) / len(row)
    return {number: place + shift for number, place in found.items()}
