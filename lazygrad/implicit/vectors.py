"""Containers of tensors as one vector: what solvers work on."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

from lazygrad.bridge import read, wrap
from lazygrad.errors import ArgumentError, DtypeError, ShapeError
from lazygrad.func.steps import Leaves, leaves_of
from lazygrad.functional.joining import cat
from lazygrad.graph import Node
from lazygrad.handle import Handle
from lazygrad.lang.movement import reshape, shrink


class Vector(NamedTuple):
    """A container of tensors, and how it is told to be a vector.

    Attributes:
        name: of the public function, in messages.
        what: it is, in messages.
        leaves: the tensors, which are of one dtype.
    """

    name: str
    what: str
    leaves: Leaves

    @property
    def joined(self) -> Node:
        """All elements, leaf by leaf."""
        return self.of(self.leaves)

    def of(self, leaves: Leaves) -> Node:
        """The elements of a container like this."""
        flat = [reshape(found, (found.size,)) for found in leaves.tensors]
        return flat[0] if len(flat) == 1 else read(cat([wrap(part) for part in flat]))

    def apart(self, vector: Any) -> Any:
        """The container that has the elements of a vector, or of rows of them behind each other."""
        whole = read(vector)
        rows, start, parts = whole.shape[:-1], 0, []
        for found in self.leaves.tensors:
            end = start + found.size
            bounds = [*((0, size) for size in rows), (start, end)]
            parts.append(wrap(reshape(shrink(whole, bounds), (*rows, *found.shape)), self.name))
            start = end
        return self.leaves.put(iter(parts))

    def function(self, f: Callable[..., Any], *args: Any) -> Callable[[Handle], Handle]:
        """``f(container, *args)``, which returns one like it, as a function of vectors."""

        def of_vector(vector: Handle) -> Handle:
            return wrap(self.like(f(self.apart(vector), *args)), self.name)

        return of_vector

    def like(self, tree: Any) -> Node:
        """What a function returned, as a vector.

        Raises:
            ArgumentError, ShapeError, DtypeError: if it is not like the container.
        """
        found = leaves_of(self.name, "what the function returns", tree)
        pairs = list(zip(found.tensors, self.leaves.tensors, strict=False))
        if found.spec != self.leaves.spec or len(pairs) != len(self.leaves.tensors):
            raise ArgumentError(
                f"[{self.name}] the function must return a container like {self.what}"
            )
        for made, like in pairs:
            if made.shape != like.shape:
                raise ShapeError(
                    f"[{self.name}] the function returns shape {made.shape} where {self.what} has "
                    f"{like.shape}"
                )
            if made.dtype is not like.dtype:
                raise DtypeError(
                    f"[{self.name}] the function returns {made.dtype.name} where {self.what} is "
                    f"{like.dtype.name}; cast one of them"
                )
        return self.of(found)


def vector_of(name: str, what: str, tree: Any) -> Vector:
    """A container of tensors of one float dtype.

    Raises:
        ArgumentError: if there is no tensor in it.
        DtypeError: for other dtypes, or several.
    """
    leaves = leaves_of(name, what, tree)
    dtypes = {found.dtype for found in leaves.tensors}
    if not dtypes:
        raise ArgumentError(f"[{name}] {what} has no tensor")
    if len(dtypes) > 1 or not next(iter(dtypes)).is_floating_point:
        listed = ", ".join(sorted(dtype.name for dtype in dtypes))
        raise DtypeError(f"[{name}] {what} must be of one float dtype, got {listed}; cast it")
    return Vector(name, what, leaves)
