"""A step in words: for the terminal, and as the story that a dump tells."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable, Mapping, Sequence
from html import escape

from lazygrad import units
from lazygrad.inspect.read import Work, costs, independent
from lazygrad.inspect.step import INPUT, PHASES, Step, StepBuffer, StepKernel
from lazygrad.kernel.plan import LoopCall

MARK = "[lazygrad]"


def counted(number: int, what: str) -> str:
    """``3 kernels``, ``1 launch``."""
    plural = "es" if what.endswith("ch") else "s"
    return f"{number} {what}{'' if number == 1 else plural}"


def tell(text: str) -> None:
    """Prints it, to somebody who may have read enough: ``python KERNEL/run.py | head -1``."""
    try:
        print(text, flush=True)
    except BrokenPipeError:
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, sys.stdout.fileno())  # for what is still to be written
        os.close(nowhere)


def cost(flops: int, nbytes: int) -> str:
    """``1.73 MFLOP, 397 kB moved``: of steps and of kernels."""
    return f"{units.flops(flops)}, {units.size(nbytes)} moved"


def rates(flops: int, nbytes: int, seconds: float) -> tuple[str, str]:
    """``9.99 GFLOP/s`` and ``2.29 GB/s``; of no time, zero."""
    each = 1 / seconds if seconds > 0 else 0.0
    return f"{units.flops(flops * each)}/s", f"{units.size(nbytes * each)}/s"


def summary(step: Step) -> str:
    """One line."""
    return (
        f"{step.device}: {counted(len(step.kernels), 'kernel')} in "
        f"{counted(len(step.launches), 'launch')}, {cost(step.flops, step.nbytes)}, "
        f"{units.size(step.temporaries)} of temporaries"
    )


def kept(step: Step) -> list[str]:
    """What is kept for the backward pass, if there is one."""
    count, nbytes = step.kept
    told = f"{counted(count, 'value')} kept for the backward pass, {units.size(nbytes)}"
    return [told] if count else []


def explanation(step: Step) -> str:
    """The summary, then each kernel: its lines, memory and reasons."""
    lines = [f"{MARK} {summary(step)}", *(f"{MARK} {line}" for line in kept(step))]
    for launch in step.launches:
        for part in launch.parts:
            for number in part:
                lines += described(step, step.kernels[number])
            lines += together(step, part)
        if len(launch.parts) > 1:
            kernels = sum(map(len, launch.parts))
            lines.append(f"    ({counted(kernels, 'kernel')} in one launch)")
    return "\n".join(lines)


class Explanation(str):
    """What ``explain`` says; notebooks show it as tables."""

    steps: tuple[Step, ...]

    def __new__(cls, steps: Sequence[Step]) -> Explanation:
        made = super().__new__(cls, "\n".join(map(explanation, steps)) or "already realised")
        made.steps = tuple(steps)
        return made

    def _repr_html_(self) -> str:
        tables = "".join(map(_table, self.steps))
        return tables or f"<p>{self}</p>"


def _table(step: Step) -> str:
    rows = "".join(
        f"<tr><td>{kernel.number}</td><td><code>{kernel.name}</code></td><td>{kernel.phase}</td>"
        f"<td>{escape(', '.join(kernel.origins))}</td><td>{escape('; '.join(kernel.reasons))}</td>"
        f"<td>{kernel.flops}</td><td>{kernel.nbytes}</td></tr>"
        for kernel in step.kernels
    )
    titles = "", "kernel", "phase", "lines", "why it is one", "FLOP", "bytes"
    head = "".join(f"<th>{title}</th>" for title in titles)
    return f"<p>{escape(summary(step))}</p><table><tr>{head}</tr>{rows}</table>"


def described(step: Step, kernel: StepKernel) -> list[str]:
    """A kernel on the terminal."""
    return [f"{MARK} {kernel.name}", *(f"    {line}" for line in facts(step, kernel))]


def together(step: Step, part: Sequence[int]) -> list[str]:
    """How the kernels of a part share its work-items."""
    if len(part) < 2:
        return []
    how = "side by side" if independent(step, part) else "together, some of them in turn"
    return [f"    ({counted(len(part), 'kernel')} {how})"]


def facts(step: Step, kernel: StepKernel) -> list[str]:
    """What is said of a kernel wherever it is shown."""
    where = f"{kernel.phase}{' of ' + ', '.join(kernel.modules) if kernel.modules else ''}"
    lines = [f"kernel {kernel.number}, {where}"]
    if kernel.same_as != kernel.number:
        lines.append(f"the same as kernel {kernel.same_as}, on other memory")
    lines += [f"from {origin}" for origin in kernel.origins]
    lines += [f"reads {_read(value)}" for value in _values(step, kernel.read)]
    lines += [f"writes {_written(value)}" for value in _values(step, kernel.written)]
    lines += [f"a kernel of its own because {reason}" for reason in kernel.reasons]
    lines.append(cost(kernel.flops, kernel.nbytes))
    return lines


def facts_inside(kernel: Work, loop: LoopCall) -> list[str]:
    """What is said of a kernel in the body of a loop, which has no place in a step."""
    flops, nbytes = costs(kernel)
    return [
        f"in each of the {loop.length} steps of {loop.name}",
        *(f"from {origin}" for origin in kernel.origins),
        *(f"a kernel of its own because {reason}" for reason in kernel.reasons),
        f"{cost(flops, nbytes)}, each time",
    ]


def _values(step: Step, numbers: Iterable[int]) -> list[StepBuffer]:
    return [step.buffers[number] for number in numbers]


def _read(value: StepBuffer) -> str:
    return f"{value} {value.dtype}{_numbers(' of kernel', value.written_by)}"


def _written(value: StepBuffer) -> str:
    return f"{value} {value.dtype}{_numbers(' for kernel', value.read_by)}"


def _numbers(what: str, numbers: Sequence[int]) -> str:
    if not numbers:
        return ""
    return f",{what}{'s' * (len(numbers) > 1)} {', '.join(map(str, numbers))}"


# -- the story ---------------------------------------------------------------------------------


def story(step: Step, links: Sequence[str], inside: Mapping[int, Sequence[str]]) -> str:
    """The step as Markdown, in order, by phase; ``links`` lead to the folder of each kernel, and
    ``inside`` are lines about those in the body of a loop, by its number, in Markdown."""
    called = f" of `{step.called}`" if step.called else ""
    lines = [f"# The step{called}", "", f"{summary(step)}.", ""]
    given = [value for value in step.buffers if value.role == INPUT]
    lines += [f"It is given {_listed(given)}.", ""] if given else []
    for phase in PHASES:
        kernels = [kernel for kernel in step.kernels if kernel.phase == phase]
        if kernels:
            lines += [f"## {phase.capitalize()}", ""]
        for kernel in kernels:
            lines += _told(step, kernel, links[kernel.number])
            lines += (f"   {line}" for line in inside.get(kernel.number, ()))
            lines.append("")
    return "\n".join(lines)


def _told(step: Step, kernel: StepKernel, link: str) -> list[str]:
    modules = f" ({', '.join(kernel.modules)})" if kernel.modules else ""
    lines = [f"{kernel.number}. **[{kernel.name}]({link})**{modules}"]
    if kernel.origins:
        lines.append(f"   - computes {', '.join(kernel.origins)}")
    for title, numbers in (("reads", kernel.read), ("writes", kernel.written)):
        lines.append(f"   - {title} {_listed(_values(step, numbers))}")
    if kernel.waits_for:
        lines.append(f"   - after {_kernels(step, kernel.waits_for)}")
    if kernel.feeds:
        lines.append(f"   - before {_kernels(step, kernel.feeds)}")
    lines += [f"   - because {reason}" for reason in kernel.reasons]
    return lines


def told_inside(kernel: Work, link: str) -> list[str]:
    """A kernel in the body of a loop, for the list in Markdown of those; ``link`` leads to its
    folder."""
    lines = [f"- **[{kernel.name}]({link})**, {cost(*costs(kernel))}"]
    if kernel.origins:
        lines.append(f"  - computes {', '.join(kernel.origins)}")
    return lines + [f"  - because {reason}" for reason in kernel.reasons]


def _listed(values: Sequence[StepBuffer]) -> str:
    return ", ".join(f"`{value}`" for value in values) or "nothing"


def _kernels(step: Step, numbers: Sequence[int]) -> str:
    return ", ".join(f"{number} {step.kernels[number].name}" for number in numbers)
