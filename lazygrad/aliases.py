"""Tensors that show the same memory in PyTorch: a write to one of them is seen by all.

Here each handle has a value of its own, and a write gives new ones to all that show the memory.
A view remembers the movement that made it and what it is a view of; derivatives flow between views
of one *history*, which ``detach()`` leaves.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Container, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from weakref import ref

from lazygrad import ops
from lazygrad.bridge import current_node, detached, read, wrap
from lazygrad.graph import Node, node
from lazygrad.handle import Handle, as_before, value_node
from lazygrad.lang.elementwise import surrogate, where, without_history
from lazygrad.layout import Layout, layout_of
from lazygrad.runtime.cache import Placeholder
from lazygrad.shape import strides_of
from lazygrad.writes import spread

if TYPE_CHECKING:
    from lazygrad.tensor_class import Tensor

FEW = 8  # references to views that may be gone already, before they are looked through


class Storage:
    """What shows one memory; it keeps none of the handles alive."""

    __slots__ = ("_handles", "_limit", "memory")

    def __init__(self, root: Handle) -> None:
        self.memory = Placeholder.like(current_node(root))
        self._handles = [ref(root)]
        self._limit = FEW

    def add(self, handle: Handle) -> None:
        self._handles.append(ref(handle))
        if len(self._handles) > self._limit:
            self._handles = [reference for reference in self._handles if reference() is not None]
            self._limit = max(FEW, 2 * len(self._handles))

    def is_only(self, handle: Handle) -> bool:
        return all(other is handle for other in self.handles())

    def handles(self) -> Iterator[Handle]:
        """Those that are there still."""
        return (handle for reference in self._handles if (handle := reference()) is not None)


@dataclass(slots=True)
class Alias:
    """How a handle shows a storage.

    Attributes:
        above: what it is a view of; None for the tensor that others are views of.
        step: makes its value of the value above, with ``arguments``; ``part`` of several results.
        history: the same for all through which derivatives flow.
    """

    storage: Storage
    history: object
    above: Alias | None = None
    step: Callable[..., Any] = without_history
    arguments: tuple[Any, ...] = ()
    part: int | None = None

    def view(self, memory: Node) -> Node:
        """What it shows of a value of the whole memory."""
        way: list[Alias] = []
        current: Alias | None = self
        while current is not None and current.above is not None:
            way.append(current)
            current = current.above
        for alias in reversed(way):
            made = alias.step(memory, *alias.arguments)
            memory = made if alias.part is None else made[alias.part]
        return memory


# -- making views ----------------------------------------------------------------------------------


def view_of(base: Handle, step: Callable[..., Node], *arguments: Any) -> Tensor:
    """A new handle on ``step(base's node, *arguments)``: it shows a part of what ``base`` does."""
    return _view(sys._getframe(1).f_code.co_name, base, step, arguments)


def _view(
    label: str, base: Handle, step: Callable[..., Node], arguments: tuple[Any, ...]
) -> Tensor:
    shown = wrap(step(read(base), *arguments), label)
    above = alias_of(base)
    _show(shown, Alias(above.storage, above.history, above, step, arguments))
    return shown


def views_of(
    base: Handle, step: Callable[..., Sequence[Node]], *arguments: Any
) -> tuple[Tensor, ...]:
    """As ``view_of``, for a step that makes several."""
    label = sys._getframe(1).f_code.co_name
    found = tuple([wrap(made, label) for made in step(read(base), *arguments)])
    above = alias_of(base)
    for part, shown in enumerate(found):
        _show(shown, Alias(above.storage, above.history, above, step, arguments, part))
    return found


def detached_view(base: Handle) -> Tensor:
    """A handle on what ``base`` shows, without its history."""
    shown = wrap(detached(read(base)), sys._getframe(1).f_code.co_name)
    above = alias_of(base)
    _show(shown, Alias(above.storage, object(), above))
    return shown


def snapshot(base: Handle) -> Tensor:
    """What ``base`` holds now, without its history; later writes leave it as it is."""
    return wrap(detached(read(base)), "detach")


def alias_of(handle: Handle) -> Alias:
    """How a handle shows its memory; of a memory that it alone shows, views are views of it."""
    found = handle._alias
    if found is None or (found.above and found.storage.is_only(handle) and is_contiguous(handle)):
        found = handle._alias = Alias(Storage(handle), object())
    return found


def _show(handle: Handle, alias: Alias) -> None:
    handle._alias = alias
    alias.storage.add(handle)


# -- layout ----------------------------------------------------------------------------------------


def layout(handle: Handle) -> Layout | None:
    """How its elements lie in memory in PyTorch; None where ``view`` made what PyTorch refuses."""
    alias = handle._alias
    if alias is None or alias.above is None:
        return Layout(strides_of(current_node(handle).shape), 0)
    memory = node(ops.BUFFER, (), alias.storage.memory)
    return layout_of(alias.view(memory), memory)


def is_contiguous(handle: Handle) -> bool:
    """Whether its elements lie in row-major order."""
    if handle._alias is None:
        return True
    found = layout(handle)
    return found is not None and found.is_contiguous(current_node(handle).shape)


def view_or_copy(base: Handle, step: Callable[..., Node], *arguments: Any) -> Tensor:
    """As ``view_of``, or a copy where the elements do not lie so."""
    label, alias = sys._getframe(1).f_code.co_name, base._alias
    if alias is not None and alias.above is not None:
        memory = node(ops.BUFFER, (), alias.storage.memory)
        if layout_of(step(alias.view(memory), *arguments), memory) is None:
            return wrap(step(read(base), *arguments), label)
    return _view(label, base, step, arguments)


# -- writing to them -------------------------------------------------------------------------------


def same_history(tensor: Handle) -> Iterator[Handle]:
    """The handles that a recorded write to ``tensor`` is recorded for."""
    if tensor._alias is None:
        return iter((tensor,))
    history = tensor._alias.history
    return (h for h in tensor._alias.storage.handles() if alias_of(h).history is history)


def written(tensor: Handle, value: Node) -> list[tuple[Handle, Node]]:
    """What a write of ``value`` to ``tensor`` gives to each handle that shows the memory, the one
    that shows all of it first, if it is there."""
    alias = tensor._alias
    others = [] if alias is None else [h for h in alias.storage.handles() if h is not tensor]
    if alias is None or not others:
        return [(tensor, value)]
    write = Write(alias, *spread(alias.view, alias.storage.memory, value))
    root = next((handle for handle in others if alias_of(handle).above is None), None)
    if alias.above is None:
        return [(tensor, value), *((h, write.shown(h, value, alias.history)) for h in others)]
    if root is None:
        return [(tensor, value), *((h, write.onto(h)) for h in others)]
    whole, history = write.onto(root), alias_of(root).history
    own = alias.view(whole) if alias.history is history else value
    parts = [(h, write.shown(h, whole, history)) for h in others if h is not root]
    return [(root, whole), (tensor, own), *parts]


def refresh(root: Handle, apart: Container[int]) -> None:
    """Gives what ``root`` holds now to its views, but those whose id is among ``apart``."""
    alias = root._alias
    if alias is None or alias.above is not None:
        return
    if alias.storage.is_only(root):  # nobody else shows its memory now: the next step need not ask
        root._alias = None
        return
    for handle in alias.storage.handles():
        own = handle._alias
        if handle is root or own is None or id(handle) in apart:
            continue
        shown = detached(own.view(value_node(root._node)))
        handle._node = as_before(handle._node, shown)


@dataclass(frozen=True)
class Write:
    """A write through ``alias``: where in the memory (None: everywhere), and what."""

    alias: Alias
    mask: Node | None
    value: Node

    def onto(self, handle: Handle) -> Node:
        """What ``handle`` shows after it, made of what it showed before."""
        alias = alias_of(handle)
        value = alias.view(self.value)
        if self.mask is not None:
            value = where(alias.view(self.mask), value, value_node(current_node(handle)))
        recorded = alias.history is self.alias.history
        return value if recorded else _with_own_history(handle, value)

    def shown(self, handle: Handle, whole: Node, history: object) -> Node:
        """The same, made of the whole memory's value after it, if its ``history`` serves."""
        alias = alias_of(handle)
        if alias.history is history:
            return alias.view(whole)
        if alias.history is self.alias.history:
            return self.onto(handle)
        return _with_own_history(handle, alias.view(whole))


def _with_own_history(handle: Handle, value: Node) -> Node:
    """``value`` alone, and the derivatives that the handle has now."""
    plain, before = detached(value), current_node(handle)
    return surrogate(plain, before) if before.tracked and before.op is not ops.VARIABLE else plain
