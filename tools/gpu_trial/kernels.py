"""How long each kernel of the CNN's training step takes, by the device's own clock."""

from __future__ import annotations

import os
import time
from typing import Any

WORKLOAD = "cnn_train"
SECONDS, MOST = 2.0, 20  # that steps may take in all, and how many of them


def items() -> list[str]:
    return [WORKLOAD]


def run(item: str) -> dict[str, Any]:
    from benchmarks.frameworks import load_framework
    from benchmarks.workloads import WORKLOADS

    framework = load_framework("lazygrad", os.cpu_count() or 1, {})
    step = WORKLOADS[item].build(framework)
    step()  # compiles
    once = _seconds(framework, step, 1)
    repeats = max(1, min(MOST, round(SECONDS / once)))
    return {
        "step": _seconds(framework, step, repeats),
        "parts": timed_parts(step, repeats),
    }


def _seconds(framework: Any, step: Any, repeats: int) -> float:
    """What one of several steps takes."""
    framework.synchronize()
    start = time.perf_counter()
    for _ in range(repeats):
        step()
    framework.synchronize()
    return (time.perf_counter() - start) / repeats


def timed_parts(step: Any, repeats: int) -> list[dict[str, Any]]:
    """What the launches of a step do, each with its shortest time."""
    from lazygrad import config
    from lazygrad.runtime import report

    rounds: list[list[Any]] = []

    def collect(programs: Any, raw: Any) -> None:
        rounds[-1] += report.timed(programs, raw)

    original, report.run_timed = report.run_timed, collect
    try:
        with config(debug=2):
            for _ in range(repeats):
                rounds.append([])
                step()
    finally:
        report.run_timed = original
    return [
        {
            "name": same[0][0].name,
            "seconds": min(seconds for _, seconds in same),
            "flops": same[0][0].flops,
            "bytes": same[0][0].nbytes,
        }
        for same in zip(*rounds, strict=True)
    ]
