"""Where the time of a program goes: by kernel, by the user's line, on the device, on the host."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from time import perf_counter
from typing import Any, NamedTuple

from lazygrad.inspect.limits import Limits
from lazygrad.inspect.names import names_of
from lazygrad.inspect.read import step_of
from lazygrad.inspect.step import Step, StepKernel
from lazygrad.inspect.words import counted, rates
from lazygrad.runtime import registry
from lazygrad.runtime.program import Binding, CompiledPlan
from lazygrad.runtime.watching import observing
from lazygrad.units import duration

DEVICE, HOST = 1, 2  # threads of the trace


class Part(NamedTuple):
    """Kernels that ran at the same time, and the seconds that they took."""

    kernels: tuple[StepKernel, ...]
    seconds: float

    @property
    def name(self) -> str:
        """Of the largest kernel, and how many there are besides."""
        largest = max(self.kernels, key=lambda kernel: kernel.flops).name
        more = len(self.kernels) - 1
        return f"{largest}_and_{more}_more" if more else largest


@dataclass(frozen=True)
class Run:
    """A plan that ran: when it began and ended, the seconds of each part of its launches, and those
    that it then took to note it."""

    step: Step
    start: float
    end: float
    seconds: tuple[float, ...]
    noting: float

    def parts(self) -> Iterator[Part]:
        """What ran at a time, in order."""
        parts = [part for launch in self.step.launches for part in launch.parts]
        for numbers, spent in zip(parts, self.seconds, strict=True):
            yield Part(tuple(self.step.kernels[number] for number in numbers), spent)

    def kernels(self) -> Iterator[tuple[StepKernel, float]]:
        """The seconds of each kernel: those of a part in proportion to what they cost, since they
        run at the same time."""
        target = registry.backend(self.step.device).target
        price = Limits(target.bandwidth, target.bandwidth, target.throughput)
        for part in self.parts():
            costs = [price.seconds(kernel.flops, kernel.nbytes) for kernel in part.kernels]
            whole = sum(costs)
            for kernel, cost in zip(part.kernels, costs, strict=True):
                yield kernel, part.seconds * (cost / whole if whole else 1 / len(costs))


@dataclass
class Row:
    """What goes to a kernel or a line, over all runs."""

    seconds: float = 0.0
    calls: int = 0
    flops: int = 0
    nbytes: int = 0
    labels: dict[str, None] = field(default_factory=dict)


class profile:
    """Times what this thread runs inside, and prints it at the end.

    Device times are those of the device's own events where it has them. To take them, every launch
    is waited for, so the host's time does not hide behind the device's as it else does.

    >>> import lazygrad
    >>> x = lazygrad.rand(64, 64)
    >>> with lazygrad.profile(show=False) as found:
    ...     y = (x @ x).relu().realize()
    >>> len(found.by_kernel()) > 0
    True

    Args:
        trace: a file to write for ui.perfetto.dev: all kernels and the host's calls over time.
        show: print ``table()`` at the end.
    """

    times = True

    def __init__(self, trace: str | Path | None = None, *, show: bool = True) -> None:
        self._path, self._show = trace, show
        self.runs: list[Run] = []
        self.start = self.end = 0.0
        self._steps: dict[CompiledPlan, Step] = {}

    def __enter__(self) -> profile:
        self.runs.clear()
        observing.observers += (self,)
        self.start = perf_counter()
        return self

    def __exit__(self, kind: Any, error: Any, traceback: Any) -> None:
        self.end = perf_counter()
        observing.observers = tuple(o for o in observing.observers if o is not self)
        if self._path is not None:
            self.export_chrome_trace(self._path)
        if self._show:
            print(self.table())

    def ran(self, binding: Binding, asked: object, start: float, seconds: Sequence[float]) -> None:
        """As of ``Observer``."""
        end, plan = perf_counter(), binding.plan
        if plan not in self._steps:
            self._steps[plan] = step_of(plan, names_of(asked))
        noting = perf_counter() - end
        self.runs.append(Run(self._steps[plan], start, end, tuple(seconds), noting))

    # -- what was found -------------------------------------------------------------------------

    def by_kernel(self) -> dict[str, Row]:
        """The kernels by name, those first that took longest."""
        found: dict[str, Row] = {}
        for run in self.runs:
            for kernel, spent in run.kernels():
                row = found.setdefault(kernel.name, Row())
                row.seconds += spent
                row.calls += 1
                row.flops += kernel.flops
                row.nbytes += kernel.nbytes
        return _longest_first(found)

    def by_line(self) -> dict[str, Row]:
        """The user's lines; the time of a kernel goes to all operations that it does, in equal
        shares."""
        found: dict[str, Row] = {}
        for run in self.runs:
            for kernel, spent in run.kernels():
                for origin in kernel.origins or ("no line (unknown)",):
                    label, _, place = origin.removesuffix(")").partition(" (")
                    row = found.setdefault(place, Row())
                    row.seconds += spent / max(1, len(kernel.origins))
                    row.calls += 1
                    row.labels[label] = None
        return _longest_first(found)

    @property
    def device_seconds(self) -> float:
        """What kernels took."""
        return sum(sum(run.seconds) for run in self.runs)

    def table(self) -> str:
        """By line and by kernel, then the host."""
        device = self.device_seconds
        lines = [f"{'device':>9} {'share':>6} {'calls':>6}  line"]
        for place, row in self.by_line().items():
            lines.append(f"{_head(row, device)}  {place}  {', '.join(row.labels)}")
        lines += [
            "",
            f"{'device':>9} {'share':>6} {'calls':>6} {'FLOP/s':>12} {'bytes/s':>9}  kernel",
        ]
        for name, row in self.by_kernel().items():
            flops, nbytes = rates(row.flops, row.nbytes, row.seconds)
            lines.append(f"{_head(row, device)} {flops:>12} {nbytes:>9}  {name}")
        whole = self.end - self.start - sum(run.noting for run in self.runs)
        running = sum(run.end - run.start for run in self.runs)
        lines += [
            "",
            f"{duration(whole)} in all: {duration(device)} on the device in "
            f"{counted(len(self.runs), 'run')}; on the host {duration(running - device)} to "
            f"launch and to wait, {duration(whole - running)} of Python and planning",
        ]
        return "\n".join(lines)

    # -- over time ------------------------------------------------------------------------------

    def export_chrome_trace(self, path: str | Path) -> None:
        """Writes the trace (JSON), which ui.perfetto.dev and chrome://tracing show."""
        names = {DEVICE: "device", HOST: "host"}
        events: list[dict[str, Any]] = [
            {"ph": "M", "name": "thread_name", "pid": 1, "tid": thread, "args": {"name": name}}
            for thread, name in names.items()
        ]
        before = self.start
        for run in self.runs:
            events.append(self._event("Python and planning", HOST, before, run.start - before))
            called = run.step.called or "realize"
            events.append(self._event(f"run {called}", HOST, run.start, run.end - run.start))
            events += self._kernels(run)
            before = run.end + run.noting
        events.append(self._event("Python and planning", HOST, before, self.end - before))
        Path(path).write_text(json.dumps({"traceEvents": events, "displayTimeUnit": "ns"}) + "\n")

    def _kernels(self, run: Run) -> Iterable[dict[str, Any]]:
        at = run.start
        for kernel, spent in run.kernels():
            args = {
                "phase": kernel.phase,
                "lines": list(kernel.origins),
                "reads": [run.step.buffers[value].name for value in kernel.read],
                "writes": [run.step.buffers[value].name for value in kernel.written],
                "flops": kernel.flops,
                "bytes": kernel.nbytes,
            }
            yield self._event(kernel.name, DEVICE, at, spent) | {"args": args}
            at += spent

    def _event(self, name: str, thread: int, start: float, seconds: float) -> dict[str, Any]:
        """In microseconds from the beginning."""
        at = (start - self.start) * 1e6
        return {
            "ph": "X", "name": name, "pid": 1, "tid": thread, "ts": at, "dur": seconds * 1e6
        }  # fmt: skip


def _longest_first(found: dict[str, Row]) -> dict[str, Row]:
    return dict(sorted(found.items(), key=lambda item: -item[1].seconds))


def _head(row: Row, whole: float) -> str:
    share = row.seconds / whole if whole else 0.0
    return f"{duration(row.seconds):>9} {share:6.1%} {row.calls:6}"
