"""The plan cache: graphs of equal structure share one compiled plan."""

from __future__ import annotations

import warnings
from collections import OrderedDict
from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from typing import NoReturn

from lazygrad import ops
from lazygrad.config import settings
from lazygrad.dtype import DType
from lazygrad.errors import JitError
from lazygrad.graph import Node, node, toposort
from lazygrad.locks import running
from lazygrad.runtime import disk, registry, report
from lazygrad.runtime.backend import Backend
from lazygrad.runtime.program import CompiledPlan, Recipe, read_recipe, written
from lazygrad.runtime.records import Malformed
from lazygrad.schedule.plan import Plan, make_plan
from lazygrad.shape import Shape

LIMIT = 256  # plans kept; the least recently used goes first


@dataclass
class Statistics:
    """How the cache fares, for ``lazygrad.inspect`` and tests; ``from_disk`` counts those misses
    that were found compiled on disk."""

    hits: int = 0
    misses: int = 0
    from_disk: int = 0


_plans: OrderedDict[Hashable, CompiledPlan] = OrderedDict()
statistics = Statistics()


def clear() -> None:
    """Forget all plans."""
    _plans.clear()


@dataclass(frozen=True)
class Structure:
    """A graph without the identity of its leaves: the cache key, and the leaves in order."""

    key: Hashable
    leaves: tuple[Node, ...]


def structure(requested: Sequence[Node]) -> Structure:
    """The structure of the graph below ``requested``, cut off at realised values."""
    order = toposort(requested, unrealised_sources)
    number: dict[Node, int] = {}
    rows: list[Hashable] = []
    leaves: list[Node] = []
    for value in order:
        if is_realised(value):
            rows.append((value.shape, value.dtype))
            leaves.append(value)
        elif value.op in ops.DERIVATIVE_MARKS:
            number[value] = number[value.src[0]]
            continue
        else:
            rows.append((value.op, tuple([number[s] for s in value.src]), value.arg))
        number[value] = len(rows) - 1
    key = (tuple(rows), tuple([number[r] for r in requested]))
    return Structure(key, tuple(leaves))


def is_realised(value: Node) -> bool:
    return value.value is not None or value.op is ops.BUFFER


def unrealised_sources(value: Node) -> tuple[Node, ...]:
    return () if is_realised(value) else value.src[: value.op.value_arity]


def compiled(requested: Sequence[Node], device: str) -> tuple[CompiledPlan, tuple[Node, ...]]:
    """The compiled plan for ``requested`` and the leaves to run it on, in order."""
    with running:
        return _compiled(requested, device)


def _compiled(requested: Sequence[Node], device: str) -> tuple[CompiledPlan, tuple[Node, ...]]:
    found = structure(requested)
    key = (device, settings.fuse, settings.tune, found.key)
    plan = _plans.get(key)
    if plan is not None:
        statistics.hits += 1
        _plans.move_to_end(key)
        return plan, found.leaves
    statistics.misses += 1
    plan = compile_graph(requested, found.leaves, device, key)
    _plans[key] = plan
    if len(_plans) > LIMIT:
        _plans.popitem(last=False)
    return plan, found.leaves


def compile_graph(
    requested: Sequence[Node], leaves: Sequence[Node], device: str, key: Hashable = None
) -> CompiledPlan:
    """Plans and compiles a graph whose ``leaves`` are realised values or placeholders; on disk
    there may be what an earlier process compiled under the same ``key``."""
    backend = registry.backend(device)
    on_disk = ("plan", device, backend.fingerprint, key)
    if _uses_disk(key):
        found = _on_disk(on_disk, backend, device)
        if found is not None:
            statistics.from_disk += 1
            report.planned(found, requested)
            return found
    cut = {leaf: node(ops.BUFFER, (), Placeholder.like(leaf)) for leaf in leaves}
    copies = with_leaves(requested, cut)
    inputs = [cut[leaf] for leaf in leaves]
    plan = make_plan(copies, inputs, backend.target, fused=settings.fuse)
    recipe = Recipe.of(plan, backend)
    result = CompiledPlan(recipe, device, plan)
    if _uses_disk(key):
        _keep(on_disk, recipe, plan, backend)
    report.planned(result, copies)
    return result


def _uses_disk(key: Hashable) -> bool:
    """Not where someone looks: then the user's lines must be those of this run."""
    looked_at = settings.debug >= 3 or settings.dump is not None or settings.verify
    return settings.cache and key is not None and not looked_at


def _on_disk(key: object, backend: Backend, device: str) -> CompiledPlan | None:
    found = disk.get(key)
    if found is None:
        return None
    try:
        return CompiledPlan(read_recipe(found, backend), device)
    except Exception:  # whatever a file of another making leads to, it is a miss
        return None


def _keep(key: object, recipe: Recipe, plan: Plan, backend: Backend) -> None:
    try:
        content = written(recipe, plan, backend)
    except Malformed as error:
        warnings.warn(
            f"[cache] the plan is not kept on disk: {error}; {type(backend).__name__}.records "
            "names the classes that Code.data is made of",
            RuntimeWarning,
            stacklevel=2,
        )
        return
    disk.put(key, content)


class Placeholder:
    """The argument of a BUFFER leaf that stands for memory given later: inputs of plans and of
    traced functions. It keeps no memory alive."""

    __slots__ = ("__weakref__", "device", "dtype", "shape")

    def __init__(self, shape: Shape, dtype: DType, device: str) -> None:
        self.shape, self.dtype, self.device = shape, dtype, device

    @classmethod
    def like(cls, leaf: Node) -> Placeholder:
        return cls(leaf.shape, leaf.dtype, leaf.device)

    @property
    def memory(self) -> NoReturn:
        raise JitError(
            f"[jit] a tensor of shape {self.shape} made inside a jitted function has no value "
            "outside; return it from the function instead"
        )


def with_leaves(requested: Sequence[Node], cut: dict[Node, Node]) -> list[Node]:
    """The values of ``requested`` rebuilt on other leaves, without what derivatives are told, with
    the origin of each node: its own, or that of what was made of it."""
    done = dict(cut)
    order = toposort(requested, lambda n: () if n in cut else n.src[: n.op.value_arity])
    origins = {value: value.origin for value in order}
    for value in reversed(order):  # the earliest reader has the last word
        for operand in value.src[: value.op.value_arity]:
            if operand.origin is None:
                origins[operand] = origins[value]
    for value in order:
        if value in done:
            continue
        if value.op in ops.DERIVATIVE_MARKS:
            done[value] = done[value.src[0]]
        else:
            copy = node(value.op, tuple(done[s] for s in value.src), value.arg)
            copy.origin = copy.origin or origins[value]
            done[value] = copy
    return [done[root] for root in requested]
