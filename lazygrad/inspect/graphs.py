"""The graph that a plan was made of, at its stages, as plain data: as the program built it, and
simplified, with the kernels that compute each value. Dumps keep it as JSON."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from lazygrad import ops, pytree
from lazygrad.config import settings
from lazygrad.graph import Node, node, toposort
from lazygrad.handle import value_node
from lazygrad.inspect.asked import Asked, unwrapped
from lazygrad.inspect.grouped import groups
from lazygrad.inspect.step import INPUT, Step
from lazygrad.kernel.target import Target
from lazygrad.replay import Capture
from lazygrad.runtime import cache, registry
from lazygrad.runtime.cache import Placeholder
from lazygrad.runtime.program import CompiledPlan
from lazygrad.schedule.draft import Draft
from lazygrad.schedule.plan import Stages, stages
from lazygrad.schedule.price import FAR_OFF
from lazygrad.schedule.simplify import simplify
from lazygrad.tracing import Traced, trace
from lazygrad.units import duration

AS_BUILT, SIMPLIFIED = "as built", "simplified"
FUNCTIONS = "functions"
CONSTANTS = ops.CONST, ops.IOTA  # which are told of where they are used


class GraphNode(NamedTuple):
    """A value: its operation with what that is given, the user's line, the numbers of the kernels
    that compute it, and what was compared when its place was chosen."""

    label: str
    shape: str
    origin: str
    kernels: tuple[int, ...]
    compared: str


class Graph(NamedTuple):
    """A stage: its values, sources first, and from which of them to which others they lead."""

    stage: str
    nodes: tuple[GraphNode, ...]
    edges: tuple[tuple[int, int], ...]


class Graphs(NamedTuple):
    """The stages in order, and the files that hold the user's lines, by the name in origins."""

    stages: tuple[Graph, ...] = ()
    files: Mapping[str, str] = {}

    def to_json(self) -> str:
        """As dumps keep it."""
        return json.dumps(self) + "\n"

    @classmethod
    def from_json(cls, text: str) -> Graphs:
        """What ``to_json`` wrote."""
        found, files = json.loads(text)
        return cls(tuple(_read(*stage) for stage in found), files)


def _read(stage: str, nodes: Iterable[Any], edges: Iterable[Any]) -> Graph:
    rows = [GraphNode(label, shape, origin, tuple(k), c) for label, shape, origin, k, c in nodes]
    return Graph(stage, tuple(rows), tuple((a, b) for a, b in edges))


def roots_of(asked: Asked, what: Sequence[Any], arguments: Mapping[str, Any]) -> list[Node] | None:
    """The graph of a plan that ``what`` is computed by: of a function, which is traced once more;
    None without its arguments."""
    if not isinstance(asked.by, Capture):
        return of_values(asked.by)
    _, args, kwargs = unwrapped(what[0], what[1:], arguments)
    leaves, spec = pytree.flatten((tuple(args), dict(kwargs)), whole=True)
    called = asked.by.called
    return None if spec != called.spec else of_trace(trace(called.function, leaves, spec))


def on_placeholders(requested: Sequence[Node], leaves: Sequence[Node]) -> list[Node]:
    """``requested`` on leaves that hold nothing, which keep no memory alive."""
    cut = {leaf: node(ops.BUFFER, (), Placeholder.like(leaf)) for leaf in leaves}
    return cache.with_leaves(requested, cut)


def of_trace(traced: Traced) -> list[Node]:
    """The values that a traced function computes, as ``jit`` asks for them."""
    changed = [value for _, value in (*traced.rebound, *traced.grads)]
    requested = [*(leaf for leaf in traced.outputs if isinstance(leaf, Node)), *changed]
    return on_placeholders(requested, cache.structure(requested).leaves)


def of_values(asked: object) -> list[Node] | None:
    """Those that are asked for as of ``Watcher.runs``; None for a captured function, whose graph
    nobody keeps."""
    if isinstance(asked, Capture) or not isinstance(asked, tuple):
        return None
    requested, leaves = asked
    return on_placeholders([value_node(value) for value in requested], leaves)


def graphs_of(roots: Sequence[Node], plan: CompiledPlan, step: Step) -> Graphs:
    """The stages of the graph that a plan was made of, which is planned once more. Where other
    kernels come out, since numbers were taken for arguments, none are named."""
    inputs = [value for value in toposort(roots) if value.op is ops.BUFFER]
    target: Target = registry.backend(plan.device).target
    found = stages(roots, frozenset(inputs), target, fused=settings.fuse)
    same = [built.kernel.name for built in found.built] == [k.name for k in step.kernels]
    names = _names(inputs, plan, step)
    computed = _computed(found) if same else {}
    simple = simplify(roots)
    built = {value: computed.get(simple[value], ()) for value in toposort(roots) if value in simple}
    order = toposort(roots)
    return Graphs(
        (_graph(AS_BUILT, roots, names, built, {}),
         _graph(SIMPLIFIED, found.roots, names, computed, found.cut.prices)),
        {v.origin.filename.rpartition("/")[2]: v.origin.filename for v in order if v.origin},
    )  # fmt: skip


def _computed(found: Stages) -> dict[Node, tuple[int, ...]]:
    """The numbers of the kernels that compute each value."""
    computed: dict[Node, dict[int, None]] = {}
    for draft, number in _numbers(found).items():
        for value in found.cut.region(draft):
            computed.setdefault(value, {})[number] = None
    return {value: tuple(numbers) for value, numbers in computed.items()}


def _numbers(found: Stages) -> dict[Draft, int]:
    """The kernel that each draft became; both are in order, but there may be more kernels."""
    written = [
        {step.buffers[slot] for slot in step.kernel.written if slot < len(step.buffers)}
        for step in found.built
    ]
    numbers: dict[Draft, int] = {}
    start = 0
    for draft in found.cut.ordered():
        memory = found.cut.memory_of(draft.primary)[0]
        for number in (*range(start, len(written)), *range(start)):
            if memory in written[number]:
                numbers[draft] = number
                start = number + 1
                break
    return numbers


def _names(inputs: Sequence[Node], plan: CompiledPlan, step: Step) -> dict[Node, str]:
    """What the inputs are called, which come in the order of the plan's."""
    shapes = list(plan.shapes.inputs)
    if [value.shape for value in inputs] != shapes[: len(inputs)]:
        return {}
    called = {value.memory: value.name for value in step.buffers if value.role == INPUT}
    return {value: called[i] for i, value in enumerate(inputs) if i in called}


def _graph(
    stage: str,
    roots: Sequence[Node],
    names: Mapping[Node, str],
    computed: Mapping[Node, tuple[int, ...]],
    prices: Mapping[Node, tuple[float, float]],
) -> Graph:
    order = [value for value in toposort(roots) if value.op not in CONSTANTS]
    number = {value: i for i, value in enumerate(order)}
    rows = tuple(
        GraphNode(
            names.get(value) or _label(value),
            f"{'x'.join(map(str, value.shape)) or 'scalar'} {value.dtype.name}",
            str(value.origin or ""),
            computed.get(value, ()),
            _compared(prices.get(value)),
        )
        for value in order
    )
    pairs = {(number[s], number[v]): None for v in order for s in v.src if s in number}
    return Graph(stage, rows, tuple(pairs))


def by_function(graph: Graph) -> Graph:
    """What one call of a function is made of as one value: of each, the last."""
    read = {b for _, b in graph.edges}
    made = [number in read or bool(node.kernels) for number, node in enumerate(graph.nodes)]
    keys = [node.origin or None if m else None for m, node in zip(made, graph.nodes, strict=True)]
    found = groups(keys, graph.edges)
    of = {number: place for place, group in enumerate(found) for number in group}
    rows = [_joined([graph.nodes[number] for number in group]) for group in found]
    edges = dict.fromkeys((of[a], of[b]) for a, b in graph.edges if of[a] != of[b])
    return Graph(FUNCTIONS, tuple(rows), tuple(edges))


def _joined(nodes: Sequence[GraphNode]) -> GraphNode:
    last = nodes[-1]
    kernels = sorted({number for node in nodes for number in node.kernels})
    label = last.origin.partition(" (")[0] if kernels and last.origin else last.label
    return last._replace(label=label, kernels=tuple(kernels))


def _label(value: Node) -> str:
    """The operation, with the numbers and constants that it takes."""
    given = [str(s.arg.value) if s.op is ops.CONST else "0 1 2 …" for s in value.src
             if s.op in CONSTANTS]  # fmt: skip
    plain = isinstance(value.arg, tuple | int) and value.op.kind in SHOWN
    given += [str(value.arg)] if plain else []
    text = ", ".join(given)
    return f"{value.op.name} {text if len(text) < 60 else text[:57] + '…'}".strip()


SHOWN = ops.Kind.MOVEMENT, ops.Kind.REDUCE, ops.Kind.JOIN, ops.Kind.INDEXED


def _compared(price: tuple[float, float] | None) -> str:
    if price is None:
        return ""
    if price == FAR_OFF:
        return "made of too many values to compute them again"
    repeated, written = map(duration, price)
    return f"computed where it is read: {repeated}; written to memory: {written}"
