"""Graphs laid out in layers, as data that the page draws."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from lazygrad.inspect.graphs import Graph
from lazygrad.inspect.layered import layers
from lazygrad.inspect.lines import origins_of
from lazygrad.inspect.step import PHASES, Step

PARTITIONED = "partitioned"
LONG = 12  # layers that a line crosses from where on it is drawn, but bends nobody else's way
ACROSS, DOWN = 150.0, 44.0  # between the middles of boxes, in pixels
UNIT = 100.0  # the same in the layout


def drawn(layout: Any, graph: Graph, step: Step) -> dict[str, Any]:
    """A stage of the graph: boxes are values."""
    phase = {kernel.number: PHASES.index(kernel.phase) for kernel in step.kernels}
    return {
        "stage": graph.stage,
        "at": _laid_out(layout, len(graph.nodes), graph.edges),
        "label": [node.label for node in graph.nodes],
        "about": [node.shape for node in graph.nodes],
        "line": [node.origin for node in graph.nodes],
        "kernels": [list(node.kernels) for node in graph.nodes],
        "compared": {i: node.compared for i, node in enumerate(graph.nodes) if node.compared},
        "phase": [phase[n.kernels[0]] if n.kernels else -1 for n in graph.nodes],
        "edges": [number for edge in graph.edges for number in edge],
    }


def kernels_drawn(layout: Any, step: Step) -> dict[str, Any]:
    """The partitioned graph: boxes are kernels, lines are values in memory."""
    edges = [(before, k.number) for k in step.kernels for before in k.waits_for]
    return {
        "stage": PARTITIONED,
        "at": _laid_out(layout, len(step.kernels), edges),
        "label": [kernel.name for kernel in step.kernels],
        "about": [kernel.phase for kernel in step.kernels],
        "line": [origins_of(kernel)[0].place for kernel in step.kernels],
        "kernels": [[kernel.number] for kernel in step.kernels],
        "compared": {},
        "phase": [PHASES.index(kernel.phase) for kernel in step.kernels],
        "edges": [number for edge in edges for number in edge],
    }


def _laid_out(layout: Any, count: int, edges: Sequence[tuple[int, int]]) -> list[int]:
    """x and y of each box, in layers. Lines over many layers have no say: bending all others around
    them takes minutes for a training step, whose backward pass reads what is far away."""
    layer = layers(count, edges)
    short = [(a, b) for a, b in edges if layer[b] - layer[a] <= LONG]
    boxes = sorted({number for edge in short for number in edge})
    place = {number: i for i, number in enumerate(boxes)}
    parts = layout.from_edges([(place[a], place[b]) for a, b in short], vertex_spacing=UNIT)
    found: dict[int, tuple[float, float]] = {}
    right = 0.0
    for places, *_ in sorted(parts, key=lambda part: -len(part[0])):
        inside = [(boxes[i], x / UNIT, -y / UNIT) for i, (x, y) in places if i < len(boxes)]
        start = min(x for _, x, _ in inside)
        first, _, top = min(inside, key=lambda box: box[2])
        for number, x, y in inside:
            found[number] = (right + x - start, y - top + layer[first])
        right = max(x for x, _ in found.values()) + 1
    for number in range(count):
        if number not in found:
            found[number] = (right, layer[number])
            right += 1
    scaled = ((x * ACROSS, y * DOWN) for _, (x, y) in sorted(found.items()))
    return [round(each) for pair in scaled for each in pair]
