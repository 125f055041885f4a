"""Interned objects: one for each key, as long as somebody holds it."""

from __future__ import annotations

from threading import Event, Thread

from lazygrad.interned import Interned
from lazygrad.locks import interning


class Thing:
    pass


def test_there_is_one_for_a_key() -> None:
    things = Interned[Thing]()
    first = Thing()
    assert things.get("a") is None
    assert things.put("a", first) is first
    assert things.put("a", Thing()) is first
    assert things["a"]() is first
    assert len(things) == 1


def test_it_goes_with_the_last_who_holds_it() -> None:
    things = Interned[Thing]()
    first = things.put("a", Thing())
    del first
    assert len(things) == 0
    second = Thing()
    assert things.put("a", second) is second


def test_another_one_in_its_place_stays_when_it_goes() -> None:
    things = Interned[Thing]()
    first, second = Thing(), Thing()
    things.put("a", first)
    things.put_again("a", second)
    del first
    assert things["a"]() is second


def test_what_goes_while_another_thread_has_the_lock_is_forgotten_later() -> None:
    things = Interned[Thing]()
    held = [things.put("a", Thing()), things.put("b", Thing())]
    taken, done = Event(), Event()

    def hold() -> None:
        with interning:
            taken.set()
            done.wait()

    thread = Thread(target=hold)
    thread.start()
    taken.wait()
    held.pop()  # would wait for ever if it took the lock
    assert things["b"]() is None
    assert len(things) == 2
    done.set()
    thread.join()
    held.pop()
    assert len(things) == 0
