"""The line that says how far compiling is: what is written, when, and that it vanishes."""

from __future__ import annotations

import io
import sys
from itertools import count

import numpy as np
import pytest

from lazygrad import Tensor, config, func, linalg
from lazygrad.errors import ShapeError
from lazygrad.runtime import cache, progress
from lazygrad.runtime.progress import Line

CLEAR = "\r\033[K"


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


class Clock:
    """Stands still until it is set."""

    now = 0.0

    def __call__(self) -> float:
        return self.now


def test_nothing_is_written_before_a_second() -> None:
    stream, clock = Terminal(), Clock()
    line = Line(stream, clock)
    line.stage("plan", 0)
    clock.now = 0.99
    line.stage("compile", 3)
    line.advance(3)
    line.vanish()
    assert stream.getvalue() == ""


def test_what_is_written_after_it() -> None:
    stream, clock = Terminal(), Clock()
    clock.now = 100.0
    line = Line(stream, clock)
    seen = []

    def at(now: float) -> str:
        """What was written since."""
        clock.now = 100.0 + now
        return stream.getvalue()[sum(map(len, seen)) :]

    def took() -> None:
        seen.append(at(clock.now - 100.0))

    line.stage("plan", 0)
    at(1.0)
    line.stage("generate", 4)
    took()
    at(1.05)
    line.advance(1)  # too soon after the last one
    took()
    at(1.1)
    line.advance(2)
    took()
    line.stage("compile", 40)  # a new stage is shown at once
    took()
    line.vanish()
    took()
    assert seen == [
        f"{CLEAR}[lazygrad] generate: 0 of 4 kernels",
        "",
        f"{CLEAR}[lazygrad] generate: 3 of 4 kernels",
        f"{CLEAR}[lazygrad] compile: 0 of 40 kernels",
        CLEAR,
    ]


def compiled(device: str, monkeypatch: pytest.MonkeyPatch, stream: io.StringIO) -> str:
    """What is written while two kernels are compiled, each look at the clock a second later."""
    clock = count()
    monkeypatch.setattr(sys, "stderr", stream)
    monkeypatch.setattr(progress, "Line", lambda stream: Line(stream, lambda: next(clock)))
    cache.clear()
    x = Tensor(np.ones((3, 4), np.float32), device=device)
    ((x.sum(0) @ x.transpose(0, 1)).sin()).realize()
    return stream.getvalue()


def test_a_plan_goes_through_its_stages(monkeypatch: pytest.MonkeyPatch) -> None:
    shown = compiled("CPU", monkeypatch, Terminal())
    kernels = [f"generate: {n} of 2 kernels" for n in range(3)]
    kernels += [f"compile: {n} of 2 kernels" for n in range(3)]
    lines = [f"{CLEAR}[lazygrad] {text}" for text in ["plan", *kernels]]
    assert shown == "".join([*lines, CLEAR])


def test_kernels_of_loops_are_counted(device: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Those of their bodies, once; with routines."""
    stages: list[list[int]] = []
    monkeypatch.setattr(progress, "stage", lambda name, total=0: stages.append([total, 0]))

    def advance(count: int = 1) -> None:
        stages[-1][1] += count

    monkeypatch.setattr(progress, "advance", advance)
    a = Tensor(np.eye(3, dtype=np.float32) * 2, device=device)

    def step(c: Tensor, x: Tensor) -> tuple[Tensor, Tensor]:
        return (c @ a).softmax(-1), func.scan(lambda c, x: (c + x, c @ x), c, a)[1]

    found = linalg.inv(a), func.scan(step, a, Tensor(np.ones(20), device=device))
    Tensor.realize(found[0], *found[1])
    _, generated, compiled = stages
    assert generated[0] == generated[1] > 4
    assert compiled[0] == compiled[1] == generated[0]


def test_every_backend_shows_its_stages(device: str, monkeypatch: pytest.MonkeyPatch) -> None:
    shown = compiled(device, monkeypatch, Terminal()).split(CLEAR)
    stages = list(dict.fromkeys(line.partition(":")[0] for line in shown if line))
    assert stages == ["[lazygrad] plan", "[lazygrad] generate", "[lazygrad] compile"]
    assert shown[-1] == ""


def test_it_can_be_switched_off(monkeypatch: pytest.MonkeyPatch) -> None:
    with config(progress=False):
        assert compiled("CPU", monkeypatch, Terminal()) == ""


def test_a_stream_that_is_no_terminal_gets_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    assert compiled("CPU", monkeypatch, io.StringIO()) == ""


def test_it_vanishes_with_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    stream, clock = Terminal(), count()
    monkeypatch.setattr(sys, "stderr", stream)
    monkeypatch.setattr(progress, "Line", lambda stream: Line(stream, lambda: next(clock)))
    with pytest.raises(ShapeError), progress.compiling():
        progress.stage("plan")
        with progress.compiling():  # part of the outer one
            progress.stage("compile", 2)
        raise ShapeError("x")
    progress.stage("nobody compiles")
    progress.advance()
    assert stream.getvalue() == (
        f"{CLEAR}[lazygrad] plan{CLEAR}[lazygrad] compile: 0 of 2 kernels{CLEAR}"
    )
