"""How long a plan takes: each part of its launches, and the whole as it is launched otherwise."""

from __future__ import annotations

from collections.abc import Sequence
from time import perf_counter
from typing import Any, NamedTuple

import numpy as np

from lazygrad.handle import Handle, value_node
from lazygrad.inspect.alone import run_timed, upload
from lazygrad.inspect.rerun import made_up
from lazygrad.replay import Capture
from lazygrad.runtime import registry
from lazygrad.runtime.buffer import is_realised, value_of
from lazygrad.runtime.memory import Memory
from lazygrad.runtime.program import Binding, CompiledPlan
from lazygrad.tracing import ARGUMENT, CONSTANT, GRAD, STATE

ROUNDS, LONG = 25, 2.0  # measurements, and seconds after which it is enough
LONGER, APART = 6.0, 0.05  # seconds, where both ways are further apart: the machine is busy


class Times(NamedTuple):
    """The seconds of each part, and those of a run of which no launch is waited for."""

    parts: tuple[float, ...]
    whole: float

    @property
    def agree(self) -> bool:
        """Whether the parts take as long as the whole, about."""
        return abs(sum(self.parts) - self.whole) <= APART * self.whole


def times_of(binding: Binding) -> Times:
    """Runs a plan on its memory several times, both ways in turn, which computes the same each
    time: the fastest run of each, since a busy machine makes runs longer, and none shorter."""
    backend = registry.backend(binding.plan.device)
    backend.synchronize()
    run_timed(binding)  # what a driver does when it first launches something
    best: Times | None = None
    began = perf_counter()
    for _ in range(ROUNDS):
        if best and perf_counter() - began > (LONG if best.agree else LONGER):
            break
        parts = tuple(run_timed(binding))
        start = perf_counter()
        binding.launch()
        backend.synchronize()
        now = Times(parts, perf_counter() - start)
        best = best or now
        best = Times(min(best.parts, now.parts, key=sum), min(best.whole, now.whole))
    assert best is not None
    return best


def bound(plan: CompiledPlan, inputs: Sequence[Memory]) -> Binding:
    """A plan on inputs, with memory of its own for all else."""
    memory = [*inputs[: plan.inputs], *plan.outputs(), *plan.arenas()]
    return Binding(plan, [piece.raw for piece in memory])


def inputs_of_asked(plan: CompiledPlan, asked: object, arguments: Sequence[Any]) -> list[Memory]:
    """What a plan would be given now, as of ``Watcher.runs``; ``arguments`` of a captured function.
    What is not known is made up."""
    given = _of_capture(asked, arguments) if isinstance(asked, Capture) else _of_values(asked)
    arrays = made_up(plan.plan, 0)
    found: list[Memory] = []
    for number in range(plan.inputs):
        memory = given[number] if number < len(given) else None
        found.append(memory or in_memory(plan.device, arrays[number : number + 1]))
    return found


def in_memory(device: str, arrays: Sequence[np.ndarray[Any, Any]]) -> Memory:
    """An array in memory of its own; nothing for none."""
    array = arrays[0] if arrays else np.empty(0)
    memory = Memory(device, array.nbytes)
    upload(device, memory, array)
    return memory


def _of_values(asked: object) -> list[Memory | None]:
    leaves = asked[1] if isinstance(asked, tuple) else ()
    return [value_of(leaf).memory for leaf in leaves]


def _of_capture(capture: Capture, arguments: Sequence[Any]) -> list[Memory | None]:
    tensors = [leaf for leaf in arguments if isinstance(leaf, Handle)]
    found: list[Memory | None] = []
    for source in capture.sources:
        held: Any = None
        if source.kind == ARGUMENT and source.of < len(tensors):
            held = tensors[source.of]
        elif source.kind == STATE:
            held = source.of
        elif source.kind == GRAD:
            held = source.of._grad
        if source.kind == CONSTANT:
            found.append(source.of.memory)
        elif held is not None and is_realised(value_node(held._node)):
            found.append(value_of(value_node(held._node)).memory)
        else:
            found.append(None)
    return found
