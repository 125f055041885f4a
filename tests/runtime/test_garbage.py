"""While a plan is made, Python's garbage collector is off; it is on again whatever happens."""

import gc

import pytest

from lazygrad import Tensor
from lazygrad.runtime import cache, garbage
from lazygrad.schedule import plan as planning


@pytest.fixture
def seen(monkeypatch: pytest.MonkeyPatch) -> list[bool]:
    """Whether collections were on, each time that a plan was made."""
    found: list[bool] = []
    make_plan = planning.make_plan

    def look(*arguments, **settings):
        found.append(gc.isenabled())
        return make_plan(*arguments, **settings)

    monkeypatch.setattr(planning, "make_plan", look)
    cache.clear()
    return found


def test_no_collections_while_a_plan_is_made(device: str, seen: list[bool]) -> None:
    assert gc.isenabled()
    assert (Tensor([1.0, 2.0], device=device) + 1).tolist() == [2, 3]
    assert seen == [False]
    assert gc.isenabled()


def test_who_turned_it_off_finds_it_off() -> None:
    gc.disable()
    try:
        with garbage.paused():
            pass
        assert not gc.isenabled()
    finally:
        gc.enable()


def test_an_error_turns_it_on_again() -> None:
    with pytest.raises(ZeroDivisionError), garbage.paused():
        1 / 0  # noqa: B018
    assert gc.isenabled()
