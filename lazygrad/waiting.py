"""Handles whose values are computed with the next value that is asked for, thread by thread.

Two kinds wait. **What was rebound** (parameters, running statistics, gradients): nobody may ever
read it, and it must neither be lost nor pile up. **What lingers** (``Node.lingers``): it hangs on a
history that it is no part of (``loss.detach()``, a gradient), or goes on from step to step (a
running total), and as long as it has no value of its own, it keeps everything alive that led to it.
Small values that are made of what an earlier plan computed go on in this way, too.

If what waits cannot be computed, handles that were rebound go back to what they were.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Container, Iterable, Sequence
from typing import NamedTuple
from weakref import ref

from lazygrad.graph import Node
from lazygrad.handle import Handle

SPARSE = 1024  # references to handles that may be gone already, before they are looked through


class Rebound(NamedTuple):
    """A handle that waits, how it gets back to what it was, and what it was bound to."""

    handle: ref[Handle]
    undo: Callable[[], None]
    before: Node | None = None


class Waiting(threading.local):
    """What waits on this thread: what was ``rebound``, by the identity of the handle, and what is
    ``kept``."""

    def __init__(self) -> None:
        self.rebound: dict[int, Rebound] = {}
        self.kept: list[ref[Handle]] = []
        self._limit = SPARSE

    def __bool__(self) -> bool:
        return bool(self.rebound or self.kept)

    def keep(self, tensor: Handle) -> None:
        """To be computed with the next value, if the handle is still there then."""
        self.kept.append(ref(tensor))
        if len(self.kept) > self._limit:
            self.kept = [reference for reference in self.kept if reference() is not None]
            self._limit = max(SPARSE, 2 * len(self.kept))

    def rebind(self, tensor: Handle, before: Node) -> bool:
        """A handle was rebound, from ``before``; returns whether it was waiting already."""
        own = ref(tensor)

        def undo() -> None:
            handle = own()
            if handle is not None:
                handle._node = before

        return self._add(tensor, undo, before)

    def is_rebound(self, tensor: Handle) -> bool:
        """Whether a handle waits because it was rebound."""
        return id(tensor) in self.rebound

    def gradient(self, owner: Handle, grad: Handle, before: Handle | None) -> None:
        """``grad`` became the gradient of ``owner``, instead of ``before``."""
        own, new = ref(owner), ref(grad)

        def undo() -> None:
            handle = own()
            if handle is not None and handle._grad is new():
                handle._grad = before

        self._add(grad, undo)

    def before(self, tensor: Handle) -> Node | None:
        """What a handle was bound to that was rebound since."""
        row = self.rebound.get(id(tensor))
        return row and row.before

    def _add(self, tensor: Handle, undo: Callable[[], None], before: Node | None = None) -> bool:
        key, rebound = id(tensor), self.rebound
        if key in rebound:
            return True
        rebound[key] = Rebound(ref(tensor, lambda _: rebound.pop(key, None)), undo, before)
        return False

    def handles(self, devices: Container[str]) -> list[Handle]:
        """Those that wait on ``devices``, each once."""
        found: dict[int, Handle] = {}
        for reference in [*[row.handle for row in list(self.rebound.values())], *self.kept]:
            tensor = reference()
            if tensor is not None and tensor._node.device in devices:
                found[id(tensor)] = tensor
        return list(found.values())

    def others(self, tensors: Sequence[Handle]) -> list[Handle]:
        """What waits on the devices of ``tensors`` beside these."""
        found = self.handles({tensor._node.device for tensor in tensors})
        asked = {id(tensor) for tensor in tensors}
        return [tensor for tensor in found if id(tensor) not in asked]

    def drop(self, tensors: Iterable[Handle]) -> None:
        """They wait no longer."""
        dropped = {id(tensor) for tensor in tensors}
        for key in dropped:
            self.rebound.pop(key, None)
        self.kept = [
            reference
            for reference in self.kept
            if (tensor := reference()) is not None and id(tensor) not in dropped
        ]

    def give_up(self, tensors: Iterable[Handle]) -> None:
        """They cannot be computed: what was rebound goes back, and none waits any longer."""
        listed = list(tensors)
        rows = [self.rebound.get(id(tensor)) for tensor in listed]
        self.drop(listed)
        for row in rows:
            if row is not None:
                row.undo()


waiting = Waiting()
