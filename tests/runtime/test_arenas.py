"""Temporaries on overlapping pieces of arenas, on every backend, and on OpenCL as on a GPU: what is
computed is, bit for bit, what it is where no two share a byte."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from lazygrad import Tensor, config, element_types as dt, func, jit, nn, ops, optim
from lazygrad.kernel import expr as ex
from lazygrad.kernel.index import Range
from lazygrad.kernel.kernel import BufferSpec, Kernel, Output
from lazygrad.kernel.plan import INPUT, OUTPUT, TEMPORARY, Piece, Place, Plan, Step
from lazygrad.kernel.target import Target
from lazygrad.runtime import cache, registry
from lazygrad.runtime.backend import Backend
from lazygrad.runtime.memory import Memory, part
from lazygrad.runtime.program import Binding, CompiledPlan, Recipe, read_recipe, written
from lazygrad.schedule import memory
from lazygrad.schedule.memory import Lifetime, Room, assign
from tests.codegen.kernels import at, do, number, total

AS_ON_A_GPU = "GPU as on a GPU"  # kernels are launched one by one
UNCALLED = "GPU without calls"  # as for a CPU, but launches do not take turns


FORMS = [
    "CPU",
    *(pytest.param(name, marks=pytest.mark.gpu) for name in ("GPU", AS_ON_A_GPU, UNCALLED)),
]


@pytest.fixture(params=FORMS)
def form(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """The name of a device, which may stand in for another one."""
    name = str(request.param)
    if name != "CPU":
        pytest.importorskip("pyopencl")
    if name == AS_ON_A_GPU:
        from lazygrad_opencl import device as devices

        backend: Any = registry.backend("GPU")
        with config(opencl_type="GPU"):
            target = devices.target_of(backend.device)
            monkeypatch.setattr(backend, "target", target)
            monkeypatch.setattr(backend, "_dialect", devices.dialect_of(backend.device, target))
        assert target.is_gpu
    if name == UNCALLED:
        from lazygrad_opencl.prelude import Dialect

        monkeypatch.setattr(registry.backend("GPU"), "_dialect", Dialect(packed=True))
    cache.clear()
    yield name[:3]
    cache.clear()


# -- random plans ----------------------------------------------------------------------------------

SIZES = 16, 200
GIVEN = 3  # inputs, of the smaller size
MODULUS = 1009


def mixed(out: int, one: int, other: int, first: int, points: int) -> Kernel:
    """``points`` of ``out`` elements, from the ``first`` on: whatever changes in what it reads, of
    ``one`` and ``other`` elements, changes all of them."""
    r, i, j = Range("r", points), Range("i", one), Range("j", other)
    read = [
        total(ex.load(1, at((i, 1)), dt.int32), i),
        do(ops.MUL, total(ex.load(2, at((j, 1)), dt.int32), j), number(3, dt.int32)),
    ]
    value = do(ops.ADD, do(ops.ADD, *read), ex.index_value(at((r, 1), first), dt.int32))
    value = do(ops.MOD, value, number(MODULUS, dt.int32))
    buffers = tuple(BufferSpec(dt.int32, size) for size in (out, one, other))
    return Kernel("mixed", (r,), (Output(0, at((r, 1), first), value, (r,)),), buffers)


class Random:
    """A plan of kernels that write temporaries, whole or in halves, or outputs; and the outputs,
    which are large and written in halves where they are ``roomy``: temporaries may lie there."""

    def __init__(self, rng: random.Random, target: Target, roomy: bool = False) -> None:
        self.inputs = [
            np.asarray([rng.randrange(MODULUS) for _ in range(SIZES[0])], np.int32)
            for _ in range(GIVEN)
        ]
        self.outputs: list[np.ndarray] = []
        known = {Place(INPUT, n): array for n, array in enumerate(self.inputs)}
        steps, made = list[Step](), 0

        def write(place: Place, size: int, halves: int) -> None:
            one, other = (rng.choice(list(known)[-7:]) for _ in range(2))
            for first in range(0, size, size // halves):
                kernel = mixed(size, len(known[one]), len(known[other]), first, size // halves)
                steps.append(Step(kernel, (place, one, other)))
            sums = known[one].sum(dtype=np.int64) + 3 * known[other].sum(dtype=np.int64)
            known[place] = ((sums + np.arange(size)) % MODULUS).astype(np.int32)

        for _ in range(40):
            if rng.random() < 0.3:
                place = Place(OUTPUT, len(self.outputs))
                write(place, SIZES[roomy], 1 + roomy)
                self.outputs.append(known.pop(place))
            else:
                write(Place(TEMPORARY, made), rng.choice(SIZES), rng.choice([1, 1, 2]))
                made += 1
        spans: dict[Place, list[int]] = {Place(TEMPORARY, n): [] for n in range(made)}
        for count, step in enumerate(steps):
            for place in step.places:
                if place.role == TEMPORARY:
                    spans[place].append(count)
        lifetimes = [
            Lifetime(known[place].nbytes, uses[0], uses[-1]) for place, uses in spans.items()
        ]
        until = {
            place.index: count
            for count, step in reversed([*enumerate(steps)])
            for place in step.places
            if place.role == OUTPUT
        }
        rooms = [Room(array.nbytes, until[n]) for n, array in enumerate(self.outputs)]
        pieces, arenas = assign(lifetimes, target, rooms if roomy else ())
        outputs = tuple(array.nbytes for array in self.outputs)
        results = tuple(Place(OUTPUT, n) for n in range(len(outputs)))
        self.plan = Plan(tuple(steps), results, outputs, tuple(arenas), tuple(pieces))

    @property
    def in_outputs(self) -> list[Piece]:
        """The temporaries that lie in memory for outputs."""
        return [piece for piece in self.plan.temporaries if piece.of >= len(self.plan.arenas)]

    @property
    def partly(self) -> int:
        """How many pairs of temporaries share some bytes and not all of them."""
        pieces = self.plan.temporaries
        return sum(
            one.of == other.of
            and one.start < other.start + other.nbytes
            and other.start < one.start + one.nbytes
            and (one.start, one.nbytes) != (other.start, other.nbytes)
            for one in pieces
            for other in pieces
        )


def compiled(plan: Plan, device: str) -> CompiledPlan:
    """By way of the bytes that the disk keeps."""
    backend = registry.backend(device)
    return CompiledPlan(
        read_recipe(written(Recipe.of(plan, backend), plan, backend), backend), device
    )


@pytest.mark.parametrize("limit", [Target.allocation, 2000])
def test_random_plans(form: str, limit: int) -> None:
    backend = registry.backend(form)
    made = Random(random.Random(3), replace(backend.target, allocation=limit))
    assert made.partly > 10
    assert (len(made.plan.arenas) > 1) == (limit == 2000)
    run(made, form)


def test_temporaries_lie_where_outputs_will_be(form: str) -> None:
    backend = registry.backend(form)
    for seed in range(3):
        made = Random(random.Random(seed), backend.target, roomy=True)
        assert len(made.in_outputs) > 3
        run(made, form)


def run(made: Random, form: str) -> None:
    """Twice, and compares the results."""
    backend, plan = registry.backend(form), compiled(made.plan, form)
    pieces = [Memory(form, array.nbytes) for array in made.inputs]
    for piece, array in zip(pieces, made.inputs, strict=True):
        backend.upload(piece.raw, array)
    for _ in range(2):
        results = plan.run(pieces)
        for result, expected in zip(results, made.outputs, strict=True):
            found = np.empty_like(expected)
            backend.download(result.raw, found)
            np.testing.assert_array_equal(found, expected)


# -- programs --------------------------------------------------------------------------------------


def numbers(*shape: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).standard_normal(shape).astype(np.float32)


def training(device: str) -> list[np.ndarray]:
    """Three jitted steps of a convolutional network."""
    model = nn.Sequential(
        nn.Conv2d(2, 4, 3), nn.BatchNorm2d(4), nn.ReLU(), nn.Flatten(), nn.Linear(64, 3)
    ).to(device)
    for count, param in enumerate(model.parameters()):
        param.assign(Tensor(0.3 * numbers(*param.shape, seed=count), device=device))
    optimizer = optim.SGD(model.parameters(), lr=0.1)
    x = Tensor(numbers(4, 2, 6, 6), device=device)

    @jit
    def step() -> Tensor:
        optimizer.zero_grad()
        loss = model(x).log_softmax(1).square().mean()
        loss.backward()
        optimizer.step()
        return loss

    losses = [step().numpy() for _ in range(3)]
    return [*losses, *(param.numpy() for param in model.parameters())]


def loops(device: str) -> list[np.ndarray]:
    """A loop in a loop, whose bodies have temporaries of their own."""
    weight = Tensor(0.2 * numbers(16, 16), device=device)

    def inner(h: Tensor, x: Tensor) -> tuple[Tensor, Tensor]:
        wide = (h @ weight).softmax(-1)
        return (wide @ weight + x).tanh(), (wide @ weight).sum(-1)

    def outer(h: Tensor, xs: Tensor) -> tuple[Tensor, Tensor]:
        mixed = (h @ weight).softmax(0)
        h, sums = func.scan(inner, (mixed @ weight).tanh(), xs)
        return h, sums.sum(0) * (mixed @ weight).amax(1)

    start, xs = numbers(4, 16), numbers(3, 5, 4, 16)
    h, ys = func.scan(outer, Tensor(start, device=device), Tensor(xs, device=device))
    return [h.numpy(), ys.numpy()]


def routines(device: str) -> list[np.ndarray]:
    """Between kernels, on temporaries."""
    a = Tensor(numbers(3, 8, 8), device=device)
    spread = a @ a.mT + 8 * Tensor.eye(8, device=device)
    lower = spread.cholesky()
    solved = lower.softmax(-1).matmul(spread).inverse()
    return [((solved @ lower).sum(0) @ solved.exp().sum(1).T).numpy()]


PROGRAMS: dict[str, Callable[[str], list[np.ndarray]]] = {
    "training": training, "loops": loops, "routines": routines,
}  # fmt: skip


def side_by_side(
    lifetimes: Sequence[Lifetime], target: Target, rooms: Sequence[Room]
) -> tuple[list[Piece], list[int]]:
    """Instead of ``assign``: no two share a byte."""
    return assign([Lifetime(nbytes, 0, 0) for nbytes, _, _ in lifetimes], target)


@pytest.mark.parametrize("program", PROGRAMS.values(), ids=PROGRAMS)
@pytest.mark.parametrize("form", FORMS[:3], indirect=True)
def test_programs(
    form: str,
    program: Callable[[str], list[np.ndarray]],
    plans_run: list[CompiledPlan],
    monkeypatch: pytest.MonkeyPatch,
) -> None:

    def planned() -> tuple[list[np.ndarray], int]:
        cache.clear()
        plans_run.clear()
        made = list[CompiledPlan]()
        compile_plan = cache.compile_plan
        with monkeypatch.context() as patched:
            patched.setattr(
                cache, "compile_plan", lambda *a: made.append(compile_plan(*a)) or made[-1]
            )
            results = program(form)
        return results, sum(sum(plan.recipe.arenas) for plan in made)

    found, nbytes = planned()
    with monkeypatch.context() as patched:
        patched.setattr(memory, "assign", side_by_side)
        expected, more = planned()
    assert nbytes < more
    for array, right in zip(found, expected, strict=True):
        np.testing.assert_array_equal(array, right)


# -- launches --------------------------------------------------------------------------------------


def test_launches_are_bound_to_few_pieces(form: str) -> None:
    """Where a launch has several kernels, it is given the arena, and not each temporary."""
    backend = registry.backend(form)
    plan = compiled(Random(random.Random(0), backend.target).plan, form)
    arena = plan.recipe.given - 1
    alone = {n for code in plan.recipe.codes if len(code.calls) == 1 for n in code.memory}
    joined = {n for code in plan.recipe.codes if len(code.calls) > 1 for n in code.memory}
    assert max(joined, default=arena) == arena
    assert plan.pieces.keys() == {n for n in alone if n > arena}


def test_an_arena_that_is_exchanged_binds_its_pieces_anew(device: str) -> None:
    backend = registry.backend(device)
    plan = compiled(Random(random.Random(0), backend.target).plan, device)
    given = [backend.allocate(4 * SIZES[0]) for _ in range(plan.inputs)]
    given += [backend.allocate(nbytes) for nbytes in plan.recipe.outputs]
    binding = Binding(plan, [*given, backend.allocate(plan.recipe.arenas[0])])
    before = [binding.memory(program) for program in plan.programs]
    binding.rebind(binding.raw)
    assert all(a is b for p, old in zip(plan.programs, before, strict=True)
               for a, b in zip(binding.memory(p), old, strict=True))  # fmt: skip
    binding.rebind([*given, backend.allocate(plan.recipe.arenas[0])])
    first = plan.recipe.given - 1
    for program, old in zip(plan.programs, before, strict=True):
        for number_, a, b in zip(program.code.memory, binding.memory(program), old, strict=True):
            assert (a is b) == (number_ < first)


def test_parts_of_parts(form: str) -> None:
    """Also where a driver knows no part of a part."""
    backend: Backend = registry.backend(form)
    unit = backend.target.alignment
    whole = Memory(form, 4 * unit)
    backend.upload(whole.raw, np.repeat(np.arange(4, dtype=np.uint8), unit))
    inner = backend.part(backend.part(whole.raw, unit, 2 * unit), unit, unit)
    found = np.empty(unit, np.uint8)
    backend.download(inner, found)
    assert set(found) == {2}
    backend.upload(inner, np.zeros(unit, np.uint8))
    backend.download(part(whole, 2 * unit, unit, form).raw, found)
    assert not found.any()


def test_a_device_that_shares_no_parts_has_memory_for_each(
    device: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    backend = registry.backend(device)
    monkeypatch.setattr(backend, "part", lambda *given: None)
    whole = backend.allocate(512)
    piece = backend.piece([whole], Piece(0, 0, 256))
    backend.upload(whole, np.zeros(512, np.uint8))
    backend.upload(piece, np.ones(256, np.uint8))
    found = np.empty(512, np.uint8)
    backend.download(whole, found)
    assert not found.any()
