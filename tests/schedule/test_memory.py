"""The memory planner: values alive together never share bytes, others do."""

from dataclasses import replace

import pytest
from hypothesis import given, strategies as st

from lazygrad.kernel.plan import Piece
from lazygrad.kernel.target import Target
from lazygrad.schedule.memory import Lifetime, Room, assign

UNIT = 16
TARGET = Target(alignment=UNIT)
LIFETIMES = st.lists(
    st.tuples(st.integers(0, 1000), st.integers(0, 20), st.integers(0, 10)).map(
        lambda t: Lifetime(t[0], t[1], t[1] + t[2])
    ),
    max_size=30,
)


def alive(one: Lifetime, other: Lifetime) -> bool:
    return one.first <= other.last and other.first <= one.last


def overlap(one: Piece, other: Piece) -> bool:
    return (
        one.of == other.of
        and one.start < other.start + other.nbytes
        and other.start < one.start + one.nbytes
    )


@given(LIFETIMES, st.sampled_from([TARGET.allocation, 2048, 100]))
def test_values_alive_together_share_no_bytes_and_lie_in_arenas(
    lifetimes: list[Lifetime], limit: int
) -> None:
    pieces, arenas = assign(lifetimes, replace(TARGET, allocation=limit))
    assert [piece.nbytes for piece in pieces] == [max(1, each.nbytes) for each in lifetimes]
    ends = [0] * len(arenas)
    for i, piece in enumerate(pieces):
        assert piece.start % UNIT == 0
        ends[piece.of] = max(ends[piece.of], piece.start + piece.nbytes)
        for j in range(i):
            assert not (alive(lifetimes[i], lifetimes[j]) and overlap(piece, pieces[j]))
    assert ends == arenas
    largest = max((each.nbytes for each in lifetimes), default=0)
    assert all(arena <= max(limit, largest) for arena in arenas)
    if limit == TARGET.allocation:
        assert len(arenas) == bool(lifetimes)


def test_what_is_larger_than_an_allocation_has_one_of_its_own() -> None:
    lifetimes = [Lifetime(nbytes, 0, 1) for nbytes in (500, 64, 64, 64, 64)]
    pieces, arenas = assign(lifetimes, replace(TARGET, allocation=130))
    assert sorted(arenas) == [128, 128, 500]
    assert [piece.of for piece in pieces].count(pieces[0].of) == 1


def test_a_chain_needs_two_places() -> None:
    chain = [Lifetime(160, step, step + 1) for step in range(50)]
    pieces, arenas = assign(chain, TARGET)
    assert arenas == [320]
    assert [piece.start for piece in pieces] == [0, 160] * 25


def test_a_small_value_that_is_kept_keeps_no_large_one_from_its_place() -> None:
    large = [Lifetime(1600, step, step + 1) for step in range(0, 20, 4)]
    kept = [Lifetime(16, step, 100) for step in range(2, 20, 4)]
    _, arenas = assign([*large, *kept], TARGET)
    assert arenas == [1600 + 4 * 16]  # the last one comes when no large one does


def test_small_values_lie_side_by_side_where_a_large_one_was() -> None:
    small = [Lifetime(320, step, 9) for step in range(4, 8)]
    pieces, arenas = assign([Lifetime(1280, 0, 3), *small], TARGET)
    assert arenas == [1280]
    assert [piece.start for piece in pieces] == [0, 0, 320, 640, 960]


def test_what_lies_too_high_is_placed_earlier_in_another_try() -> None:
    """By size, the 48 bytes lie on top of both 64 that are alive with them, 176 bytes in all, of
    which no more than 128 are alive at once."""
    lifetimes = [
        Lifetime(64, 0, 1),
        Lifetime(64, 1, 2),
        Lifetime(64, 3, 4),
        Lifetime(48, 2, 3),
        Lifetime(48, 4, 5),
    ]
    _, arenas = assign(lifetimes, TARGET)
    assert arenas == [128]


@pytest.mark.parametrize("count", [0, 1])
def test_little(count: int) -> None:
    pieces, arenas = assign([Lifetime(100, 0, 1)] * count, TARGET)
    assert (pieces, arenas) == ([Piece(0, 0, 100)] * count, [100] * count)


# -- in memory for results ------------------------------------------------------------------------


@given(LIFETIMES, st.lists(st.builds(Room, st.integers(0, 2000), st.integers(0, 30)), max_size=4))
def test_in_rooms_until_these_are_needed(lifetimes: list[Lifetime], rooms: list[Room]) -> None:
    pieces, arenas = assign(lifetimes, TARGET, rooms)
    for i, (each, piece) in enumerate(zip(lifetimes, pieces, strict=True)):
        assert piece.start % UNIT == 0
        if piece.of >= len(arenas):
            room = rooms[piece.of - len(arenas)]
            assert piece.start + piece.nbytes <= room.nbytes
            assert each.last < room.until
        for j in range(i):
            assert not (alive(each, lifetimes[j]) and overlap(piece, pieces[j]))


def test_what_has_no_place_below_the_others_lies_in_the_smallest_number_of_rooms() -> None:
    chain = [Lifetime(160, step, step + 1) for step in range(6)]
    rooms = [Room(320, 3), Room(400, 4), Room(159, 9)]
    pieces, arenas = assign(chain, TARGET, rooms)
    assert arenas == [320]
    # Of 320 bytes at a time, steps 0 to 3 have room for all, later ones for none.
    assert {piece.of for piece in pieces} == {0}
    pieces, arenas = assign(chain, TARGET, [*rooms, Room(320, 9)])
    assert arenas == []
    assert {piece.of for piece in pieces} == {1, 3}
