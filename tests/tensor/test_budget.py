"""Python calls of our own that an operation takes: exact, where time would be noise. Two or three
of them keep a new node (`interned`), for which the standard library made more that are not counted.
"""

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import lazygrad
from lazygrad import Tensor

HOME = str(Path(lazygrad.__file__).parent)


def calls(function: Callable[[], Any]) -> list[str]:
    """The names of lazygrad's functions that ``function`` calls, in order."""
    seen: list[str] = []

    def trace(frame: Any, event: str, argument: Any) -> None:
        if event == "call" and frame.f_code.co_filename.startswith(HOME):
            seen.append(frame.f_code.co_name)

    sys.setprofile(trace)
    try:
        function()
    finally:
        sys.setprofile(None)
    return seen


def test_add_builds_in_18_calls() -> None:
    a, b = Tensor.rand(4).realize(), Tensor.rand(4).realize()
    made = calls(lambda: a + b)
    assert len(made) <= 18, made


def test_the_same_add_again_is_found() -> None:
    a, b = Tensor.rand(4).realize(), Tensor.rand(4).realize()
    first = a + b
    again = calls(lambda: a + b)
    assert len(again) <= 15, again
    assert (a + b)._node is first._node


def test_warm_realize_in_83_calls() -> None:
    a, b = Tensor.rand(4).realize(), Tensor.rand(4).realize()
    (a + b).realize()
    c = b + a + 0  # not the very same nodes, but maybe the same structure
    c.realize()
    d = a + b * 1
    d.realize()
    x, y = Tensor.rand(4).realize(), Tensor.rand(4).realize()
    z = x + y
    made = calls(z.realize)
    assert len(made) <= 83, made
