"""Derivatives of NumPy functions by dual numbers, in float64: what the programs should give.

Nothing here is the library's: a derivative is the tangent of a dual number, each of one direction
alone, and a dual number belongs to one call of one transform, which its tag says. Inexact results
are moved by a rounding error in all worlds but the exact one; what differs between worlds is what a
device may compute differently.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

Array = np.ndarray[Any, Any]
Value = Any  # an array, or a Dual
Partial = Callable[..., Value]  # (tangent, result, *operands) -> tangent


class TooDear(Exception):
    """A program of more operations than the oracle has time for."""


@dataclass(frozen=True)
class Dual:
    """A value and how it changes, in the transform with this tag; both may be dual numbers."""

    tag: int
    primal: Value
    tangent: Value


class World:
    """One way in which rounding may fall out.

    Attributes:
        unit: the rounding error of an operation; 0 in the exact world.
        left: how many operations there may be yet.
    """

    def __init__(self, unit: float = 0.0, seed: int = 0, most: int = 1 << 30) -> None:
        self.unit, self.left = unit, most
        self.random = np.random.default_rng(seed)
        self.tags = itertools.count(1)

    def rounded(self, x: Any) -> Array:
        self.left -= 1
        if self.left < 0:
            raise TooDear
        array = np.asarray(x, np.float64)
        if not self.unit:
            return array
        return array * (1 + self.unit * self.random.uniform(-1, 1, array.shape))

    # -- operations --------------------------------------------------------------------------------

    def apply(
        self, function: Callable[..., Any], partials: Sequence[Partial | None], operands: Any
    ) -> Value:
        """``function`` of arrays, on operands that may be dual numbers; ``partials`` take a tangent
        of each operand to that of the result."""
        tag = max((x.tag for x in operands if isinstance(x, Dual)), default=0)
        if not tag:
            return self.rounded(function(*operands))
        primals = [primal(x, tag) for x in operands]
        result = self.apply(function, partials, primals)
        total: Value = None
        for partial, x in zip(partials, operands, strict=True):
            if partial is not None and isinstance(x, Dual) and x.tag == tag:
                part = partial(x.tangent, result, *primals)
                total = part if total is None else self.add(total, part)
        return result if total is None else Dual(tag, result, self.like(total, result))

    def linear(self, function: Callable[[Array], Any], x: Value) -> Value:
        """A function that is its own derivative."""
        return self.apply(function, [lambda t, ans, x: self.linear(function, t)], [x])

    def like(self, tangent: Value, result: Value) -> Value:
        """``tangent`` in the shape of the result: operands may have been broadcast."""
        shape = plain(result).shape
        if plain(tangent).shape == shape:
            return tangent
        return self.linear(lambda t: np.broadcast_to(t, shape), tangent)

    def add(self, x: Value, y: Value) -> Value:
        return self.apply(np.add, [lambda t, *_: t, lambda t, *_: t], [x, y])

    def mul(self, x: Value, y: Value) -> Value:
        by = [lambda t, ans, x, y: self.mul(t, y), lambda t, ans, x, y: self.mul(t, x)]
        return self.apply(np.multiply, by, [x, y])

    def stack(self, values: Sequence[Value], axis: int) -> Value:
        """Each operand alone has a tangent, which stands among zeros."""

        def at(place: int) -> Partial:
            def spread(t: Array) -> Array:
                return np.stack([t if i == place else 0 * t for i in range(len(values))], axis)

            return lambda t, *_: self.linear(spread, t)

        def joined(*arrays: Any) -> Array:
            return np.stack(np.broadcast_arrays(*arrays), axis)

        return self.apply(joined, [at(i) for i in range(len(values))], list(values))

    # -- derivatives -------------------------------------------------------------------------------

    def jvp(self, f: Callable[..., Any], primals: Any, tangents: Any) -> tuple[Any, Any]:
        """The value of a function of arrays in containers, and its change."""
        tag = next(self.tags)
        given = [Dual(tag, x, t) for x, t in zip(primals, tangents, strict=True)]
        found = f(*given)
        return (
            each(lambda x: primal(x, tag), found),
            each(
                lambda x: (
                    x.tangent if isinstance(x, Dual) and x.tag == tag else np.zeros(plain(x).shape)
                ),
                found,
            ),
        )

    def jacobian(self, f: Callable[[Value], Any], x: Value) -> Any:
        """Along each element of the input in turn."""
        shape = plain(x).shape
        columns = []
        for place in range(int(np.prod(shape))):
            direction = np.zeros(shape)
            direction.flat[place] = 1.0
            columns.append(self.jvp(f, (x,), (direction,))[1])

        def joined(*parts: Value) -> Value:
            before = plain(parts[0]).shape
            return self.linear(lambda a: a.reshape((*before, *shape)), self.stack(parts, -1))

        return together(joined, columns)


def primal(x: Value, tag: int) -> Value:
    return x.primal if isinstance(x, Dual) and x.tag == tag else x


def plain(x: Value) -> Any:
    """The array alone."""
    while isinstance(x, Dual):
        x = x.primal
    return np.asarray(x)


def each(function: Callable[[Any], Any], tree: Any) -> Any:
    """Of every leaf of a container."""
    return together(function, [tree])


def together(function: Callable[..., Any], trees: Sequence[Any]) -> Any:
    """``function`` of the leaves of several containers that are alike."""
    first = trees[0]
    if isinstance(first, dict):
        return {key: together(function, [tree[key] for tree in trees]) for key in first}
    if isinstance(first, tuple | list):
        return type(first)(together(function, parts) for parts in zip(*trees, strict=True))
    return None if first is None else function(*trees)
