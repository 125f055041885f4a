"""Handles whose values are computed with the next value that is asked for, thread by thread.

Two kinds wait. **What was rebound** (parameters, running statistics, gradients): nobody may ever
read it, and it must neither be lost nor pile up. **What lingers** (``Node.lingers``): it hangs on a
history that it is no part of (``loss.detach()``, a gradient), or goes on from step to step (a
running total), and as long as it has no value of its own, it keeps everything alive that led to it.

If what waits cannot be computed, handles that were rebound go back to what they were.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, NamedTuple
from weakref import ref

if TYPE_CHECKING:
    from lazygrad.graph import Node
    from lazygrad.tensor import Tensor

SPARSE = 1024  # references to handles that may be gone already, before they are looked through


class Rebound(NamedTuple):
    """A handle that waits, and how it gets back to what it was."""

    handle: ref[Tensor]
    undo: Callable[[], None]


class Waiting(threading.local):
    """What waits on this thread."""

    def __init__(self) -> None:
        self._rebound: dict[int, Rebound] = {}
        self._kept: list[ref[Tensor]] = []
        self._limit = SPARSE

    def __bool__(self) -> bool:
        return bool(self._rebound or self._kept)

    def keep(self, tensor: Tensor) -> None:
        """To be computed with the next value, if the handle is still there then."""
        self._kept.append(ref(tensor))
        if len(self._kept) > self._limit:
            self._kept = [reference for reference in self._kept if reference() is not None]
            self._limit = max(SPARSE, 2 * len(self._kept))

    def rebind(self, tensor: Tensor, before: Node) -> bool:
        """A handle was rebound, from ``before``; returns whether it was waiting already."""
        own = ref(tensor)

        def undo() -> None:
            handle = own()
            if handle is not None:
                handle._node = before

        return self._add(tensor, undo)

    def gradient(self, owner: Tensor, grad: Tensor, before: Tensor | None) -> None:
        """``grad`` became the gradient of ``owner``, instead of ``before``."""
        own, new = ref(owner), ref(grad)

        def undo() -> None:
            handle = own()
            if handle is not None and handle._grad is new():
                handle._grad = before

        self._add(grad, undo)

    def _add(self, tensor: Tensor, undo: Callable[[], None]) -> bool:
        key, rebound = id(tensor), self._rebound
        if key in rebound:
            return True
        rebound[key] = Rebound(ref(tensor, lambda _: rebound.pop(key, None)), undo)
        return False

    def handles(self, devices: Iterable[str]) -> list[Tensor]:
        """Those that wait on ``devices``, each once."""
        found: dict[int, Tensor] = {}
        for reference in [*[row.handle for row in list(self._rebound.values())], *self._kept]:
            tensor = reference()
            if tensor is not None and tensor._node.device in devices:
                found[id(tensor)] = tensor
        return list(found.values())

    def drop(self, tensors: Iterable[Tensor]) -> None:
        """They wait no longer."""
        dropped = {id(tensor) for tensor in tensors}
        for key in dropped:
            self._rebound.pop(key, None)
        self._kept = [
            reference
            for reference in self._kept
            if (tensor := reference()) is not None and id(tensor) not in dropped
        ]

    def give_up(self, tensors: Iterable[Tensor]) -> None:
        """They cannot be computed: what was rebound goes back, and none waits any longer."""
        listed = list(tensors)
        rows = [self._rebound.get(id(tensor)) for tensor in listed]
        self.drop(listed)
        for row in rows:
            if row is not None:
                row.undo()


waiting = Waiting()
