"""Objects by what they are, each for as long as somebody holds it.

As ``weakref.WeakValueDictionary``, which takes three times as long to find that there is none and
to keep a new one: a plan makes tens of thousands of nodes.
"""

from __future__ import annotations

from collections.abc import Hashable
from typing import TypeVar
from weakref import ref

from lazygrad.locks import interning

T = TypeVar("T")


class Kept(ref[T]):
    """A reference that knows under which key it is found."""

    __slots__ = ("key",)

    key: Hashable


class Interned(dict[Hashable, Kept[T]]):
    """References, by key. Whoever changes it holds ``interning``; what goes away meanwhile, in
    another thread, is forgotten with the next that does."""

    def __init__(self) -> None:
        self._gone: list[Kept[T]] = []

    def put(self, key: Hashable, made: T) -> T:
        """``made``, to be found from now on, or what is found already."""
        kept = Kept(made, self._forget)
        kept.key = key
        with interning:
            before = self.setdefault(key, kept)
            if before is not kept:
                found = before()
                if found is not None:
                    return found
                self[key] = kept
        return made

    def put_again(self, key: Hashable, made: T) -> None:
        """``made`` is found from now on, whatever was found before."""
        kept = Kept(made, self._forget)
        kept.key = key
        with interning:
            self[key] = kept

    def _forget(self, gone: Kept[T]) -> None:
        """Called wherever an object goes, so it never waits."""
        self._gone.append(gone)
        if interning.acquire(blocking=False):
            try:
                while self._gone:
                    last = self._gone.pop()
                    if self.get(last.key) is last:
                        del self[last.key]
            finally:
                interning.release()
