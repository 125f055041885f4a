"""Every kernel of every workload of the benchmark, dumped, compiled as it lies there, and checked.

    BACKEND=GPU python tools/check_kernels.py [NAME ...] [--keep FOLDER]

Each workload makes one step, on what was dumped of it: its kernels, also those in the bodies of
loops, are compiled from the texts in their folders, several at once where programs take long, and
run one after the other, on what they are given in that step. What they compute is held against the
interpreter, of equal ones that of the first, at a sample of places where there are many. Exit
status 1: one does not compile, or is wrong.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any
from unittest.mock import patch

sys.path.insert(0, str(Path(__file__).parent))

from benchmarks.frameworks import load_framework
from benchmarks.workloads import LOOPS, PROGRAMS, TRANSFORMS, WORKLOADS

from lazygrad import config
from lazygrad.inspect.alone import Ran, inputs_of, run_alone
from lazygrad.inspect.dump import STEP, write_dump
from lazygrad.inspect.looped import difference
from lazygrad.inspect.step import OUTPUT, Step
from lazygrad.kernel.plan import Plan
from lazygrad.runtime import cache, registry
from lazygrad.runtime.backend import Backend, Call, Code, Part, Program
from lazygrad.runtime.bundle import HEAD, compiled_together, read_bundle
from lazygrad.runtime.program import CompiledPlan, Recipe

STEPS = {**WORKLOADS, **TRANSFORMS, **PROGRAMS, **LOOPS}


class Dumped(Program):
    """Runs a plan on what is dumped of it, in ``folder``; checks it when it first runs."""

    def __init__(self, plan: CompiledPlan, folder: Path) -> None:
        super().__init__(Code((), tuple(range(plan.recipe.given)), "kernel by kernel", None))
        self._plan, self._folder = plan, write_dump(folder, plan, None)
        self._step = Step.from_json((self._folder / STEP).read_text())
        bundles = [read_bundle(head.parent) for head in self._folder.glob(f"*/**/{HEAD}")]
        keys = [bundle.head.key for bundle in bundles]
        self._compiled = dict(zip(keys, compiled_together(bundles, plan.device), strict=True))
        self.checked: dict[int, str | None] = {}  # what is wrong with the kernels, by number

    def bind(self, memory: Sequence[Any], starts: Sequence[int] = ()) -> Callable[[], None]:
        def run() -> None:
            inputs = inputs_of(self._step, memory[: self._plan.inputs])
            for ran in run_alone(self._plan, inputs, self._compiled):
                first = self._step.kernels[ran.number].same_as
                if first not in self.checked:
                    self.checked[first] = difference(ran, self._compiled)
                self._keep(ran, memory)

        return run

    def launch_timed(self, memory: Sequence[Any], starts: Sequence[int] = ()) -> list[float]:
        raise NotImplementedError

    def _keep(self, ran: Ran, memory: Sequence[Any]) -> None:
        """What a kernel has written, where it is asked for."""
        numbers = self._step.kernels[ran.number].written
        for value, array in zip((self._step.buffers[n] for n in numbers), ran.outputs, strict=True):
            if value.role == OUTPUT and array.size:
                registry.backend(self._plan.device).upload(memory[value.memory], array)

    def problems(self) -> list[str]:
        """In words."""
        return [
            f"{self._folder.name}, kernel {number} {self._step.kernels[number].name}: {problem}"
            for number, problem in self.checked.items()
            if problem
        ]


def check(name: str, folder: Path) -> list[Dumped]:
    """The plans of a workload's step, which has run on what is dumped of them in ``folder``."""
    found: list[Dumped] = []

    def compile_plan(plan: Plan, device: str) -> CompiledPlan:
        recipe = Recipe.of(plan, registry.backend(device), without_code)
        compiled = CompiledPlan(replace(recipe, codes=()), device, plan)
        found.append(Dumped(compiled, folder))
        compiled.programs = [found[-1]]
        return compiled

    step = STEPS[name].build(load_framework("lazygrad", 2, {}))
    cache.clear()
    with config(cache=False), patch.object(cache, "compile_plan", compile_plan):
        step()
    cache.clear()
    return found


def without_code(number: int, call: Call, backend: Backend) -> Code:
    """Stands for that of a kernel, as of ``steps.Given``."""
    return Code((Part.of({number: call}, ""),), call.memory, "", None)


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("names", nargs="*", metavar="NAME", help="workloads; all by default")
    parser.add_argument("--keep", type=Path, help="a folder for the dumps")
    options = parser.parse_args(arguments)
    unknown = set(options.names) - STEPS.keys()
    if unknown:
        parser.error(f"no workload {', '.join(sorted(unknown))}; there are {', '.join(STEPS)}")
    right = True
    for name in options.names or STEPS:
        start = time.perf_counter()
        with tempfile.TemporaryDirectory() as made:
            plans = check(name, options.keep / name if options.keep else Path(made))
        wrong = [problem for plan in plans for problem in plan.problems()]
        right = right and not wrong
        kernels, spent = sum(len(plan.checked) for plan in plans), time.perf_counter() - start
        print(f"{name:24} {kernels:5} kernels, {len(wrong)} wrong, {spent:6.1f} s", flush=True)
        print("".join(f"  {problem}\n" for problem in wrong), end="", flush=True)
    return 0 if right else 1


if __name__ == "__main__":
    sys.exit(main())
