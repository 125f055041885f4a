"""Processes that compile programs for this one.

PoCL compiles one program at a time in a process, and needs seconds for the step of a network. So
while a large plan is still being made, other processes compile what is ready, each in a folder
inside this process's (see ``pocl_cache``), from where a program is taken over. Nothing depends on
them: what none of them has begun is compiled here, and so is what they fail at.
"""

from __future__ import annotations

import atexit
import json
import os
import signal
import sys
import tempfile
from collections.abc import Sequence
from concurrent.futures import Future
from pathlib import Path
from queue import Empty, SimpleQueue
from subprocess import DEVNULL, PIPE, Popen
from threading import Thread
from typing import Any

from lazygrad.plugin import available_cores, settings
from lazygrad_opencl import device as devices, pocl, pocl_cache
from lazygrad_opencl.driver import cl
from lazygrad_opencl.program import build_declared, launch_nothing

MOST = 7  # processes, each of which may take 200 MB
IDLE = 20.0  # seconds after which one ends that has nothing to do
START = "from lazygrad_opencl.compilers import serve; serve({}, {!r})"
WARM_UP = "__kernel void launch_0(const int number, const int part) {}"

Task = Future[Path | None]  # the folder of a program; None where it did not compile


class Compilers:
    """The processes; one starts where there is more to compile than the others do."""

    def __init__(self, device: Any, options: Sequence[str]) -> None:
        self._start = START.format(devices.all_devices().index(device), list(options))
        self._environment = {
            **os.environ,
            "PYTHONPATH": os.pathsep.join(place or os.getcwd() for place in sys.path),
            "LAZYGRAD_CORRECT_PROCESSOR": str(int(settings.correct_processor)),
            "POCL_MAX_PTHREAD_COUNT": "1",
        }
        self.most = min(MOST, available_cores() - 1) if pocl_cache.prepare() else 0
        self._waiting: SimpleQueue[tuple[str, Task]] = SimpleQueue()
        self._threads: list[Thread] = []
        self._processes: list[Popen[str]] = []
        atexit.register(self._end)

    def warm_up(self) -> None:
        """Starts the first one, which takes half a second, because there will be more to do."""
        if not self._threads:
            self.submit(WARM_UP)

    def submit(self, source: str) -> Task:
        """Has ``source`` compiled, by whoever is free. A task that is cancelled before somebody has
        begun with it is left to who cancels it."""
        task: Task = Future()
        self._waiting.put((source, task))
        if len(self._threads) < min(self._waiting.qsize(), self.most):
            thread = Thread(target=self._work, daemon=True)
            self._threads.append(thread)
            thread.start()
        return task

    def _work(self) -> None:
        """Gives a process of its own one source after the other."""
        process: Popen[str] | None = None
        while True:
            try:
                source, task = self._waiting.get(timeout=IDLE if process else None)
            except Empty:
                process = self._ended(process)
                continue
            if not task.set_running_or_notify_cancel():
                continue
            found = None
            try:
                if process is None or process.poll() is not None:
                    process = self._started()
                found = _ask(process, source)
            except Exception:  # it could not start, or has ended: who waits must not wait for ever
                process = self._ended(process)
            task.set_result(found)

    def _started(self) -> Popen[str]:
        folder = tempfile.mkdtemp(prefix="compiler-", dir=pocl_cache.prepare())
        process = Popen(
            [sys.executable, "-c", self._start], stdin=PIPE, stdout=PIPE, stderr=DEVNULL, text=True,
            env={**self._environment, pocl_cache.FOLDER: folder},
        )  # fmt: skip
        self._processes.append(process)
        return process

    def _ended(self, process: Popen[str] | None) -> Popen[str] | None:
        """No process, after this one was ended."""
        if process is not None:
            process.kill()
            process.wait()
        return None

    def _end(self) -> None:
        for process in self._processes:
            process.kill()


def _ask(process: Popen[str], source: str) -> Path | None:
    """Where ``process`` has compiled ``source``.

    Raises:
        OSError, ValueError: it has ended.
    """
    if process.stdin is None or process.stdout is None:
        raise ValueError("it was started without pipes")
    process.stdin.write(json.dumps(source) + "\n")
    process.stdin.flush()
    answer = json.loads(process.stdout.readline())
    return Path(answer) if answer else None


# -- in such a process ------------------------------------------------------------------------


def serve(number: int, options: Sequence[str]) -> None:
    """Compiles what comes by standard input for a device, and answers with folders."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # meant for whoever asks
    answers = os.fdopen(os.dup(sys.stdout.fileno()), "w")
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())  # where PoCL may write
    device = devices.all_devices()[number]
    pocl.correct_processor(device)
    context = cl.Context([device])
    for line in sys.stdin:
        before = _programs()
        built = build_declared(context, device, json.loads(line), options)
        launch_nothing(built, context, device)
        (made,) = _programs() - before or {None}
        print(json.dumps(str(made) if made else None), file=answers, flush=True)


def _programs() -> frozenset[Path]:
    return pocl_cache.programs_in(Path(os.environ[pocl_cache.FOLDER]))
