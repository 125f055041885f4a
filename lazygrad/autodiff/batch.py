"""Batching: the graph of one sample becomes the graph of many, which lie along a new first dim.

One rule an op: what the op is on operands that have the new dim in front. Only what depends on an
input is batched. An operand that does not is repeated for an op that combines it with one that
does, which is a view and no work; where the op can share it as it is, it is not even that.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from lazygrad import ops
from lazygrad.autodiff import custom, loops
from lazygrad.autodiff.path import label
from lazygrad.graph import Node, node, toposort
from lazygrad.lang.movement import broadcast_to, movedim, reshape
from lazygrad.ops import Op, Scatter, Shear
from lazygrad.shape import Shape

Operands = Sequence[Node | None]  # each with the new dim in front; None: it has none
Rule = Callable[[Node, Operands, int], Node]  # (node of one sample, operands, samples) -> Node


def batch(
    outputs: Sequence[Node], inputs: Sequence[Node], values: Sequence[Node], size: int
) -> list[Node | None]:
    """``outputs`` with ``values`` in the place of ``inputs``, which may be any nodes of the graph.

    Args:
        values: for each input its ``size`` samples along a new first dim.

    Returns:
        For each output its samples along a new first dim; None where it depends on no input.
    """
    batched = dict(zip(inputs, values, strict=True))
    for current in toposort(
        outputs, lambda n: () if n in batched or n.value is not None else n.src
    ):
        operands = [batched.get(operand) for operand in current.src]
        if current not in batched and any(operand is not None for operand in operands):
            made = RULES[current.op](current, operands, size)
            label(made, current, "")
            batched[current] = made
    return [batched.get(output) for output in outputs]


def repeated(x: Node, size: int) -> Node:
    """``size`` times the same sample."""
    shape = (size, *x.shape)
    if x.op is ops.CONST:  # what reads constants need not look through views
        return node(ops.CONST, (), x.arg._replace(shape=shape))
    return broadcast_to(x, shape)


def _complete(one: Node, operands: Operands, size: int) -> tuple[Node, ...]:
    """The operands, those without the new dim repeated along it."""
    pairs = zip(operands, one.src, strict=True)
    return tuple(repeated(x, size) if b is None else b for b, x in pairs)


# -- rules ---------------------------------------------------------------------------------------


def _moved(argument: Callable[[Any, int], Any] = lambda arg, size: arg) -> Rule:
    """The same op on all operands; ``argument`` speaks of dims that have moved by one."""

    def rule(one: Node, operands: Operands, size: int) -> Node:
        return node(one.op, _complete(one, operands, size), argument(one.arg, size))

    return rule


def _axes(arg: Shape, size: int) -> Shape:
    return tuple(axis + 1 for axis in arg)


def _shape(arg: Shape, size: int) -> Shape:
    return (size, *arg)


def _shear(arg: Shear, size: int) -> Shear:
    return arg._replace(axis=arg.axis + 1, by=arg.by + 1)


def _scatter(arg: Scatter, size: int) -> Scatter:
    return arg._replace(axis=arg.axis + 1)


def _gather(one: Node, operands: Operands, size: int) -> Node:
    """One table for all samples is read where it lies: their indices follow one another."""
    table, index = operands
    axis = one.arg
    if table is not None or index is None:
        return node(ops.GATHER, _complete(one, operands, size), axis + 1)
    apart = movedim(index, 0, axis)  # (.., samples, indices, ..)
    before, after = apart.shape[:axis], apart.shape[axis + 2 :]
    joined = reshape(apart, (*before, size * one.shape[axis], *after))
    found = node(ops.GATHER, (one.src[0], joined), axis)
    return movedim(reshape(found, apart.shape), axis, 0)


def _call(one: Node, operands: Operands, size: int) -> Node:
    """Routines take stacks. Equations that share their matrix are one system of more columns."""
    if one.arg.routine in SHARED_MATRIX and operands[0] is None:
        return _columns(one, operands[1], size)
    return node(ops.CALL, _complete(one, operands, size), one.arg)


SHARED_MATRIX = ("solve", "solve_triangular")


def _columns(one: Node, sides: Any, size: int) -> Node:
    apart = movedim(sides, 0, -2)  # (.., rows, samples, columns)
    joined = reshape(apart, (*one.shape[:-1], size * one.shape[-1]))
    solved = node(ops.CALL, (one.src[0], joined), one.arg)
    return movedim(reshape(solved, apart.shape), -2, 0)


def _loop(one: Node, operands: Operands, size: int) -> Node:
    return loops.batched(one, operands, size, batch)


# -- the table -----------------------------------------------------------------------------------

_same = _moved()

RULES: Mapping[Op, Rule] = {
    **dict.fromkeys(ops.ELEMENTWISE, _same),
    ops.SUM: _moved(_axes),
    ops.REDUCE_MAX: _moved(_axes),
    ops.RESHAPE: _moved(_shape),
    ops.PERMUTE: _moved(lambda arg, size: (0, *_axes(arg, size))),
    ops.EXPAND: _moved(_shape),
    ops.PAD: _moved(lambda arg, size: ((0, 0), *arg)),
    ops.SHRINK: _moved(lambda arg, size: ((0, size), *arg)),
    ops.FLIP: _moved(_axes),
    ops.SHEAR: _moved(_shear),
    ops.JOIN: _moved(lambda arg, size: arg + 1),
    ops.GATHER: _gather,
    ops.SCATTER: _moved(_scatter),
    ops.CALL: _call,
    ops.LOOP: _loop,
    ops.CONTIGUOUS: _same,
    ops.COPY: _same,
    ops.VARIABLE: _same,
    ops.DETACH: _same,
    ops.SURROGATE: _same,
    ops.SLOPE: _same,
    ops.CUSTOM: custom.batched,
}

NO_RULE: Mapping[Op, str] = {
    ops.CONST: "a leaf: the same for each sample",
    ops.IOTA: "a leaf: the same for each sample",
    ops.BUFFER: "a leaf: an input, or the same for each sample",
}
