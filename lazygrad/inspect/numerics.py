"""LAZYGRAD_CHECK=nan: kernels run one by one. The first that makes a NaN or an infinity of finite
numbers, reads at an index that is not there, or divides integers by zero, is an error that says so.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from lazygrad.errors import NotFiniteError
from lazygrad.inspect.alone import Ran, inputs_of, run_alone
from lazygrad.inspect.blame import INDEX, Culprit, divided_by_zero, not_finite, writes
from lazygrad.inspect.names import names_of
from lazygrad.inspect.read import step_of
from lazygrad.inspect.step import StepBuffer, StepKernel
from lazygrad.kernel.kernel import Kernel
from lazygrad.runtime.compare import readable
from lazygrad.runtime.program import Binding, CompiledPlan

Array = np.ndarray[Any, Any]
LOOKED_AT = 16  # elements of a result that are followed back, of NaNs and of infinities
MOST_ORIGINS = 4

_compiled: dict[str, dict[str, CompiledPlan]] = {}  # kernels alone, by device and key


def check(binding: Binding, asked: object) -> None:
    """Runs what a plan is about to run, on copies of what it is given.

    Raises:
        NotFiniteError: with op, the user's lines, position and value.
    """
    plan = binding.plan
    step = step_of(plan, names_of(asked))
    known = _compiled.setdefault(plan.device, {})
    for ran in run_alone(plan, inputs_of(step, binding.inputs), known):
        row = step.kernels[ran.number]
        divided = (
            divided_by_zero(ran.kernel, ran.inputs) if isinstance(ran.kernel, Kernel) else None
        )
        if divided is not None:
            held = step.buffers[row.buffers[divided.slot]]
            where = "" if divided.place is None else _at(held, divided.place)
            raise NotFiniteError(_said(divided.culprit, where, row))
        for slot in range(row.writes):
            for place in _places(ran, slot):
                culprit = _blamed(ran, slot, place)
                if culprit is not None:
                    held = step.buffers[row.buffers[slot]]
                    raise NotFiniteError(_said(culprit, _at(held, place), row))


def _places(ran: Ran, slot: int) -> Iterator[int]:
    """Where a result is not finite: some of the NaNs, then some of the infinities."""
    dtype = ran.kernel.buffers[slot].dtype
    if dtype.is_floating_point:
        values = readable(ran.outputs[slot], dtype)
        for wrong in (np.isnan(values), np.isinf(values)):
            found = np.flatnonzero(wrong)
            yield from found[:: max(1, len(found) // LOOKED_AT)].tolist()


def _blamed(ran: Ran, slot: int, place: int) -> Culprit | None:
    kernel = ran.kernel
    if isinstance(kernel, Kernel):
        for output in kernel.outputs:
            if output.slot == slot and writes(kernel, ran.inputs, output, place):
                found = not_finite(kernel, ran.inputs, output, place)
                if found is not None:
                    return found
        return None
    specs = kernel.buffers[len(kernel.written) :]
    given = [readable(a, s.dtype) for a, s in zip(ran.inputs, specs, strict=True)]
    if all(np.isfinite(values).all() for values in given if values.dtype.kind == "f"):
        value = readable(ran.outputs[slot], kernel.buffers[slot].dtype)[place].item()
        return Culprit(kernel.name, value)
    return None


def _at(held: StepBuffer, place: int) -> str:
    """The place of an element of a value, in words."""
    position = tuple(int(i) for i in np.unravel_index(place, held.shape))
    return f" at {position} of {held.name}, {held.dtype} {held.shape},"


def _said(culprit: Culprit, where: str, row: StepKernel) -> str:
    op = culprit.op
    lines = [origin for origin in row.origins if origin.split(" ")[0].startswith(op)]
    shown = ", ".join((lines or row.origins)[:MOST_ORIGINS]) or row.name
    if op == INDEX:
        index = f"index {culprit.operands[0]}" if culprit.operands else "an index"
        return f"[check] {index} points at nothing: NaN stands{where} from {shown}"
    of = (
        f" of {', '.join(f'{value:.7g}' for value in culprit.operands)}" if culprit.operands else ""
    )
    article = "an" if op[0] in "aeiou" else "a"
    what = f"{article} {op} gives {culprit.value:.7g}{of}"
    return f"[check] {what}{where} from {shown}"
