"""Looking inside: what is run for a value or by a function, on what, why, and how fast.

Functions here take tensors, whose values they would compute; or a jitted function, whose latest
step it is; or any function followed by arguments, which is traced as ``jit`` does and not run.

    python -m lazygrad.inspect cache [--clear]   what the disk cache holds; empties it
    python -m lazygrad.inspect diff A B          what tells two dumps from each other
    python -m lazygrad.inspect show FOLDER       a dump as a page for the browser
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any, TypeVar

from lazygrad.errors import ValueRangeError
from lazygrad.inspect import words
from lazygrad.inspect.asked import plans_of
from lazygrad.inspect.caches import disk_cache, plan_cache
from lazygrad.inspect.code import headed, parts_of
from lazygrad.inspect.dump import write_dump
from lazygrad.inspect.graphs import (
    AS_BUILT,
    FUNCTIONS,
    SIMPLIFIED,
    by_function,
    graphs_of,
    roots_of,
)
from lazygrad.inspect.picture import svg
from lazygrad.inspect.step import Step
from lazygrad.kernel.kernel import Kernel
from lazygrad.kernel.plan import LoopCall, Plan
from lazygrad.kernel.routine import RoutineCall

__all__ = [
    "Step", "disk_cache", "draw", "dump", "explain", "kernels", "loops", "plan_cache", "report",
    "routines", "sources", "steps",
]  # fmt: skip

T = TypeVar("T")
STAGES = FUNCTIONS, AS_BUILT, SIMPLIFIED


def steps(*what: Any, **arguments: Any) -> tuple[Step, ...]:
    """What would run, as plain data: one step a device; none for values that are there."""
    return tuple(each.step() for each in plans_of("steps", what, arguments))


def explain(*what: Any, **arguments: Any) -> str:
    """What would run, for people: what is kept for the backward pass, kernels, the user's lines
    they come from, what they read and write, why each boundary is there. Notebooks show it as a
    table."""
    return words.Explanation([each.step() for each in plans_of("explain", what, arguments)])


def kernels(*what: Any, **arguments: Any) -> tuple[Kernel, ...]:
    """The kernels that would be launched, in order."""
    return _of(Kernel, "kernels", what, arguments)


def routines(*what: Any, **arguments: Any) -> tuple[RoutineCall, ...]:
    """The calls of routines between those kernels, in order."""
    return _of(RoutineCall, "routines", what, arguments)


def loops(*what: Any, **arguments: Any) -> tuple[LoopCall, ...]:
    """The loops among the steps, in order, one inside of another after it."""
    return _of(LoopCall, "loops", what, arguments)


def sources(*what: Any, **arguments: Any) -> tuple[str, ...]:
    """The generated code of what would be launched, a text a part of a launch; before it, as
    comments, what its kernels compute."""
    found = []
    for each in plans_of("sources", what, arguments):
        step = each.step()
        found += [headed(each.plan, step, *one) for one in parts_of(each.plan)]
    return tuple(found)


def dump(*what: Any, path: str | Path, **arguments: Any) -> tuple[Path, ...]:
    """Writes what would run to the folder ``path``, as ``LAZYGRAD_DUMP`` does; returns the folder
    of each plan."""
    return tuple(write_dump(path, *each) for each in plans_of("dump", what, arguments))


def draw(*what: Any, path: str | Path, stage: str = FUNCTIONS, **arguments: Any) -> Path:
    """Writes the graph of what would run as a picture (SVG), and returns ``path``: a box for each
    value, in the colour of the kernel that computes it.

    Args:
        stage: "functions", where all that a call of a function is made of is one box; "as built",
            with each operation; or "simplified", which is what the scheduler sees.

    >>> from tempfile import NamedTemporaryFile
    >>> from lazygrad.inspect import draw
    >>> file, x = NamedTemporaryFile(suffix=".svg"), lazygrad.rand(64, 10)
    >>> draw(x.softmax(-1).log().sum(), path=file.name).suffix
    '.svg'

    Raises:
        ValueRangeError: for another stage; if all values are there already, are on several devices,
            or are those of a jitted function without its arguments.
    """
    if stage not in STAGES:
        raise ValueRangeError(f"[draw] stage must be one of {', '.join(STAGES)}, got {stage!r}")
    found = plans_of("draw", what, arguments)
    if len(found) != 1:
        where = "on several devices: draw one of them" if found else "there already"
        raise ValueRangeError(f"[draw] there is no one graph: the values are {where}")
    [asked] = found
    roots = roots_of(asked, what, arguments)
    if roots is None:
        raise ValueRangeError("[draw] of a jitted function, give the arguments too: draw(step, x)")
    step = asked.step()
    stages = {graph.stage: graph for graph in graphs_of(roots, asked.plan, step).stages}
    graph = stages[stage] if stage in stages else by_function(stages[AS_BUILT])
    Path(path).write_text(svg(graph, [kernel.name for kernel in step.kernels]), encoding="utf-8")
    return Path(path)


def report(*what: Any, path: str | Path, **arguments: Any) -> Path:
    """Writes a page for the browser about what would run, and returns ``path``: the user's lines
    and what they cost, the step over time, a roofline, memory, the graph, and all of each kernel.

    Kernels run some times to be measured, on memory of their own: nothing that the user has
    changes. A jitted function is best given its arguments; else they are made up, and the graph is
    not known.

    >>> from tempfile import NamedTemporaryFile
    >>> from lazygrad.inspect import report
    >>> file, x = NamedTemporaryFile(suffix=".html"), lazygrad.rand(64, 10)
    >>> report(lambda x: x.softmax(-1).log(), x, path=file.name).suffix
    '.html'

    Raises:
        MissingExtraError: the extra ``report`` is not installed.
        ValueRangeError: all values are there already.
    """
    from lazygrad.inspect.reporting import gather, page

    page.libraries()
    shown = gather.asked_for(what, arguments)
    if not shown:
        raise ValueRangeError("[report] nothing would run: the values are there already")
    Path(path).write_text(page.page(shown), encoding="utf-8")
    return Path(path)


def _of(kind: type[T], op: str, what: Any, arguments: Any) -> tuple[T, ...]:
    found = (step for each in plans_of(op, what, arguments) for step in _steps(each.plan.plan))
    return tuple(step for step in found if isinstance(step, kind))


def _steps(plan: Plan) -> Iterator[object]:
    """What a plan computes, the steps of a loop's body after the loop, each once."""
    for step in plan.steps:
        yield step.kernel
        if isinstance(step.kernel, LoopCall):
            yield from _steps(step.kernel.body)
