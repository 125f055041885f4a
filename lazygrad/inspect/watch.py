"""What LAZYGRAD_DEBUG prints (to standard error), and when LAZYGRAD_DUMP writes."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from time import perf_counter
from typing import TYPE_CHECKING
from weakref import WeakKeyDictionary

from lazygrad import units
from lazygrad.config import config, looking, settings
from lazygrad.graph import Node
from lazygrad.inspect import colour, numerics, words
from lazygrad.inspect.alone import run_timed
from lazygrad.inspect.code import headed, parts_of
from lazygrad.inspect.dump import nest_of, write_dump
from lazygrad.inspect.names import names_of
from lazygrad.inspect.read import step_of
from lazygrad.inspect.words import MARK
from lazygrad.runtime.differences import Change, told
from lazygrad.runtime.history import Line
from lazygrad.runtime.program import Binding, CompiledPlan
from lazygrad.runtime.watching import Watcher, observing
from lazygrad.show import show_graph

if TYPE_CHECKING:
    from lazygrad.inspect.reporting.record import Recorder

COUNTS, TIMES, REASONS, SOURCES, NESTS, GRAPHS = range(1, 7)  # levels of LAZYGRAD_DEBUG


class Watch(Watcher):
    """Tells of each plan once, when it first runs under the settings that ask for it: what was
    compiled long ago is told of, too."""

    def differs(self, line: Line | None, change: Change | None, numbers: Sequence[str]) -> None:
        if settings.debug < COUNTS:
            return
        if numbers:
            _say(f"{MARK} a plan for other numbers: {told(numbers)}")
        elif change is not None:
            _say(f"{MARK} another plan for {line}: {change}")

    def __init__(self) -> None:
        self._graphs: WeakKeyDictionary[CompiledPlan, Sequence[Node]] = WeakKeyDictionary()

    def planned(self, roots: Sequence[Node], plan: CompiledPlan) -> None:
        if settings.debug >= GRAPHS:
            _show(show_graph(roots))
        if settings.dump is not None:
            self._graphs[plan] = roots  # until it runs
        if settings.report is not None:
            _recorder(settings.report).planned(roots, plan)

    def runs(self, binding: Binding, asked: object) -> bool:
        plan = binding.plan
        if settings.check is not None:
            with config(check=None):  # kernels that run for it
                numerics.check(binding, asked)
        if plan not in looking.told:
            looking.told.add(plan)
            _tell(plan, asked)
            if settings.dump is not None:
                folder = settings.dump
                with config(debug=0, dump=None):  # kernels that run for it are not told of
                    write_dump(folder, plan, asked, binding, self._graphs.pop(plan, None))
        if settings.report is not None:
            _recorder(settings.report).runs(binding, asked)
        observers = observing.observers
        timed = settings.debug >= TIMES or any(observer.times for observer in observers)
        start = perf_counter()
        seconds = run_timed(binding) if timed else []
        if settings.debug >= TIMES:
            _say_times(plan, seconds)
        for observer in observers:
            observer.ran(binding, asked, start, seconds)
        return timed


def _recorder(path: str) -> Recorder:
    """The recorder of a report; its libraries are imported when somebody asks for one."""
    from lazygrad.inspect.reporting.record import recorder

    return recorder(path)


def _say(text: str) -> None:
    """Says what is told of a step."""
    print(colour.told(text, MARK) if colour.is_wanted(sys.stderr) else text, file=sys.stderr)


def _show(text: str) -> None:
    """Shows code, nests, formulas."""
    print(colour.code(text) if colour.is_wanted(sys.stderr) else text, file=sys.stderr)


def _tell(plan: CompiledPlan, asked: object) -> None:
    """As much as LAZYGRAD_DEBUG asks for."""
    level = settings.debug
    if level < COUNTS:
        return
    if level < REASONS:  # which needs no names
        _say(f"{MARK} {words.summary(step_of(plan))}")
        return
    step = step_of(plan, names_of(asked))
    if level < SOURCES:
        _say(words.explanation(step))
        return
    _say(f"{MARK} {words.summary(step)}")
    for code, part in parts_of(plan):
        for number in part.calls:
            _say("\n".join(words.described(step, step.kernels[number])))
            if level >= NESTS:
                _show(nest_of(plan.plan.steps[number].kernel, plan.device))
        for line in words.together(step, part.calls):
            _say(line)
        _show(headed(plan, step, code, part))


def _say_times(plan: CompiledPlan, seconds: Sequence[float]) -> None:
    """Time, share and rates of each part."""
    parts = [part for code in plan.recipe.codes for part in code.parts]
    total = sum(seconds)
    for part, spent in zip(parts, seconds, strict=True):
        share = spent / total if total > 0 else 0.0
        flops, nbytes = words.rates(part.flops, part.nbytes, spent)
        _say(f"{MARK} {units.duration(spent):>9} {share:6.1%} {flops:>12} {nbytes:>9}  {part.name}")
    launches = words.counted(len(plan.programs), "launch")
    _say(f"{MARK} {units.duration(total):>9} in {launches}")
