"""Realising handles, and binding them to other values."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from lazygrad import lang, modes, ops
from lazygrad.graph import Node, node
from lazygrad.runtime import cache, executor

if TYPE_CHECKING:
    from lazygrad.tensor import Tensor


def value_node(value: Node) -> Node:
    """The value of a leaf that requires a gradient; other nodes are their own."""
    return value.src[0] if value.op is ops.VARIABLE else value


def realize(tensors: Sequence[Tensor]) -> None:
    """Computes values, and state that waits on the same devices, in one plan a device."""
    devices = {tensor._node.device for tensor in tensors}
    waiting = [tensor for tensor in modes.pending() if tensor._node.device in devices]
    handles = [*tensors, *waiting] if waiting else tensors
    executor.realize([value_node(tensor._node) for tensor in handles])
    for tensor in handles:
        settle(tensor)


def settle(tensor: Tensor) -> None:
    """After its value is there, a handle without history holds the memory alone: the graph that
    led to it can go. One with history keeps its node, on which the value hangs."""
    current = tensor._node
    value = value_node(current)
    modes.drop_pending(tensor)
    if value.op is ops.BUFFER:
        return
    leaf = node(ops.BUFFER, (), executor.value_of(value))
    if current.op is ops.VARIABLE:
        tensor._node = node(ops.VARIABLE, (leaf,), current.arg)
    elif not current.tracked:
        tensor._node = leaf


def rebind(tensor: Tensor, value: Node) -> None:
    """Bind a handle to ``value`` in the handle's dtype, on its device. A leaf that requires a
    gradient keeps its identity and takes the detached value."""
    current = tensor._node
    value = lang.copy_to(lang.cast(value, current.dtype), current.device)
    if modes.trace is not None:
        modes.trace.write(tensor)
        current = tensor._node
    if current.op is ops.VARIABLE:
        tensor._node = node(ops.VARIABLE, (lang.without_history(value),), current.arg)
    else:
        tensor._node = value
    if modes.trace is not None or value.tracked:
        return
    if cache.is_realised(value):
        modes.drop_pending(tensor)
    elif modes.add_pending(tensor):
        realize((tensor,))  # rebound twice and never read: it must not pile up
