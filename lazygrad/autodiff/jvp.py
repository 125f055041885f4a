"""Forward mode: tangents of inputs become tangents of outputs."""

from __future__ import annotations

from collections.abc import Sequence

from lazygrad.autodiff.path import Path, check_like, groups, label, path_between
from lazygrad.autodiff.rules import JOINT, RULES, Joint
from lazygrad.graph import Node
from lazygrad.lang.elementwise import add


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
        moving[current] = add(moving[current], tangent) if current in moving else tangent
    path = path_between(outputs, inputs)
    for group in groups(path):
        todo = [current for current in group if current not in moving]
        if not todo:
            continue
        joint = JOINT.get(todo[0].op)
        if joint is not None:
            moving.update(_push_through(joint, todo, path, moving))
        else:
            for current in todo:
                moving[current] = _push_forward(current, path[current], moving)
    return [moving.get(output) for output in outputs]


def _push_through(
    rule: Joint, results: list[Node], path: Path, moving: dict[Node, Node]
) -> dict[Node, Node]:
    """The tangents of results of a call."""
    indices = sorted({index for result in results for index in path[result]})
    tangents = {index: moving[results[0].src[index]] for index in indices}
    found = dict(zip(results, rule.push(tangents, results, jvp), strict=True))
    for result, tangent in found.items():
        label(tangent, result, "_forward")
    return found


def _push_forward(current: Node, indices: list[int], moving: dict[Node, Node]) -> Node:
    """The tangent of ``current``: the sum over its operands ``indices``."""
    rule = RULES[current.op]
    tangents = [moving[current.src[index]] for index in indices]
    parts = [rule.jvp(t, current, index) for t, index in zip(tangents, indices, strict=True)]
    total = parts[0]
    for part in parts[1:]:
        total = add(total, part)
    label(total, current, "_forward")
    return total
