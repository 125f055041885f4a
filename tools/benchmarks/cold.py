"""From process start to the first finished step: with empty disk caches, and with filled ones."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable

from .contenders import Contender, environment
from .measure import Row
from .process import Worker, WorkerError
from .workload import Workload


def measure_cold(
    workload: Workload,
    contenders: list[Contender],
    rounds: int,
    threads: int,
    verbose: bool,
    progress: Callable[[str], None],
) -> dict[str, list[Row]]:
    """Rows for `cold` and `warm` caches; a new cache folder for each contender and round."""
    rows = {kind: [Row(c, steps=1) for c in contenders] for kind in ("cold", "warm")}
    for number in range(rounds):
        for index, contender in enumerate(contenders):
            progress(f"{workload.name}: cold start {number + 1} of {rounds}, {contender.name}")
            with tempfile.TemporaryDirectory(prefix="lazygrad-bench-") as cache:
                for kind in ("cold", "warm"):
                    row = rows[kind][index]
                    if not row.error:
                        _start_once(row, workload, threads, cache, verbose)
    return rows


def _start_once(row: Row, workload: Workload, threads: int, cache: str, verbose: bool) -> None:
    env = environment(row.contender, threads, cache)
    start = time.perf_counter()
    with Worker(row.contender.name, workload.name, threads, env, verbose) as worker:
        try:
            row.version = worker.begun()["version"]
            row.seconds.append(time.perf_counter() - start)
        except WorkerError as error:
            row.error, row.unavailable = str(error), error.unavailable
