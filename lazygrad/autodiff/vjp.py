"""Reverse mode: the graph of outputs becomes the graph of their derivatives."""

from __future__ import annotations

from collections.abc import Sequence

from lazygrad import lang, ops
from lazygrad.autodiff.path import Path, check_like, label, path_between
from lazygrad.autodiff.rules import RULES
from lazygrad.graph import Node, const


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
    for current in reversed(path):
        parts = pending.pop(current, None)
        if parts is None:
            continue
        total = _total(parts)
        label(total, current, "_backward")
        if current in wanted:
            found[current] = total
        if path[current]:
            _pull_back(current, total, path[current], pending)
    return [_derivative(current, found, path) for current in inputs]


def _pull_back(
    current: Node, total: Node, indices: list[int], pending: dict[Node, list[Node]]
) -> None:
    """Hand the cotangent of ``current`` on to its operands ``indices``."""
    rule = RULES[current.op]
    for index in indices:
        part = rule.vjp(total, current, index)
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
        parts = [lang.add(left, right) for left, right in pairs] + odd
    return parts[0]


def _derivative(current: Node, found: dict[Node, Node], path: Path) -> Node | None:
    if current in found:
        return found[current]
    if current in path:  # reached, but every contribution was zero
        return const(0, current.dtype, current.shape, current.device)
    return None
