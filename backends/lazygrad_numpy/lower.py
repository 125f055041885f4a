"""Kernel -> generated code: each expression becomes an array over its ranges, one statement each.

An expression is computed in the outermost block of code where its looped ranges are bound: what
does not change inside a loop is computed before it, what depends on no buffer at all when the
program is prepared.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from math import prod
from typing import Any

import numpy as np

from lazygrad.plugin import (
    DType,
    Expr,
    InternalError,
    Kernel,
    Output,
    Range,
    dtype as dt,
    expr as ex,
    forms,
)
from lazygrad_numpy import indexing
from lazygrad_numpy.arrays import Names
from lazygrad_numpy.code import Array, Loop, Scope
from lazygrad_numpy.taps import taps_of

LARGEST_CONSTANT = 1 << 16  # elements of what is computed once and kept
FLOAT32 = np.dtype(np.float32)
READS_OR_REDUCES = (ex.LOAD, *ex.BINDING, indexing.TAKE, indexing.TAKE_ROWS)


def compute_dtype(dtype: DType) -> np.dtype[Any]:
    """What values of ``dtype`` are computed in: half precision in float32."""
    return FLOAT32 if dtype in dt.HALVES else dtype.numpy


@dataclass(eq=False)
class Lowering:
    """One kernel on its way to code.

    Attributes:
        kernel: with simplified ranges.
        names: its arrays.
        rules: how each op is computed: (lowering, expression, scope, destination or None).
        direct: the ops whose rules can write to a destination.
        products: REDUCE expressions that BLAS computes, with what it needs to know.
        channelwise: REDUCE expressions whose products are computed one by one, likewise.
        besides: what is computed in the place of parts of the kernel's values.
        readers: how many expressions and outputs read each expression.
        views: the buffers' memory as LOADs see it.
        taps: the boxes that LOADs need copied.
    """

    kernel: Kernel
    names: Names
    rules: dict[Any, Rule]
    direct: frozenset[Any]
    products: dict[Expr, Any] = field(default_factory=dict)
    channelwise: dict[Expr, Any] = field(default_factory=dict)
    besides: tuple[Expr, ...] = ()
    readers: dict[Expr, int] = field(default_factory=dict)
    views: dict[Expr, Array] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._constants: set[Expr] = set()
        values = ex.toposort((*self.kernel.values, *self.besides))
        for e in values:
            if self._is_constant(e):
                self._constants.add(e)
            for operand in e.operands:
                self.readers[operand] = self.readers.get(operand, 0) + 1
        for root in self.kernel.values:
            self.readers[root] = self.readers.get(root, 0) + 1
        self.reductions = [e for e in values if e.op is ex.REDUCE]
        self.taps = taps_of(self.kernel, values)
        self.operands = {factor for e in self.products for factor in e.src[0].src}

    # -- where things are computed --

    def loops_of(self, ranges: Iterable[Range]) -> tuple[Loop, ...]:
        """The loops over ``ranges``, outermost first."""
        wanted = frozenset(ranges)
        return tuple(loop for r, loop in self.names.loops.items() if r in wanted)

    def home(self, e: Expr, scope: Scope) -> Scope | None:
        """The outermost block around ``scope`` that can compute ``e``, None if none can."""
        needed = {loop.range for loop in self.loops_of(e.ranges)}
        for candidate in reversed(scope.chain()):
            if candidate.loop is not None:
                needed.discard(candidate.loop.range)
            if not needed and (candidate.parent is not None or e in self._constants):
                return candidate
        return None

    def _is_constant(self, e: Expr) -> bool:
        """Whether ``e`` depends on no buffer, and is small enough to keep."""
        extent = prod(self.names.extent(r) for r in e.ranges)
        operands = e.operands
        return (
            e.op not in READS_OR_REDUCES
            and extent <= LARGEST_CONSTANT
            and all(operand in self._constants for operand in operands)
        )

    def available(self, e: Expr, scope: Scope) -> Array | None:
        """The array of ``e`` if it has been computed in ``scope`` or around it."""
        for s in scope.chain():
            if e in s.values:
                found: Array = s.values[e]
                return found
        return None

    def need(self, root: Expr, scope: Scope) -> Array:
        """The array of ``root``; computes it and what it needs where they belong."""
        stack: list[tuple[Expr, bool]] = [(root, False)]
        while stack:
            e, ready = stack.pop()
            if self.available(e, scope) is not None:
                continue
            home = self.home(e, scope)
            if home is None:
                raise InternalError(f"[numpy] {self.kernel.name}: {e} is not computed in a loop")
            if ready or e.op in ex.BINDING:
                home.values[e] = self.compute(e, home)
                continue
            stack.append((e, True))
            stack.extend((operand, False) for operand in reversed(e.operands))
        found = self.available(root, scope)
        assert found is not None
        return found

    def compute(self, e: Expr, scope: Scope, into: Array | None = None) -> Array:
        """Adds the statements that compute ``e`` in ``scope``; its operands are available."""
        rule = self.rules.get(e.op)
        if rule is None:
            raise InternalError(f"[numpy] no rule for {e.op.name}")
        return rule(self, e, scope, into)

    def into(self, e: Expr, scope: Scope, target: Array) -> None:
        """Computes ``e`` and puts it into ``target``, straight away if that can be."""
        if self.writes_directly(e, target) and self.available(e, scope) is None:
            for operand in () if e.op in ex.BINDING else e.operands:
                self.need(operand, scope)
            self.compute(e, scope, target)
            return
        self.copy(self.need(e, scope), target, scope)

    def writes_directly(self, e: Expr, target: Array) -> bool:
        """Whether the last statement of ``e`` can have ``target`` as its output."""
        return (
            e.op in self.direct
            and self.readers.get(e, 0) <= 1
            and e.ranges == target.ranges
            and compute_dtype(e.dtype) == target.dtype
        )

    # -- pieces that rules are made of --

    def operand(self, e: Expr, scope: Scope) -> str:
        """What the computed ``e`` is called in ``scope``."""
        return self.names.of(self.array(e, scope), scope)

    def array(self, e: Expr, scope: Scope) -> Array:
        """The array of ``e``, which has been computed."""
        found = self.available(e, scope)
        if found is None:
            raise InternalError(f"[numpy] {self.kernel.name}: {e} is used before it is computed")
        return found

    def result(self, e: Expr, scope: Scope, into: Array | None) -> Array:
        """Where ``e`` goes: ``into``, or new scratch."""
        if into is not None:
            return into
        return self.names.scratch(e.ranges, compute_dtype(e.dtype), scope, label=self.stem(e))

    @staticmethod
    def stem(e: Expr) -> str:
        """What the array of ``e`` is called."""
        found = forms.stem(e)
        return e.op.name.lower().rpartition("_")[2] if found == "value" else found

    def statement(
        self, scope: Scope, function: str, operands: Sequence[Array], out: Array, tail: str = ""
    ) -> None:
        """``function(*operands, out=out)``, element by element."""
        called = [self.names.of(a, scope) for a in operands]
        target = self.names.of(out, scope)
        scope.add(f"{function}({', '.join(called)}, out={target}{tail})", *operands, out)
        overlay(operands, out)

    def copy(self, source: Array, target: Array, scope: Scope) -> None:
        """Copies with a cast where the dtypes differ."""
        names = f"{self.names.of(target, scope)}, {self.names.of(source, scope)}"
        unsafe = "" if np.can_cast(source.dtype, target.dtype, "same_kind") else ", 'unsafe'"
        scope.add(f"copyto({names}{unsafe})", source, target)

    def store(self, value: Array, output: Output, target: Array, scope: Scope) -> None:
        """Writes a computed value to its output."""
        if output.value.dtype is dt.bfloat16:
            names = f"{self.names.of(value, scope)}, {self.names.of(target, scope)}"
            scope.add(f"to_bfloat16({names})", value, target)
        else:
            self.copy(value, target, scope)


Rule = Callable[[Lowering, Expr, Scope, "Array | None"], Array]


def overlay(operands: Sequence[Array], out: Array) -> None:
    """``out`` may start where an operand of the same form ends: element by element is safe."""
    home = out.home
    if not hasattr(home, "overlaid"):
        return
    for a in operands:
        if hasattr(a.home, "overlaid") and _same_form(a, out):
            home.overlaid.append(a.home)  # type: ignore[union-attr, arg-type]


def _same_form(a: Array, b: Array) -> bool:
    return (
        a.dtype.itemsize == b.dtype.itemsize and a.strides == b.strides and a.extents == b.extents
    )
