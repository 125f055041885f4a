"""What plans cost, exactly: the bench's steps and the programs beside this module, in one table.

    python -m tests.schedule.budgets [NAME ...]             what differs from the table
    python -m tests.schedule.budgets [NAME ...] --write     rewrite the table
    python -m tests.schedule.budgets [NAME ...] --since REV what differs in the table since then

So a change of the scheduler shows as a diff of numbers, which `lazygrad.inspect.costs` tells, as it
does of two dumps; `--html FILE` writes it as a page. Everything is planned for two devices that
exist only as targets, so that the numbers are the same everywhere.
"""

from __future__ import annotations

import argparse
import gc
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from cProfile import Profile
from dataclasses import astuple, dataclass, fields, replace
from pathlib import Path
from typing import Any
from unittest.mock import patch

import lazygrad
from lazygrad import ops
from lazygrad.codegen.batch import Work, batches, in_turn
from lazygrad.codegen.choose import loop_nest
from lazygrad.graph import Node, node
from lazygrad.inspect import costs
from lazygrad.kernel import cost, expr as ex
from lazygrad.kernel.kernel import Kernel
from lazygrad.kernel.plan import INPUT, LoopCall, Plan
from lazygrad.kernel.target import Target
from lazygrad.runtime import cache
from lazygrad.runtime.cache import Placeholder
from lazygrad.schedule.axes import moved_dims
from lazygrad.schedule.plan import make_plan
from lazygrad.schedule.views import dim_groups
from tests.schedule.programs import PROGRAMS
from tools.benchmarks.frameworks import load_framework
from tools.benchmarks.workloads import TRANSFORMS, WORKLOADS

STEPS = WORKLOADS | {name: TRANSFORMS[name] for name in ("cnn_per_sample", "cnn_hvp")}
FILE = Path(__file__).with_name("budgets.txt")
TARGETS = {
    "pocl": Target(units=2, lanes=16, registers=32, buffers=125, workers=2),
    "numpy": Target(units=2, blas=True),
}
MOST_MEMORY = 120  # that a launch takes on PoCL, about

# Of calls, which no two processes count alike: sets are walked in the order of hashes (0.8 % apart
# was seen), and Python 3.13 makes up to 3 % fewer calls than 3.10. What is written anew may be as
# far from what stood there as two processes are; the test allows for all of it together.
CALLS_KEPT = 0.01
CALLS_TOLERANCE = 0.05

Key = tuple[str, str]  # a program or workload, and a target


@dataclass(frozen=True)
class Budget:
    """Of one run of a program.

    Attributes:
        kernels: how many.
        launches: that they share, where a device lets kernels share them.
        flops: operations, as `cost.flops` counts them.
        moved: bytes that kernels read and write.
        planned: bytes of results and temporaries.
        exprs: distinct expressions, summed over the kernels.
        calls: of Python functions of lazygrad, to make the plan.
    """

    kernels: int
    launches: int
    flops: int
    moved: int
    planned: int
    exprs: int
    calls: int


COLUMNS = tuple(field.name for field in fields(Budget))


# -- measuring ------------------------------------------------------------------------------------


def names() -> list[str]:
    return [*STEPS, *PROGRAMS]


def keys() -> list[Key]:
    """Of the lines, in order."""
    return [(name, device) for name in names() for device in TARGETS]


def budgets(name: str) -> dict[str, Budget]:
    """What a workload or program costs, by target."""
    if name in STEPS:
        requested = traced(name)
    else:
        requested = [tensor._node for tensor in PROGRAMS[name]()]
    return {device: budget(requested, target) for device, target in TARGETS.items()}


class Traced(Exception):
    """Carries the graph out of a step that must not run."""

    def __init__(self, requested: Sequence[Node]) -> None:
        super().__init__()
        self.requested = list(requested)


def traced(name: str) -> list[Node]:
    """What a workload's jitted step computes."""

    def stop(requested: Sequence[Node], device: str) -> None:
        raise Traced(requested)

    step = STEPS[name].build(load_framework("lazygrad", 2, {}))
    with patch.object(cache, "compiled", stop):
        try:
            step()
        except Traced as found:
            return found.requested
    raise RuntimeError(f"{name} computed nothing")


def budget(requested: Sequence[Node], target: Target) -> Budget:
    found = cache.structure(requested)
    cut = {leaf: node(ops.BUFFER, (), Placeholder.like(leaf)) for leaf in found.leaves}
    copies = cache.with_leaves(requested, cut)
    inputs = [cut[leaf] for leaf in found.leaves]
    for remembered in (dim_groups, moved_dims):  # what others have filled makes some calls
        remembered.cache_clear()
    calls, plan = counted(lambda: make_plan(copies, inputs, target))
    works = [step.kernel for step in plan.steps]
    kernels = [inside for work in works for inside in kernels_of(work)]
    return Budget(
        kernels=len(kernels),
        launches=len(kernels) if target.blas else launches(plan, target),
        flops=sum(map(cost.flops, works)),
        moved=sum(map(cost.nbytes, works)),
        planned=plan.peak_bytes,
        exprs=sum(len(ex.toposort(kernel.values)) for kernel in kernels),
        calls=calls,
    )


def kernels_of(work: Kernel | LoopCall) -> list[Kernel]:
    """A kernel, or those that run in sections."""
    return [work] if isinstance(work, Kernel) else [step.kernel for step in work.body.steps]


def launches(plan: Plan, target: Target) -> int:
    places = [place for step in plan.steps for place in step.places]
    inputs = 1 + max((place.index for place in places if place.role == INPUT), default=-1)
    first, works = plan.numbers(inputs), list[Work]()
    for step in plan.steps:
        kernel, written = step.kernel, step.kernel.written
        memory = [first[place.role] + place.index for place in step.places]
        writes = {memory[slot]: (n, kernel.buffers[slot].size) for slot, n in written.items()}
        writes |= dict.fromkeys(memory[len(kernel.buffers) :], (1, 1))
        reads = frozenset(memory[len(written) : len(kernel.buffers)])
        works.append(Work(writes, reads, _items(kernel, target)))
    return len(in_turn(batches(works, MOST_MEMORY, plan.pieces(inputs)), MOST_MEMORY))


def _items(work: Kernel | LoopCall, target: Target) -> int:
    if isinstance(work, LoopCall):
        return work.length
    nest = loop_nest(work, target)
    assert nest is not None
    return nest.items


# Calls of their own in some versions of Python only.
INLINED = ("<listcomp>", "<dictcomp>", "<setcomp>")
HOME = str(Path(lazygrad.__file__).parent)


def counted(function: Callable[[], Any]) -> tuple[int, Any]:
    """Calls of lazygrad's Python functions while ``function`` runs, and what it returns."""
    profile = Profile(builtins=False)
    collects = gc.isenabled()
    gc.disable()  # what is done for the garbage of others is not part of it
    try:
        result = profile.runcall(function)
    finally:
        if collects:
            gc.enable()
    return sum(entry.callcount for entry in profile.getstats() if _is_ours(entry.code)), result


def _is_ours(code: Any) -> bool:
    """Not so what is built in, whose ``code`` is a text; methods of dataclasses have no file."""
    if isinstance(code, str) or code.co_name in INLINED:
        return False
    return code.co_filename == "<string>" or code.co_filename.startswith(HOME)


# -- the table ------------------------------------------------------------------------------------


def formatted(table: Mapping[Key, Budget]) -> str:
    """A line each, in columns."""
    rows = [("program", "target", *COLUMNS)]
    rows += [(*key, *(f"{value:_}" for value in astuple(found))) for key, found in table.items()]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return "".join(line + "\n" for line in _lines(rows, widths))


def _lines(rows: Sequence[Sequence[str]], widths: Sequence[int]) -> Iterator[str]:
    for row in rows:
        cells = [
            cell.ljust(width) if column < 2 else cell.rjust(width)
            for column, (cell, width) in enumerate(zip(row, widths, strict=True))
        ]
        yield "  ".join(cells)


def read(text: str) -> dict[Key, Budget]:
    """The table that was formatted so."""
    return {key: Budget(**row) for key, row in rows(text).items()}


def listed() -> dict[Key, Budget]:
    """The table as it stands in the file."""
    return read(FILE.read_text()) if FILE.exists() else {}


def settled(found: Budget, before: Budget | None, within: float = CALLS_TOLERANCE) -> Budget:
    """What was found; with the calls of ``before`` where the difference tells nothing."""
    if before and abs(found.calls - before.calls) <= within * before.calls:
        return replace(found, calls=before.calls)
    return found


def rows(text: str) -> dict[Key, dict[str, int]]:
    """The lines of a table, which may have other columns than those of today."""
    head, *lines = [line.split() for line in text.splitlines()]
    return {
        (name, device): dict(zip(head[2:], map(int, values), strict=True))
        for name, device, *values in lines
    }


def differences(
    before: Mapping[Key, costs.Costs], after: Mapping[Key, costs.Costs]
) -> list[costs.Change]:
    """Between the lines of two tables."""
    named = ({" on ".join(key): row for key, row in table.items()} for table in (before, after))
    return costs.changes(*named)


def since(revision: str) -> str:
    """The table as it was in a revision of this repository.

    Raises:
        SystemExit: there was none.
    """
    command = ["git", "-C", str(FILE.parent), "show", f"{revision}:./{FILE.name}"]
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode:
        raise SystemExit(f"no table in {revision}: {done.stderr.strip()}")
    return done.stdout


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.schedule.budgets")
    parser.add_argument("name", nargs="*", metavar="NAME", help="default: all")
    parser.add_argument("--write", action="store_true", help="rewrite the table")
    parser.add_argument("--since", metavar="REV", help="plan nothing: the table then and now")
    parser.add_argument("--html", metavar="FILE", type=Path, help="write what differs as a page")
    options = parser.parse_args(arguments)
    unknown = set(options.name) - set(names())
    if unknown:
        parser.error(f"no {', '.join(sorted(unknown))}; there are: {', '.join(names())}")
    chosen = options.name or names()
    old = FILE.read_text() if options.since is None else since(options.since)
    table = listed() if options.since is not None else measured(chosen, read(old))
    found = differences(*(_only(chosen, rows(text)) for text in (old, formatted(table))))
    print(costs.text(found) or "nothing differs")
    if options.html is not None:
        options.html.write_text(costs.page("What plans cost", costs.table(found)))
    if options.write:
        FILE.write_text(formatted(table))
    return 1 if found and not options.write else 0


def measured(chosen: Sequence[str], before: Mapping[Key, Budget]) -> dict[Key, Budget]:
    """The table, with new lines for those that are ``chosen``."""
    table = {key: before[key] for key in keys() if key in before}
    for name in chosen:
        for device, found in budgets(name).items():
            table[name, device] = settled(found, before.get((name, device)), CALLS_KEPT)
    return {key: table[key] for key in keys() if key in table}


def _only(chosen: Sequence[str], table: Mapping[Key, costs.Costs]) -> dict[Key, costs.Costs]:
    """The lines of those, and of what is not measured any more."""
    known = set(names()) - set(chosen)
    return {key: row for key, row in table.items() if key[0] not in known}


if __name__ == "__main__":
    sys.exit(main())
