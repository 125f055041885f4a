"""The body of a LOOP: a graph that is computed again and again, on what the last time left.

- A LOOP's sources are its operands: the first values of its carries, what it is given step by step
  (stacked along dim 0, ``length`` of them), and constants. Its body is a graph on one leaf for each
  of them: BUFFERs of ``Slot``s, numbered in that order. As Slots are equal by value, equal bodies
  are the same nodes, and loops over them are one node and share a plan.
- As with CALL each result is a node of its own, and a plan computes those that are needed in one
  step: what a carry is in the end (FINAL), what it was all the while (TRAJECTORY), or any value of
  the body, stacked (STACKED). A derivative finds what it has to know of the steps among those.
- ``lang.loops`` builds LOOPs and finds constants; ``autodiff.loops`` has their derivatives, which
  are those of the body, in LOOPs again; ``autodiff.batch`` does the same for batches.
- To the scheduler a LOOP is what a CALL is: operands are whole values in memory, results are
  written. The body is a plan of its own (``schedule.loops``), whatever the length is.
- A run (``runtime.loops``) repeats the body's launches. What moves from step to step (inputs,
  stacked results, trajectories) is addressed by element offsets that launches are given; other
  carries go back and forth between two pieces of memory. Nothing is copied on the way. Where only
  the last carries are asked for, it ends when a carry says that nothing changes any more.
"""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any, NamedTuple, NoReturn

from lazygrad import ops
from lazygrad.element_types import DType
from lazygrad.errors import JitError, ShapeError
from lazygrad.graph import Node, node, toposort
from lazygrad.shape import Shape

if TYPE_CHECKING:
    from lazygrad.ops import Op

FINAL, TRAJECTORY, STACKED = "final", "trajectory", "stacked"


class Slot(NamedTuple):
    """Argument of a BUFFER in a body: stands for operand ``number`` in one step."""

    number: int
    shape: Shape
    dtype: DType
    device: str


class Held:
    """Argument of a BUFFER that stands for what a body is given while the body is being built: no
    other leaf is equal, so that a loop inside of another one reads the right one."""

    __slots__ = ("__weakref__", "device", "dtype", "shape")

    def __init__(self, shape: Shape, dtype: DType, device: str) -> None:
        self.shape, self.dtype, self.device = shape, dtype, device

    @property
    def memory(self) -> NoReturn:
        raise JitError(
            f"[loop] a tensor of shape {self.shape} inside the body of a loop has no value: the "
            "body is traced once, for all steps; choose between values with where() or cond(), and "
            "look at what the loop returns"
        )


@dataclass(frozen=True)
class Body:
    """A step of a loop.

    Attributes:
        slots: one for each operand: those of carries, of what is given step by step, of constants.
        xs: how many are given step by step.
        next: the carries after the step.
        going: the number of a carry of bools; once none of them holds, a step changes no carry.
            A run may stop there. None where there is no such carry.
    """

    slots: tuple[Slot, ...]
    xs: int
    next: tuple[Node, ...]
    going: int | None = None

    @property
    def carries(self) -> int:
        return len(self.next)

    @property
    def leaves(self) -> tuple[Node, ...]:
        """The leaf of each slot."""
        return tuple(node(ops.BUFFER, (), slot) for slot in self.slots)

    def __repr__(self) -> str:
        return f"body of {self.carries} carries, {self.xs} inputs"


class Result(NamedTuple):
    """A result of a LOOP: of the carry of a number, or a value of its body."""

    kind: str
    of: int | Node


class Looped(NamedTuple):
    """Argument of LOOP.

    Attributes:
        length: how many steps there are, at least one.
        reverse: whether the last of what is given comes first. What is stacked has the position of
            what was given in that step. A trajectory has one value more than there are steps: the
            first one at the end where the loop begins.
    """

    body: Body
    length: int
    reverse: bool
    result: Result

    @property
    def call(self) -> tuple[Any, ...]:
        """What the results of one loop have in common."""
        return self[:3]

    def infer(self, op: Op, src: tuple[Node, ...]) -> tuple[Shape, DType]:
        """Shape and dtype of the result."""
        body, length, _, (kind, of) = self
        if len(src) != len(body.slots):
            raise ShapeError(f"[{op.name}] {len(src)} operands for {len(body.slots)} slots")
        for slot, operand in zip(body.slots, src, strict=True):
            moves = body.carries <= slot.number < body.carries + body.xs
            shape = (length, *slot.shape) if moves else slot.shape
            if (operand.shape, operand.dtype) != (shape, slot.dtype):
                raise ShapeError(
                    f"[{op.name}] operand {slot.number} is {operand.dtype.name} {operand.shape}, "
                    f"and the body takes {slot.dtype.name} {shape}"
                )
        for slot, after in zip(body.slots, body.next, strict=False):
            if (after.shape, after.dtype) != (slot.shape, slot.dtype):
                raise ShapeError(
                    f"[{op.name}] carry {slot.number} is {slot.dtype.name} {slot.shape} before a "
                    f"step and {after.dtype.name} {after.shape} after it"
                )
        found = of if isinstance(of, Node) else body.next[of]
        more = {FINAL: (), TRAJECTORY: (length + 1,), STACKED: (length,)}[kind]
        return (*more, *found.shape), found.dtype

    @property
    def key(self) -> Hashable:
        """What is equal for loops that compute the same, in every process."""
        kind, of = self.result
        stacked = (of,) if isinstance(of, Node) else ()
        number = -1 if stacked else of
        rows = structure((*self.body.next, *stacked))
        body = self.body
        return rows, body.slots, body.xs, body.going, self.length, self.reverse, kind, number


@lru_cache(256)
def structure(roots: Sequence[Node]) -> Hashable:
    """The graph of a body below ``roots`` as rows, a row for each value. What it says to
    derivatives, which may be said anew by each process, is none of it."""
    number: dict[Node, int] = {}
    rows: list[Hashable] = []
    for value in toposort(roots, lambda value: value.src[: value.op.value_arity]):
        if value.op in ops.DERIVATIVE_MARKS:
            number[value] = number[value.src[0]]
            continue
        src = tuple([number[operand] for operand in value.src])
        arg = value.arg.key if isinstance(value.arg, Looped) else value.arg
        number[value] = len(rows)
        rows.append((value.op, src, arg))
    return tuple(rows), tuple([number[root] for root in roots])
