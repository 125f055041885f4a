"""How each op behaves under differentiation: one row an op, read by every mode.

A rule answers for one operand at a time, so that a derivative nobody needs is never built:
``jvp`` pushes a tangent of operand ``index`` forward to the result, ``vjp`` pulls a cotangent of
the result back to it. Rules are written in ``lang``: derivatives are graphs like any other.

- ``Diagonal``: elementwise ops. The Jacobian is diagonal, so pushing and pulling are the same
  multiplication, and one function an operand serves both modes.
- ``Linear``: ops that are their own derivative; the row holds the transpose.
- ``Selection``: the maximum of a reduction, neither diagonal nor linear.
- ``Joining``: several values one after the other.
- ``Calling``: results of routines.
- ``Gathering`` and ``Scattering``: the transposes of each other, as far as they are linear.

Loops and rules of users answer for all results of a call at once, in ``JOINT``.
An op without a rule stands in ``NO_RULE`` with the reason; a test checks that none is missing.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Protocol

from lazygrad import ops
from lazygrad.autodiff import calls
from lazygrad.autodiff.custom import Ruling
from lazygrad.autodiff.loops import Looping, Mode
from lazygrad.autodiff.totals import Batching
from lazygrad.element_types import FLOAT, accumulator
from lazygrad.graph import Node, node
from lazygrad.lang import reduce
from lazygrad.lang.comparison import eq, lt, ne
from lazygrad.lang.creation import iota
from lazygrad.lang.elementwise import cos, div, maximum, mul, neg, sub, where
from lazygrad.lang.indexing import scatter
from lazygrad.lang.movement import (
    aligned,
    broadcast_to,
    expand,
    flip,
    narrow,
    pad,
    permute,
    reshape,
    shrink,
)
from lazygrad.lang.operands import cast, widened
from lazygrad.ops import Op, Shear
from lazygrad.shape import inverse_permutation

Partial = Callable[..., Node]  # (tangent or cotangent, ans, *src) -> Node


class Rule(Protocol):
    """The derivative of one op."""

    def has_derivative(self, index: int) -> bool:
        """Whether the result varies with operand ``index`` as far as calculus is concerned."""

    def jvp(self, tangent: Node, ans: Node, index: int) -> Node:
        """The tangent of ``ans`` that a tangent of operand ``index`` causes."""

    def vjp(self, cotangent: Node, ans: Node, index: int) -> Node:
        """The cotangent of operand ``index`` that a cotangent of ``ans`` causes."""


class Joint(Protocol):
    """The derivatives of all results of a call at once; ``mode`` takes those of other graphs,
    ``batch`` their samples."""

    def has_derivative(self, index: int) -> bool:
        """Whether a result varies with operand ``index`` as far as calculus is concerned."""

    def push(self, tangents: Mapping[int, Node], results: Sequence[Node], mode: Mode) -> list[Node]:
        """The tangent of each result that ``tangents`` of operands cause."""

    def pull(
        self, cotangents: Mapping[Node, Node], wanted: Sequence[int], mode: Mode, batch: Batching
    ) -> dict[int, Node]:
        """The cotangents of operands ``wanted`` that ``cotangents`` of results cause; none where
        there is none."""


class Diagonal:
    """Elementwise: ``partials[i]`` multiplies by the derivative with respect to operand i; None
    where there is no derivative."""

    def __init__(self, *partials: Partial | None) -> None:
        self.partials = partials

    def has_derivative(self, index: int) -> bool:
        return self.partials[index] is not None

    def jvp(self, tangent: Node, ans: Node, index: int) -> Node:
        partial = self.partials[index]
        return partial(tangent, ans, *ans.src)  # type: ignore[misc]

    vjp = jvp


class Linear:
    """Linear in its one operand: the op is its own jvp, ``transpose(cotangent, ans)`` its vjp."""

    def __init__(self, transpose: Callable[[Node, Node], Node]) -> None:
        self.transpose = transpose

    def has_derivative(self, index: int) -> bool:
        return True

    def jvp(self, tangent: Node, ans: Node, index: int) -> Node:
        return node(ans.op, (tangent,), ans.arg)

    def vjp(self, cotangent: Node, ans: Node, index: int) -> Node:
        return self.transpose(cotangent, ans)


class Selection:
    """REDUCE_MAX: the average over the elements that attain the maximum, as torch.amax.

    If the maximum is NaN no element equals it, and the derivative is 0. Half precision could not
    count the elements: what is counted, and divided by the count, is wide.
    """

    def has_derivative(self, index: int) -> bool:
        return True

    def jvp(self, tangent: Node, ans: Node, index: int) -> Node:
        missed = self._missed(ans)
        chosen = reduce.sum(where(missed, 0.0, widened(tangent)), ans.arg, True)
        return cast(div(chosen, self._ties(missed, ans)), ans.dtype)

    def vjp(self, cotangent: Node, ans: Node, index: int) -> Node:
        missed = self._missed(ans)
        share = div(widened(cotangent), self._ties(missed, ans))
        return where(missed, 0.0, expand(cast(share, ans.dtype), missed.shape))

    @staticmethod
    def _missed(ans: Node) -> Node:
        return ne(ans.src[0], expand(ans, ans.src[0].shape))

    @staticmethod
    def _ties(missed: Node, ans: Node) -> Node:
        attained = cast(ne(missed, True), accumulator(ans.dtype))
        return reduce.sum(attained, ans.arg, True)


class Joining:
    """JOIN: linear in every source, each of which has a part of the result."""

    def has_derivative(self, index: int) -> bool:
        return True

    def jvp(self, tangent: Node, ans: Node, index: int) -> Node:
        start, size = self._part(ans, index)
        rest = ans.shape[ans.arg] - start - size
        around = ((start, rest) if a == ans.arg else (0, 0) for a in range(ans.ndim))
        return pad(tangent, tuple(around))

    def vjp(self, cotangent: Node, ans: Node, index: int) -> Node:
        return narrow(cotangent, ans.arg, *self._part(ans, index))

    @staticmethod
    def _part(ans: Node, index: int) -> tuple[int, int]:
        """Where the part of a source starts, and its length."""
        start = sum(piece.shape[ans.arg] for piece in ans.src[:index])
        return start, ans.src[index].shape[ans.arg]


class Gathering:
    """GATHER: linear in what it reads from. What is scattered back is its transpose."""

    def has_derivative(self, index: int) -> bool:
        return index == 0

    def jvp(self, tangent: Node, ans: Node, index: int) -> Node:
        return node(ops.GATHER, (tangent, ans.src[1]), ans.arg)

    def vjp(self, cotangent: Node, ans: Node, index: int) -> Node:
        table, places = ans.src
        return scatter(places, cotangent, ans.arg, table.shape[ans.arg], ops.ADD)


class Scattering:
    """SCATTER: each result is the sum of what goes there, each element times a share of its own.

    The share is 1 in a sum; 1 of the last element and 0 of the others; equal for all that attain
    a maximum; the product of the others in a product (which is exact where one of them is 0, but
    has no derivative of its own there).
    """

    def has_derivative(self, index: int) -> bool:
        return index == 1

    def jvp(self, tangent: Node, ans: Node, index: int) -> Node:
        part = self._shared(tangent, ans)
        return scatter(ans.src[0], part, ans.arg.axis, ans.arg.size, ops.ADD)

    def vjp(self, cotangent: Node, ans: Node, index: int) -> Node:
        return self._shared(_sent_back(cotangent, ans), ans)

    @staticmethod
    def _shared(change: Node, ans: Node) -> Node:
        """``change`` of each element times its share."""
        return SHARES[ans.arg.combine](change, ans)


class Calling:
    """CALL: each routine has its own, for each of its results, in ``autodiff.calls``."""

    def has_derivative(self, index: int) -> bool:
        return True

    def jvp(self, tangent: Node, ans: Node, index: int) -> Node:
        return calls.push(tangent, ans, index)

    def vjp(self, cotangent: Node, ans: Node, index: int) -> Node:
        return calls.pull(cotangent, ans, index)


def _sent_back(result: Node, ans: Node) -> Node:
    """For each element that was scattered what ``result`` has where it went."""
    return node(ops.GATHER, (result, ans.src[0]), ans.arg.axis)


def _of_the_last(change: Node, ans: Node) -> Node:
    index = ans.src[0]
    axis = ans.arg.axis
    turn = aligned(iota(index.shape[axis], index.device, index.dtype), axis, index.ndim)
    turn = broadcast_to(turn, index.shape)
    last = scatter(index, turn, axis, ans.arg.size, None)
    return where(ne(_sent_back(last, ans), turn), 0.0, change)


def _of_the_largest(change: Node, ans: Node) -> Node:
    index, value = ans.src
    missed = ne(value, _sent_back(ans, ans))
    attained = cast(ne(missed, True), accumulator(ans.dtype))
    ties = scatter(index, attained, ans.arg.axis, ans.arg.size, ops.ADD)
    share = div(widened(change), maximum(_sent_back(ties, ans), 1.0))
    return where(missed, 0.0, cast(share, ans.dtype))


def _of_factors(change: Node, ans: Node) -> Node:
    index, value = ans.src
    axis, size, _ = ans.arg
    zero = eq(value, 0.0)
    zeros = scatter(index, cast(zero, index.dtype), axis, size, ops.ADD)
    other_zeros = sub(_sent_back(zeros, ans), cast(zero, index.dtype))
    factor = where(zero, 1.0, value)
    product = _sent_back(scatter(index, factor, axis, size, ops.MUL), ans)
    others = where(lt(0, other_zeros), 0.0, div(product, factor))
    return mul(change, others)


SHARES: Mapping[Op | None, Callable[[Node, Node], Node]] = {
    ops.ADD: lambda change, ans: change,
    None: _of_the_last,
    ops.MAX: _of_the_largest,
    ops.MUL: _of_factors,
}


# -- partial derivatives of elementwise ops -----------------------------------------------------


def _div_by_denominator(g: Node, ans: Node, x: Node, y: Node) -> Node:
    # g / y is what the numerator's rule builds as well: shared where both are wanted
    return neg(mul(div(g, y), ans))


def _mod_by_divisor(g: Node, ans: Node, x: Node, y: Node) -> Node:
    return neg(mul(g, div(sub(x, ans), y)))  # x = ans + y * trunc(x / y)


def _larger(g: Node, this: Node, other: Node) -> Node:
    tied = where(ne(this, other), g, mul(g, 0.5))
    return where(lt(this, other), 0.0, tied)


# -- transposes of linear ops -------------------------------------------------------------------


def _sum_repeated(g: Node, ans: Node) -> Node:
    before = ans.src[0].shape
    axes = tuple(axis for axis, size in enumerate(before) if size != ans.shape[axis])
    return reduce.sum(g, axes, True) if axes else g


def _cut_padding(g: Node, ans: Node) -> Node:
    return shrink(
        g,
        tuple((low, low + size) for (low, _), size in zip(ans.arg, ans.src[0].shape, strict=True)),
    )


def _pad_back(g: Node, ans: Node) -> Node:
    return pad(
        g,
        tuple(
            (start, size - stop)
            for (start, stop), size in zip(ans.arg, ans.src[0].shape, strict=True)
        ),
    )


def _shear_back(g: Node, ans: Node) -> Node:
    axis, by, factor, offset, _ = ans.arg
    return node(ops.SHEAR, (g,), Shear(axis, by, -factor, -offset, ans.src[0].shape[axis]))


def _copy_back(g: Node, ans: Node) -> Node:
    return node(ops.COPY, (g,), ans.src[0].device)


# -- the table ----------------------------------------------------------------------------------

RULES: Mapping[Op, Rule] = {
    ops.EXP: Diagonal(lambda g, ans, x: mul(g, ans)),
    ops.LOG: Diagonal(lambda g, ans, x: div(g, x)),
    ops.SIN: Diagonal(lambda g, ans, x: mul(g, cos(x))),
    ops.SQRT: Diagonal(lambda g, ans, x: div(g, mul(ans, 2.0))),
    ops.CAST: Linear(lambda g, ans: cast(g, ans.src[0].dtype)),
    ops.ADD: Diagonal(lambda g, ans, x, y: g, lambda g, ans, x, y: g),
    ops.MUL: Diagonal(lambda g, ans, x, y: mul(g, y), lambda g, ans, x, y: mul(g, x)),
    ops.DIV: Diagonal(lambda g, ans, x, y: div(g, y), _div_by_denominator),
    ops.MOD: Diagonal(lambda g, ans, x, y: g, _mod_by_divisor),
    ops.MAX: Diagonal(lambda g, ans, x, y: _larger(g, x, y), lambda g, ans, x, y: _larger(g, y, x)),
    ops.WHERE: Diagonal(
        None,
        lambda g, ans, chosen, x, y: where(chosen, g, 0.0),
        lambda g, ans, chosen, x, y: where(chosen, 0.0, g),
    ),
    ops.SUM: Linear(lambda g, ans: expand(g, ans.src[0].shape)),
    ops.REDUCE_MAX: Selection(),
    ops.RESHAPE: Linear(lambda g, ans: reshape(g, ans.src[0].shape)),
    ops.PERMUTE: Linear(lambda g, ans: permute(g, inverse_permutation(ans.arg))),
    ops.EXPAND: Linear(_sum_repeated),
    ops.PAD: Linear(_cut_padding),
    ops.SHRINK: Linear(_pad_back),
    ops.FLIP: Linear(lambda g, ans: flip(g, ans.arg)),
    ops.SHEAR: Linear(_shear_back),
    ops.JOIN: Joining(),
    ops.CALL: Calling(),
    ops.GATHER: Gathering(),
    ops.SCATTER: Scattering(),
    # written as well: what the mark keeps apart would grow together in the derivative
    ops.CONTIGUOUS: Diagonal(lambda g, ans, x: node(ops.CONTIGUOUS, (g,))),
    ops.COPY: Linear(_copy_back),
    ops.VARIABLE: Diagonal(lambda g, ans, x: g),
    ops.SURROGATE: Diagonal(None, lambda g, ans, x, y: g),
    ops.SLOPE: Diagonal(lambda g, ans, x, slope: mul(g, slope), None),
}

JOINT: Mapping[Op, Joint] = {ops.LOOP: Looping(), ops.CUSTOM: Ruling()}

NO_RULE: Mapping[Op, str] = {
    ops.LT: "a bool does not vary continuously",
    ops.NE: "a bool does not vary continuously",
    ops.AND: "bits do not vary continuously",
    ops.XOR: "bits do not vary continuously",
    ops.CONST: "a constant",
    ops.IOTA: "a constant",
    ops.BUFFER: "a leaf: nothing below it",
    ops.DETACH: "a constant to derivatives by definition",
}


def differentiable_operands(current: Node) -> list[int]:
    """The indices of the operands of ``current`` that a derivative can flow to."""
    rule = RULES.get(current.op) or JOINT.get(current.op)
    if rule is None or current.dtype.kind != FLOAT:
        return []
    return [
        index
        for index, operand in enumerate(current.src)
        if operand.dtype.kind == FLOAT and rule.has_derivative(index)
    ]
