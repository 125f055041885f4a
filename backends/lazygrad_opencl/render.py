"""From a loop nest to OpenCL C: one function a statement."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

from lazygrad.plugin import DType, LoopNest, buffer_names, dtype, nest, ops
from lazygrad_opencl import masks, spelling, strided
from lazygrad_opencl.alignment import Multiples
from lazygrad_opencl.inline import Inlining, bare, needs_brackets
from lazygrad_opencl.operations import Operand, Operation, select, spell

BARRIER = "barrier(CLK_LOCAL_MEM_FENCE);"
ZEROS = "zeros"  # the argument with zeros to read where a guard fails


def render(
    loop_nest: LoopNest,
    name: str,
    aligned: bool = False,
    own: bool = False,
    moving: Sequence[int] = (),
) -> str:
    """The kernel function ``name``; ``aligned`` tells to spell aligned vectors as such, ``own`` to
    call functions of ours. It is told last at which bytes the buffers in slots ``moving`` start."""
    return _Writer(loop_nest, aligned, own, moving).kernel_function(name)


def render_function(loop_nest: LoopNest, name: str, aligned: bool, own: bool) -> str:
    """The same as a function that a kernel calls for each ``item``."""
    return _Writer(loop_nest, aligned, own).plain_function(name)


def started(kind: str, memory: str, start: str) -> str:
    """A pointer of a ``kind`` to where ``memory`` starts: ``start`` names the bytes."""
    return f"({kind})((__global const uchar *){memory} + {start})"


class _Writer:
    def __init__(
        self, loop_nest: LoopNest, aligned: bool, own: bool, moving: Sequence[int] = ()
    ) -> None:
        self.nest = loop_nest
        self.own = own
        self.moving = moving
        self.aligned = aligned
        self.multiples = Multiples()
        self.kernel = loop_nest.kernel
        self.integer = "long" if loop_nest.wide else "int"
        self.outputs = len(self.kernel.written)
        self.lanes_of: dict[str, int] = {}  # of tests
        self.shared_names: set[str] = set()
        self.called = False  # functions, for vectors whose lanes lie apart
        self.names = buffer_names(self.kernel)
        self.inlining = Inlining(loop_nest.body)
        self.inlined: dict[str, Operand] = {}  # by the variables that they need not be

    # -- the function ---------------------------------------------------------------------------

    def plain_function(self, name: str) -> str:
        head = spelling.signature(
            f"FUNCTION void {name}", [*self.parameters(), f"const {self.integer} item"]
        )
        return "\n".join([*head, *self.block(self.nest.body, 1), "}"])

    def kernel_function(self, name: str) -> str:
        group = self.nest.group
        item = f"  const {self.integer} item = get_global_id(0);"
        if self.nest.together:
            item = (
                f"  const {self.integer} item = get_group_id(0);\n"
                f"  const {self.integer} member = get_local_id(0);"
            )
        lines = [
            f"__kernel __attribute__((reqd_work_group_size({group}, 1, 1)))",
            *spelling.signature(f"void {name}", [*self.parameters()]),
            item,
        ]
        if self.nest.items % group:
            lines.append(f"  if (item >= {self.nest.items}) return;")
        for slot in self.moving:
            name = self.names[slot]
            lines.append(f"  {name} = {started(self.kind(slot), name, f'start{slot}')};")
        lines += self.block(self.nest.body, 1)
        return "\n".join([*lines, "}"])

    def parameters(self) -> Iterator[str]:
        for slot in range(len(self.kernel.buffers)):
            yield f"{self.kind(slot)}{self.names[slot]}"
        if self.nest.zeros:
            yield f"__global const float *{ZEROS}"
        for slot in self.moving:
            yield f"const long start{slot}"

    def kind(self, slot: int) -> str:
        """The type of what points to a buffer."""
        const = "" if slot < self.outputs else "const "
        return f"__global {const}{spelling.stored(self.kernel.buffers[slot].dtype)} *"

    def block(self, body: tuple[nest.Statement, ...], depth: int) -> Iterator[str]:
        called = strided.is_called(body, self.nest.wide)
        for statement in body:
            self.called = called
            for line in self.spelled(statement, spelling.LONGEST_LINE - 2 * depth):
                yield "  " * depth + line
            if isinstance(statement, nest.BLOCKS):
                yield from self.block(statement.body, depth + 1)
                yield "  " * depth + "}"

    def spelled(self, statement: nest.Statement, width: int) -> list[str]:
        """Its line, and before it variables for what would make it too long."""
        lines = [*_SPELL[type(statement)](self, statement)]
        while self.inlined and lines and len(lines[-1]) > width:
            parts = [v for v in self.inlining.operands(statement) if v.name in self.inlined]
            if not parts:
                break
            part = max(parts, key=lambda v: len(self.inlined[v.name].text))
            text = self.inlined.pop(part.name).text
            defined = self.define(part.name, part.dtype, part.lanes, text)
            lines = [defined, *self.spelled(statement, width)]
        return lines

    # -- pieces ---------------------------------------------------------------------------------

    def sum(self, total: nest.Sum) -> str:
        return total.text(" * ")

    def integers(self, lanes: int) -> str:
        return self.integer if lanes == 1 else f"{self.integer}{lanes}"

    def operand(self, value: nest.Value) -> Operand:
        if value.name:
            inlined = self.inlined.get(value.name)
            return inlined or Operand(value.name, value.dtype, value.lanes)
        text = spelling.literal(value.literal, value.dtype)
        return Operand(text, value.dtype, 1, value.literal)

    def address(self, place: nest.Place) -> str:
        base, offset = place.pointer or self.names[place.slot], self.sum(place.offset)
        return base if offset == "0" else f"{base} + {offset}"

    def element(self, of: DType, place: nest.Place) -> str:
        """One element as a scalar in registers."""
        base, offset = place.pointer or self.names[place.slot], self.sum(place.offset)
        if of in dtype.HALVES:
            return f"FROM_{of.name}_1({base}[{offset}])"
        return f"{base}[{offset}]{' != 0' if of is dtype.bool_ else ''}"

    def access(self, macro: str, place: nest.Place, lanes: int) -> str:
        """The macro for a vector at ``place``."""
        aligned = self.aligned and self.multiples.is_aligned(place, lanes)
        return f"{macro}_ALIGNED" if aligned else macro

    def define(self, name: str, of: DType, lanes: int, text: str) -> str:
        return f"const {spelling.register(of, lanes)} {name} = {bare(text)};"

    def value(self, s: nest.Let | nest.FromInt | nest.Keep, text: str) -> Iterator[str]:
        """Defines a variable, unless ``text`` is written where it is used."""
        if self.inlining.allows(s, text):
            text = f"({text})" if needs_brackets(text) else text
            self.inlined[s.name] = Operand(text, s.dtype, s.lanes)
        else:
            yield self.define(s.name, s.dtype, s.lanes, text)

    # -- integers -------------------------------------------------------------------------------

    def int_(self, s: nest.Int) -> Iterator[str]:
        self.multiples.integer(s)
        yield f"const {self.integers(s.lanes)} {s.name} = {self.sum(s.value)};"

    def lanes(self, s: nest.Lanes) -> Iterator[str]:
        listed = ", ".join(map(str, range(s.lanes)))
        kind = self.integers(s.lanes)
        yield f"const {kind} {s.name} = ({kind})({listed});"

    def divide(self, s: nest.Divide) -> Iterator[str]:
        value = self.sum(s.value)
        if len(s.value.terms) + bool(s.value.const) > 1 or " * " in value:
            value = f"({value})"
        if s.negative:
            macro = "FLOOR_MOD" if s.remainder else "FLOOR_DIV"
            text = f"{macro}({value}, {s.divisor})"
        else:
            text = f"{value} {'%' if s.remainder else '/'} {s.divisor}"
        yield f"const {self.integers(s.lanes)} {s.name} = {text};"

    def to_int(self, s: nest.ToInt) -> Iterator[str]:
        kind = self.integers(s.lanes)
        operand = self.operand(s.value)
        if s.lanes == 1:
            same = spelling.register(operand.dtype) == kind
            yield f"const {kind} {s.name} = {'' if same else f'({kind})'}{operand.text};"
        elif operand.dtype is dtype.bool_:
            yield f"const {kind} {s.name} = {masks.numbers(operand.text, self.integer, s.lanes)};"
        else:
            yield f"const {kind} {s.name} = CONVERT({kind}, {operand.text});"

    def pointer(self, s: nest.Pointer) -> Iterator[str]:
        self.multiples.pointer(s)
        kind = self.kind(s.place.slot)
        address = self.address(s.place)
        if s.guard:
            address = f"{s.guard} ? {address} : ({kind}){ZEROS}"
        yield f"{kind}const {s.name} = {address};"

    def test(self, s: nest.Test) -> Iterator[str]:
        self.lanes_of[s.name] = s.lanes
        checks = []
        for total, low, high in s.bounds:
            value = self.sum(total)
            if low is not None:
                checks.append(f"{value} >= {low}")
            if high is not None:
                checks.append(f"{value} < {high}")
        if s.lanes == 1:
            yield f"const bool {s.name} = {' && '.join([*s.also, *checks]) or 'true'};"
            return
        text = " & ".join(f"({check})" for check in checks) if len(checks) > 1 else checks[0]
        text = masks.of_comparison(text, self.integer, s.lanes)
        wide = [Operand(t, dtype.bool_, self.lanes_of[t]).wide(s.lanes) for t in s.also]
        yield self.define(s.name, dtype.bool_, s.lanes, " & ".join([*wide, text]))

    # -- values ---------------------------------------------------------------------------------

    def let(self, s: nest.Let) -> Iterator[str]:
        src = [self.operand(v) for v in s.operands]
        yield from self.value(s, spell(s.op, Operation(s.dtype, s.lanes, src, self.own)))

    def from_int(self, s: nest.FromInt) -> Iterator[str]:
        kind = spelling.register(s.dtype, s.lanes)
        text = self.sum(s.value)
        if s.dtype is dtype.bool_:
            text = f"(({text}) != 0)"
            text = text if s.lanes == 1 else masks.of_comparison(text, self.integer, s.lanes)
        elif kind != self.integers(s.lanes):
            text = f"CONVERT({kind}, {text})" if s.lanes > 1 else f"({kind})({text})"
        yield from self.value(s, text)

    def keep(self, s: nest.Keep) -> Iterator[str]:
        zero = spelling.literal(0, s.dtype, s.lanes)
        kept = self.operand(s.operand).wide(s.lanes)
        test = Operand(s.guard, dtype.bool_, self.lanes_of[s.guard])
        yield from self.value(s, select(test, kept, zero, s.dtype, s.lanes))

    def load(self, s: nest.Load) -> Iterator[str]:
        text = self.loaded(s)
        if s.guard:
            text = f"{s.guard} ? {text} : {spelling.literal(0, s.dtype, s.lanes)}"
        yield self.define(s.name, s.dtype, s.lanes, text)

    def loaded(self, s: nest.Load) -> str:
        if s.lanes == 1:
            return self.element(s.dtype, s.place)
        address = self.address(s.place)
        load = self.access("LOAD", s.place, s.lanes)
        vector = f"{load}_{spelling.stored(s.dtype)}{s.lanes}({address})"
        return self.from_memory(s.dtype, s.lanes, vector)

    def gather(self, s: nest.Gather) -> Iterator[str]:
        kind, apart = f"{spelling.stored(s.dtype)}{s.lanes}", s.index or s.stride
        test = s.guard if s.guard_lanes > 1 else ""
        text = strided.gathered(kind, self.address(s.place), apart, test, self.called)
        text = self.from_memory(s.dtype, s.lanes, text)
        if s.guard and not test:
            text = f"{s.guard} ? {text} : {spelling.literal(0, s.dtype, s.lanes)}"
        yield self.define(s.name, s.dtype, s.lanes, text)

    def move(self, s: nest.Move) -> Iterator[str]:
        zeros = [spelling.literal(0, s.dtype, 1)] * abs(s.by)
        left = [f"{i:x}" for i in range(max(0, s.by), s.lanes + min(0, s.by))]
        parts = []
        while left:  # of as many lanes as vectors may have
            count = 1 << (len(left).bit_length() - 1)
            parts.append(f"{s.operand}.s{''.join(left[:count])}")
            left = left[count:]
        each = [*zeros, *parts] if s.by < 0 else [*parts, *zeros]
        kind = spelling.register(s.dtype, s.lanes)
        yield self.define(s.name, s.dtype, s.lanes, f"({kind})({', '.join(each)})")

    def from_memory(self, of: DType, lanes: int, vector: str) -> str:
        """A vector as memory holds it, in registers."""
        if of in dtype.HALVES:
            return f"FROM_{of.name}_{lanes}({vector})"
        return masks.loaded(vector, lanes) if of is dtype.bool_ else vector

    # -- reductions -----------------------------------------------------------------------------

    def declare(self, s: nest.Declare) -> Iterator[str]:
        first = spelling.literal(s.first, s.dtype, s.lanes)
        yield f"{spelling.register(s.dtype, s.lanes)} {s.name} = {bare(first)};"

    def accumulate(self, s: nest.Accumulate) -> Iterator[str]:
        src = [self.operand(v) for v in s.operands]
        if len(src) == 2 and s.dtype.is_floating_point:
            if src[1].value == -1:
                yield f"{s.name} -= {bare(src[0].text)};"
                return
            yield f"{s.name} += {src[0].text} * {src[1].text};"
            return
        value = src[0]
        if len(src) == 1 and s.op is ops.ADD and s.dtype.is_floating_point:
            yield f"{s.name} += {bare(value.text)};"
            return
        if len(src) == 2:
            product = spell(ops.MUL, Operation(s.dtype, s.lanes, src))
            value = Operand(f"({product})", s.dtype, s.lanes)
        total = Operand(s.name, s.dtype, s.lanes)
        yield f"{s.name} = {spell(s.op, Operation(s.dtype, s.lanes, [total, value]))};"

    def fold(self, s: nest.Fold) -> Iterator[str]:
        """Halves the vector until one element is left."""
        yield "// its lanes: the lower half with the upper one, until one is left"
        of, name, lanes = s.operand.dtype, s.operand.name, s.operand.lanes
        while lanes > 1:
            lanes //= 2
            if lanes == 1:
                low, high = Operand(f"{name}.x", of, 1), Operand(f"{name}.y", of, 1)
            else:
                low, high = Operand(f"{name}.lo", of, lanes), Operand(f"{name}.hi", of, lanes)
            name = s.name if lanes == 1 else f"{s.name}_of_{lanes}"
            yield self.define(name, of, lanes, spell(s.op, Operation(of, lanes, [low, high])))

    def combine(self, s: nest.Combine) -> Iterator[str]:
        """Halves what the work-items found, in local memory, until one value is left."""
        of, part = s.operand.dtype, f"{s.name}_part"
        mine, other = Operand(f"{part}[member]", of, 1), Operand(f"{part}[member + half_]", of, 1)
        yield "// all members of the group: the first half with the second one, until one is left"
        yield f"__local {spelling.register(of, 1)} {part}[{self.nest.group}];"
        yield f"{part}[member] = {bare(self.operand(s.operand).text)};"
        yield BARRIER
        yield f"for (int half_ = {self.nest.group // 2}; half_ > 0; half_ /= 2) {{"
        both = spell(s.op, Operation(of, 1, [mine, other]))
        yield f"  if (member < half_) {part}[member] = {both};"
        yield f"  {BARRIER}"
        yield "}"
        yield self.define(s.name, of, 1, f"{part}[0]")

    # -- arrays ----------------------------------------------------------------------------------

    def array(self, s: nest.Array) -> Iterator[str]:
        yield f"{spelling.register(s.dtype, s.lanes)} {s.name}[{s.count}];"

    def shared(self, s: nest.Shared) -> Iterator[str]:
        """Aligned for the widest vector."""
        self.shared_names.add(s.name)
        kind = spelling.register(s.dtype, 1)
        yield f"__local {kind} {s.name}[{s.count}] __attribute__((aligned(64)));"

    def barrier(self, s: nest.Barrier) -> Iterator[str]:
        yield BARRIER

    def put(self, s: nest.Put) -> Iterator[str]:
        yield f"{s.array}[{self.sum(s.index)}] = {bare(self.operand(s.value).wide(s.lanes))};"

    def get(self, s: nest.Get) -> Iterator[str]:
        text = f"{s.array}[{self.sum(s.index)}]"
        if s.lanes > 1 and s.array in self.shared_names:
            text = f"*(__local const {spelling.register(s.dtype, s.lanes)} *)&{text}"
        yield self.define(s.name, s.dtype, s.lanes, text)

    # -- stores and control ---------------------------------------------------------------------

    def store(self, s: nest.Store) -> Iterator[str]:
        operand = self.operand(s.value)
        if s.lanes == 1:
            yield self.store_one(s, operand.text)
        elif s.stride == 1 and not s.index:
            yield self.store_vector(s, operand.wide(s.lanes))
        else:
            kind, apart = f"{spelling.stored(s.dtype)}{s.lanes}", s.index or s.stride
            vector = self.to_memory(s.dtype, s.lanes, operand.wide(s.lanes))
            yield strided.scattered(kind, vector, self.address(s.place), apart, self.called)

    def fetch(self, s: nest.Fetch) -> Iterator[str]:
        yield f"FETCH{'_TO_WRITE' if s.written else ''}({self.address(s.place)});"

    def store_one(self, s: nest.Store, text: str) -> str:
        if s.dtype in dtype.HALVES:
            text = f"TO_{s.dtype.name}_1({text})"
        elif s.dtype is dtype.bool_:
            text = f"{text} ? 1 : 0"
        base = s.place.pointer or self.names[s.place.slot]
        return f"{base}[{self.sum(s.place.offset)}] = {bare(text)};"

    def store_vector(self, s: nest.Store, text: str) -> str:
        address = self.address(s.place)
        kind = f"{spelling.stored(s.dtype)}{s.lanes}"
        text = self.to_memory(s.dtype, s.lanes, text)
        return f"{self.access('STORE', s.place, s.lanes)}_{kind}({bare(text)}, {address});"

    def to_memory(self, of: DType, lanes: int, vector: str) -> str:
        """A vector in registers, as memory holds it."""
        if of in dtype.HALVES:
            return f"TO_{of.name}_{lanes}({vector})"
        return masks.numbers(vector, spelling.stored(of), lanes) if of is dtype.bool_ else vector

    def loop(self, s: nest.Loop) -> Iterator[str]:
        self.multiples.loop(s)
        condition = f"{s.name} < {self.sum(s.stop)}"
        if s.limit is not None:
            condition += f" && {s.name} < {s.limit}"
        step = f"{s.name}++" if s.step == 1 else f"{s.name} += {s.step}"
        yield f"for ({self.integer} {s.name} = {self.sum(s.start)}; {condition}; {step}) {{"

    def if_(self, s: nest.If) -> Iterator[str]:
        yield f"if ({s.test}) {{"

    def last(self, s: nest.Last) -> Iterator[str]:
        yield f"if ({s.variable} == {s.value}) {{"


_SPELL: dict[type, Callable[[_Writer, Any], Iterator[str]]] = {
    nest.Int: _Writer.int_,
    nest.Lanes: _Writer.lanes,
    nest.Divide: _Writer.divide,
    nest.ToInt: _Writer.to_int,
    nest.Pointer: _Writer.pointer,
    nest.Test: _Writer.test,
    nest.Let: _Writer.let,
    nest.FromInt: _Writer.from_int,
    nest.Keep: _Writer.keep,
    nest.Load: _Writer.load,
    nest.Gather: _Writer.gather,
    nest.Move: _Writer.move,
    nest.Declare: _Writer.declare,
    nest.Accumulate: _Writer.accumulate,
    nest.Fold: _Writer.fold,
    nest.Combine: _Writer.combine,
    nest.Barrier: _Writer.barrier,
    nest.Array: _Writer.array,
    nest.Shared: _Writer.shared,
    nest.Put: _Writer.put,
    nest.Get: _Writer.get,
    nest.Store: _Writer.store,
    nest.Fetch: _Writer.fetch,
    nest.Loop: _Writer.loop,
    nest.Last: _Writer.last,
    nest.If: _Writer.if_,
}
