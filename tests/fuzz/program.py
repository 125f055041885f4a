"""Random programs: Python text that any backend runs, with the oracle's meaning beside each line.

A program is made while the oracle's exact universe evaluates it, so that each line can be chosen
to fit the shapes, dtypes and values there are.
"""

from __future__ import annotations

import math
import random
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from tests.fuzz.values import FLOATS, INTS, LARGEST, Array, Undefined, Universe, Value, rounded

LARGEST_SIZE = 1 << 14  # elements of a value
SIZES = (1, 2, 3, 3, 4, 5, 7, 8, 13, 17, 33)
LONG = (65, 130, 257, 1030, 4099)
Shape = tuple[int, ...]
Meaning = Callable[..., Any]


@dataclass(frozen=True)
class Ref:
    """A value of the program under construction; its text is its name."""

    id: int
    value: Value

    def __str__(self) -> str:
        return f"v{self.id}"

    __repr__ = __str__

    @property
    def shape(self) -> Shape:
        return self.value.shape

    @property
    def ndim(self) -> int:
        return self.value.ndim

    @property
    def size(self) -> int:
        return self.value.size

    @property
    def dtype(self) -> str:
        return self.value.dtype


@dataclass(frozen=True)
class Step:
    """One line: ``v3, v4 = text``."""

    ids: tuple[int, ...]
    text: str
    inputs: tuple[int, ...]
    meaning: Meaning
    name: str
    host: bool = False  # reads a value, so it cannot be traced

    def source(self) -> str:
        return ", ".join(f"v{i}" for i in self.ids) + " = " + self.text

    def evaluate(self, u: Universe, env: dict[int, Value]) -> None:
        with np.errstate(all="ignore"):
            made = self.meaning(u, *(env[i] for i in self.inputs))
        env.update(zip(self.ids, made if isinstance(made, tuple) else (made,), strict=True))


@dataclass
class Program:
    """Leaves by id, lines, and the ids whose values are compared."""

    leaves: dict[int, Value]
    steps: list[Step]
    outputs: list[int]
    inputs: list[int] = field(default_factory=list)  # leaves to differentiate against

    def evaluate(self, u: Universe, leaves: dict[int, Value] | None = None) -> dict[int, Value]:
        env = dict(self.leaves if leaves is None else leaves)
        for step in self.steps:
            step.evaluate(u, env)
        return env

    def needed(self, outputs: Iterable[int]) -> Program:
        """What ``outputs`` depend on."""
        wanted, steps = set(outputs), []
        for step in reversed(self.steps):
            if wanted & set(step.ids):
                wanted.update(step.inputs)
                steps.append(step)
        leaves = {i: v for i, v in self.leaves.items() if i in wanted}
        inputs = [i for i in self.inputs if i in wanted]
        return Program(leaves, steps[::-1], list(outputs), inputs)

    def source(self) -> str:
        lines = [f"v{i} = {_leaf_text(v, i in self.inputs)}" for i, v in self.leaves.items()]
        lines += [step.source() for step in self.steps]
        return "\n".join([*lines, "# compare: " + ", ".join(f"v{i}" for i in self.outputs)])


def _leaf_text(value: Value, tracked: bool) -> str:
    array = stored(value)
    options = f", requires_grad={tracked}" if tracked else ""
    if array.size > 1 and np.all(array == array.flat[0]):
        shaped = f"np.full({array.shape}, {array.flat[0].item()!r}, np.{array.dtype})"
        return f"Tensor({shaped}, dtype={value.dtype!r}, device=D{options})"
    flat = ", ".join(map(repr, array.ravel().tolist()))
    shaped = f"np.array([{flat}], np.{array.dtype})"
    if array.ndim != 1:
        shaped += f".reshape({array.shape})"
    return f"Tensor({shaped}, dtype={value.dtype!r}, device=D{options})"


def stored(value: Value) -> Array:
    """A leaf as an array of NumPy's own dtype."""
    if not value.is_float:
        return value.array
    return value.real.astype("float32" if value.dtype == "bfloat16" else value.dtype)


class Maker:
    """Makes one program; rows of the table choose their operands through it."""

    def __init__(self, seed: int, smooth: bool = False) -> None:
        self.r = random.Random(seed)
        self.numbers = np.random.default_rng(seed)
        self.smooth = smooth  # floats only, finite: a program to differentiate
        self.universe = Universe()
        self.leaves: dict[int, Value] = {}
        self.steps: list[Step] = []
        self.pool: list[Ref] = []
        self.theme = self._theme()

    def _theme(self) -> Shape:
        """The shape that shapes of this program derive from."""
        kind = self.r.random()
        if kind < 0.06:
            return (self.r.choice(LONG),) if self.r.random() < 0.5 else (3, self.r.choice(LONG))
        if kind < 0.08:
            return (self.r.choice(LONG), 3)
        rank = self.r.choice((0, 1, 1, 2, 2, 2, 3, 3, 4))
        sizes = SIZES if rank < 3 else (1, 2, 3, 4, 5, 7)
        shape = [self.r.choice(sizes) for _ in range(rank)]
        if rank and self.r.random() < 0.07:
            shape[self.r.randrange(rank)] = 0
        return tuple(shape)

    # -- operands ------------------------------------------------------------------------------

    def shape(self) -> Shape:
        """The theme, sometimes with dims left out or of size 1, which broadcast to it."""
        shape = self.theme
        if self.r.random() < 0.25:
            shape = shape[self.r.randint(0, len(shape)) :]
        if self.r.random() < 0.25:
            shape = tuple(1 if self.r.random() < 0.5 else n for n in shape)
        return shape

    def dtype(self) -> str:
        if self.smooth:
            return self.r.choice(
                ("float32", "float32", "float32", "float64", "float16", "bfloat16")
            )
        return self.r.choice(FLOATS + ("float32",) * 4 + INTS + ("int32", "int64", "bool", "bool"))

    def leaf(self, shape: Shape | None = None, dtype: str | None = None, kind: str = "") -> Ref:
        shape = self.shape() if shape is None else shape
        dtype = self.dtype() if dtype is None else dtype
        if np.prod(shape) > LARGEST_SIZE:
            raise Undefined("too large")
        value = Value(np.asarray(self.array(shape, dtype, kind)), dtype)
        ref = Ref(self._next(), value)
        self.leaves[ref.id] = value
        self.pool.append(ref)
        return ref

    def array(self, shape: Shape, dtype: str, kind: str) -> Array:
        n = self.numbers
        if dtype == "bool":
            return n.integers(0, 2, shape).astype(bool)
        if dtype in INTS:
            info = np.iinfo(dtype)
            if kind != "small" and self.r.random() < 0.25:
                full = n.integers(info.min, int(info.max), shape, dtype=dtype, endpoint=True)
                ends = np.array([info.min, info.max, 0, 1, info.max - 1], dtype)
                return np.where(n.random(shape) < 0.3, n.choice(ends, shape), full).astype(dtype)
            return n.integers(0 if info.min == 0 else -6, 7, shape).astype(dtype)
        return rounded(self._floats(shape, dtype, kind), dtype)

    def _floats(self, shape: Shape, dtype: str, kind: str) -> Array:
        n = self.numbers
        kind = kind or self.r.choice(
            ("normal", "normal", "whole", "unit") if self.smooth else
            ("normal", "normal", "whole", "whole", "unit", "special", "scaled")
        )  # fmt: skip
        if kind == "whole":
            return n.integers(-4, 5, shape).astype(float)
        if kind == "unit":
            return n.integers(0, 9, shape) / 8 if self.r.random() < 0.3 else n.random(shape)
        if kind == "positive":
            return n.random(shape) * 2 + 0.1
        base = n.normal(size=shape) * 1.5
        if kind == "scaled":
            return base * 10.0 ** self.r.randint(-6, 6)
        if kind == "special":
            large = LARGEST[dtype]
            odd = np.array([np.nan, np.inf, -np.inf, -0.0, 0.0, large, -large, 1e-41, 6e-8, 2.5,
                            -0.5, 1.0, 3e9, -1e19, 300.0])  # fmt: skip
            return np.where(n.random(shape) < 0.3, n.choice(odd, shape), base)
        return base

    def pick(self, test: Callable[[Ref], bool] = lambda ref: True) -> Ref:
        """A value that passes; late ones are more likely, so that programs go deep."""
        fits = [ref for ref in self.pool if test(ref)]
        if not fits:
            raise Undefined("nothing fits")
        return fits[max(self.r.randrange(len(fits)), self.r.randrange(len(fits)))]

    def float(self, test: Callable[[Ref], bool] = lambda ref: True) -> Ref:
        try:
            return self.pick(lambda ref: ref.value.is_float and test(ref))
        except Undefined:
            ref = self.leaf(dtype=self.r.choice(FLOATS))
            if not test(ref):
                raise
            return ref

    def like(self, x: Ref, shape: Shape | None = None, kind: str = "") -> Ref:
        """Another value of the dtype of ``x`` and of this shape (its own): found, or a new leaf."""
        shape = x.shape if shape is None else shape
        fits = [r for r in self.pool if r.shape == shape and r.dtype == x.dtype and r.id != x.id]
        if fits and not kind and self.r.random() < 0.7:
            return self.r.choice(fits)
        return self.leaf(shape, x.dtype, kind)

    def partner(self, x: Ref) -> Ref:
        """Another value that broadcasts with ``x``."""

        def fits(y: Ref) -> bool:
            try:
                return math.prod(np.broadcast_shapes(x.shape, y.shape)) <= LARGEST_SIZE
            except ValueError:
                return False

        if self.r.random() < 0.8:
            return self.pick(fits)
        shape = x.shape[self.r.randint(0, x.ndim) :]
        return self.leaf(tuple(1 if self.r.random() < 0.2 else n for n in shape))

    def number(self, dtype: str) -> Any:
        """A Python number that fits a dtype."""
        if dtype in FLOATS:
            return self.r.choice((0, 1, 2, -1, 0.5, -1.5, 3.0, 0.1, 2.0, True))
        if dtype == "bool":
            return self.r.choice((True, False))
        return self.r.choice((0, 1, 2, 3, 5) + (() if dtype.startswith("u") else (-1, -2, -3)))

    def dim(self, x: Ref) -> int:
        """A dim of ``x``, counted from the front or the end."""
        if x.ndim == 0:
            raise Undefined("no dim")
        return self.r.randrange(-x.ndim, x.ndim)

    def dims(self, x: Ref) -> Any:
        """None, one dim or several."""
        if x.ndim == 0 or self.r.random() < 0.25:
            return None
        if self.r.random() < 0.6:
            return self.dim(x)
        chosen = self.r.sample(range(x.ndim), self.r.randint(1, x.ndim))
        return tuple(d - x.ndim if self.r.random() < 0.5 else d for d in chosen)

    def index(self, size: int, shape: Shape, negative: bool = True) -> Ref:
        """Integers in range of ``size``; preferably computed by the program."""
        if size == 0 and np.prod(shape):
            raise Undefined("no index")
        low = -size if negative else 0

        def in_range(r: Ref) -> bool:
            return r.value.is_int and r.shape == shape and bool(
                np.all((r.value.array >= low) & (r.value.array < size)))  # fmt: skip

        computed = [r for r in self.pool if r.id not in self.leaves and in_range(r)]
        if computed and self.r.random() < 0.8:
            return self.r.choice(computed)
        whole = [r for r in self.pool if r.value.is_int and r.shape == shape]
        if whole and size and self.r.random() < 0.7:
            x = self.r.choice(whole)
            if size <= 100:
                return self.emit("remainder", f"{x} % {size}", remainder_of(size), x)
        dtype = self.r.choice(
            ("int64", "int64", "int32", "int16", "uint8" if size < 250 else "int64")
        )
        start = 0 if dtype == "uint8" else low
        array = self.numbers.integers(start, max(size, 1), shape).astype(dtype)
        ref = Ref(self._next(), Value(np.asarray(array), dtype))
        self.leaves[ref.id] = ref.value
        self.pool.append(ref)
        return ref

    # -- lines ---------------------------------------------------------------------------------

    def emit(self, name: str, text: str, meaning: Meaning, *inputs: Ref, host: bool = False) -> Any:
        """Adds the line; returns its value, or several."""
        try:
            with np.errstate(all="ignore"):
                made = meaning(self.universe, *(ref.value for ref in inputs))
        except (ValueError, IndexError) as error:  # NumPy: the shapes do not fit
            raise Undefined(str(error)) from None
        values = made if isinstance(made, tuple) else (made,)
        if any(value.size > LARGEST_SIZE for value in values):
            raise Undefined("too large")
        refs = tuple(Ref(self._next(i), value) for i, value in enumerate(values))
        self.steps.append(
            Step(tuple(r.id for r in refs), text, tuple(r.id for r in inputs), meaning, name, host)
        )
        self.pool.extend(refs)
        return refs if isinstance(made, tuple) else refs[0]

    def _next(self, ahead: int = 0) -> int:
        return len(self.pool) + ahead


def remainder_of(size: int) -> Meaning:
    return lambda u, x: Value(np.mod(x.array, np.asarray(size).astype(x.dtype)), x.dtype)
