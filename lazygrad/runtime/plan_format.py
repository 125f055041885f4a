"""Plans as bytes: how a ``Format`` treats expressions, indices, ops and dtypes; and the keys of
kernels."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import cache
from hashlib import sha256
from typing import Any

from lazygrad import element_types as dt, ops
from lazygrad.element_types import DType
from lazygrad.graph import Scalar
from lazygrad.kernel import expr as ex
from lazygrad.kernel.expr import Expr, KernelOp
from lazygrad.kernel.index import Atom, Index
from lazygrad.kernel.kernel import Kernel
from lazygrad.kernel.plan import LoopCall, Plan
from lazygrad.kernel.routine import RoutineCall
from lazygrad.ops import Op
from lazygrad.runtime.records import Form, Format, Reader, Record, Specials, Writer, named

Work = Kernel | RoutineCall | LoopCall

# What an op that only kernels have takes as its argument; the others take none.
ARGUMENTS: Mapping[KernelOp, Any] = {
    ex.LOAD: ex.Load,
    ex.LITERAL: Scalar,
    ex.INDEX: Index,
    ex.GUARD: ex.Guard,
    ex.REDUCE: ex.Reduce,
    ex.COLLECT: ex.Collect,
}
EVERY: list[Op | KernelOp] = [*ops.ALL, *ARGUMENTS]
OP = named({op.name: op for op in EVERY})
DTYPE = named({dtype.name: dtype for dtype in dt.ALL})


def _expressions(plans: Format[Any]) -> Record:
    sources = plans.form(tuple[Expr, ...])
    arguments: dict[Op | KernelOp, Form] = {op: plans.form(kind) for op, kind in ARGUMENTS.items()}
    nothing = plans.form(type(None))

    def row(writer: Writer, value: Expr) -> list[Any]:
        argument = arguments.get(value.op, nothing)
        return [
            OP.write(writer, value.op),
            DTYPE.write(writer, value.dtype),
            sources.write(writer, value.src),
            argument.write(writer, value.arg),
        ]

    def make(reader: Reader, row: list[Any]) -> Expr:
        op, dtype = OP.read(reader, row[1]), DTYPE.read(reader, row[2])
        argument = arguments.get(op, nothing).read(reader, row[4])
        return ex.extension(op, sources.read(reader, row[3]), argument, dtype)

    return Record(row, make, before=lambda value: ex.toposort([value])[:-1])


def _indices(plans: Format[Any]) -> Record:
    terms, const = plans.form(tuple[tuple[Atom, int], ...]), plans.form(int)

    def row(writer: Writer, value: Index) -> list[Any]:
        return [terms.write(writer, value.terms), const.write(writer, value.const)]

    def make(reader: Reader, row: list[Any]) -> Index:
        return Index(terms.read(reader, row[1]), const.read(reader, row[2]))

    return Record(row, make)


@cache
def plan_format() -> Format[Plan]:
    """Of plans with their kernels."""
    return Format(Plan, (Expr,), _specials())  # Any stands for an Expr: the value of a DataAtom


@cache
def _specials() -> Specials:
    return Specials(
        forms={DType: DTYPE, Op: OP, KernelOp: OP}, records={Expr: _expressions, Index: _indices}
    )


@cache
def _kernel_format() -> Format[Any]:
    return Format(Work, (Expr,), _specials())  # type: ignore[arg-type]


def kernel_key(kernel: Work, moving: Sequence[bool] = ()) -> str:
    """Of what a kernel computes: the same in every program, whatever it is called there and
    wherever it comes from. In a loop it is another one where launches are told where buffers
    start, as ``moving`` says of each slot."""
    key = sha256(_kernel_format().encode(_nameless(kernel))).hexdigest()[:16]
    moves = [str(slot) for slot, moved in enumerate(moving) if moved]
    return "-".join([key, *moves])


def _nameless(kernel: Work) -> Work:
    if isinstance(kernel, LoopCall):
        steps = tuple(replace(step, kernel=_nameless(step.kernel)) for step in kernel.body.steps)
        kernel = replace(kernel, body=replace(kernel.body, steps=steps))
    return replace(kernel, name="", origins=(), reasons=())
