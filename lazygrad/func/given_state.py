"""A function while it runs in a state that it is given, instead of its own."""

from __future__ import annotations

from collections.abc import Container
from typing import NamedTuple

from lazygrad import ops
from lazygrad.bridge import StandIn, wrap
from lazygrad.errors import ArgumentError, JitError, WriteError
from lazygrad.generator import Generator
from lazygrad.graph import Node, node
from lazygrad.handle import Handle, as_before, value_node
from lazygrad.lang.elementwise import copy_to
from lazygrad.lang.join import cat
from lazygrad.lang.movement import shrink
from lazygrad.lang.operands import full_like, zeros_like
from lazygrad.modes import Trace
from lazygrad.rewrite import replaced

RANDOM = "random"  # the name of a stream of random numbers in a state


class Bound(NamedTuple):
    """A state: by name, what each value is of, and the value."""

    tensors: dict[str, tuple[Handle, Node]]
    grads: dict[str, tuple[Handle, Node]]
    streams: dict[str, tuple[Generator, Node]]


class Inside(Trace):
    """The function while it runs in a given state: handles that belong to it are what the state
    says, and what they become is the new one."""

    name = "purify"
    has_values = False

    def __init__(self, bound: Bound) -> None:
        super().__init__()
        self.bound = bound
        self._leaves: list[Node] = []  # that handles of the state were bound to
        self._now = {id(t): self._given(t._node, value) for t, value in bound.tensors.values()}
        self._grads: dict[int, Handle | None] = {
            id(owner): wrap(value) for owner, value in bound.grads.values()
        }
        self._drawn = {id(stream): 0 for stream, _ in bound.streams.values()}

    def after(self) -> dict[str, Node]:
        """The new state.

        Raises:
            WriteError: for a gradient that has no place in it.
        """
        tensors, grads, streams = self.bound
        placed = {id(owner) for owner, _ in grads.values()}
        for owned, given in self._grads.items():
            if given is not None and owned not in placed:
                raise self._lost("the gradient of", given)
        found = {name: value_node(self._now[id(tensor)]) for name, (tensor, _) in tensors.items()}
        for name, (owner, value) in grads.items():
            grad = self._grads[id(owner)]
            found[name] = zeros_like(value) if grad is None else self.read(grad)
        for name, (stream, key) in streams.items():
            found[name] = _later(key, self._drawn[id(stream)])
        return found

    def plain(self) -> dict[Node, Node]:
        """What results hold instead of leaves that require a gradient."""
        known: dict[Node, Node] = {}
        for leaf in self._leaves:
            [known[leaf]] = replaced([leaf.src[0]], known)
        return known

    def _given(self, before: Node, value: Node) -> Node:
        """``value`` as what ``before`` was: a leaf if that requires a gradient. If it does not, a
        ``backward()`` inside gives it none, whatever ``value`` requires; it can be written to, so
        that the leaf which says so stands below."""
        if value.tracked and not before.tracked:
            leaf = self._noted(node(ops.VARIABLE, (value,), StandIn(self.name, before)))
            return node(ops.SURROGATE, (leaf, leaf))
        return self._noted(as_before(before, value))

    def _noted(self, value: Node) -> Node:
        if value.op is ops.VARIABLE:
            self._leaves.append(value)
        return value

    # -- what happens to handles -----------------------------------------------------------------

    def read(self, tensor: Handle) -> Node:
        """The node to use for ``tensor``."""
        found = self._now.get(id(tensor))
        return super().read(tensor) if found is None else found

    def current(self, tensor: Handle) -> Node:
        """What ``tensor`` is bound to."""
        found = self._now.get(id(tensor))
        return super().current(tensor) if found is None else found

    def bind(self, tensor: Handle, value: Node) -> None:
        """Rebinds ``tensor``."""
        if id(tensor) in self._now or is_view_of(tensor, self._now):
            self._now[id(tensor)] = self._noted(value)
        else:
            super().bind(tensor, value)

    def read_grad(self, tensor: Handle) -> Handle | None:
        """The ``.grad`` of a handle."""
        known = id(tensor) in self._now or id(tensor) in self._grads
        return self._grads.get(id(tensor)) if known else super().read_grad(tensor)

    def write_grad(self, tensor: Handle, grad: Handle | None) -> None:
        """Sets the ``.grad`` of a handle."""
        if id(tensor) in self._now or id(tensor) in self._grads:
            self._grads[id(tensor)] = grad
        else:
            super().write_grad(tensor, grad)

    def random_key(self, device: str, generator: Generator) -> Node:
        """The next key of the stream."""
        for stream, key in self.bound.streams.values():
            if stream is generator:
                number = self._drawn[id(generator)]
                self._drawn[id(generator)] += 1
                return copy_to(_later(key, number), device)
        raise ArgumentError(
            f"[{self.name}] the function draws random numbers, and the state has no {RANDOM!r}; "
            "call state() with arguments, so that it is found"
        )

    def require_value(self, tensor: Handle) -> None:
        """Raises: another state would have another one."""
        raise JitError(
            f"[{self.name}] the value of a tensor of shape {tensor.shape} is needed inside a pure "
            "function (.item(), .numpy(), bool(), float() ...); use where() to choose by value"
        )

    def _lost(self, what: str, tensor: Handle) -> WriteError:
        held = tensor._node
        return WriteError(
            f"[{self.name}] {what} a {held.dtype.name} tensor of shape {held.shape} has no place "
            "in the state; call state() with arguments for which the function does the same"
        )


def _later(key: Node, count: int) -> Node:
    """The key of the operation ``count`` after that of ``key``."""
    if not count:
        return key
    seed, number = shrink(key, [(0, 2)]), shrink(key, [(2, 3)])
    return cat([seed, node(ops.ADD, (number, full_like(number, count)))], 0)


def is_view_of(tensor: Handle, ids: Container[int]) -> bool:
    """Whether it shows memory of one of those, so that a write to that one writes to it."""
    alias = tensor._alias
    if alias is None or alias.above is None:
        return False
    return any(id(other) in ids for other in alias.storage.handles() if other is not tensor)
