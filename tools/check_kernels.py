"""Every kernel of every workload of the benchmark, dumped, compiled as it lies there, and checked.

    BACKEND=GPU python tools/check_kernels.py [NAME ...] [--keep FOLDER]

Each workload makes one step, whose inputs are kept. Its kernels run by themselves, one after the
other, on what they are given in that step, and what they compute is held against the interpreter,
at a sample of places where there are many. Exit status 1: one does not compile, or is wrong.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parent))

from benchmarks.frameworks import load_framework
from benchmarks.workloads import WORKLOADS

from lazygrad.inspect import check
from lazygrad.inspect.alone import inputs_of, run_alone
from lazygrad.inspect.dump import STEP, write_dump
from lazygrad.inspect.read import step_of
from lazygrad.inspect.step import Step
from lazygrad.runtime.bundle import read_bundle
from lazygrad.runtime.program import Binding, CompiledPlan
from lazygrad.runtime.watching import observing


@dataclass
class Seen:
    """A plan that ran, who asked for it, and what it was given."""

    plan: CompiledPlan
    asked: object
    inputs: list[Any]


class Watching:
    """Keeps what each plan is given when it first runs."""

    times = False

    def __init__(self) -> None:
        self.seen: dict[int, Seen] = {}

    def ran(self, binding: Binding, asked: object, start: float, seconds: Sequence[float]) -> None:
        """As of ``Observer``."""
        plan = binding.plan
        if id(plan) not in self.seen:
            self.seen[id(plan)] = Seen(plan, asked, inputs_of(step_of(plan), binding))


def steps(name: str) -> list[Seen]:
    """The plans of a workload's step."""
    step = WORKLOADS[name].build(load_framework("lazygrad", 2, {}))
    watching = Watching()
    observing.observers += (watching,)
    try:
        step()
    finally:
        observing.observers = observing.observers[:-1]
    return list(watching.seen.values())


def problems(seen: Seen, folder: Path) -> Iterator[str | None]:
    """For each kernel of a plan, what is wrong with it."""
    target = write_dump(folder, seen.plan, seen.asked)
    step = Step.from_json((target / STEP).read_text())
    compiled = {}
    for head in target.glob("*/bundle.json"):
        bundle = read_bundle(head.parent)
        compiled[bundle.head.key] = bundle.compiled()
    for ran in run_alone(seen.plan, seen.inputs, compiled):
        found = check.difference(ran.kernel, ran.inputs, ran.outputs)
        yield (
            found and f"{target.name}, kernel {ran.number} {step.kernels[ran.number].name}: {found}"
        )


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("names", nargs="*", metavar="NAME", help="workloads; all by default")
    parser.add_argument("--keep", type=Path, help="a folder for the dumps")
    options = parser.parse_args(arguments)
    unknown = set(options.names) - WORKLOADS.keys()
    if unknown:
        parser.error(f"no workload {', '.join(sorted(unknown))}; there are {', '.join(WORKLOADS)}")
    right = True
    for name in options.names or WORKLOADS:
        start = time.perf_counter()
        with tempfile.TemporaryDirectory() as made:
            folder = options.keep / name if options.keep else Path(made)
            found = [problem for seen in steps(name) for problem in problems(seen, folder)]
        wrong = [problem for problem in found if problem]
        right = right and not wrong
        spent = time.perf_counter() - start
        print(f"{name:24} {len(found):5} kernels, {len(wrong)} wrong, {spent:6.1f} s", flush=True)
        print("".join(f"  {problem}\n" for problem in wrong), end="", flush=True)
    return 0 if right else 1


if __name__ == "__main__":
    sys.exit(main())
