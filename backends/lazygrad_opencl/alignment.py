"""Which vectors start at a multiple of their length: GPUs load those at once, others element by
element. Memory itself starts at one; OpenCL promises more than the longest vector."""

from __future__ import annotations

from math import gcd

from lazygrad.plugin import nest


class Multiples:
    """What the integers and pointers of a nest are known to be multiples of, in elements."""

    def __init__(self) -> None:
        self._known: dict[str, int] = {}

    def integer(self, s: nest.Int) -> None:
        self._known[s.name] = self._of_sum(s.value)

    def pointer(self, s: nest.Pointer) -> None:
        self._known[s.name] = self._of_place(s.place)

    def loop(self, s: nest.Loop) -> None:
        self._known[s.name] = gcd(self._of_sum(s.start), s.step)

    def is_aligned(self, place: nest.Place, lanes: int) -> bool:
        return self._of_place(place) % lanes == 0

    def _of_place(self, place: nest.Place) -> int:
        start = self._known.get(place.pointer, 1) if place.pointer else 0
        return gcd(start, self._of_sum(place.offset))

    def _of_sum(self, total: nest.Sum) -> int:
        """0 for what is always zero: that is a multiple of everything."""
        return gcd(total.const, *(c * self._known.get(name, 1) for name, c in total.terms))
