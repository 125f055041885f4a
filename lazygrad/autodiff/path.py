"""Which nodes a derivative visits: those between the inputs and the outputs, and no others."""

from __future__ import annotations

from collections.abc import Sequence

from lazygrad.autodiff.rules import JOINT, differentiable_operands
from lazygrad.errors import DtypeError, ShapeError
from lazygrad.graph import Node, Origin, call_of, set_origin, together, toposort

Path = dict[Node, list[int]]  # node -> the indices of its operands that are on the path too


def path_between(outputs: Sequence[Node], inputs: Sequence[Node]) -> Path:
    """The nodes on a differentiable path from ``inputs`` to ``outputs``, sources first.

    Inputs that an output is reachable from are part of it. The results of a call follow each other.
    """
    # Whatever is not tracked has no VARIABLE below it: where inputs are tracked, skip it.
    only_tracked = all(current.tracked for current in inputs)
    candidates: Path = {}

    def below(current: Node) -> list[Node]:
        indices = differentiable_operands(current)
        if only_tracked:
            indices = [index for index in indices if current.src[index].tracked]
        candidates[current] = indices
        return [current.src[index] for index in indices]

    wanted = set(inputs)
    path: Path = {}
    for current in together(toposort(outputs, below)):
        indices = [index for index in candidates[current] if current.src[index] in path]
        if indices or current in wanted:
            path[current] = indices
    return path


def groups(path: Path) -> list[list[Node]]:
    """The nodes of a path, sources first: one by one, but all results of a call at once."""
    found: list[list[Node]] = []
    for current in path:
        if found and current.op in JOINT and _same(current, found[-1][0]):
            found[-1].append(current)
        else:
            found.append([current])
    return found


def _same(one: Node, other: Node) -> bool:
    return one.op is other.op and call_of(one) == call_of(other)


def check_like(mode: str, what: str, given: Node, target: Node) -> None:
    """A tangent or cotangent must have the shape and dtype of what it belongs to."""
    if given.shape != target.shape:
        raise ShapeError(
            f"[{mode}] a {what} of shape {given.shape} was given for a value of shape "
            f"{target.shape}; they must be equal"
        )
    if given.dtype is not target.dtype:
        raise DtypeError(
            f"[{mode}] a {what} of dtype {given.dtype.name} was given for a value of dtype "
            f"{target.dtype.name}; cast it"
        )


def label(made: Node, current: Node, suffix: str) -> None:
    """Mark what was built to differentiate ``current`` with the user's line of it."""
    origin = current.origin
    if origin is not None and made.origin is None:
        set_origin(made, Origin(origin.label + suffix, origin.filename, origin.line))
