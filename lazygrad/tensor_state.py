"""Realising handles, and binding them to other values."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from lazygrad import lang, ops
from lazygrad.graph import Node, node, progress, toposort
from lazygrad.locks import running
from lazygrad.modes import ambient
from lazygrad.ops import Kind
from lazygrad.runtime import buffer, cache, executor
from lazygrad.waiting import waiting

if TYPE_CHECKING:
    from lazygrad.tensor import Tensor


def value_node(value: Node) -> Node:
    """The value of a leaf that requires a gradient; other nodes are their own."""
    return value.src[0] if value.op is ops.VARIABLE else value


def current_node(tensor: Tensor) -> Node:
    """What a handle is bound to, as the code sees it that runs now."""
    trace = ambient.trace
    return tensor._node if trace is None else trace.current(tensor)


def bind(tensor: Tensor, value: Node) -> None:
    """Binds a handle to ``value``, which may be of another kind than what it was."""
    trace = ambient.trace
    if trace is None:
        tensor._node = value
    else:
        trace.bind(tensor, value)


def detached(value: Node) -> Node:
    """``value`` without history: where it is in memory already, that memory alone."""
    held = value_node(value)
    if held.op is ops.BUFFER:
        return held
    return lang.without_history(value) if held.value is None else node(ops.BUFFER, (), held.value)


# -- realising -----------------------------------------------------------------------------------


def realize(tensors: Sequence[Tensor]) -> None:
    """Computes values, and what waits on the same devices, in one plan a device.

    If that fails, each part that has nothing in common with the others is tried by itself. What
    cannot be computed then is given up, so that it does not stand in the way of what comes later.
    """
    with running:
        others = waiting.handles({tensor._node.device for tensor in tensors}) if waiting else []
        handles = [*tensors, *others]
        wanted = [value_node(tensor._node) for tensor in tensors]
        try:
            executor.realize([*wanted, *map(_kept, others)])
        except Exception as error:
            _realize_apart(handles, error)
        if waiting:
            waiting.drop(handles)
        for tensor in handles:
            settle(tensor)
        progress.generation += 1


def _kept(tensor: Tensor) -> Node:
    """What has to be computed so that a handle that waits keeps no history alive: what it is a view
    of, which may be much smaller."""
    value = value_node(tensor._node)
    while value.op.kind is Kind.MOVEMENT and value.value is None:
        value = value_node(value.src[0])
    return value


def _realize_apart(tensors: Sequence[Tensor], problem: Exception) -> None:
    """What can be computed although all together cannot.

    Raises:
        Exception: ``problem`` if there is only one part, or else that of the first part that fails.
    """
    parts = _independent(list({id(tensor): tensor for tensor in tensors}.values()))
    if len(parts) == 1:
        waiting.give_up(parts[0])
        raise problem
    failed: Exception | None = None
    for part in parts:
        try:
            executor.realize([_kept(tensor) for tensor in part])
        except Exception as error:
            failed = failed or error
            waiting.give_up(part)
        else:
            waiting.drop(part)
    if failed is not None:
        raise failed from problem


def _independent(tensors: Sequence[Tensor]) -> list[list[Tensor]]:
    """Handles in groups that share nothing which is still to be computed."""
    parent: dict[Node, Node] = {}

    def top(value: Node) -> Node:
        while (above := parent.setdefault(value, value)) is not value:
            parent[value] = parent[above]  # halves the way for the next one
            value = above
        return value

    roots = [value_node(tensor._node) for tensor in tensors]
    for value in toposort(roots, cache.unrealised_sources):
        for source in cache.unrealised_sources(value):
            if source.src and not buffer.is_realised(source):
                parent[top(source)] = top(value)
    groups: dict[Node, list[Tensor]] = {}
    for tensor, root in zip(tensors, roots, strict=True):
        groups.setdefault(top(root), []).append(tensor)
    return list(groups.values())


def settle(tensor: Tensor) -> None:
    """After its value is there, a handle without history holds the memory alone: the graph that
    led to it can go. One with history keeps its node, on which the value hangs."""
    current = tensor._node
    value = value_node(current)
    if value.op is ops.BUFFER or value.value is None:
        return
    leaf = node(ops.BUFFER, (), value.value)
    if current.op is ops.VARIABLE:
        tensor._node = node(ops.VARIABLE, (leaf,), current.arg)
    elif not current.tracked:
        tensor._node = leaf


# -- rebinding -----------------------------------------------------------------------------------


def rebind(tensor: Tensor, value: Node) -> None:
    """Bind a handle to ``value`` in the handle's dtype, on its device. A leaf that requires a
    gradient keeps its identity and takes the detached value."""
    before = current_node(tensor)
    value = lang.copy_to(lang.cast(value, before.dtype), before.device)
    if before.op is ops.VARIABLE:
        bind(tensor, node(ops.VARIABLE, (detached(value),), before.arg))
    else:
        bind(tensor, value)
    if ambient.trace is not None or value.tracked:
        return
    if buffer.is_realised(value):
        waiting.drop((tensor,))
    elif waiting.rebind(tensor, before):
        realize((tensor,))  # rebound twice and never read: it must not pile up
