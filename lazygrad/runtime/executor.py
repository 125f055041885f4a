"""Realising values: plan, compile, launch. One thread at a time does: launches share scratch memory
and the arguments of compiled functions, and a realised node forgets what it was made of.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from lazygrad import ops
from lazygrad.graph import (
    Node,
    become,
    forget_sources,
    result_leaf,
    shown_by,
    through,
    toposort,
)
from lazygrad.locks import running
from lazygrad.runtime import buffer, cache, carried, registry
from lazygrad.runtime.buffer import Buffer, value_of


def realize(requested: Iterable[Node]) -> None:
    """Computes every node of ``requested``; afterwards ``node.value`` is a Buffer.

    Nothing waits: the device may still be at work when this returns.
    """
    with running:
        _realize(requested)


def _realize(requested: Iterable[Node]) -> None:
    todo = [n for n in dict.fromkeys(requested) if n.value is None]
    for leaf in todo:
        if leaf.op is ops.BUFFER:
            leaf.value = leaf.arg
    _copy_between_devices(todo)
    by_device: dict[str, list[Node]] = {}
    for n in todo:
        if n.value is None:
            by_device.setdefault(n.device, []).append(n)
    for device, nodes in by_device.items():
        _run(nodes, device)


def _run(requested: Sequence[Node], device: str) -> None:
    order = cache.values_below(requested)
    kept = carried.among(order)
    if kept:
        requested = list(dict.fromkeys([*requested, *kept]))
    found = cache.structure(requested, order)
    if found.lost:
        _compute_again(found.lost)
        _realize(requested)
        return
    plan, leaves = cache.compiled(requested, device, found)
    memory = plan.run([value_of(leaf).memory for leaf in leaves], (requested, leaves))
    for n, result in zip(requested, memory, strict=True):
        n.value = Buffer(n.shape, n.dtype, device, result)
        forget_sources(n, n.value)


def _compute_again(lost: Sequence[Node]) -> None:
    """Values that were dropped, in a plan of their own: what follows begins with them, as it will
    in the next step, and the next step keeps them."""
    shown = [shown_by(value.src[0]) for value in lost]
    for source, _ in shown:
        carried.remember(source, cache.values_below([source]))
    _realize([source for source, _ in shown])
    for value, (source, views) in zip(lost, shown, strict=True):
        now = through(views, result_leaf(source.value))
        become(value, now.op, now.src, now.arg)


def _copy_between_devices(requested: Sequence[Node]) -> None:
    """Realises every COPY below through host memory: those that need no other one first, what they
    copy in one plan a device, and so on."""
    depth: dict[Node, int] = {}  # how many copies come one after the other
    stages: dict[int, list[Node]] = {}
    for value in toposort(requested, cache.unrealised_sources):
        below = [depth[source] for source in value.src if source in depth]
        depth[value] = max(below, default=0)
        if value.op is ops.COPY and value.value is None:
            stages.setdefault(depth[value], []).append(value)
            depth[value] += 1
    for stage in sorted(stages):
        copies = stages[stage]
        _realize([copy.src[0] for copy in copies])
        for copy in copies:
            source = copy.src[0]
            stored = value_of(source).stored()
            copy.value = buffer.from_stored(stored, source.dtype, copy.device)
            forget_sources(copy, copy.value)


def synchronize(device: str | None = None) -> None:
    """Waits until ``device`` (default: the one named by BACKEND) has finished all its work.

    >>> _ = lazygrad.ones(2).exp().realize()
    >>> lazygrad.synchronize()
    """
    registry.backend(registry.check_device(device)).synchronize()
