"""Reverse mode: the graph of outputs becomes the graph of their derivatives."""

from __future__ import annotations

from collections.abc import Sequence

from lazygrad import ops
from lazygrad.autodiff.batch import batch
from lazygrad.autodiff.path import Path, check_like, groups, label, path_between
from lazygrad.autodiff.rules import JOINT, RULES
from lazygrad.graph import Node, const
from lazygrad.lang.elementwise import add


def vjp(
    outputs: Sequence[Node], cotangents: Sequence[Node], inputs: Sequence[Node]
) -> list[Node | None]:
    """Pull ``cotangents`` of ``outputs`` back to ``inputs``, which may be any nodes of the graph.

    Returns:
        For each input the derivative of ``sum(sum(out * cot))``, of the input's shape and dtype;
        None where no output depends on it. The work is linear in the nodes between.

    Raises:
        ShapeError, DtypeError: a cotangent that is not like its output.
    """
    path = path_between(outputs, inputs)
    pending: dict[Node, list[Node]] = {}
    for output, cotangent in zip(outputs, cotangents, strict=True):
        check_like("vjp", "cotangent", cotangent, output)
        if output in path:
            _contribute(pending, output, cotangent)
    wanted = set(inputs)
    found: dict[Node, Node] = {}
    for group in reversed(groups(path)):
        totals = {current: _total(pending.pop(current)) for current in group if current in pending}
        for current, total in totals.items():
            label(total, current, "_backward")
            if current in wanted:
                found[current] = total
        _pull_back(totals, path, pending)
    return [_derivative(current, found, path) for current in inputs]


def _pull_back(totals: dict[Node, Node], path: Path, pending: dict[Node, list[Node]]) -> None:
    """Hand the cotangents of a node, or of results of one call, on to its operands."""
    indices = sorted({index for current in totals for index in path[current]})
    if not indices:
        return
    current, total = next(iter(totals.items()))
    joint = JOINT.get(current.op)
    if joint is not None:
        parts = joint.pull(totals, indices, vjp, batch)
    else:
        rule = RULES[current.op]
        parts = {index: rule.vjp(total, current, index) for index in indices}
    for index, part in parts.items():
        label(part, current, "_backward")
        _contribute(pending, current.src[index], part)


def _contribute(pending: dict[Node, list[Node]], target: Node, part: Node) -> None:
    if not (part.op is ops.CONST and part.arg.value == 0):
        pending.setdefault(target, []).append(part)


def _total(parts: list[Node]) -> Node:
    """The sum, added in pairs: as shallow as it can be, and equal parts stay one node."""
    while len(parts) > 1:
        pairs = zip(parts[::2], parts[1::2], strict=False)
        odd = parts[-1:] if len(parts) % 2 else []
        parts = [add(left, right) for left, right in pairs] + odd
    return parts[0]


def _derivative(current: Node, found: dict[Node, Node], path: Path) -> Node | None:
    if current in found:
        return found[current]
    if current in path:  # reached, but every contribution was zero
        return const(0, current.dtype, current.shape, current.device)
    return None
