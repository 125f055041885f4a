"""From what a user asks for, a program that runs, or a dump, to what a report shows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from lazygrad import pytree
from lazygrad.graph import Node
from lazygrad.inspect import graphs
from lazygrad.inspect.asked import Asked, plans_of, unwrapped
from lazygrad.inspect.dump import plans_in, read_graphs, read_step, read_texts
from lazygrad.inspect.graphs import Graphs
from lazygrad.inspect.lines import texts_of
from lazygrad.inspect.reporting.measure import bound, in_memory, inputs_of_asked, times_of
from lazygrad.inspect.reporting.shown import Shown
from lazygrad.inspect.rerun import made_up
from lazygrad.replay import Capture
from lazygrad.runtime.bundle import read_bundle


def asked_for(what: Sequence[Any], arguments: Mapping[str, Any]) -> list[Shown]:
    """What ``lazygrad.inspect.report`` takes. Nothing that the user has changes: plans run on
    memory of their own."""
    found = []
    for asked in plans_of("report", what, arguments):
        leaves: list[Any] = []
        if isinstance(asked.by, Capture):
            _, args, kwargs = unwrapped(what[0], what[1:], arguments)
            leaves = pytree.flatten((tuple(args), dict(kwargs)), whole=True)[0]
        roots = graphs.roots_of(asked, what, arguments)
        binding = bound(asked.plan, inputs_of_asked(asked.plan, asked.by, leaves))
        found.append(gathered(asked, roots, times_of(binding)))
    return found


def gathered(asked: Asked, roots: Sequence[Node] | None, times: Any, runs: int = 0) -> Shown:
    """A plan with the graph that it was made of, if that is known."""
    step, known = asked.step(), Graphs()
    if roots is not None:
        known = graphs.graphs_of(roots, asked.plan, step)
    return Shown(asked.plan, step, times, known, texts_of(step, known.files), runs)


# -- dumps -----------------------------------------------------------------------------------------


def dumped(folder: Path) -> list[Shown]:
    """The plans of the latest run in a folder of LAZYGRAD_DUMP, or the plan in it; they run on the
    inputs that were kept with them, or made up.

    Raises:
        DataError: there is none that this version reads.
    """
    return [_read(plan) for plan in plans_in(folder, "show")]


def _read(folder: Path) -> Shown:
    bundle, step = read_bundle(folder), read_step(folder)
    known, texts = read_graphs(folder), read_texts(folder)
    plan = bundle.compiled()
    given = bundle.inputs()
    arrays = made_up(plan.plan, 0) if given is None else given
    inputs = [in_memory(plan.device, arrays[n : n + 1]) for n in range(plan.inputs)]
    return Shown(plan, step, times_of(bound(plan, inputs)), known, texts)
