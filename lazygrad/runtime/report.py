"""What LAZYGRAD_DEBUG prints (to standard error) and what LAZYGRAD_DUMP writes."""

from __future__ import annotations

import itertools
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lazygrad.config import settings
from lazygrad.graph import Node
from lazygrad.kernel import cost
from lazygrad.kernel.kernel import Kernel
from lazygrad.runtime.backend import Launch, Program
from lazygrad.show import show_graph

if TYPE_CHECKING:
    from lazygrad.runtime.program import CompiledPlan

_dumped = itertools.count()


def planned(compiled: CompiledPlan, roots: Sequence[Node]) -> None:
    """Called once for each new plan."""
    if settings.debug >= 1:
        _say(_summary(compiled))
    if settings.debug >= 6:
        _say(show_graph(roots))
    if settings.debug >= 3:
        for launch in compiled.launches:
            _say(_describe(launch.program, settings.debug))
    if settings.dump is not None:
        _dump(compiled, roots, Path(settings.dump))


def _counted(number: int, what: str) -> str:
    plural = "es" if what.endswith("ch") else "s"
    return f"{number} {what}{'' if number == 1 else plural}"


def _say(text: str) -> None:
    print(text, file=sys.stderr)


def _summary(compiled: CompiledPlan) -> str:
    plan = compiled.plan
    operations = sum(cost.flops(step.kernel) for step in plan.steps)
    moved = sum(cost.nbytes(step.kernel) for step in plan.steps)
    return (
        f"[lazygrad] {compiled.device}: {_counted(len(plan.steps), 'kernel')} in "
        f"{_counted(len(compiled.launches), 'launch')}, {operations / 1e6:.1f} MFLOP, "
        f"{moved / 1e6:.1f} MB moved, {sum(plan.allocations) / 1e6:.1f} MB of temporaries"
    )


def _describe(program: Program, level: int) -> str:
    lines = []
    for kernel in program.kernels:
        lines.append(f"[lazygrad] {kernel.name}")
        lines += [f"    from {origin}" for origin in kernel.origins]
        lines += [f"    a kernel of its own because {reason}" for reason in kernel.reasons]
    if len(program.kernels) > 1:
        lines.append(f"    ({len(program.kernels)} kernels in one launch, {program.name})")
    if level >= 5:
        lines.append(program.nest)
    if level >= 4:
        lines.append(program.source)
    return "\n".join(lines)


def explanation(compiled: CompiledPlan) -> str:
    """What a plan runs and why: a summary, then each kernel with its lines and reasons."""
    described = (_describe(launch.program, 3) for launch in compiled.launches)
    return "\n".join([_summary(compiled), *described])


# -- timing -------------------------------------------------------------------------------------


def run_timed(launches: Sequence[Launch], raw: Sequence[Any]) -> None:
    """Runs launches one by one and prints time, GFLOP/s, GB/s and share of each."""
    seconds = [
        launch.program.launch_timed([raw[number] for number in launch.memory])
        for launch in launches
    ]
    total = sum(seconds)
    for launch, spent in zip(launches, seconds, strict=True):
        kernels = launch.program.kernels
        rate = 1e-9 / spent if spent > 0 else 0.0
        share = spent / total if total > 0 else 0.0
        _say(
            f"[lazygrad] {spent * 1e6:9.1f} us {share:6.1%} "
            f"{sum(map(cost.flops, kernels)) * rate:8.2f} GFLOP/s "
            f"{sum(map(cost.nbytes, kernels)) * rate:8.2f} GB/s  {launch.program.name}"
        )
    _say(f"[lazygrad] {total * 1e6:9.1f} us in {_counted(len(launches), 'launch')}")


# -- dump ---------------------------------------------------------------------------------------


def _dump(compiled: CompiledPlan, roots: Sequence[Node], folder: Path) -> None:
    """One folder a plan: an index, the graph, and a file for each kernel."""
    target = folder / f"plan_{next(_dumped):03d}"
    target.mkdir(parents=True, exist_ok=True)
    (target / "graph.txt").write_text(show_graph(roots) + "\n")
    rows = [f"# {_summary(compiled)}", "", "| kernel | from | MFLOP | MB | why | file |"]
    rows.append("| --- | --- | ---: | ---: | --- | --- |")
    for number, launch in enumerate(compiled.launches):
        program = launch.program
        name = f"{number:03d}_{program.name}{program.suffix}"
        (target / name).write_text(_file(program))
        rows += [
            f"| {kernel.name} | {'; '.join(kernel.origins)} | {cost.flops(kernel) / 1e6:.3f} "
            f"| {cost.nbytes(kernel) / 1e6:.3f} | {'; '.join(kernel.reasons)} | [{name}]({name}) |"
            for kernel in program.kernels
        ]
    (target / "index.md").write_text("\n".join(rows) + "\n")


def _file(program: Program) -> str:
    """The source, under a comment that says what it is."""
    header = [line for kernel in program.kernels for line in _facts(kernel)]
    header += [f"launched as {program.geometry}"] if program.geometry else []
    comment = "\n".join(
        f"{program.comment} {line}".rstrip() for line in [*header, "", *program.nest.splitlines()]
    )
    return f"{comment}\n\n{program.source}\n"


def _facts(kernel: Kernel) -> list[str]:
    buffers = [
        f"  buffer {slot}: {spec.size} x {spec.dtype.name}"
        f"{' (written)' if slot < len(kernel.outputs) else ''}"
        for slot, spec in enumerate(kernel.buffers)
    ]
    return [
        kernel.name,
        *(f"  from {origin}" for origin in kernel.origins),
        *(f"  a kernel of its own because {reason}" for reason in kernel.reasons),
        f"  {cost.flops(kernel)} floating-point operations, {cost.nbytes(kernel)} bytes",
        *buffers,
    ]
