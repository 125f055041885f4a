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
    import lazygrad

    with lazygrad.profile(show=False) as found:
        for _ in range(repeats):
            step()
    plans = len(found.runs) // repeats
    rounds = [found.runs[i : i + plans] for i in range(0, len(found.runs), plans)]
    parts = [[part for run in runs for part in run.parts()] for runs in rounds]
    return [
        {
            "name": same[0].name,
            "seconds": min(part.seconds for part in same),
            "flops": sum(kernel.flops for kernel in same[0].kernels),
            "bytes": sum(kernel.nbytes for kernel in same[0].kernels),
        }
        for same in zip(*parts, strict=True)
    ]
