"""What the steps of a loop add to the cotangent of a constant, in one sum instead of step by step.

The gradient of a weight is a sum of products over samples, in each step. What is multiplied is
stacked where that moves less memory than a total of the weight's size that each step reads and
writes; then one product sums over samples and steps.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import NamedTuple

from lazygrad import ops
from lazygrad.graph import Node, node
from lazygrad.lang.loops import rebuilt
from lazygrad.lang.movement import reshape
from lazygrad.ops import Kind

Batching = Callable[[Sequence[Node], Sequence[Node], Sequence[Node], int], list[Node | None]]


class Totals(NamedTuple):
    """How the ``parts`` that steps add are summed up.

    Attributes:
        at_once: those that are summed in the end, by the number of their constant.
        sums: the sums over samples that these are views of, or add up.
        stacked: the values of the body that these are made of.
    """

    at_once: dict[int, Node]
    sums: tuple[Node, ...]
    stacked: tuple[Node, ...]

    def found(
        self,
        values: Mapping[Node, Node],
        constants: Mapping[Node, Node],
        length: int,
        batch: Batching,
    ) -> dict[int, Node]:
        """The totals, given all steps of what is stacked, and what constants of the body are."""
        leaves = list(self.stacked)
        inside = rebuilt(self.sums, {**constants, **{leaf: leaf for leaf in leaves}})
        made = [inside[value] for value in self.sums]
        steps = batch(made, leaves, [values[leaf] for leaf in leaves], length)
        over_all = {s: _over_all(step) for s, step in zip(self.sums, steps, strict=True) if step}
        whole = rebuilt([*self.at_once.values()], over_all)
        return {number: whole[part] for number, part in self.at_once.items()}


def totals(parts: Mapping[int, Node], given: Iterable[Node], constants: Iterable[Node]) -> Totals:
    """Which of ``parts`` are summed in the end; ``given`` are values of the body that are stacked
    anyway, and ``constants`` its leaves that are the same in each step."""
    known, fixed = set(given), set(constants)
    at_once: dict[int, Node] = {}
    sums: dict[Node, None] = {}
    stacked: dict[Node, None] = {}
    for number, part in sorted(parts.items(), key=lambda row: -_nbytes(row[1])):
        moving = {s: [f for f in _factors(s) if f not in fixed] for s in _sums(part)}
        if not moving or not all(moving.values()):
            continue
        factors = dict.fromkeys(factor for each in moving.values() for factor in each)
        new = [factor for factor in factors if factor not in known]
        if sum(map(_nbytes, new)) <= 2 * _nbytes(part):
            at_once[number] = part
            known.update(new)
            sums |= dict.fromkeys(moving)
            stacked |= factors
    return Totals(at_once, tuple(sums), tuple(stacked))


def _sums(part: Node) -> list[Node]:
    """The sums that ``part`` is a view of, or adds up; none if it is made of anything else."""
    found: dict[Node, None] = {}
    todo = [part]
    while todo:
        value = todo.pop()
        if value.op is ops.SUM:
            found[value] = None
        elif value.op.kind is Kind.MOVEMENT or value.op in (ops.CAST, ops.ADD):
            todo += value.src
        else:
            return []
    return list(found)


def _factors(value: Node) -> dict[Node, None]:
    """What is multiplied in a sum."""
    found: dict[Node, None] = {}
    todo = list(value.src)
    while todo:
        value = todo.pop()
        if value.op.kind is Kind.MOVEMENT or value.op in (ops.CAST, ops.MUL):
            todo += value.src
        elif value.op is not ops.CONST:
            found[value] = None
    return found


def _over_all(step: Node) -> Node:
    """A sum of many steps, which lie along its first dim, as one sum over them too."""
    total = node(ops.SUM, step.src, (0, *step.arg))
    return reshape(total, step.shape[1:])


def _nbytes(value: Node) -> int:
    return value.size * value.dtype.itemsize
