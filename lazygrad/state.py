"""Realising handles, and binding them to other values."""

from __future__ import annotations

from collections.abc import Sequence

from lazygrad import aliases, ops
from lazygrad.bridge import bind, current_node, detached
from lazygrad.graph import Node, progress, result_leaf, shown_by, toposort
from lazygrad.handle import Handle, as_before, value_node
from lazygrad.lang.elementwise import copy_to
from lazygrad.lang.operands import cast
from lazygrad.locks import running
from lazygrad.modes import ambient
from lazygrad.runtime import buffer, cache, executor
from lazygrad.waiting import waiting

FEW = 16  # values, at most, that a running total is made of


def realize(tensors: Sequence[Handle]) -> None:
    """Computes values, and what waits on the same devices, in one plan a device; running totals in
    a small one before.

    If that fails, each part that has nothing in common with the others is tried by itself. What
    cannot be computed then is given up, so that it does not stand in the way of what comes later.
    """
    with running:
        others = waiting.others(tensors) if waiting else []
        handles = [*tensors, *others]
        wanted = [value_node(tensor._node) for tensor in tensors]
        totals = _totals(others, wanted) if others else []
        try:
            if totals:
                executor.realize(totals)
            executor.realize([*wanted, *map(_kept, others)])
        except Exception as error:
            _realize_apart(handles, error)
        if waiting:
            waiting.drop(handles)
        for tensor in handles:
            settle(tensor)
        progress.generation += 1


def realize_waiting(device: str) -> None:
    """Computes what waits on ``device``, before launches that are no plan for it to join."""
    handles = waiting.handles({device})
    if handles:
        realize(handles)


def _kept(tensor: Handle) -> Node:
    """What has to be computed so that a handle that waits keeps no history alive: what it is a view
    of, which may be much smaller."""
    return shown_by(tensor._node)[0]


def _totals(others: Sequence[Handle], wanted: Sequence[Node]) -> list[Node]:
    """What gets a small plan of its own, so that a step's plan is the same whatever is summed up
    beside it: running totals, which hang on nothing but what is in memory."""
    values = [_kept(tensor) for tensor in others if not waiting.is_rebound(tensor)]
    few = [value for value in values if _is_made_of_few(value)]
    if not few:
        return []
    needed = set(cache.values_below(wanted))
    return [value for value in few if value not in needed]


def _is_made_of_few(value: Node, beside: Node | None = None) -> bool:
    """Whether a few operations on what is in memory, and on ``beside``, give it: a running total,
    say."""
    seen = {value}
    todo = [value] if value is not beside else []
    while todo and len(seen) <= FEW:
        for source in cache.unrealised_sources(todo.pop()):
            if source not in seen and source is not beside:
                seen.add(source)
                todo.append(source)
    return not todo and len(seen) <= FEW


def _realize_apart(tensors: Sequence[Handle], problem: Exception) -> None:
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


def _independent(tensors: Sequence[Handle]) -> list[list[Handle]]:
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
    groups: dict[Node, list[Handle]] = {}
    for tensor, root in zip(tensors, roots, strict=True):
        groups.setdefault(top(root), []).append(tensor)
    return list(groups.values())


def settle(tensor: Handle) -> None:
    """After its value is there, a handle without history holds the memory alone: the graph that
    led to it can go. One with history keeps its node, on which the value hangs."""
    current = tensor._node
    value = value_node(current)
    if value.op is ops.BUFFER or value.value is None:
        return
    leaf = result_leaf(value.value)
    if current.op is ops.VARIABLE or not current.tracked:
        tensor._node = as_before(current, leaf)


# -- rebinding -----------------------------------------------------------------------------------


def rebind(tensor: Handle, value: Node) -> None:
    """Bind a handle to ``value`` in the handle's dtype, on its device, and all that show the same
    memory to what they then show. A leaf that requires a gradient keeps its identity and takes the
    detached value."""
    before = current_node(tensor)
    value = copy_to(cast(value, before.dtype), before.device)
    if tensor._alias is None:
        _rebind(tensor, before, value)
        return
    (whole, value), *parts = aliases.written(tensor, value)
    _rebind(whole, current_node(whole), value)
    for part, shown in parts:
        bind(part, _as_before(current_node(part), shown))


def _as_before(before: Node, value: Node) -> Node:
    return as_before(before, detached(value) if before.op is ops.VARIABLE else value)


def _rebind(tensor: Handle, before: Node, value: Node) -> None:
    if ambient.trace is not None:
        bind(tensor, _as_before(before, value))
        return
    new = _as_before(before, value)
    if waiting.is_rebound(tensor) and not _is_made_of_few(value_node(new), value_node(before)):
        realize((tensor,))  # the step before is complete: it is one plan, of all its parts
    bind(tensor, new)
    wait_for(tensor, before)


def wait_for(tensor: Handle, before: Node) -> None:
    """A handle was rebound: its value is computed with the next one that is asked for."""
    value = value_node(tensor._node)
    if value.tracked:
        return
    if buffer.is_realised(value):
        waiting.drop((tensor,))
    elif waiting.rebind(tensor, before):
        realize((tensor,))  # rebound twice and never read: it must not pile up
