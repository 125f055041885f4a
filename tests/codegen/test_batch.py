"""Which calls share a launch, and in which order they run."""

from __future__ import annotations

import random
from collections.abc import Iterable, Sequence

import pytest

from lazygrad.codegen import batch as bt
from lazygrad.codegen.batch import Batch, Work
from lazygrad.kernel.plan import Piece
from lazygrad.kernel.target import Target
from lazygrad.schedule.memory import Lifetime, assign

MOST_MEMORY = 120
WHOLE = 8, 8  # of that many elements


def call(writes: int, *reads: int, items: int = 1, alone: bool = False) -> Work:
    return Work({writes: WHOLE}, frozenset(reads), items, alone)


def batches(calls: Sequence[Work]) -> list[Batch]:
    return bt.batches(calls, MOST_MEMORY)


def in_turn(made: Sequence[Batch]) -> list[list[Batch]]:
    return bt.in_turn(made, MOST_MEMORY)


def tracks(made: list[Batch]) -> list[list[tuple[list[int], int]]]:
    return [[(track.calls, track.items) for track in batch.tracks] for batch in made]


def test_small_calls_run_in_turn() -> None:
    assert tracks(batches([call(1, 0), call(2, 1), call(3, 2, 1)])) == [[([0, 1, 2], 1)]]


def test_independent_calls_run_side_by_side() -> None:
    made = batches([call(1, 0, items=4), call(2, 0, items=3), call(3, 0)])
    assert tracks(made) == [[([0], 4), ([1], 3), ([2], 1)]]
    assert made[0].items == 8


def test_a_call_of_several_items_waits_for_a_launch() -> None:
    made = batches([call(1, 0, items=4), call(2, 1), call(3, 2), call(4, 3, items=2)])
    assert tracks(made) == [[([0], 4)], [([1, 2], 1)], [([3], 2)]]


def test_a_call_that_waits_for_two_tracks_joins_them() -> None:
    assert tracks(batches([call(1, 0), call(2, 0), call(3, 1, 2)])) == [[([0, 1, 2], 1)]]


def test_later_calls_move_forward_when_nothing_holds_them() -> None:
    made = batches([call(1, 0, items=4), call(2, 1, items=4), call(3, 0, items=2)])
    assert tracks(made) == [[([0], 4), ([2], 2)], [([1], 4)]]


@pytest.mark.parametrize(
    "second",
    [call(9, 1), call(1, 8), call(0, 8)],
    ids=["reads what is written", "writes it again", "writes what is read"],
)
def test_what_shares_memory_keeps_its_order(second: Work) -> None:
    first = call(1, 0, items=4)
    assert tracks(batches([first, second])) == [[([0], 4)], [([1], 1)]]


def test_both_may_read_the_same() -> None:
    assert len(batches([call(1, 0, items=4), call(2, 0, items=4)])) == 1


def part(writes: int, *reads: int, items: int = 4) -> Work:
    """A call that writes half of a piece of memory."""
    return Work({writes: (4, 8)}, frozenset(reads), items)


def test_calls_that_write_parts_of_one_value_run_side_by_side() -> None:
    made = batches([part(1, 0), part(1, 2), call(3, 1, items=4)])
    assert tracks(made) == [[([0], 4), ([1], 4)], [([2], 4)]]


def test_parts_of_the_next_value_wait_for_all_that_used_the_memory() -> None:
    """The second value's parts for the readers of the first one; where nobody read it, for its
    writers."""
    calls = [part(1, 0), part(1, 2), call(3, 1, items=4), part(1, 4), part(1, 5), call(6, 1)]
    assert bt._dependencies(calls) == [set(), set(), {0, 1}, {0, 1, 2}, {0, 1, 2}, {3, 4}]
    unread = [part(1, 0), part(1, 2), part(1, 4), part(1, 5)]
    assert bt._dependencies(unread) == [set(), set(), {0, 1}, {0, 1}]


PIECES = {10: Piece(0, 0, 64), 11: Piece(0, 64, 64), 12: Piece(0, 32, 64), 13: Piece(0, 0, 128)}


def test_the_first_write_of_a_piece_waits_for_all_that_used_its_bytes() -> None:
    calls = [call(10, 1), call(11, 1), call(2, 10), call(12, 1), call(3, 12), call(13, 1)]
    # 12 takes half of 10 and half of 11; whoever takes the other halves waits for their users
    assert bt._dependencies(calls, PIECES) == [set(), set(), {0}, {0, 1, 2}, {3}, {0, 1, 2, 3, 4}]


def test_pieces_side_by_side_hold_nothing_up() -> None:
    assert bt._dependencies([call(10, 1), call(11, 1)], PIECES) == [set(), set()]


def test_all_parts_of_a_value_wait_for_what_its_bytes_held() -> None:
    calls = [call(10, 1), call(2, 10), part(12, 1), part(12, 3)]
    assert bt._dependencies(calls, PIECES) == [set(), {0}, {0, 1}, {0, 1}]


def test_what_reads_a_value_of_an_earlier_launch_is_waited_for() -> None:
    assert bt._dependencies([call(2, 10), call(12, 1)], PIECES) == [set(), {0}]


def test_pieces_of_one_memory_are_one_argument() -> None:
    made = bt.batches([call(10, 1), call(11, 2)], MOST_MEMORY, PIECES)
    assert [batch.memory for batch in made] == [{0, 1, 2}]


def test_a_value_in_all_of_a_memory_waits_for_its_pieces() -> None:
    """As what is asked for does, where temporaries lay before."""
    calls = [call(10, 1), call(2, 10), part(0, 1), part(0, 1), call(3, 0)]
    assert bt._dependencies(calls, PIECES) == [set(), {0}, {0, 1}, {0, 1}, {2, 3}]


class Program:
    """Calls on values in shared memory: one call writes a value, or two, then others read it."""

    def __init__(self, rng: random.Random) -> None:
        self.calls: list[Work] = []
        written, half = list[int](), None
        for value in range(60):
            reads = frozenset(rng.sample(written[-8:], min(len(written), rng.randrange(4))))
            items = rng.choice([1, 1, 4])
            if half is not None and rng.random() < 0.5:
                self.calls.append(Work({half: (4, 8)}, reads, items))
                written.append(half)
                half = None
            elif half is None and rng.random() < 0.3:
                half = value
                self.calls.append(Work({half: (4, 8)}, reads, items))
            else:
                self.calls.append(Work({value: WHOLE}, reads, items))
                written.append(value)
        spans: dict[int, list[int]] = {}
        for number, work in enumerate(self.calls):
            for value in (*work.writes, *work.reads):
                spans.setdefault(value, []).append(number)
        lifetimes = [Lifetime(rng.randrange(1, 200), n[0], n[-1]) for n in spans.values()]
        pieces, _ = assign(lifetimes, Target(alignment=16, allocation=rng.choice([500, 1 << 62])))
        self.pieces = {
            value: Piece(-1 - piece.of, piece.start, piece.nbytes)
            for value, piece in zip(spans, pieces, strict=True)
        }

    def meet(self, some: Iterable[int], others: Iterable[int]) -> bool:
        """Whether values of both have bytes in common."""
        pairs = [(self.pieces[one], self.pieces[other]) for one in some for other in others]
        return any(
            a.of == b.of and a.start < b.start + b.nbytes and b.start < a.start + a.nbytes
            for a, b in pairs
        )

    def conflict(self, one: Work, other: Work) -> bool:
        """Whether both must keep their order: not so if they write parts of one value."""
        if one.writes.keys() == other.writes.keys():
            return False
        return self.meet(one.writes, {*other.writes, *other.reads}) or self.meet(
            one.reads, other.writes
        )


@pytest.mark.parametrize("seed", range(30))
def test_every_two_calls_that_conflict_keep_their_order(seed: int) -> None:
    program = Program(random.Random(seed))
    place: dict[int, tuple[int, int, int]] = {}
    for number, batch in enumerate(bt.batches(program.calls, MOST_MEMORY, program.pieces)):
        for track, each in enumerate(batch.tracks):
            place |= {n: (number, track, turn) for turn, n in enumerate(each.calls)}
    conflicts = [
        (one, other)
        for other, work in enumerate(program.calls)
        for one in range(other)
        if program.conflict(program.calls[one], work)
    ]
    assert len(conflicts) > 100
    for one, other in conflicts:
        (batch, track, _), (later, other_track, _) = place[one], place[other]
        assert batch < later or (batch, track) == (later, other_track), (one, other)
        assert place[one] < place[other]


def test_calls_that_want_to_be_alone() -> None:
    made = batches([call(1, 0), call(2, 0, alone=True), call(3, 0)])
    assert tracks(made) == [[([0], 1), ([2], 1)], [([1], 1)]]


def test_a_launch_takes_so_many_arguments() -> None:
    made = batches([call(2 * n + 1, 2 * n) for n in range(MOST_MEMORY)])
    assert [len(batch.memory) for batch in made] == [MOST_MEMORY, MOST_MEMORY]


def test_nothing() -> None:
    assert batches([]) == []


@pytest.mark.parametrize("seed", range(40))
def test_any_order_of_the_tracks_gives_what_the_calls_give(seed: int) -> None:
    """Each call writes a new value made of what it reads; tracks run in a random order."""
    rng = random.Random(seed)
    calls = [
        call(rng.randrange(8), *rng.sample(range(8), 2), items=rng.choice([1, 1, 1, 4]))
        for _ in range(30)
    ]

    def run(order: list[int]) -> list[object]:
        memory: list[object] = list(range(8))
        for number in order:
            (written,) = calls[number].writes
            memory[written] = hash((number, *(memory[m] for m in sorted(calls[number].reads))))
        return memory

    order: list[int] = []
    for batch in batches(calls):
        for track in rng.sample(batch.tracks, len(batch.tracks)):
            assert len(track.calls) == 1 or track.items == 1
            order += track.calls
    assert sorted(order) == list(range(len(calls)))
    assert run(order) == run(list(range(len(calls))))


def test_batches_that_wait_for_each_other_run_in_turn() -> None:
    made = batches([call(n + 1, n, items=4) for n in range(5)])
    assert [len(several) for several in in_turn(made)] == [5]


def test_launches_in_turn_share_no_more_memory_than_arguments() -> None:
    made = batches([call(n + 1, n, items=4) for n in range(MOST_MEMORY + 9)])
    several = in_turn(made)
    assert [len(found) for found in several] == [MOST_MEMORY - 1, 10]
    assert [batch for found in several for batch in found] == made


def test_what_wants_to_be_alone_has_no_turn() -> None:
    calls = [call(1, 0, items=4), call(2, 1, alone=True), call(3, 2, items=4), call(4, 3, items=4)]
    assert [len(several) for several in in_turn(batches(calls))] == [1, 1, 2]
    assert in_turn([]) == []
