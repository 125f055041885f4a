"""From what a user asks for, a program that runs, or a dump, to what a report shows."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from lazygrad import pytree
from lazygrad.errors import DataError
from lazygrad.graph import Node
from lazygrad.inspect import graphs
from lazygrad.inspect.asked import Asked, plans_of, unwrapped
from lazygrad.inspect.dump import GRAPHS, RUN_FILE, STEP, TEXTS
from lazygrad.inspect.graphs import Graphs
from lazygrad.inspect.lines import texts_of
from lazygrad.inspect.reporting.measure import bound, in_memory, inputs_of_asked, times_of
from lazygrad.inspect.reporting.shown import Shown
from lazygrad.inspect.rerun import made_up
from lazygrad.inspect.step import Step
from lazygrad.replay import Capture
from lazygrad.runtime.bundle import read_bundle
from lazygrad.runtime.program import CompiledPlan


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
        DataError: there is none.
    """
    plans = [folder] if (folder / STEP).exists() else _latest(folder)
    return [_read(plan) for plan in plans]


def _latest(folder: Path) -> list[Path]:
    found = sorted(path.parent for path in folder.glob(f"*/{STEP}"))
    if not found:
        raise DataError(f"[show] {folder} holds no dump: LAZYGRAD_DUMP={folder} writes one")
    run = (found[-1] / RUN_FILE).read_text()
    return [plan for plan in found if (plan / RUN_FILE).read_text() == run]


def _read(folder: Path) -> Shown:
    bundle = read_bundle(folder)
    plan = CompiledPlan(bundle.recipe, bundle.head.device, texts=bundle.texts)
    step = Step.from_json((folder / STEP).read_text())
    given = bundle.inputs()
    arrays = made_up(plan.plan, 0) if given is None else given
    inputs = [in_memory(plan.device, arrays[n : n + 1]) for n in range(plan.inputs)]
    known = folder / GRAPHS
    found = Shown(plan, step, times_of(bound(plan, inputs)))
    found.texts = json.loads((folder / TEXTS).read_text())
    if known.exists():
        found = replace(found, graphs=Graphs.from_json(known.read_text()))
    return found
