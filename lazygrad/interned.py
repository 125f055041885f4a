"""Objects by what they are, each for as long as somebody holds it.

As ``weakref.WeakValueDictionary``, which takes three times as long to find that there is none and
to keep a new one: a plan makes tens of thousands of nodes.
"""

from __future__ import annotations

from collections.abc import Hashable
from typing import Generic, TypeVar
from weakref import ref

from lazygrad.locks import interning

T = TypeVar("T")


class _Kept(ref[T]):
    """A reference that knows under which key it is found."""

    __slots__ = ("key",)

    key: Hashable


class Interned(Generic[T]):
    """Whoever changes it holds ``interning``; what goes away meanwhile, in another thread, is
    forgotten with the next that does."""

    def __init__(self) -> None:
        self._kept: dict[Hashable, _Kept[T]] = {}
        self._gone: list[_Kept[T]] = []

    def __len__(self) -> int:
        return len(self._kept)

    def get(self, key: Hashable) -> T | None:
        kept = self._kept.get(key)
        return None if kept is None else kept()

    def put(self, key: Hashable, made: T) -> T:
        """``made``, to be found from now on, or what is found already."""
        kept = _Kept(made, self._forget)
        kept.key = key
        with interning:
            before = self._kept.setdefault(key, kept)
            if before is not kept:
                found = before()
                if found is not None:
                    return found
                self._kept[key] = kept
        return made

    def put_again(self, key: Hashable, made: T) -> None:
        """``made`` is found from now on, whatever was found before."""
        self.drop(key)
        self.put(key, made)

    def drop(self, key: Hashable) -> None:
        with interning:
            self._kept.pop(key, None)

    def _forget(self, gone: _Kept[T]) -> None:
        """Called wherever an object goes, so it never waits."""
        self._gone.append(gone)
        if interning.acquire(blocking=False):
            try:
                while self._gone:
                    last = self._gone.pop()
                    if self._kept.get(last.key) is last:
                        del self._kept[last.key]
            finally:
                interning.release()
