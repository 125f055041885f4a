"""A kernel as people write it down: a formula, and plain loops, on buffers under their names."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from math import prod

import numpy as np

from lazygrad import ops
from lazygrad.inspect.step import Step, StepKernel
from lazygrad.kernel import expr as ex, forms
from lazygrad.kernel.expr import Expr, Guard
from lazygrad.kernel.index import Atom, DataAtom, Index, Quotient, Range, unravel
from lazygrad.kernel.kernel import Kernel, Output
from lazygrad.shape import Shape

INDENT = "    "
LEAVES = ex.LOAD, ex.LITERAL, ex.INDEX
COMBINED: Mapping[object, tuple[str, str]] = {  # how a reduction begins, and goes on
    ops.SUM: ("0", "{0} += {1}"),
    ops.REDUCE_MAX: ("-inf", "{0} = max({0}, {1})"),
}
# Operators and how strongly they bind; of bools, ADD and MUL are others.
INFIX: Mapping[object, tuple[str, int]] = {
    ops.ADD: ("+", 5), ops.MUL: ("*", 6), ops.DIV: ("/", 6), ops.MOD: ("%", 6), ops.LT: ("<", 2),
    ops.NE: ("!=", 2), ops.AND: ("&", 4), ops.XOR: ("^", 3),
}  # fmt: skip
OF_BOOLS: Mapping[object, tuple[str, int]] = {ops.ADD: ("or", 0), ops.MUL: ("and", 1)}
ATOM, NEGATED, UNARY = 9, 5, 7


@dataclass(frozen=True)
class Named:
    """A buffer slot: what it is called, and in which shape it is read."""

    name: str
    shape: Shape
    size: int

    def coordinates(self, index: Index) -> list[Index]:
        """Where an element is, by its place in memory; that itself where nothing says more."""
        if self.size <= 1:
            return []
        if self.shape and prod(self.shape) == self.size:
            places = [*unravel(index, self.shape)]
            if all(place.is_affine for place in places) or not index.is_affine:
                return places
            return _by_strides(index, self.shape)
        return [index]


def _by_strides(index: Index, shape: Shape) -> list[Index]:
    """Coordinates that may lie outside, in the padding, where nothing is read."""
    found: list[Index] = []
    for dim in range(len(shape)):
        stride = prod(shape[dim + 1 :])
        taken = [(atom, round(factor / stride)) for atom, factor in index.terms]
        if dim == len(shape) - 1:
            return [*found, index]
        whole = Index([(a, n) for a, n in taken if n], round(index.const / stride))
        found.append(whole)
        index = index - whole * stride
    return found


def buffers_of(kernel: Kernel, step: Step, row: StepKernel) -> list[Named]:
    """The slots of a kernel under the names of the step."""
    found = []
    for number, spec in zip(row.buffers, kernel.buffers, strict=True):
        value = step.buffers[number]
        name = re.sub(r"[^\w.\[\]']+", "_", value.name).strip("_")
        found.append(Named(name, value.shape, spec.size))
    return found


def formula(kernel: Kernel, buffers: Sequence[Named]) -> str:
    """Each output as an equation, after the parts that it needs more than once."""
    writing = _Writing(buffers)
    alike: dict[str, list[str]] = {}  # by the ranges that they hold for
    parts: list[str] = []
    for value in _shared(kernel.values):
        text = writing.own(value)
        parts.append(f"{writing.name(value)} = {text}")
    for output in kernel.outputs:
        element = writing.element(output.slot, output.index)
        equation = f"{element} = {writing.text(output.value)}"
        alike.setdefault(_ranges(_all_ranges(output)), []).append(equation)
    for over, equations in alike.items():
        parts += [*equations, *([f"{INDENT}for {over}"] if over else [])]
    return "\n".join(parts)


def plain_loops(kernel: Kernel, buffers: Sequence[Named]) -> str:
    """The loops that compute it, without anything that makes them fast."""
    loops = _Loops(buffers)
    loops.outputs(kernel)
    return "\n".join(loops.lines)


def axes_of(kernel: Kernel) -> list[Range]:
    """Those of the outputs, then those that are summed over."""
    found = [r for output in kernel.outputs for r in _all_ranges(output)]
    return sorted(dict.fromkeys(found), key=lambda r: r not in kernel.ranges)


def _all_ranges(output: Output) -> list[Range]:
    """Those of the output, then those that are summed over."""
    inner = [r for e in ex.toposort([output.value]) if e.op in ex.BINDING for r in e.arg.ranges]
    return list(dict.fromkeys((*output.ranges, *inner)))


def _ranges(listed: Iterable[Range]) -> str:
    return ", ".join(f"{r.name} < {r.size}" for r in listed)


def _shared(roots: Iterable[Expr]) -> list[Expr]:
    """What is used more than once and is no leaf, operands first; of what is negated, that."""
    wanted = list(roots)
    order = ex.toposort(wanted)
    uses = Counter(operand for value in order for operand in value.operands)
    uses.update(wanted)
    found = (_positive(value) for value in order if uses[value] > 1)
    return [value for value in dict.fromkeys(found) if value.op not in LEAVES]


def _positive(value: Expr) -> Expr:
    return value.src[0] if value.op is ops.MUL and _is_minus_one(value.src[1]) else value


@dataclass
class _Writing:
    """Expressions as text; those that have a name, by it."""

    buffers: Sequence[Named]
    names: dict[Expr, str] = field(default_factory=dict)
    _taken: Counter[str] = field(default_factory=Counter)

    def name(self, value: Expr) -> str:
        """A new name for a value, after what it is."""
        self.names[value] = self.fresh(value)
        return self.names[value]

    def fresh(self, value: Expr) -> str:
        stem = forms.stem(value)
        self._taken[stem] += 1
        return f"{stem}{self._taken[stem] - 1}"

    def text(self, value: Expr) -> str:
        return self.names.get(value) or self.own(value)

    def own(self, value: Expr) -> str:
        """Without the name of ``value`` itself."""
        return self._written(value)[0]

    def element(self, slot: int, index: Index) -> str:
        """An element of a buffer."""
        buffer = self.buffers[slot]
        places = ", ".join(map(self.index, buffer.coordinates(index)))
        return f"{buffer.name}[{places}]" if places else buffer.name

    def index(self, index: Index) -> str:
        """As ``str``, but what is read from memory as expressions are written here."""
        parts = [self._atom(a) if c == 1 else f"{c}*{self._atom(a)}" for a, c in index.terms]
        if index.const or not parts:
            parts.append(str(index.const))
        return " + ".join(parts).replace("+ -", "- ")

    def _atom(self, atom: Atom) -> str:
        if isinstance(atom, DataAtom):
            return self._operand(atom.value, UNARY)
        if isinstance(atom, Range):
            return atom.name
        sign = "//" if isinstance(atom, Quotient) else "%"
        return f"(({self.index(atom.index)}) {sign} {atom.divisor})"

    def _guarded(self, text: str, guard: Guard) -> tuple[str, int]:
        if not guard:
            return text, ATOM
        bounds = (f"{b.low} <= {self.index(b.index)} < {b.high}" for b in guard)
        return f"{text} if {' and '.join(bounds)} else 0", 0

    def _operand(self, value: Expr, strength: int) -> str:
        """In brackets if it binds less."""
        if value in self.names:
            return self.names[value]
        text, own = self._written(value)
        return text if own >= strength else f"({text})"

    def _written(self, value: Expr) -> tuple[str, int]:
        """The text, and how strongly its outermost operator binds."""
        if value.op is ex.LOAD:
            slot, index, guard = value.arg
            return self._guarded(self.element(slot, index), guard)
        if value.op is ex.LITERAL:
            return _number(value), ATOM
        if value.op is ex.INDEX:
            return self.index(value.arg), ATOM if value.arg.only_atom else 5
        if value.op is ex.GUARD:
            return self._guarded(self._operand(value.src[0], 0), value.arg)
        if value.op is ex.REDUCE:
            over = ", ".join(r.name for r in value.arg.ranges)
            return f"{_combines(value)}[{over}]({self._operand(value.src[0], 0)})", ATOM
        if value.op is ex.COLLECT:
            how = "last" if value.arg.op is None else value.arg.op.name.lower()
            place, element = (self._operand(operand, 0) for operand in value.src)
            return f"{how} of all ({element}) that go to place ({place}) == {value.arg.at}", 0
        return self._operation(value)

    def _operation(self, value: Expr) -> tuple[str, int]:
        src = value.src
        sign, strength = INFIX.get(value.op, ("", ATOM))
        if value.dtype.name == "bool" and value.op in OF_BOOLS:
            sign, strength = OF_BOOLS[value.op]
        if value.op in (ops.NE, ops.XOR) and src[1].op is ex.LITERAL and src[1].arg is True:
            inner = src[0]
            if inner.op is ops.NE and inner not in self.names:
                sides = [self._operand(operand, 3) for operand in inner.src]
                return " == ".join(sides), 2
            return f"not {self._operand(inner, UNARY)}", 2
        if value.op is ops.MUL and _is_minus_one(src[1]):
            return f"-{self._operand(src[0], UNARY)}", NEGATED
        if value.op is ops.ADD and src[1] not in self.names:
            subtracted = self._subtracted(src[1])
            if subtracted is not None:
                return f"{self._operand(src[0], strength)} - {subtracted}", strength
        if sign:
            left, right = self._operand(src[0], strength), self._operand(src[1], strength + 1)
            if value.op in (ops.ADD, ops.MUL):  # where brackets on the right change little
                right = self._operand(src[1], strength)
            return f"{left} {sign} {right}", strength
        name = value.dtype.name if value.op is ops.CAST else value.op.name.lower()
        return f"{name}({', '.join(self._operand(operand, 0) for operand in src)})", ATOM

    def _subtracted(self, value: Expr) -> str | None:
        """What is taken away where ``value`` is added, or None."""
        if value.op is ops.MUL and _is_minus_one(value.src[1]):
            return self._operand(value.src[0], 6)
        if value.op is ex.LITERAL and not isinstance(value.arg, bool) and value.arg < 0:
            return self.own(ex.literal(-value.arg, value.dtype))
        return None


def _number(value: Expr) -> str:
    """A literal, with no more digits than its dtype has."""
    if not isinstance(value.arg, float):
        return str(value.arg)
    return f"{value.arg:.9g}" if value.dtype.itemsize > 4 else str(np.float32(value.arg))


def _is_minus_one(value: Expr) -> bool:
    return value.op is ex.LITERAL and value.dtype.name != "bool" and value.arg == -1


def _combines(value: Expr) -> str:
    return "sum" if value.arg.op is ops.SUM else "max"


class _Loops(_Writing):
    """Statements, in the loops that they need."""

    def __init__(self, buffers: Sequence[Named]) -> None:
        super().__init__(buffers)
        self.lines: list[str] = []

    def outputs(self, kernel: Kernel) -> None:
        around = frozenset(kernel.ranges)
        depth = self._loop(kernel.ranges, 0)
        for output in kernel.outputs:
            self._reductions(output.value, around, depth)
        for output in kernel.outputs:
            known = dict(self.names)
            own = [r for r in output.ranges if r not in around]
            inner = self._loop(own, depth)
            self._reductions(output.value, None, inner)
            element = self.element(output.slot, output.index)
            self._assign(f"{element} = {{}}", output.value, inner)
            self.names = known

    def _loop(self, ranges: Sequence[Range], depth: int) -> int:
        """The depth inside of it."""
        if ranges:
            self._say(depth, f"for {_ranges(ranges)}:")
        return depth + bool(ranges)

    def _reductions(self, value: Expr, available: frozenset[Range] | None, depth: int) -> None:
        """Those below a value that depend on nothing but ``available`` ranges (None: any)."""
        for reduction in self._direct(value):
            fits = available is None or reduction.ranges <= available
            if fits and reduction not in self.names:  # one before may have needed it
                self._reduction(reduction, available, depth)

    def _reduction(self, value: Expr, available: frozenset[Range] | None, depth: int) -> None:
        name, (element,) = self.fresh(value), value.src
        begins, goes_on = COMBINED[value.arg.op]
        outside = available if available is not None else value.ranges
        self._reductions(element, frozenset(outside) - frozenset(value.arg.ranges), depth)
        self._say(depth, f"{name} = {begins}")
        known = dict(self.names)
        inner = self._loop(value.arg.ranges, depth)
        self._reductions(element, None, inner)
        self._assign(goes_on.format(name, "{}"), element, inner)
        self.names = {**known, value: name}

    def _direct(self, value: Expr) -> list[Expr]:
        """The reductions below a value that are not computed yet, but not those inside of them."""
        found: list[Expr] = []
        seen: set[Expr] = set()
        left = [value]
        while left:
            current = left.pop()
            if current in seen or current in self.names:
                continue
            seen.add(current)
            if current.op is ex.REDUCE:
                found.append(current)
            else:
                left += reversed(current.operands)
        return found

    def _assign(self, statement: str, value: Expr, depth: int) -> None:
        """After the parts of ``value`` that it needs more than once."""
        for part in self._repeated(value):
            if part not in self.names:
                text = self.own(part)
                self._say(depth, f"{self.name(part)} = {text}")
        text = self.text(value)
        self._say(depth, statement.replace("{}", text))

    def _repeated(self, value: Expr) -> list[Expr]:
        """As ``_shared``, of what is not computed yet."""
        order: list[Expr] = []
        uses: Counter[Expr] = Counter()

        def visit(current: Expr) -> None:
            uses[current] += 1
            if uses[current] > 1 or current in self.names or current.op in LEAVES:
                return
            for operand in current.operands:
                visit(operand)
            order.append(current)

        visit(value)
        return [part for part in order if uses[part] > 1]

    def _say(self, depth: int, text: str) -> None:
        self.lines.append(INDENT * depth + text)
