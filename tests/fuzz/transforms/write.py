"""Random programs as text: functions inside of functions, and transforms of them in any nesting.

A program is lines of Python in the names of ``meaning`` and ``library``. Rules that users write and
functions that are made pure stand at its top; ``main`` takes the inputs and returns a list.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np

Shape = tuple[int, ...]
SHAPES: tuple[Shape, ...] = ((), (2,), (3,), (3,), (2, 3), (3, 2), (3, 3))
LARGEST = 18  # elements of a value
CHANCES = (0.5, 0.5, 0.4, 0.25)  # of a line being a transform, by how many there are around
DEEPEST = len(CHANCES)


class Unfit(Exception):
    """No variable is as one is needed."""


class Var(NamedTuple):
    """A variable of a program."""

    name: str
    shape: Shape


class Block:
    """The lines of a function while they are written, and the variables that they may use.

    Attributes:
        own: variables made here; ``scope`` has those of the functions around as well.
        depth: how many transforms there are around.
    """

    def __init__(self, scope: list[Var], own: list[Var], depth: int) -> None:
        self.scope, self.own, self.depth = scope, own, depth
        self.lines: list[str] = []


class Writer:
    """Writes one program."""

    def __init__(self, seed: int) -> None:
        self.r = random.Random(seed)
        self.count = 0
        self.top: list[str] = []
        self.rules: list[tuple[str, int]] = []  # and how many operands
        self.pure: list[tuple[str, Shape, Shape, Shape]] = []  # state, input, output

    def name(self, prefix: str = "v") -> str:
        self.count += 1
        return f"{prefix}{self.count}"

    def program(self) -> tuple[str, list[Shape]]:
        """The text, and the shapes of the inputs of ``main``."""
        for _ in range(self.r.choice((0, 0, 1, 2))):
            self.rule()
        if self.r.random() < 0.25:
            self.purified()
        inputs = [Var(self.name("x"), self.r.choice(SHAPES)) for _ in range(self.r.choice((1, 2)))]
        block = Block(list(inputs), list(inputs), 0)
        transformed(self, block)
        for _ in range(self.r.choice((0, 0, 1, 2))):
            self.statement(block)
        made = [v.name for v in block.own[len(inputs) :]]
        results = made[-self.r.choice((1, 2)) :]
        head = f"def main({', '.join(v.name for v in inputs)}):"
        body = [*block.lines, f"return [{', '.join(results)}]"]
        lines = [*self.top, head, *("    " + line for line in body)]
        return "\n".join(lines), [v.shape for v in inputs]

    # -- at the top --------------------------------------------------------------------------------

    def rule(self) -> None:
        """An elementwise function whose derivatives are anything but those of its value."""
        count = self.r.choice((1, 1, 2))
        args = ", ".join("xy"[:count])
        bodies = [self.formula(count) for _ in range(count + 1)]
        name = self.name("rule")
        kind = self.r.choice(("custom_vjp", "custom_jvp", "custom_function"))
        listed = ", ".join(f"lambda {args}: {body}" for body in bodies)
        self.top.append(f"{name} = {kind}({listed})")
        self.rules.append((name, count))

    def formula(self, count: int) -> str:
        first = f"{self.r.choice(('sin', 'cos', 'tanh', 'sigmoid', 'square'))}(x)"
        if count == 1:
            return self.r.choice((first, f"mul({first}, 0.7)", f"add({first}, mul(x, 0.3))"))
        second = self.r.choice(("y", "cos(y)", "tanh(y)", "add(y, 1.5)"))
        return f"{self.r.choice(('mul', 'add'))}({first}, {second})"

    def purified(self) -> None:
        state, given = self.r.choice(SHAPES), self.r.choice(SHAPES)
        args = [Var(self.name("s"), state), Var(self.name("x"), given)]
        name = self.name("f")
        block = Block(list(args), list(args), DEEPEST - 2)
        for _ in range(2):
            self.statement(block)
        output = self.latest(block)
        after = self.shaped(block, self.latest(block), state)
        self.top += self.function_lines(name, args, block, f"({after.name}, {output.name})")
        pure = self.name("pure")
        self.top.append(f"{pure} = purified({name}, {state}, {given})")
        self.pure.append((pure, state, given, output.shape))

    # -- functions ---------------------------------------------------------------------------------

    def function(
        self,
        around: Block,
        args: list[Shape],
        want: Shape | None = None,
        *,
        lines: int | None = None,
        results: Callable[[Writer, Block], str] | None = None,
    ) -> tuple[str, Shape]:
        """Writes a function into ``around``; its name, and the shape of what it returns."""
        own = [Var(self.name("a"), shape) for shape in args]
        block = Block([*around.scope, *own], list(own), around.depth + 1)
        for _ in range(self.r.choice((1, 2, 2, 3)) if lines is None else lines):
            self.statement(block)
        name = self.name("f")
        result = self.latest(block)
        if want is not None:
            result = self.shaped(block, result, want)
        text = result.name if results is None else results(self, block)
        around.lines += self.function_lines(name, own, block, text)
        return name, result.shape

    def function_lines(self, name: str, args: list[Var], block: Block, result: str) -> list[str]:
        head = f"def {name}({', '.join(v.name for v in args)}):"
        return [head, *("    " + line for line in [*block.lines, f"return {result}"])]

    def latest(self, block: Block) -> Var:
        return block.own[-1]

    def pick(self, block: Block, test: Callable[[Shape], bool] = lambda shape: True) -> Var:
        """A variable whose shape passes: late and own ones are more likely."""
        own = [v for v in block.own if test(v.shape)]
        if own and self.r.random() < 0.75:
            return own[max(self.r.randrange(len(own)), self.r.randrange(len(own)))]
        every = [v for v in block.scope if test(v.shape)]
        if every:
            return self.r.choice(every)
        shapes = [shape for shape in SHAPES if test(shape)]
        if not shapes:
            raise Unfit
        return self.shaped(block, block.own[-1], self.r.choice(shapes))

    def exactly(self, block: Block, shape: Shape) -> Var:
        """A variable of this shape."""
        if any(v.shape == shape for v in block.scope):
            return self.pick(block, lambda s: s == shape)
        return self.shaped(block, block.own[-1], shape)

    def add(self, block: Block, text: str, shape: Shape) -> Var:
        """Writes a line for a new variable."""
        made = Var(self.name(), shape)
        block.lines.append(f"{made.name} = {text}")
        block.own.append(made)
        block.scope.append(made)
        return made

    def shaped(self, block: Block, x: Var, shape: Shape) -> Var:
        """A variable of a shape that depends on ``x``."""
        if x.shape == shape:
            return x
        if fits(x.shape, shape):
            return self.add(block, f"expand({x.name}, {shape})", shape)
        if int(np.prod(x.shape)) == int(np.prod(shape)):
            return self.add(block, f"reshape({x.name}, {shape})", shape)
        ripple = f"mul(ones({shape}), sin(total({x.name})))"
        return self.add(block, ripple, shape)

    # -- lines -------------------------------------------------------------------------------------

    def statement(self, block: Block) -> None:
        from tests.fuzz.transforms.lines import OPERATIONS

        if block.depth < DEEPEST and self.r.random() < CHANCES[block.depth]:
            transformed(self, block)
        else:
            one_of(self, OPERATIONS, block)

    def bounded(self, block: Block, text: str, shape: Shape) -> Var:
        """What derivatives make large is brought back, mostly."""
        if self.r.random() < 0.6:
            text = f"{self.r.choice(('sin', 'tanh', 'sin'))}(mul({text}, 0.5))"
        return self.add(block, text, shape)


def fits(x: Shape, shape: Shape) -> bool:
    """Whether ``x`` broadcasts to ``shape``."""
    try:
        return np.broadcast_shapes(x, shape) == shape
    except ValueError:
        return False


Line = Callable[[Writer, Block], None]


def transformed(w: Writer, block: Block) -> None:
    """A transform of a new function, and its call."""
    from tests.fuzz.transforms.nesting import TRANSFORMS

    one_of(w, TRANSFORMS, block)


def one_of(w: Writer, kinds: Sequence[Line], block: Block) -> None:
    """A line of some kind that fits; what was written for one that did not is left over."""
    while True:
        try:
            return w.r.choice(kinds)(w, block)
        except Unfit:
            pass
