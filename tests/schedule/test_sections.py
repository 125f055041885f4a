"""Kernels in sections: which run so, with how much memory, and that they compute the same."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from math import prod

import numpy as np
import pytest

from lazygrad import Tensor, config, func
from lazygrad.kernel.plan import TEMPORARY, LoopCall, Plan
from lazygrad.kernel.target import Target
from lazygrad.nn import functional as F
from lazygrad.runtime import registry
from lazygrad.schedule import winograd
from tests.schedule.planning import plan_of

Loops = list[LoopCall]
WORKERS = Target(units=2, lanes=8, workers=2, cache=1 << 10)  # little is much already
SIZES = (8, 64, 32)  # of a batch of matrices


def loops_of(plan: Plan) -> Loops:
    return [step.kernel for step in plan.steps if isinstance(step.kernel, LoopCall)]


def matrices(*shape: int) -> Tensor:
    return Tensor(np.ones(shape, np.float32))


def twice(x: Tensor, w: Tensor) -> Tensor:
    """Two products of each matrix of a batch; what passes between them is read twice."""
    y = x @ w
    return (y @ y.transpose(-1, -2)).relu()


def batches(size: int = 8) -> Tensor:
    return twice(matrices(size, 64, 32), matrices(32, 64))


# -- what runs in sections ------------------------------------------------------------------------


def test_what_passes_between_kernels_has_memory_for_a_section_of_each_worker() -> None:
    plan = plan_of(batches(), target=WORKERS)
    (loop,) = loops_of(plan)
    assert [step.kernel for step in plan.steps] == [loop]
    whole = plan_of(batches(), target=replace(WORKERS, workers=0))
    assert loop.length == 8 and len(loop.body.steps) == len(whole.steps) > 1
    between = sum(piece.nbytes for piece in whole.temporaries)  # some of it where results will be
    assert sum(plan.arenas) == between * loop.workers // loop.length


def test_temporaries_are_numbered_as_they_are_written() -> None:
    """A number that depends on addresses would be another kernel in each process."""
    (loop,) = loops_of(plan_of(batches(), target=WORKERS))
    places = [place for step in loop.body.steps for place in step.places]
    found = list(dict.fromkeys(place.index for place in places if place.role == TEMPORARY))
    assert found == [*range(len(loop.body.temporaries))]


def test_every_section_reaches_what_is_its_own() -> None:
    (loop,) = loops_of(plan_of(batches(), target=WORKERS))
    (result,) = loop.results
    assert loop.outputs[0].step * loop.length == result.nbytes
    steps = {reach.slots[0] - 1: reach.step for reach in loop.inputs}
    for slot, operand in enumerate(loop.operands):  # the matrices of a section, all of the weights
        assert steps[slot] in (operand.nbytes // loop.length, 0)
    assert sorted(steps.values())[0] == 0 < sorted(steps.values())[1]


@pytest.mark.parametrize(
    ("size", "length"), [(8, 8), (64, 32), (96, 32), (2, 2), (31, 31), (3, 0), (5, 5), (62, 31)]
)
def test_sections_are_as_many_as_divide_the_range_and_keep_workers_busy(
    size: int, length: int
) -> None:
    loops = loops_of(plan_of(batches(size), target=WORKERS))
    assert [loop.length for loop in loops] == ([length] if length else [])


def whole_between() -> list[Tensor]:
    y = matrices(8, 64, 32) @ matrices(32, 64)
    return [(y @ y.transpose(-1, -2)).relu(), y]


def over_the_batch() -> list[Tensor]:
    y = matrices(8, 64, 32) @ matrices(32, 64)
    return [y - y.mean(0)]


def moved_on() -> list[Tensor]:
    y = matrices(8, 64, 32) @ matrices(32, 64)
    return [(y @ y.transpose(-1, -2).roll(1, 0)).relu()]


def chosen() -> list[Tensor]:
    y = matrices(8, 64, 32) @ matrices(32, 64)
    return [y[Tensor([3, 1, 4, 1, 5, 2, 6, 0])] @ y]


@pytest.mark.parametrize("results", [whole_between, over_the_batch, moved_on, chosen])
def test_what_is_needed_as_a_whole_is_not_in_sections(
    results: Callable[[], Sequence[Tensor]],
) -> None:
    """Its kernel is a step by itself; what comes behind it may be in sections."""
    first, *_ = plan_of(*results(), target=WORKERS).steps
    assert first.kernel.name.startswith("matmul_8x64x64")


def test_little_is_not_worth_sections() -> None:
    little = replace(WORKERS, cache=prod((8, 64, 64)) * 4)  # what passes is in the caches of both
    assert loops_of(plan_of(batches(), target=little))
    assert not loops_of(plan_of(batches(), target=replace(little, cache=little.cache + 1)))


def test_what_all_sections_read_again_must_be_less_than_what_they_save() -> None:
    x = matrices(8, 4, 512)
    w = matrices(512, 64)  # 128 KB, in each of 8 sections, to save 8 KB
    assert not loops_of(plan_of(twice(x, w), target=WORKERS))


def convolution(padding: int) -> Tensor:
    """Of 16 images of 32 x 32, after padding, in 8 x 8 tiles of 4 x 4 results or fewer."""
    size = 34 - 2 * padding
    return F.conv2d(matrices(16, 16, size, size), matrices(16, 16, 3, 3), padding=padding)


@pytest.mark.parametrize(("padding", "ends"), [(0, []), (1, [16, 32, 16])])
def test_blocks_of_an_image_are_other_kernels_where_it_ends(padding: int, ends: list[int]) -> None:
    """The first and the last of four, and those between; a block of each worker is there at a time:
    tiles and products of 36 points, 2 x 8 tiles and 16 channels."""
    block = 2 * 36 * 2 * 8 * 16 * 4
    plan = plan_of(convolution(padding), target=replace(WORKERS, cache=block))
    (loop,) = loops_of(plan)
    assert loop.length == 16 * 4
    assert [count for _, count in loop.runs() if count < loop.length] == ends
    assert loop.body.arenas == (block,)


def test_settings_turn_sections_off() -> None:
    for setting in ({"sections": False}, {"fuse": False}, {"check": "nan"}):
        with config(**setting):
            assert not loops_of(plan_of(batches(), target=WORKERS))


# -- what they compute ----------------------------------------------------------------------------

rng = np.random.default_rng(0)


def normal(*shape: int) -> np.ndarray:
    return rng.standard_normal(shape).astype(np.float32)


def attention(q: Tensor, k: Tensor, v: Tensor) -> list[Tensor]:
    result, back = func.vjp(lambda *x: F.scaled_dot_product_attention(*x, is_causal=True), q, k, v)
    return [result, *back(result * 0.5)]


def blocks(x: Tensor, w: Tensor) -> list[Tensor]:
    return [F.conv2d(x, w, padding=1).relu(), F.conv2d(x, w).tanh()]


def convolutions(x: Tensor, w: Tensor, v: Tensor) -> list[Tensor]:
    def two(x: Tensor, w: Tensor, v: Tensor) -> Tensor:
        return F.conv2d(F.conv2d(x, w, padding=1).relu(), v, padding=1).tanh()

    result, back = func.vjp(two, x, w, v)
    return [result, *back(result * 0.5)]


def two_at_once(x: Tensor, w: Tensor) -> list[Tensor]:
    """Loops side by side in one part of a launch."""
    return [twice(x, w), twice(x * 2, w.flip(0))]


def backwards(x: Tensor, w: Tensor) -> list[Tensor]:
    y = x @ w
    return [(y @ y.transpose(-1, -2).flip(0)).relu(), y.roll(1, 0) @ y.transpose(-1, -2)]


def slices(x: Tensor, w: Tensor) -> list[Tensor]:
    """Memory that is read from the middle on."""
    return [twice(x[3:], w), twice(x[:8, 5:], w)]


PROGRAMS = {
    "attention": (attention, [normal(6, 4, 96, 16) for _ in range(3)]),
    "convolutions": (
        convolutions,
        [normal(12, 8, 16, 20), normal(16, 8, 3, 3), normal(8, 16, 3, 3)],
    ),
    "blocks": (blocks, [normal(16, 16, 32, 32), normal(16, 16, 3, 3)]),
    "two at once": (two_at_once, [normal(14, 48, 32), normal(32, 40)]),
    "backwards": (backwards, [normal(14, 48, 32), normal(32, 40)]),
    "slices": (slices, [normal(11, 48, 32), normal(32, 40)]),
}


def on(device: str, name: str) -> list[np.ndarray]:
    function, operands = PROGRAMS[name]
    with config(cache=False):
        return [r.numpy() for r in function(*(Tensor(o, device=device) for o in operands))]


@pytest.fixture
def small_caches(monkeypatch: pytest.MonkeyPatch) -> None:
    """All that may run in sections on the GPU does."""
    device = registry.backend("GPU")
    if not device.target.workers:
        pytest.skip("work-items of this device cannot wait for each other")
    monkeypatch.setattr(device, "target", replace(device.target, cache=1 << 8))
    monkeypatch.setattr(winograd, "ROWS", 4)


@pytest.mark.gpu
@pytest.mark.parametrize("name", PROGRAMS)
def test_sections_compute_what_whole_kernels_do(
    name: str, small_caches: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    device, taken = registry.backend("GPU"), list[str]()
    takes = device.takes

    def counted(loop: LoopCall) -> bool:
        taken.append(loop.name)
        return takes(loop)

    monkeypatch.setattr(device, "takes", counted)
    found = on("GPU", name)
    assert taken
    for got, want in zip(found, on("CPU", name), strict=True):
        np.testing.assert_allclose(got, want, rtol=1e-4, atol=1e-4 * abs(want).max())


@pytest.mark.gpu
@pytest.mark.parametrize("name", ["two at once", "blocks"])
def test_a_backend_that_takes_no_loops_repeats_them(
    name: str, small_caches: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(type(registry.backend("GPU")), "takes", lambda self, loop: False)
    for got, want in zip(on("GPU", name), on("CPU", name), strict=True):
        np.testing.assert_allclose(got, want, rtol=1e-4, atol=1e-4 * abs(want).max())
