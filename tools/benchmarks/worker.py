"""The process of one contender: reads requests as JSON lines, answers each with one line.

    python -m benchmarks.worker CONTENDER WORKLOAD THREADS

It first builds the workload and runs one step, and says so; then it answers requests until its
input ends: `{"do": "check", "steps": n}`, `{"do": "run", "steps": n}`. Between requests it is
blocked on its input.
"""

from __future__ import annotations

import json
import os
import resource
import sys
import time
import traceback
from collections.abc import Callable
from typing import Any, TextIO

from .contenders import CONTENDERS
from .frameworks import Framework, Step, Unavailable, load_framework
from .limits import LIMITS, Peaks

Answer = dict[str, Any]


def main() -> None:
    name, workload, threads = sys.argv[1], sys.argv[2], int(sys.argv[3])
    replies = _take_stdout()
    _stay_on_cores(threads)
    try:
        session = Peaks(threads) if name == LIMITS else Session(name, workload, threads)
        _reply(replies, session.begin())
        for line in sys.stdin:
            request = json.loads(line)
            answer: Callable[..., Answer] = getattr(session, request.pop("do"))
            _reply(replies, answer(**request))
    except Unavailable as error:
        _reply(replies, {"error": str(error), "unavailable": True})
    except Exception as error:
        summary = f"{type(error).__name__}: {error}"
        _reply(replies, {"error": summary, "trace": traceback.format_exc()})


def _take_stdout() -> TextIO:
    """Answers get the pipe for themselves; whatever a framework prints goes to stderr."""
    replies = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    return replies


def _stay_on_cores(threads: int) -> None:
    """The same cores for everyone, where the system can say so."""
    if hasattr(os, "sched_setaffinity"):
        allowed = sorted(os.sched_getaffinity(0))
        os.sched_setaffinity(0, allowed[:threads])


def _reply(replies: TextIO, answer: Answer) -> None:
    replies.write(json.dumps(answer) + "\n")
    replies.flush()


class Session:
    """One workload in one framework."""

    framework: Framework
    step: Step

    def __init__(self, name: str, workload: str, threads: int):
        self.contender, self.workload, self.threads = CONTENDERS[name], workload, threads
        self.checks: list[float] = []

    def begin(self) -> Answer:
        from .workloads import EVERYTHING

        framework = load_framework(self.contender.framework, self.threads, self.contender.options)
        before = _peak_memory()
        self.framework, self.step = framework, EVERYTHING[self.workload].build(framework)
        framework.synchronize()
        start = time.perf_counter()
        self._step_and_look()
        return {
            "seconds": time.perf_counter() - start,  # of the first step
            "version": framework.version,
            "device": framework.device,
            "memory_before": before,
        }

    def check(self, steps: int) -> Answer:
        """What came out of the first `steps` steps: shows that all did the same work."""
        while len(self.checks) < steps:
            self._step_and_look()
        return {"checks": self.checks[:steps]}

    def run(self, steps: int) -> Answer:
        """Run steps back to back and wait for the last one."""
        step = self.step
        self.framework.synchronize()
        start, busy = time.perf_counter(), time.process_time()
        for _ in range(steps):
            step()
        self.framework.synchronize()
        seconds, busy = time.perf_counter() - start, time.process_time() - busy
        return {"seconds": seconds, "busy": busy, "memory": _peak_memory()}

    def _step_and_look(self) -> None:
        made = self.step()
        arrays = map(self.framework.array, made if isinstance(made, tuple) else (made,))
        self.checks.append(sum(float(abs(a).mean(dtype="float64")) for a in arrays))


def _peak_memory() -> int:
    """Bytes; ru_maxrss counts kibibytes on Linux and bytes on macOS."""
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else peak * 1024


if __name__ == "__main__":
    main()
