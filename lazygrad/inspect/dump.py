"""What LAZYGRAD_DUMP writes: a folder a plan, that tells what the step does and holds its kernels.

FOLDER/index.md             all plans, by the runs of programs that they come from
FOLDER/plan_000/plan.md     the step as a story
                step.json   the same as data, see ``lazygrad.inspect.step``
                graph.txt   the graph it was planned from, where that is still known
                graphs.json its stages as data, see ``lazygrad.inspect.graphs``
                texts.json  the user's files that its kernels come from
                run.py      runs the step; it takes what lies beside it, see ``runtime.bundle``
                000_NAME/   a kernel, which runs by itself; about.txt says what it is; in the
                            folder of a loop are those of the kernels in its body
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import TypeVar

from lazygrad.config import settings
from lazygrad.errors import DataError
from lazygrad.graph import Node
from lazygrad.inspect import words
from lazygrad.inspect.alone import Ran, inputs_of, plan_of, recipe_of, run_alone
from lazygrad.inspect.graphs import Graphs, graphs_of, of_values
from lazygrad.inspect.heading import commented, heading, heading_inside
from lazygrad.inspect.lines import texts_of
from lazygrad.inspect.looped import Inner, inner, run_loop
from lazygrad.inspect.names import names_of
from lazygrad.inspect.read import Work, step_of
from lazygrad.inspect.step import Step, StepKernel
from lazygrad.kernel.kernel import Kernel
from lazygrad.kernel.plan import LoopCall
from lazygrad.kernel.routine import RoutineCall
from lazygrad.runtime import registry
from lazygrad.runtime.bundle import keep_inputs, write_bundle
from lazygrad.runtime.program import Binding, CompiledPlan
from lazygrad.show import show_graph

T = TypeVar("T")

INDEX, RUN_FILE = "index.md", "run.txt"
STORY, STEP, GRAPH, ABOUT = "plan.md", "step.json", "graph.txt", "about.txt"
GRAPHS, TEXTS = "graphs.json", "texts.json"
RUN = f"{datetime.now():%Y-%m-%d %H:%M:%S}, process {os.getpid()}"


def write_dump(
    folder: str | Path,
    plan: CompiledPlan,
    asked: object,
    binding: Binding | None = None,
    roots: Sequence[Node] | None = None,
) -> Path:
    """Writes the folder of a plan, of a number that none there has; ``asked`` as of
    ``Watcher.runs``, ``roots`` the graph that it was made of, if that is known. With
    LAZYGRAD_DUMP_INPUTS=1 the inputs that it is bound to are kept."""
    target = _new(Path(folder))
    step = step_of(plan, names_of(asked))
    names = [folder_of(step, kernel) for kernel in step.kernels]
    write_bundle(target, step.called or target.name, plan.plan, plan.device, plan.recipe)
    for kernel in step.kernels:
        if kernel.same_as == kernel.number:
            _write_kernel(target / names[kernel.number], plan, step, kernel)
    if binding is not None and settings.dump_inputs:
        _keep_inputs(target, names, plan, step, binding)
    (target / STEP).write_text(step.to_json())
    bodies = {
        number: _told_inside(each.kernel, names[number])
        for number, each in enumerate(plan.plan.steps)
    }
    (target / STORY).write_text(words.story(step, names, bodies))
    _write_graphs(target, plan, step, roots if roots is not None else of_values(asked))
    _list(target, step)
    return target


def plans_in(folder: Path, op: str) -> list[Path]:
    """The folder itself, if it is that of a plan; or those in it that its latest run has written.

    Raises:
        DataError: there is none.
    """
    if (folder / STEP).exists():
        return [folder]
    found = sorted(path.parent for path in folder.glob(f"*/{STEP}"))
    if not found:
        raise DataError(f"[{op}] {folder} holds no dump: LAZYGRAD_DUMP={folder} writes one")
    runs = [_read(plan, RUN_FILE, str) for plan in found]
    return [plan for plan, run in zip(found, runs, strict=True) if run == runs[-1]]


def read_step(plan: Path) -> Step:
    """What a plan runs, as it was dumped.

    Raises:
        DataError: this version does not read it; so do those that follow.
    """
    return _read(plan, STEP, Step.from_json)


def read_graphs(plan: Path) -> Graphs:
    """Its graph at its stages; nothing where it was not known."""
    return _read(plan, GRAPHS, Graphs.from_json) if (plan / GRAPHS).exists() else Graphs()


def read_texts(plan: Path) -> dict[str, str]:
    """The user's files."""
    return _read(plan, TEXTS, lambda text: dict(json.loads(text)))


def _read(plan: Path, file: str, read: Callable[[str], T]) -> T:
    try:
        return read((plan / file).read_text())
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise DataError(
            f"[inspect] {plan} is no dump that this version reads ({file}: {error}); dump it again"
        ) from None


def _write_graphs(
    target: Path, plan: CompiledPlan, step: Step, roots: Sequence[Node] | None
) -> None:
    """The graph, and the user's files that its lines are in."""
    files: Mapping[str, str] = {}
    if roots is not None:
        (target / GRAPH).write_text(show_graph(roots) + "\n")
        graphs = graphs_of(roots, plan, step)
        (target / GRAPHS).write_text(graphs.to_json())
        files = graphs.files
    (target / TEXTS).write_text(json.dumps(texts_of(step, files)) + "\n")


def folder_of(step: Step, kernel: StepKernel) -> str:
    """The name of a kernel's folder in that of its plan, which equal kernels share."""
    first = step.kernels[kernel.same_as]
    return f"{first.number:03d}_{first.name}"


def _write_kernel(folder: Path, plan: CompiledPlan, step: Step, row: StepKernel) -> None:
    kernel = plan.plan.steps[row.number].kernel
    facts = words.facts(step, row)
    _write_work(folder, Inner(kernel, (), row.key), plan.device, facts, (step, row))


def _write_work(
    folder: Path,
    work: Inner,
    device: str,
    facts: Sequence[str],
    where: tuple[Step, StepKernel] | None = None,
) -> None:
    """A kernel, ``where`` in a step, and in its folder those of the body of a loop."""
    kernel, moving = work.kernel, work.moving[: len(work.kernel.buffers)]
    backend = registry.backend(device)

    def head(text: str) -> str:
        lines = heading(kernel, *where, text) if where else heading_inside(kernel, text)
        return commented(lines, backend.comment)

    recipe = recipe_of(kernel, backend, moving)
    write_bundle(folder, kernel.name, plan_of(kernel), device, recipe, work.key, head)
    about = [kernel.name, *facts, "", nest_of(kernel, device)]
    (folder / ABOUT).write_text("\n".join(about) + "\n")
    if isinstance(kernel, LoopCall):
        for name, each in inside(kernel, work.moving):
            _write_work(folder / name, each, device, words.facts_inside(each.kernel, kernel))


def inside(loop: LoopCall, outside: Sequence[bool] = ()) -> list[tuple[str, Inner]]:
    """The kernels of a loop's body, each once, with the names of their folders."""
    first = {each.key: (n, each) for n, each in reversed(list(enumerate(inner(loop, outside))))}
    return [(f"{n:03d}_{each.kernel.name}", each) for n, each in sorted(first.values())]


def _told_inside(kernel: Work, link: str, outside: Sequence[bool] = ()) -> list[str]:
    """What the story says of the kernels in a loop's body, in bodies inside of that, too."""
    if not isinstance(kernel, LoopCall):
        return []
    lines = [f"- in each of its {kernel.length} steps"]
    for name, each in inside(kernel, outside):
        place = f"{link}/{name}"
        lines += (f"  {line}" for line in words.told_inside(each.kernel, place))
        lines += (f"    {line}" for line in _told_inside(each.kernel, place, each.moving))
    return lines


def nest_of(kernel: Kernel | RoutineCall | LoopCall, device: str) -> str:
    """The form in which a kernel is turned into code."""
    if isinstance(kernel, RoutineCall):
        return f"the routine {kernel.routine}"
    if isinstance(kernel, LoopCall):
        nests = (nest_of(step.kernel, device) for step in kernel.body.steps)
        return "\n".join([f"{kernel.length} times:", *nests])
    return registry.backend(device).describe(kernel)


def _keep_inputs(
    target: Path, names: Sequence[str], plan: CompiledPlan, step: Step, binding: Binding
) -> None:
    """The real inputs of the plan, and of each kernel: they are run one by one."""
    arrays = inputs_of(step, binding.inputs)
    keep_inputs(target, arrays)
    for ran in run_alone(plan, arrays):
        if step.kernels[ran.number].same_as == ran.number:
            _keep_inputs_of(target / names[ran.number], ran)


def _keep_inputs_of(folder: Path, ran: Ran, outside: Sequence[bool] = ()) -> None:
    """Those of a kernel; of the kernels in a loop, those of its first step."""
    keep_inputs(folder, ran.inputs)
    if isinstance(ran.kernel, LoopCall):
        names = {each.key: name for name, each in inside(ran.kernel, outside)}
        steps = run_loop(ran.kernel, ran.inputs, ran.binding.plan.device, {}, outside)
        for each, (_, moving, one) in zip(inner(ran.kernel, outside), steps, strict=False):
            if each.key in names:
                _keep_inputs_of(folder / names.pop(each.key), one, moving)


def _new(folder: Path) -> Path:
    """A folder that was not there, also if several processes ask at once."""
    folder.mkdir(parents=True, exist_ok=True)
    number = len(list(folder.glob("plan_*")))
    while True:
        target = folder / f"plan_{number:03d}"
        try:
            target.mkdir()
        except FileExistsError:
            number += 1
        else:
            return target


def _list(target: Path, step: Step) -> None:
    """Adds a plan to the index, under the run of the program that it belongs to."""
    index = target.parent / INDEX
    text = index.read_text() if index.exists() else "# Plans\n"
    run = f"{' '.join(sys.argv) or 'python'} ({RUN})"
    (target / RUN_FILE).write_text(run + "\n")
    if run not in text:
        text += f"\n## {run}\n\n"
    called = f"`{step.called}`: " if step.called else ""
    row = f"- [{target.name}]({target.name}/{STORY}): {called}{words.summary(step)}"
    index.write_text(f"{text}{row}\n")
