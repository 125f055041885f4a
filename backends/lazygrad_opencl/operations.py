"""Elementwise operations in OpenCL C: one table, by op and by class of dtype.

An operation is spelled with operators wherever C has them, not with built-in functions: compilers
for CPUs may leave those as calls, and a call costs more than what it computes.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from lazygrad.plugin import DType, InternalError, dtype, forms, ops, semantics
from lazygrad_opencl import masks, spelling
from lazygrad_opencl.inline import bare

INFINITY = float("inf")
BOOLEAN, INTEGER, FLOATING = "boolean", "integer", "floating"


@dataclass(frozen=True)
class Operand:
    """An operand as it is spelled, a name or a literal of this ``value``."""

    text: str
    dtype: DType
    lanes: int
    value: bool | int | float | None = None

    @property
    def is_number(self) -> bool:
        """A literal that is not NaN."""
        return self.value is not None and self.value == self.value

    def wide(self, lanes: int) -> str:
        """Its text as a vector of ``lanes``."""
        if self.lanes == lanes:
            return self.text
        if self.dtype is dtype.bool_:
            if self.value is not None:
                return spelling.literal(self.value, self.dtype, lanes)
            return masks.widened(self.text, lanes)
        return f"({spelling.register(self.dtype, lanes)})({bare(self.text)})"


@dataclass(frozen=True)
class Operation:
    """What is to be spelled: ``lanes`` values of ``dtype`` from ``src``; by functions of our
    ``own`` where there are any."""

    dtype: DType
    lanes: int
    src: Sequence[Operand]
    own: bool = False

    @property
    def kind(self) -> str:
        return class_of(self.src[-1].dtype)

    def wide(self, position: int) -> str:
        return self.src[position].wide(self.lanes)

    def plain(self, position: int) -> str:
        return self.widened(self.src[position])

    def widened(self, operand: Operand) -> str:
        """An operand where C's operators widen a scalar by themselves: not one that is an int to
        them, as numbers are, beside a vector of less."""
        narrow = operand.dtype is dtype.bool_ or operand.dtype.itemsize < 4
        if operand.lanes == 1 and (not narrow or operand.dtype.kind == dtype.FLOAT):
            return operand.text
        return operand.wide(self.lanes)


def class_of(of: DType) -> str:
    if of is dtype.bool_:
        return BOOLEAN
    return FLOATING if of.is_floating_point else INTEGER


def spell(op: object, operation: Operation) -> str:
    """The expression in C."""
    by_class = TABLE.get(op)
    rule = None if by_class is None else by_class.get(operation.kind) or by_class.get("")
    if rule is None:
        raise InternalError(f"[opencl] no code for {op} of {operation.src[0].dtype.name}")
    return rule(operation)


Rule = Callable[[Operation], str]


# -- rules --------------------------------------------------------------------------------------


def _infix(symbol: str) -> Rule:
    def rule(o: Operation) -> str:
        return _signed(o, symbol) or f"{o.plain(0)} {symbol} {o.plain(1)}"

    return rule


def _signed(o: Operation, symbol: str) -> str:
    """A product with -1 as such, and a sum with a negative number as a difference."""
    number = o.src[-1].value
    if o.dtype is dtype.bool_ or not isinstance(number, int | float):
        return ""
    if symbol == "*" and number == -1:
        return f"-{o.plain(0)}"
    if symbol == "+" and -INFINITY < number < 0 and number > o.dtype.min:
        opposite = Operand(spelling.literal(-number, o.dtype), o.dtype, 1, -number)
        return f"{o.plain(0)} - {o.widened(opposite)}"
    return ""


def _modular(symbol: str) -> Rule:
    """Of integers, that wrap: C leaves open what signed scalars do, of vectors it does not."""

    def rule(o: Operation) -> str:
        if o.lanes > 1:
            return _signed(o, symbol) or f"{o.plain(0)} {symbol} {o.plain(1)}"
        if o.dtype in (dtype.uint32, dtype.uint64):
            return f"{o.plain(0)} {symbol} {o.plain(1)}"
        return _wrapped(f"{{u}}{o.plain(0)} {symbol} {{u}}{o.plain(1)}", o.dtype)

    return rule


def _wrapped(text: str, of: DType) -> str:
    """Arithmetic of scalars that stands unsigned, at ``{u}``, as a value of ``of``."""
    unsigned = "(ulong)" if of.itemsize == 8 else "(uint)"
    return f"({spelling.register(of)})({text.format(u=unsigned)})"


def _narrowed(symbol: str) -> Rule:
    """Of integers: C widens narrow scalars to int, so they are cut back."""

    def rule(o: Operation) -> str:
        text = f"{o.plain(0)} {symbol} {o.plain(1)}"
        if o.lanes == 1 and o.dtype.itemsize < 4:
            return f"({spelling.register(o.dtype)})({text})"
        return text

    return rule


def _call(name: str) -> Rule:
    def rule(o: Operation) -> str:
        return f"{name}({', '.join(bare(o.wide(i)) for i in range(len(o.src)))})"

    return rule


def _function(name: str, built_in: Rule) -> Rule:
    """One of ours where floats have it."""

    def rule(o: Operation) -> str:
        kind = spelling.register(o.dtype, o.lanes)
        return (_call(f"{name}_{kind}") if o.own and "float" in kind else built_in)(o)

    return rule


def _call_by_lane(name: str, *wrong: DType) -> Rule:
    """Of a function whose vectors of the dtypes ``wrong`` are computed by ``prelude.BY_LANE``."""
    built_in = _call(name)

    def rule(o: Operation) -> str:
        register = spelling.register(o.dtype, o.lanes)
        by_lane = _call(f"{name.upper()}_{register}")
        return (by_lane if o.lanes > 1 and o.dtype in wrong else built_in)(o)

    return rule


def _compare(symbol: str) -> Rule:
    def rule(o: Operation) -> str:
        text = f"{o.plain(0)} {symbol} {o.plain(1)}"
        return _compared(text, o.src[0].dtype, o.lanes)

    return rule


def _logical(scalar: str, vector: str) -> Rule:
    def rule(o: Operation) -> str:
        form = scalar if o.lanes == 1 else vector
        return form.format(a=o.wide(0), b=o.wide(1))

    return rule


def _compared(text: str, of: DType, lanes: int) -> str:
    """The bools that comparing values of ``of`` gave."""
    return text if lanes == 1 else masks.of_comparison(text, spelling.register(of), lanes)


def select(condition: Operand, a: str, b: str, of: DType, lanes: int) -> str:
    """``condition ? a : b``; both are ``lanes`` wide."""
    if condition.lanes == 1:
        return f"{condition.text} ? {a} : {b}"
    return f"{masks.selector(condition.text, of, lanes)} ? {a} : {b}"


def _where(o: Operation) -> str:
    return select(o.src[0], o.wide(1), o.wide(2), o.dtype, o.lanes)


def _float_max(o: Operation) -> str:
    """NaN if either is: a comparison with NaN is false, so it comes out where it is second."""
    a, b = (1, 0) if o.src[1].is_number else (0, 1)
    macro = "LARGER" if o.src[a].is_number else "MAXIMUM"
    return f"{macro}({bare(o.wide(a))}, {bare(o.wide(b))})"


def _int_max(o: Operation) -> str:
    return f"LARGER({bare(o.wide(0))}, {bare(o.wide(1))})"


def _safe_division(symbol: str) -> Rule:
    """Division that cannot trap: by zero it is 0, and the smallest number by -1 is itself."""

    def rule(o: Operation) -> str:
        if o.src[1].value not in (None, 0, -1):
            return _narrowed(symbol)(o)
        kind = "SIGNED" if o.dtype.is_signed else "UNSIGNED"
        divisor = f"{kind}_DIVISOR(({spelling.register(o.dtype, o.lanes)}), {o.wide(1)})"
        text = f"{o.wide(0)} {symbol} {divisor}"
        zero = spelling.literal(0, o.dtype, o.lanes)
        if symbol == "/":  # the remainder of the divisor in its place, 1, is 0 in any case
            if o.dtype.is_signed:
                minus = spelling.literal(-1, o.dtype, o.lanes)
                negated = f"{zero} - {o.wide(0)}"
                if o.lanes == 1:
                    negated = _wrapped(f"{{u}}0 - {{u}}{o.wide(0)}", o.dtype)
                text = f"({o.wide(1)} == {minus}) ? {negated} : {text}"
            text = f"({o.wide(1)} == {zero}) ? {zero} : {text}"
        narrow = o.lanes == 1 and o.dtype.itemsize < 4
        return f"({spelling.register(o.dtype)})({text})" if narrow else text

    return rule


def _cast(o: Operation) -> str:
    source, target, lanes = o.src[0], o.dtype, o.lanes
    text = source.text
    if target is source.dtype:
        return text
    if target is dtype.bool_:
        compared = f"{text} != {spelling.literal(0, source.dtype, lanes)}"
        return _compared(compared, source.dtype, lanes)
    if target in dtype.HALVES:
        single = _converted(source, dtype.float32, lanes)
        return f"ROUND_{target.name}_{lanes}({single})"
    return _converted(source, target, lanes)


def _converted(source: Operand, target: DType, lanes: int) -> str:
    wanted = spelling.register(target, lanes)
    if spelling.register(source.dtype, lanes) == wanted:
        return source.text
    if source.dtype is dtype.bool_ and lanes > 1:
        return masks.numbers(source.text, spelling.register(target), lanes)
    if source.dtype.is_floating_point and target.is_integer:
        return _truncated(source, target, lanes)
    return _as_type(source.text, wanted, lanes)


def _as_type(text: str, wanted: str, lanes: int) -> str:
    return f"({wanted})({text})" if lanes == 1 else f"CONVERT({wanted}, {text})"


def _truncated(source: Operand, target: DType, lanes: int) -> str:
    """A float in an integer, by way of the wider one that ``semantics.truncated`` names; C leaves
    open what becomes of floats out of range, and its compilers take different ways."""

    def number(value: float) -> str:
        return spelling.literal(value, source.dtype, lanes)

    wide = semantics.wide_integer(target)
    high = 2.0 ** (8 * wide.itemsize - 1)
    text = source.wide(lanes)
    if target is dtype.uint64:
        text = f"MODULO({text}, {number(high)}, {number(2 * high)})"
    held = f"HELD({text}, {number(-high)}, {number(high)})"
    signed = _as_type(held, spelling.register(wide, lanes), lanes)
    return signed if target is wide else _as_type(signed, spelling.register(target, lanes), lanes)


_OR, _AND = _logical("{a} || {b}", "{a} | {b}"), _logical("{a} && {b}", "{a} & {b}")
_DIFFERS = _logical("{a} != {b}", "{a} ^ {b}")

TABLE: dict[object, dict[str, Rule]] = {
    ops.EXP: {FLOATING: _function("EXP", _call("exp"))},
    ops.LOG: {FLOATING: _call("log")},
    ops.SIN: {
        FLOATING: _function("SIN", _call_by_lane("sin", dtype.float32, *dtype.HALVES)),
    },
    ops.SQRT: {FLOATING: _call("sqrt")},
    forms.TANH: {FLOATING: _function("TANH", _call("tanh"))},
    ops.CAST: {"": _cast},
    ops.ADD: {FLOATING: _infix("+"), INTEGER: _modular("+"), BOOLEAN: _OR},
    forms.SUBTRACT: {FLOATING: _infix("-"), INTEGER: _modular("-")},
    ops.MUL: {FLOATING: _infix("*"), INTEGER: _modular("*"), BOOLEAN: _AND},
    ops.DIV: {FLOATING: _infix("/"), INTEGER: _safe_division("/"), BOOLEAN: _AND},
    ops.MAX: {FLOATING: _float_max, INTEGER: _int_max, BOOLEAN: _OR},
    ops.WHERE: {"": _where},
    ops.LT: {
        FLOATING: _compare("<"), INTEGER: _compare("<"),
        BOOLEAN: _logical("!{a} && {b}", "~{a} & {b}"),
    },
    forms.EQUAL: {
        FLOATING: _compare("=="), INTEGER: _compare("=="),
        BOOLEAN: _logical("{a} == {b}", "~({a} ^ {b})"),
    },
    forms.NOT: {BOOLEAN: lambda o: f"{'!' if o.lanes == 1 else '~'}{o.src[0].text}"},
    ops.NE: {FLOATING: _compare("!="), INTEGER: _compare("!="), BOOLEAN: _DIFFERS},
    ops.MOD: {
        FLOATING: _call_by_lane("fmod", dtype.float64), INTEGER: _safe_division("%"),
        BOOLEAN: _logical("false", "{a} & 0"),
    },
    ops.AND: {INTEGER: _narrowed("&"), BOOLEAN: _AND},
    ops.XOR: {INTEGER: _narrowed("^"), BOOLEAN: _DIFFERS},
}  # fmt: skip
