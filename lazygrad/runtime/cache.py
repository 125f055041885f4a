"""The plan cache: graphs of equal structure share one compiled plan."""

from __future__ import annotations

import warnings
from collections import OrderedDict
from collections.abc import Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NoReturn, TypeVar

from lazygrad import ops
from lazygrad.config import settings
from lazygrad.element_types import DType
from lazygrad.errors import JitError
from lazygrad.graph import Node, node, toposort
from lazygrad.kernel.plan import Plan
from lazygrad.locks import running
from lazygrad.ops import Kind
from lazygrad.runtime import (
    carried,
    differences,
    disk,
    garbage,
    history,
    overrides,
    progress,
    registry,
)
from lazygrad.runtime.backend import Backend
from lazygrad.runtime.buffer import is_realised
from lazygrad.runtime.numbers import (
    HOLDERS,
    NOTHING,
    Arguments,
    Family,
    Holder,
    StandIns,
    forget_places,
    without_numbers,
)
from lazygrad.runtime.program import CompiledPlan, Recipe, Shapes, read_recipe, written
from lazygrad.runtime.records import Malformed
from lazygrad.runtime.watching import watcher
from lazygrad.shape import Shape

T = TypeVar("T")
LIMIT = 256  # plans kept; the least recently used goes first


@dataclass
class Statistics:
    """How the cache fares, for ``lazygrad.inspect`` and tests; ``from_disk`` counts those misses
    that were found compiled on disk."""

    hits: int = 0
    misses: int = 0
    from_disk: int = 0


_plans: OrderedDict[Hashable, CompiledPlan] = OrderedDict()
_families: OrderedDict[Hashable, Family] = OrderedDict()
statistics = Statistics()


def clear() -> None:
    """Forget all plans."""
    _plans.clear()
    _families.clear()
    history.clear()
    carried.clear()
    forget_places()


@dataclass(frozen=True)
class Structure:
    """A graph without the identity of its leaves and without its numbers.

    Attributes:
        kind: what graphs have in common that differ in numbers only: a row for each value, and
            which rows are requested.
        numbers, holders: the numbers in order, and the nodes that hold them.
        leaves: the realised values in order.
        lost: values without history whose sources an earlier plan may have computed, and not
            kept: the state of a loop, detached (``runtime/carried.py``).
    """

    kind: tuple[tuple[tuple[Any, ...], ...], tuple[int, ...]]
    numbers: tuple[Hashable, ...]
    holders: tuple[Holder, ...]
    leaves: tuple[Node, ...]
    lost: tuple[Node, ...]


def values_below(requested: Iterable[Node]) -> list[Node]:
    """The graph below ``requested``, cut off at realised values, sources first."""
    return toposort(requested, unrealised_sources)


def structure(requested: Sequence[Node], order: Sequence[Node] | None = None) -> Structure:
    """The structure of the graph below ``requested``, whose values may be known in order."""
    number: dict[Node, int] = {}
    rows: list[tuple[Any, ...]] = []
    leaves: list[Node] = []
    numbers: list[Hashable] = []
    holders: list[Holder] = []
    lost: list[Node] = []
    for value in order or values_below(requested):
        if is_realised(value):
            rows.append((value.shape, value.dtype))
            leaves.append(value)
        elif value.op in ops.DERIVATIVE_MARKS:
            source = value.src[0]
            number[value] = number[source]
            older = value.generation != source.generation and not is_realised(source)
            if older and value.lingers:
                lost.append(value)
            continue
        elif value.op in HOLDERS:
            arg, own = without_numbers(value, holders)
            rows.append((value.op, tuple([number[s] for s in value.src]), arg))
            numbers += own
        elif value.op is ops.LOOP:
            rows.append((value.op, tuple([number[s] for s in value.src]), value.arg.key))
        elif value.op is ops.CALL:  # whose errors name the user's line
            arg = value.arg, value.origin
            rows.append((value.op, tuple([number[s] for s in value.src]), arg))
        else:
            rows.append((value.op, tuple([number[s] for s in value.src]), value.arg))
        number[value] = len(rows) - 1
    kind = (tuple(rows), tuple([number[r] for r in requested]))
    return Structure(kind, tuple(numbers), tuple(holders), tuple(leaves), tuple(lost))


def unrealised_sources(value: Node) -> tuple[Node, ...]:
    return () if is_realised(value) else value.src[: value.op.value_arity]


def compiled(
    requested: Sequence[Node], device: str, found: Structure | None = None
) -> tuple[CompiledPlan, tuple[Node, ...]]:
    """The compiled plan for ``requested``, whose structure may be known, and the leaves to run it
    on, in order."""
    with running:
        return _compiled(requested, device, found or structure(requested))


def _compiled(
    requested: Sequence[Node], device: str, found: Structure
) -> tuple[CompiledPlan, tuple[Node, ...]]:
    kind = (
        device,
        settings.planned,
        settings.override and overrides.stamp(),
        found.kind,
    )
    plan = _known((kind, found.numbers))
    if plan is not None:
        return plan, found.leaves
    family = _families.get(kind)
    if family is None:
        family = Family(found.numbers, found.holders)
        _keep_at_most(_families, LIMIT)[kind] = family
        if not family.varying:
            plan = _made((kind, found.numbers), requested, found, found.leaves, device)
            return plan, found.leaves
    given = family.arguments(found.numbers, found.holders)
    leaves = (*found.leaves, *given.leaves())
    key = (kind, given.key)
    plan = _known(key)
    if plan is None:
        changes = family.changes(found.numbers, found.holders)
        plan = _made(key, requested, found, leaves, device, given, changes)
    return plan, leaves


def _known(key: Hashable) -> CompiledPlan | None:
    plan = _plans.get(key)
    if plan is not None:
        statistics.hits += 1
        _plans.move_to_end(key)
    return plan


def _made(
    key: Hashable,
    requested: Sequence[Node],
    found: Structure,
    leaves: Sequence[Node],
    device: str,
    given: Arguments | None = None,
    numbers: Sequence[str] = (),
) -> CompiledPlan:
    """A new plan, remembered for the user's line that asks for it; ``numbers`` says which numbers
    it is made for, if there is one for others."""
    statistics.misses += 1
    values = differences.values_of(requested)
    program = differences.program_of(requested, values)
    graph = differences.Graph((device, settings.planned), *found.kind)
    line = history.asking_line()
    before = None if line is None else line.before(program)
    change = before and differences.change(before, graph, values, numbers)
    if settings.debug:
        watcher().differs(line, change, numbers)
    plan = compile_graph(requested, leaves, device, key, given)
    _keep_at_most(_plans, LIMIT)[key] = plan
    if line is not None:
        line.add(program, graph, plan, change)
    return plan


def _keep_at_most(kept: OrderedDict[Hashable, T], most: int) -> OrderedDict[Hashable, T]:
    """``kept`` with room for one more."""
    while len(kept) >= most:
        kept.popitem(last=False)
    return kept


def compile_graph(
    requested: Sequence[Node],
    leaves: Sequence[Node],
    device: str,
    key: Hashable = None,
    given: Arguments | None = None,
) -> CompiledPlan:
    """Plans and compiles a graph whose ``leaves`` are realised values or placeholders, the last of
    them numbers that are ``given``; on disk there may be what an earlier process compiled under the
    same ``key``."""
    backend = registry.backend(device)
    on_disk = ("plan", device, backend.fingerprint, key)
    if _uses_disk(key):
        found = _on_disk(on_disk, backend, device)
        if found is not None:
            statistics.from_disk += 1
            if settings.debug:
                watcher().planned(requested, found)
            return _for(found, requested, leaves)
    from lazygrad.schedule.plan import make_plan  # 10 ms; not for plans that are all on disk

    inputs = [node(ops.BUFFER, (), Placeholder.like(leaf)) for leaf in leaves]
    cut = dict(zip(leaves, inputs, strict=True))
    copies = with_leaves(requested, cut, given.stand_ins(inputs) if given else NOTHING)
    values = toposort(copies)
    backend.prepare(sum(1 for value in values if value.op.kind is Kind.REDUCE))
    with progress.compiling():
        progress.stage("plan")
        with garbage.paused():
            plan = make_plan(copies, inputs, backend.target, fused=settings.fuse)
            result = compile_plan(plan, device)
    if _uses_disk(key):
        _keep(on_disk, result.recipe, plan, backend)
    if settings.debug or settings.dump is not None or settings.report is not None:
        watcher().planned(copies, result)
    return _for(result, requested, leaves)


def compile_plan(plan: Plan, device: str) -> CompiledPlan:
    """Code for a plan, compiled."""
    with garbage.paused():
        recipe = Recipe.of(plan, registry.backend(device), overrides.changed_code)
    return CompiledPlan(recipe, device, plan)


def _for(plan: CompiledPlan, requested: Sequence[Node], leaves: Sequence[Node]) -> CompiledPlan:
    """``plan``, which says for values of which shapes it is."""
    plan.shapes = Shapes([leaf.shape for leaf in leaves], [value.shape for value in requested])
    return plan


def _uses_disk(key: Hashable) -> bool:
    """Not where someone looks: then the user's lines must be those of this run; nor where code may
    be somebody's own."""
    shown = settings.dump is not None or settings.report is not None
    looked_at = settings.debug >= 3 or shown or settings.verify
    changed = settings.override is not None
    return settings.cache and key is not None and not looked_at and not changed


def _on_disk(key: object, backend: Backend, device: str) -> CompiledPlan | None:
    found = disk.get(key)
    if found is None:
        return None
    try:
        with progress.compiling():
            with garbage.paused():
                recipe = read_recipe(found, backend)
            return CompiledPlan(recipe, device)
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
        self.refuse()

    def numpy(self) -> NoReturn:
        """There is no value."""
        self.refuse()

    def refuse(self) -> NoReturn:
        """Raises where a value is needed."""
        raise JitError(
            f"[jit] a tensor of shape {self.shape} made inside a jitted function has no value "
            "outside; return it from the function instead"
        )


def with_leaves(
    requested: Sequence[Node], cut: Mapping[Node, Node], instead: StandIns = NOTHING
) -> list[Node]:
    """The values of ``requested`` rebuilt on other leaves, with what stands for some nodes
    ``instead``, without what derivatives are told, with the origin of each node: its own, or that
    of what was made of it."""
    cut = {**cut, **instead.nodes}
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
            src = tuple(done[s] for s in value.src)
            make = instead.makes.get(value)
            copy = node(value.op, src, value.arg) if make is None else make(src)
            copy.origin = copy.origin or origins[value]
            done[value] = copy
    return [done[root] for root in requested]
