"""The first steps in a new process: with empty disk caches, and with those that it filled."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable

from .contenders import Contender, environment
from .measure import Row
from .process import Worker, WorkerError
from .workload import Workload

CACHES = ("cold", "warm")
STEPS = " steps"  # how the kinds of tables end that leave out the process's start
LATER = 3  # steps after the second, of which the fastest shows what a step takes by itself


def measure_cold(
    workload: Workload,
    contenders: list[Contender],
    rounds: int,
    threads: int,
    verbose: bool,
    progress: Callable[[str], None],
) -> dict[str, list[Row]]:
    """Rows for `cold` and `warm` caches; a new cache folder for each contender and round. Each
    has two kinds: from process start to the first finished step, and the first two steps alone."""
    rows = {
        caches + part: [Row(c, steps=1) for c in contenders]
        for caches in CACHES
        for part in ("", STEPS)
    }
    for number in range(rounds):
        for index, contender in enumerate(contenders):
            progress(f"{workload.name}: cold start {number + 1} of {rounds}, {contender.name}")
            with tempfile.TemporaryDirectory(prefix="lazygrad-bench-") as cache:
                for caches in CACHES:
                    start, steps = rows[caches][index], rows[caches + STEPS][index]
                    if not (start.error or steps.error):
                        _start_once(start, steps, workload, threads, cache, verbose)
    return rows


def _start_once(
    start: Row, steps: Row, workload: Workload, threads: int, cache: str, verbose: bool
) -> None:
    env = environment(start.contender, threads, cache)
    began = time.perf_counter()
    with Worker(start.contender.name, workload.name, threads, env, verbose) as worker:
        try:
            first = worker.begun()
            start.version = steps.version = first["version"]
            start.seconds.append(time.perf_counter() - began)
        except WorkerError as error:
            for row in (start, steps):
                row.error, row.unavailable = str(error), error.unavailable
            return
        try:
            second, *later = (worker.ask("run", steps=1)["seconds"] for _ in range(1 + LATER))
            steps.seconds.append(first["seconds"] + second)
            steps.parts.append((first["seconds"], second, min(later)))
        except WorkerError as error:
            steps.error = str(error)
