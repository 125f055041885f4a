"""The code of what is launched, as people are shown it: before it, what its kernels compute; of a
loop, the code of its body."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from lazygrad.inspect.heading import commented, heading, heading_inside
from lazygrad.inspect.read import Work
from lazygrad.inspect.step import Step
from lazygrad.kernel.plan import LoopCall
from lazygrad.runtime import registry
from lazygrad.runtime.backend import Backend, Code, Part
from lazygrad.runtime.changed import Changed
from lazygrad.runtime.loops import LoopCode, steps_of
from lazygrad.runtime.program import CompiledPlan

Head = Callable[[int, str], Sequence[str]]  # the lines before a text of a kernel, by its number


def parts_of(plan: CompiledPlan) -> list[tuple[Code, Part]]:
    """The parts of all launches, in order."""
    return [(code, part) for code in plan.recipe.codes for part in code.parts]


def headed(plan: CompiledPlan, step: Step, code: Code, part: Part) -> str:
    """The code of a part; before it, each of its kernels under the user's names."""
    kernels = [each.kernel for each in plan.plan.steps]

    def head(number: int, text: str) -> Sequence[str]:
        return heading(kernels[number], step, step.kernels[number], text)

    return _headed(kernels, code, part, registry.backend(plan.device), head)


def alone(plan: CompiledPlan, code: Code, part: Part) -> str:
    """The same without what stands before it."""
    kernels = [each.kernel for each in plan.plan.steps]
    return _headed(kernels, code, part, registry.backend(plan.device), lambda number, text: ())


def _headed(kernels: Sequence[Work], code: Code, part: Part, backend: Backend, head: Head) -> str:
    if isinstance(code.data, LoopCode):
        (call,) = (kernels[number] for number in part.calls)
        assert isinstance(call, LoopCall)
        return _looped(call, code.data, backend)
    text = backend.shown(code, part)
    if isinstance(code.data, Changed):  # with what stands before it in its file
        return text
    lines: list[str] = []
    for number in part.calls:
        kernel = kernels[number]
        own = _inside(kernel, text) if isinstance(kernel, LoopCall) else head(number, text)
        if own and len(part.calls) > 1:
            own = [*([""] if lines else []), kernels[number].name, "", *own]
        lines += own
    return commented(lines, backend.comment) + text


def _inside(call: LoopCall, text: str) -> list[str]:
    """What stands before the code of a loop inside of a launch."""
    lines = [f"{call.length} times:"]
    for kernel, _ in steps_of(call):
        lines += ["", kernel.name, "", *heading_inside(kernel, text)]
    return lines


def _looped(call: LoopCall, data: LoopCode, backend: Backend) -> str:
    """The body, once."""
    kernels = [kernel for kernel, _ in steps_of(call)]

    def head(number: int, text: str) -> Sequence[str]:
        return heading_inside(kernels[number], text)

    texts = [
        _headed(kernels, code, part, backend, head) for code in data.codes for part in code.parts
    ]
    return "\n\n".join([f"{backend.comment} {call.length} times:", *texts])
