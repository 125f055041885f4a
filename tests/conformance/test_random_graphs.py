"""Random graphs of exact operations: a device must agree with the reference to the last bit.

All values are small whole numbers in float32, so nothing rounds, and whatever differs is a wrong
index, a lost guard or a missing dependency rather than arithmetic. Search longer with
``pytest tests/conformance/test_random_graphs.py --hypothesis-profile=long``.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from hypothesis import given, settings, strategies as st

import lazygrad
from lazygrad import Tensor
from lazygrad.testing import reference

LIMIT = 16  # values stay below it: fmod after what grows
MAX_SIZE = 600
Draw = Callable[[st.SearchStrategy], object]


@dataclass
class Program:
    """Draws operations on a pool of tensors; what was drawn is replayed on another pool."""

    draw: Callable[..., object]

    def choose(self, low: int, high: int) -> int:
        return int(self.draw(st.integers(low, high)))  # type: ignore[call-overload]

    def pick(self, pool: list[Tensor]) -> Tensor:
        return pool[self.choose(0, len(pool) - 1)]


def small(x: Tensor) -> Tensor:
    return x.fmod(LIMIT)


def unary(program: Program, pool: list[Tensor]) -> Tensor:
    x = program.pick(pool)
    functions = (
        lambda: -x, lambda: x.relu(), lambda: x.abs(), lambda: small(x * x), lambda: x.clamp(-3, 4),
        lambda: x.where(x > 1, 2 - x), lambda: x.contiguous(), lambda: (x != 0).type_as(x),
    )  # fmt: skip
    return functions[program.choose(0, len(functions) - 1)]()


def binary(program: Program, pool: list[Tensor]) -> Tensor:
    x, y = program.pick(pool), program.pick(pool)
    try:
        np.broadcast_shapes(x.shape, y.shape)
    except ValueError:
        y = y.sum()
    functions = (
        lambda: small(x + y), lambda: small(x * y), lambda: x.maximum(y), lambda: small(x - y),
        lambda: x.where(x < y, y + 1) if x.shape == y.shape else x.minimum(y),
    )  # fmt: skip
    return functions[program.choose(0, len(functions) - 1)]()


def reduction(program: Program, pool: list[Tensor]) -> Tensor:
    x = program.pick(pool)
    if x.ndim == 0:
        return x
    dim, keep = program.choose(0, x.ndim - 1), bool(program.choose(0, 1))
    if x.shape[dim] == 0:
        return small(x.sum(dim, keep))
    functions = (
        lambda: small(x.sum(dim, keep)), lambda: x.amax(dim, keep), lambda: x.min(dim, keep).values,
        lambda: x.argmax(dim, keep).type_as(x), lambda: small(x.sum()),
        lambda: small(x.cumsum(dim)),
    )  # fmt: skip
    return functions[program.choose(0, len(functions) - 1)]()


def movement(program: Program, pool: list[Tensor]) -> Tensor:
    x = program.pick(pool)
    if x.ndim == 0:
        return x.reshape(1)
    dim = program.choose(0, x.ndim - 1)
    size = x.shape[dim]
    start = program.choose(0, size)
    choice = program.choose(0, 7)
    if choice == 0:
        return x.flip(dim)
    if choice == 1:
        return x.transpose(dim, 0)
    if choice == 2:
        return x.narrow(dim, start, program.choose(0, size - start))
    if choice == 3:
        pads = [0, 0] * (x.ndim - 1 - dim) + [program.choose(0, 2), program.choose(0, 2)]
        return x.pad(pads, value=program.choose(0, 1))
    if choice == 4:
        return x.flatten()
    if choice == 5 and size:
        divisors = [n for n in range(1, size + 1) if size % n == 0]
        return x.unflatten(dim, (divisors[program.choose(0, len(divisors) - 1)], -1))
    if choice == 6:
        return Tensor.cat([x, x.flip(dim) + 1], dim)
    return x.unsqueeze(dim).expand(*x.shape[:dim], program.choose(1, 3), *x.shape[dim:])


def product(program: Program, pool: list[Tensor]) -> Tensor:
    x = program.pick(pool)
    if x.ndim < 2 or 0 in x.shape:
        return x
    if program.choose(0, 1):
        return small(x @ x.transpose(-1, -2))
    image = x.reshape(1, 1, -1, x.shape[-1])
    kernel = min(2, *image.shape[2:])
    weight = Tensor.ones(2, 1, kernel, kernel, dtype=x.dtype, device=x.device)
    if program.choose(0, 1):
        return small(image.conv2d(weight, padding=1, stride=program.choose(1, 2)))[0]
    return image.max_pool2d(kernel, program.choose(1, 2))[0, 0]


STEPS = (unary, binary, binary, reduction, movement, movement, product)


def run(draw: Callable[..., object], pool: list[Tensor], realise: bool) -> list[Tensor]:
    """Ten operations on a growing pool; some values are computed on the way."""
    program = Program(draw)
    for _ in range(program.choose(1, 10)):
        made = STEPS[program.choose(0, len(STEPS) - 1)](program, pool)
        if math.prod(made.shape) > MAX_SIZE:
            continue
        pool.append(made)
        if program.choose(0, 5) == 0 and realise:
            made.realize()
    return pool


class Recorder:
    """Draws once, then gives the same answers again."""

    def __init__(self, draw: Callable[..., object]) -> None:
        self.draw = draw
        self.answers: list[object] = []

    def record(self, strategy: object) -> object:
        self.answers.append(self.draw(strategy))
        return self.answers[-1]

    def replay(self) -> Callable[..., object]:
        answers = iter(self.answers)
        return lambda strategy: next(answers)


def leaves(shapes: list[tuple[int, ...]], device: str, dtype: str = "float32") -> list[Tensor]:
    rng = np.random.default_rng(0)
    arrays = [rng.integers(-5, 6, shape) for shape in shapes]
    return [Tensor(array, dtype=dtype, device=device) for array in arrays]


def derivatives(pool: list[Tensor], inputs: list[Tensor]) -> list[Tensor]:
    """Of the sum of everything, by the inputs."""
    outputs = [x.sum() for x in pool if x.requires_grad]
    found = lazygrad.grad(outputs, inputs, allow_unused=True)
    return [x for x in found if x is not None]


SHAPES = st.lists(
    st.lists(st.integers(1, 5), min_size=0, max_size=3).map(tuple), min_size=1, max_size=3
)


# Programs of an example: an OpenCL compiler takes hardly longer for the plan of several.
TOGETHER = {"CPU": 1, "GPU": 4}


def for_examples(device: str, check: Callable[[st.DataObject], None]) -> None:
    """As many programs as the profile has examples."""
    count = max(1, settings.default.max_examples // TOGETHER[device])
    with lazygrad.config(backend=device):
        settings(max_examples=count)(given(st.data())(check))()


def test_device_agrees_with_the_reference(device: str) -> None:
    """All values of an example computed at once, and those of its first program step by step."""

    def check(data: st.DataObject) -> None:
        given_shapes = [data.draw(SHAPES) for _ in range(TOGETHER[device])]
        recorders = [Recorder(data.draw) for _ in given_shapes]
        programs = [
            run(recorder.record, leaves(shapes, device), realise=False)
            for recorder, shapes in zip(recorders, given_shapes, strict=True)
        ]
        lazy = [x for program in programs for x in program]
        expected = reference.evaluate_all([x._node for x in lazy])
        Tensor.realize(*lazy)
        again = run(recorders[0].replay(), leaves(given_shapes[0], device), realise=True)
        for right, own in zip(expected, lazy, strict=True):
            np.testing.assert_array_equal(own.numpy(), right)
        for right, own in zip(expected, again, strict=False):
            np.testing.assert_array_equal(own.numpy(), right)

    for_examples(device, check)


def test_derivatives_agree_with_the_reference(device: str) -> None:
    """In float64, where shares of ties are all that rounds."""

    def check(data: st.DataObject) -> None:
        found: list[Tensor] = []
        for number in range(TOGETHER[device]):
            inputs = [x.requires_grad_() for x in leaves(data.draw(SHAPES), device, "float64")]
            found += derivatives(run(data.draw, list(inputs), realise=number == 0), inputs)
        expected = reference.evaluate_all([x._node for x in found])
        if found:
            Tensor.realize(*found)
        for right, own in zip(expected, found, strict=True):
            np.testing.assert_allclose(own.numpy(), right, rtol=1e-12, atol=1e-12)

    for_examples(device, check)
