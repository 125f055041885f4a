"""Whose the gradients of leaves are: of a handle, or of what a leaf stands for in a transform."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from lazygrad import ops
from lazygrad.autodiff.rules import differentiable_operands
from lazygrad.bridge import StandIn, variables
from lazygrad.errors import GradError
from lazygrad.graph import Node, toposort


def is_owned(leaf: Node) -> bool:
    """Whether a gradient of a leaf is one of a tensor that somebody holds."""
    return not isinstance(leaf.arg, StandIn) and leaf.arg in variables


def lost(leaf: Node) -> GradError:
    """The error for a gradient that belongs to what ``leaf`` stands for."""
    return GradError(
        f"[backward] the gradient of a {leaf.dtype.name} tensor of shape {leaf.shape} would be "
        f"lost: it is what {leaf.arg.name} gives to its function, and stands for something else; "
        "use lazygrad.grad(output, input) or func.grad, or detach() it where it needs none"
    )


def leaves_below(roots: Iterable[Node]) -> list[Node]:
    """The leaves that ``roots`` depend on, as the code sees it that runs now: what a leaf stands
    for inside of a transform has no part in that."""

    def below(current: Node) -> list[Node]:
        if current.op is ops.VARIABLE:
            return []
        operands = [current.src[index] for index in differentiable_operands(current)]
        return [operand for operand in operands if operand.tracked]

    return [found for found in toposort(roots, below) if found.op is ops.VARIABLE]


def through(roots: Iterable[Node]) -> Iterator[Node]:
    """The leaves that ``roots`` depend on, and those that what they stand for depends on."""
    for leaf in leaves_below(roots):
        yield leaf
        if isinstance(leaf.arg, StandIn):
            yield from through([leaf.arg.of])
