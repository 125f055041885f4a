"""Forward mode: tangents of inputs become tangents of outputs."""

from __future__ import annotations

from collections.abc import Sequence

from lazygrad import lang
from lazygrad.autodiff.path import check_like, label, path_between
from lazygrad.autodiff.rules import RULES
from lazygrad.graph import Node


def jvp(
    outputs: Sequence[Node], inputs: Sequence[Node], tangents: Sequence[Node]
) -> list[Node | None]:
    """Push ``tangents`` of ``inputs``, which may be any nodes of the graph, on to ``outputs``.

    An input counts as independent of the other inputs, even if it was computed from one.

    Returns:
        For each output its directional derivative, of its shape and dtype; None where it depends
        on no input.

    Raises:
        ShapeError, DtypeError: a tangent that is not like its input.
    """
    moving: dict[Node, Node] = {}
    for current, tangent in zip(inputs, tangents, strict=True):
        check_like("jvp", "tangent", tangent, current)
        moving[current] = lang.add(moving[current], tangent) if current in moving else tangent
    for current, indices in path_between(outputs, inputs).items():
        if current not in moving:
            moving[current] = _push_forward(current, indices, moving)
    return [moving.get(output) for output in outputs]


def _push_forward(current: Node, indices: list[int], moving: dict[Node, Node]) -> Node:
    """The tangent of ``current``: the sum over its operands ``indices``."""
    rule = RULES[current.op]
    tangents = [moving[current.src[index]] for index in indices]
    parts = [rule.jvp(t, current, index) for t, index in zip(tangents, indices, strict=True)]
    total = parts[0]
    for part in parts[1:]:
        total = lang.add(total, part)
    label(total, current, "_forward")
    return total
