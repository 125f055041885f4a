"""Realising values: plan, compile, launch. One thread at a time does: launches share scratch memory
and the arguments of compiled functions, and a realised node forgets what it was made of.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from lazygrad import ops
from lazygrad.graph import Node, forget_sources, toposort
from lazygrad.locks import running
from lazygrad.runtime import buffer, cache, registry
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
    found = cache.structure(requested)
    if found.carried:  # kept, or every plan to come would begin where none of it was computed
        requested = list(dict.fromkeys([*requested, *found.carried]))
        found = cache.structure(requested)
    plan, leaves = cache.compiled(requested, device, found)
    memory = plan.run([value_of(leaf).memory for leaf in leaves])
    for n, result in zip(requested, memory, strict=True):
        n.value = Buffer(n.shape, n.dtype, device, result)
        forget_sources(n, n.value)


def _copy_between_devices(requested: Sequence[Node]) -> None:
    """Realises every COPY below, sources first, through host memory."""
    order = toposort(requested, cache.unrealised_sources)
    for copy in order:
        if copy.op is not ops.COPY or copy.value is not None:
            continue
        source = copy.src[0]
        _realize([source])
        copy.value = buffer.from_stored(value_of(source).stored(), source.dtype, copy.device)
        forget_sources(copy, copy.value)


def synchronize(device: str | None = None) -> None:
    """Waits until ``device`` (default: the one named by BACKEND) has finished all its work."""
    registry.backend(registry.check_device(device)).synchronize()
