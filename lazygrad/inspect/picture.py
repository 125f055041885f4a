"""A graph as a picture: an SVG that needs nothing else."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from html import escape
from itertools import pairwise

from lazygrad.inspect.graphs import Graph, GraphNode
from lazygrad.inspect.layered import arranged

HIGH, GAP, DOWN, EDGE = 36, 14.0, 58, 12  # of boxes, between them, from row to row, around all
LETTER, SMALL = 7.0, 5.6  # widths, about
LONGEST = 26  # of a label
COLOURS = (
    "#9ecae1", "#fdae6b", "#a1d99b", "#bcbddc", "#f7b6d2", "#ffe28a", "#c7b299", "#b5d3d0",
)  # fmt: skip
STYLE = (
    "text{font-family:sans-serif;text-anchor:middle;fill:#222}.name{font-size:12px}"
    ".about{font-size:9.5px;fill:#555}rect{stroke:#555;stroke-width:.8}"
    "path{fill:none;stroke:#888}.key{text-anchor:start;font-size:11px}"
)
ARROW = (
    '<marker id="to" viewBox="0 0 8 8" refX="8" refY="4" markerWidth="7" markerHeight="7" '
    'orient="auto"><path d="M0,0L8,4L0,8z" style="fill:#888;stroke:none"/></marker>'
)


def svg(graph: Graph, kernels: Sequence[str]) -> str:
    """A box for each value, in the colour of the first kernel that computes it, which a key names;
    what is in memory already, and what is only looked at in another shape, has none."""
    widths = [_width(node) for node in graph.nodes]
    found = arranged(widths, graph.edges, GAP)
    used = sorted({node.kernels[0] for node in graph.nodes if node.kernels})
    rows = max((layer for _, layer in found.boxes), default=0) + 1
    right = max((x + w / 2 for (x, _), w in zip(found.boxes, widths, strict=True)), default=0)
    key = max((len(kernels[number]) * LETTER + 30 for number in used), default=0)
    wide = max(right, key) + 2 * EDGE
    below = rows * DOWN + EDGE
    high = below + len(used) * 20 + EDGE
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {wide:.0f} {high:.0f}" '
        f'width="{wide:.0f}" height="{high:.0f}"><style>{STYLE}</style><defs>{ARROW}</defs>'
        '<rect width="100%" height="100%" style="fill:#fff;stroke:none"/>',
        *(_line(places) for places in found.lines.values()),
        *_boxes(graph, found.boxes, widths, used),
    ]
    for place, number in enumerate(used):
        y = below + place * 20
        parts.append(
            f'<rect x="{EDGE}" y="{y}" width="14" height="14" rx="3" fill="{_colour(place)}"/>'
            f'<text class="key" x="{EDGE + 22}" y="{y + 11}">{escape(kernels[number])}</text>'
        )
    return "\n".join([*parts, "</svg>\n"])


def _boxes(
    graph: Graph,
    places: Sequence[tuple[float, int]],
    widths: Sequence[float],
    used: Sequence[int],
) -> Iterator[str]:
    for node, (middle, layer), width in zip(graph.nodes, places, widths, strict=True):
        x, y = EDGE + middle, EDGE + layer * DOWN
        colour = _colour(used.index(node.kernels[0])) if node.kernels else "#fff"
        yield (
            f"<g><title>{escape(f'{node.label}, {node.shape} {node.origin}')}</title>"
            f'<rect x="{x - width / 2:.1f}" y="{y}" width="{width:.1f}" height="{HIGH}" rx="6" '
            f'fill="{colour}"/><text class="name" x="{x:.1f}" y="{y + 15}">{escape(_name(node))}'
            f'</text><text class="about" x="{x:.1f}" y="{y + 28}">{escape(node.shape)}</text></g>'
        )


def _line(places: Sequence[tuple[float, int]]) -> str:
    """From below a box, by the places where it passes others, to above one."""
    points = [(EDGE + x, EDGE + layer * DOWN + HIGH / 2) for x, layer in places]
    points[0] = (points[0][0], points[0][1] + HIGH / 2)
    points[-1] = (points[-1][0], points[-1][1] - HIGH / 2)
    text = f"M{points[0][0]:.1f},{points[0][1]:.1f}"
    for (ax, ay), (bx, by) in pairwise(points):
        half = (by - ay) / 2
        text += f"C{ax:.1f},{ay + half:.1f} {bx:.1f},{by - half:.1f} {bx:.1f},{by:.1f}"
    return f'<path d="{text}" marker-end="url(#to)"/>'


def _colour(place: int) -> str:
    return COLOURS[place % len(COLOURS)]


def _name(node: GraphNode) -> str:
    return node.label if len(node.label) <= LONGEST else node.label[: LONGEST - 1] + "…"


def _width(node: GraphNode) -> float:
    return max(len(_name(node)) * LETTER, len(node.shape) * SMALL) + 16
