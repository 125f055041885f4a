"""Runs a part in processes of its own, and goes on after those that fail, hang or crash."""

from __future__ import annotations

import json
import os
import queue
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Any

from .parts import Part

TOOLS = Path(__file__).parents[1]
LINES = 12  # of what a process printed last, if it crashed

DONE, OUT_OF_TIME, FAILED = "done", "out of time", "failed"
Message = dict[str, Any]


@dataclass
class Outcome:
    """What a part gave: the results of its items, by name; one with "error" or "failed" is bad."""

    items: list[str] = field(default_factory=list)
    results: dict[str, Message] = field(default_factory=dict)
    ended: str = DONE
    reason: str = ""  # why it did not end as it should
    seconds: float = 0.0

    @property
    def bad(self) -> list[str]:
        return [n for n, result in self.results.items() if "error" in result or "failed" in result]

    def as_json(self) -> Message:
        return {
            "ended": self.ended,
            "reason": self.reason,
            "seconds": round(self.seconds, 2),
            "items": len(self.items),
            "bad": self.bad,
            "results": self.results,
        }


def run_part(
    part: Part, seconds: float, env: Mapping[str, str], seen: Callable[[str, Message], None]
) -> Outcome:
    """Runs all items of a part within ``seconds``; ``seen`` is told of each result."""
    outcome = Outcome()
    start = time.monotonic()
    number, more = 0, True
    while more:
        with Child(part, number, env) as child:
            number, more = _follow(child, part, number, start + seconds, outcome, seen)
    outcome.seconds = time.monotonic() - start
    return outcome


def _follow(
    child: Child,
    part: Part,
    number: int,
    end: float,
    outcome: Outcome,
    seen: Callable[[str, Message], None],
) -> tuple[int, bool]:
    """One process to its end: the item to go on with, and whether there is one."""

    def take(item: str, result: Message) -> None:
        outcome.results[item] = result
        seen(item, result)

    bad = False
    for message in child.messages(part.patience, end):
        if "items" in message:
            outcome.items = message["items"]
        elif "item" in message:
            take(message["item"], message["result"])
            number, bad = number + 1, "error" in message["result"]
        elif "end" in message:
            return number, False
    if time.monotonic() >= end:
        outcome.ended = OUT_OF_TIME
        return number, False
    if not outcome.items:
        outcome.ended, outcome.reason = FAILED, child.why(part.patience)
        return number, False
    if not bad:  # then it said nothing about the item at which it ended
        take(outcome.items[number], {"error": child.why(part.patience)})
        number += 1
    return number, number < len(outcome.items)


class Child:
    """A process group that runs the items of a part from ``number`` on."""

    def __init__(self, part: Part, number: int, env: Mapping[str, str]) -> None:
        self._printed = tempfile.TemporaryFile()  # noqa: SIM115  # closed with the process
        self._process = subprocess.Popen(
            [sys.executable, "-m", "gpu_trial.child", part.module, str(number)],
            cwd=TOOLS,
            env=dict(env),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=self._printed,
            text=True,
            start_new_session=True,  # so that all that it starts can be ended with it
        )
        self._lines: queue.Queue[str | None] = queue.Queue()
        self._hung = False
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self) -> None:
        assert self._process.stdout is not None
        with self._process.stdout as lines:
            for line in lines:
                self._lines.put(line)
        self._lines.put(None)

    def __enter__(self) -> Child:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None
    ) -> None:
        with suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)
        with suppress(subprocess.TimeoutExpired):  # a driver may keep it for ever
            self._process.wait(timeout=5)
        self._reader.join(timeout=5)
        self._printed.close()

    def messages(self, patience: float, end: float) -> Iterator[Message]:
        """What it says, until it ends, is silent for too long, or the time has come."""
        while True:
            wait = min(patience, end - time.monotonic())
            try:
                line = self._lines.get(timeout=max(0.0, wait))
            except queue.Empty:
                self._hung = True
                return
            if line is None:
                return
            yield json.loads(line)

    def why(self, patience: float) -> str:
        """Why it ended without a word."""
        if self._hung:
            return f"hung: it said nothing for {patience:.0f} seconds"
        status = self._process.wait(timeout=5)
        how = f"crashed with {signal.Signals(-status).name}" if status < 0 else f"status {status}"
        self._printed.seek(0)
        last = self._printed.read().decode(errors="replace").strip().splitlines()[-LINES:]
        return "\n".join([f"its process ended: {how}", *last])
