"""Threads that share the blocks of a launch."""

from __future__ import annotations

import threading
from collections.abc import Iterator

import numpy as np
import pytest

from lazygrad import ops
from lazygrad.kernel.index import of as index_of
from lazygrad.kernel.kernel import Kernel
from lazygrad.runtime.backend import Call
from lazygrad_numpy import backend
from lazygrad_numpy.blas import BlasThreads
from lazygrad_numpy.generate import generate
from lazygrad_numpy.program import NumpyProgram, Running, code_of
from lazygrad_numpy.team import CHUNK, Launch, Member, Team
from tests.numpy_backend.helpers import flat, kernel, launch, load, op, ranges, reduce_sum
from tests.numpy_backend.test_products import conv, weight_gradient


@pytest.fixture
def team() -> Iterator[Team]:
    yield Team(3)


def test_every_block_is_visited_once(team: Team) -> None:
    seen: list[int] = []

    def work(member: Member) -> None:
        seen.extend(member.blocks())

    team.run([(1000, 7)], work, sums=False)
    assert sorted(seen) == list(range(0, 1000, 7))


def test_members_of_a_sum_always_get_the_same_blocks(team: Team) -> None:
    seen: dict[int, list[int]] = {}

    def work(member: Member) -> None:
        seen[member.number] = list(member.blocks())

    team.run([(100, 10)], work, sums=True)
    assert seen == {0: [0, 10, 20], 1: [30, 40, 50], 2: [60, 70, 80, 90]}


def test_members_begin_with_their_own_share_of_each_loop() -> None:
    launch = Launch([(100, 10), (41, 20)], 2, sums=False)
    first, second = Member(launch, 0), Member(launch, 1)
    ahead = first.blocks()
    assert [next(ahead) for _ in range(2)] == [0, 10]
    assert list(second.blocks()) == [50, 60, 70, 80, 90, 20, 30, 40]
    assert list(ahead) == []
    assert list(second.blocks()) == [20, 40, 0]
    assert list(first.blocks()) == []


def test_merge_gives_the_last_member_everything(team: Team) -> None:
    last: list[tuple[float, float]] = []

    def work(member: Member) -> None:
        total, top = np.zeros(1), np.full(1, -np.inf)
        for start in member.blocks():
            total += start
            np.maximum(top, start, out=top)
        if member.merge((np.add, total), (np.maximum, top)):
            last.append((total[0], top[0]))

    team.run([(1000, 10)], work, sums=True)
    assert last == [(sum(range(0, 1000, 10)), 990.0)]


def test_members_meet_between_loops(team: Team) -> None:
    """The second loop needs what the first one added up, of all members."""
    found: dict[int, float] = {}
    whole: list[float] = []

    def work(member: Member) -> None:
        first, second = np.zeros(1), np.zeros(1)
        for start in member.blocks():
            first += start
        member.meet((np.add, first))
        found[member.number] = first[0]
        for start in member.blocks():
            second += start * first
        if member.merge((np.add, second)):
            whole.append(second[0])

    for _ in range(20):
        team.run([(100, 10), (30, 7)], work, sums=True)
    assert found == dict.fromkeys(range(3), 450.0)
    assert whole == [450.0 * (7 + 14 + 21 + 28)] * 20


@pytest.mark.parametrize("failing", [0, 2])
def test_who_waits_for_a_member_that_fails_goes_home(team: Team, failing: int) -> None:
    after: list[int] = []

    def work(member: Member) -> None:
        if member.number == failing:
            raise ValueError("in a thread")
        member.meet()
        after.append(member.number)

    with pytest.raises(ValueError, match="in a thread"):
        team.run([(100, 1), (100, 1)], work, sums=False)
    assert not after
    test_every_block_is_visited_once(team)


def test_an_error_in_any_member_is_raised_and_the_team_goes_on(team: Team) -> None:
    def work(member: Member) -> None:
        list(member.blocks())
        if member.number == 1:
            raise ValueError("in a thread")

    with pytest.raises(ValueError, match="in a thread"):
        team.run([(100, 1)], work, sums=True)
    test_every_block_is_visited_once(team)


def test_a_launch_within_a_launch_runs_by_itself(team: Team) -> None:
    inner: list[int] = []

    def nested(member: Member) -> None:
        inner.append(member.launch.members)

    def work(member: Member) -> None:
        if member.number == 0:
            team.run([(100, 10)], nested, sums=False)

    team.run([(100, 10)], work, sums=False)
    assert inner == [1]


def test_small_launches_stay_in_the_calling_thread(team: Team) -> None:
    where: list[str] = []
    team.run([(10, 10)], lambda member: where.append(threading.current_thread().name), sums=False)
    assert where == [threading.current_thread().name]


def test_one_member_needs_no_merging() -> None:
    assert Member(Launch([(10, 5)], 1, sums=True), 0).merge((np.add, np.ones(1)))


# -- programs ---------------------------------------------------------------------------------


def chain() -> Kernel:
    (i,) = ranges(i=1_000_003)
    value = op(ops.EXP, op(ops.MUL, load(1, index_of(i)), load(1, index_of(i))))
    return kernel("chain", (i,), [(index_of(i), value, ())], {1: 1_000_003})


def total() -> Kernel:
    k, c = ranges(k=200_003, c=7)
    x = op(ops.SIN, load(1, flat([k, c])))
    return kernel("total", (c,), [(index_of(c), reduce_sum(x, k), ())], {1: 1_400_021})


def moments() -> Kernel:
    """Mean and variance of columns, and where they are stored."""
    k, c = ranges(k=150_003, c=9)
    x = load(2, flat([k, c]))
    mean = op(ops.MUL, reduce_sum(x, k), 1 / 150_003)
    apart = op(ops.ADD, x, op(ops.MUL, mean, -1.0))
    outputs = [(index_of(c), reduce_sum(op(ops.MUL, apart, apart), k), ()), (index_of(c), mean, ())]
    return kernel("moments", (c,), outputs, {2: 1_350_027})


@pytest.mark.parametrize(
    "made",
    [
        chain(),
        total(),
        moments(),
        conv(33, 16, 13, 24, 3, layout="nhwc", pad=1),
        weight_gradient(33, 16, 13, 24, 3, "nchw"),
    ],
    ids=lambda made: made.name,
)
def test_threads_change_nothing_but_rounding(made: Kernel) -> None:
    rng = np.random.default_rng(0)
    inputs = {
        slot: rng.standard_normal(spec.size).astype(np.float32)
        for slot, spec in enumerate(made.buffers)
        if slot >= len(made.outputs)
    }
    alone = launch(made, compiled(made, 1), inputs)[0]
    together = compiled(made, 3)
    assert "team.blocks()" in together.source
    first = launch(made, together, inputs)[0]
    np.testing.assert_allclose(first, alone, rtol=1e-5, atol=1e-5 * np.abs(alone).max())
    for _ in range(5):  # and not even that from launch to launch
        np.testing.assert_array_equal(launch(made, together, inputs)[0], first)


def test_all_passes_over_data_are_shared_and_one_thread_stores() -> None:
    source = generate(moments(), 3)
    assert [loop.range.size for loop in source.shared] == [150_003, 150_003]
    text = source.text
    assert (text.count("team.blocks()"), text.count("team.meet("), text.count("team.merge(")) == (
        2, 1, 1,
    )  # fmt: skip
    assert text.index("team.merge(") < min(text.index(f"copyto(out{slot}") for slot in (0, 1))


def test_arrays_are_read_in_chunks_only_while_programs_run() -> None:
    before = np.getbufsize()
    with Running(BlasThreads()):
        assert np.getbufsize() == CHUNK
    assert np.getbufsize() == before


def compiled(made: Kernel, threads: int) -> NumpyProgram:
    call = Call(made, tuple(range(len(made.buffers))))
    return NumpyProgram(
        code_of(0, call, generate(made, threads), threads), Team(threads), BlasThreads()
    )


def test_launches_from_several_threads_do_not_share_scratch() -> None:
    program = compiled(chain(), 2)
    inputs = [np.full(1_000_003, value, np.float32) for value in (0.5, 1.0, 1.5)]
    results: dict[int, np.ndarray] = {}

    def run(number: int) -> None:
        for _ in range(4):
            results[number] = launch(chain(), program, {1: inputs[number]})[0]

    threads = [threading.Thread(target=run, args=(number,)) for number in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for number, x in enumerate(inputs):
        np.testing.assert_allclose(results[number], np.exp(x * x), rtol=1e-6)


def test_blas_gets_its_threads_back() -> None:
    threads = BlasThreads()
    if not threads.known:
        pytest.skip("NumPy was not built with OpenBLAS")
    before = threads.limit()
    assert threads.limit() == 1
    threads.restore(before)
    assert threads.limit() == before
    threads.restore(before)


def test_available_cores_are_counted() -> None:
    assert backend.available_cores() >= 1
