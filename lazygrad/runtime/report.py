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
from lazygrad.runtime import registry
from lazygrad.runtime.backend import Code, Part, Program
from lazygrad.show import show_graph

if TYPE_CHECKING:
    from lazygrad.runtime.program import CompiledPlan

MOST_CHANGES = 4  # of the numbers that a new plan is made for: how many are told
_dumped = itertools.count()


def planned(compiled: CompiledPlan, roots: Sequence[Node]) -> None:
    """Called once for each new plan."""
    if settings.debug >= 1:
        _say(_summary(compiled))
    if settings.debug >= 6:
        _say(show_graph(roots))
    if settings.debug >= 3:
        for code in compiled.recipe.codes:
            _say(_describe(compiled, code, settings.debug))
    if settings.dump is not None:
        _dump(compiled, roots, Path(settings.dump))


def differs(changes: Sequence[str]) -> None:
    """Called before a graph is planned that differs in numbers only from one that was."""
    if settings.debug >= 1:
        more = ["..."] if len(changes) > MOST_CHANGES else []
        shown = [*changes[:MOST_CHANGES], *more]
        _say(f"[lazygrad] a plan for other numbers: {'; '.join(shown)}")


def _counted(number: int, what: str) -> str:
    plural = "es" if what.endswith("ch") else "s"
    return f"{number} {what}{'' if number == 1 else plural}"


def _say(text: str) -> None:
    print(text, file=sys.stderr)


def _summary(compiled: CompiledPlan) -> str:
    codes = compiled.recipe.codes
    parts = [part for code in codes for part in code.parts]
    return (
        f"[lazygrad] {compiled.device}: {_counted(sum(len(p.calls) for p in parts), 'kernel')} in "
        f"{_counted(len(codes), 'launch')}, {sum(p.flops for p in parts) / 1e6:.1f} MFLOP, "
        f"{sum(p.nbytes for p in parts) / 1e6:.1f} MB moved, "
        f"{sum(compiled.recipe.temporaries) / 1e6:.1f} MB of temporaries"
    )


def _describe(compiled: CompiledPlan, code: Code, level: int) -> str:
    lines = []
    for part in code.parts:
        lines += _describe_part(compiled, part, level)
    if len(code.parts) > 1:
        lines.append(f"    ({_counted(len(code.calls), 'kernel')} in one launch)")
    return "\n".join(lines)


def _describe_part(compiled: CompiledPlan, part: Part, level: int) -> list[str]:
    lines = []
    kernels = compiled.kernels(part)
    for kernel in kernels:
        lines.append(f"[lazygrad] {kernel.name}")
        lines += [f"    from {origin}" for origin in kernel.origins]
        lines += [f"    a kernel of its own because {reason}" for reason in kernel.reasons]
    if len(kernels) > 1:
        lines.append(f"    ({len(kernels)} kernels side by side, {part.name})")
    if level >= 5:
        backend = registry.backend(compiled.device)
        lines += [backend.describe(kernel) for kernel in kernels]
    if level >= 4:
        lines.append(part.source)
    return lines


def explanation(compiled: CompiledPlan) -> str:
    """What a plan runs and why: a summary, then each kernel with its lines and reasons."""
    described = (_describe(compiled, code, 3) for code in compiled.recipe.codes)
    return "\n".join([_summary(compiled), *described])


# -- timing -------------------------------------------------------------------------------------


def timed(programs: Sequence[Program], raw: Sequence[Any]) -> list[tuple[Part, float]]:
    """Runs what launches do part by part, and tells the seconds that each part took."""
    found: list[tuple[Part, float]] = []
    for program in programs:
        seconds = program.launch_timed([raw[number] for number in program.code.memory])
        found += zip(program.code.parts, seconds, strict=True)
    return found


def run_timed(programs: Sequence[Program], raw: Sequence[Any]) -> None:
    """Runs what launches do part by part, and prints time, GFLOP/s, GB/s and share of each."""
    parts = timed(programs, raw)
    total = sum(spent for _, spent in parts)
    for part, spent in parts:
        rate = 1e-9 / spent if spent > 0 else 0.0
        share = spent / total if total > 0 else 0.0
        _say(
            f"[lazygrad] {spent * 1e6:9.1f} us {share:6.1%} {part.flops * rate:8.2f} GFLOP/s "
            f"{part.nbytes * rate:8.2f} GB/s  {part.name}"
        )
    _say(f"[lazygrad] {total * 1e6:9.1f} us in {_counted(len(programs), 'launch')}")


# -- dump ---------------------------------------------------------------------------------------


def _dump(compiled: CompiledPlan, roots: Sequence[Node], folder: Path) -> None:
    """One folder a plan: an index, the graph, and a file for each part of a launch."""
    target = folder / f"plan_{next(_dumped):03d}"
    target.mkdir(parents=True, exist_ok=True)
    (target / "graph.txt").write_text(show_graph(roots) + "\n")
    rows = [f"# {_summary(compiled)}", "", "| kernel | from | MFLOP | MB | why | file |"]
    rows.append("| --- | --- | ---: | ---: | --- | --- |")
    suffix = registry.backend(compiled.device).suffix
    parts = [(code, part) for code in compiled.recipe.codes for part in code.parts]
    for number, (code, part) in enumerate(parts):
        name = f"{number:03d}_{part.name}{suffix}"
        (target / name).write_text(_file(compiled, code, part))
        rows += [
            f"| {kernel.name} | {'; '.join(kernel.origins)} | {cost.flops(kernel) / 1e6:.3f} "
            f"| {cost.nbytes(kernel) / 1e6:.3f} | {'; '.join(kernel.reasons)} | [{name}]({name}) |"
            for kernel in compiled.kernels(part)
        ]
    (target / "index.md").write_text("\n".join(rows) + "\n")


def _file(compiled: CompiledPlan, code: Code, part: Part) -> str:
    """The source, under a comment that says what it is."""
    backend = registry.backend(compiled.device)
    kernels = compiled.kernels(part)
    header = [line for kernel in kernels for line in _facts(kernel)]
    header += [f"launched as {code.geometry}"] if code.geometry else []
    for kernel in kernels:
        header += ["", *backend.describe(kernel).splitlines()]
    comment = "\n".join(f"{backend.comment} {line}".rstrip() for line in header)
    return f"{comment}\n\n{part.source}\n"


def _facts(kernel: Kernel) -> list[str]:
    buffers = [
        f"  buffer {slot}: {spec.size} x {spec.dtype.name}"
        f"{' (written)' if slot in kernel.written else ''}"
        for slot, spec in enumerate(kernel.buffers)
    ]
    return [
        kernel.name,
        *(f"  from {origin}" for origin in kernel.origins),
        *(f"  a kernel of its own because {reason}" for reason in kernel.reasons),
        f"  {cost.flops(kernel)} floating-point operations, {cost.nbytes(kernel)} bytes",
        *buffers,
    ]
