"""From a compiled plan to the step that it is."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import TypeVar

from lazygrad.element_types import DType
from lazygrad.inspect.names import NO_NAMES, Names, module_of
from lazygrad.inspect.step import (
    BACKWARD,
    BOTH,
    FORWARD,
    INPUT,
    OUTPUT,
    UPDATE,
    Step,
    StepBuffer,
    StepKernel,
    StepLaunch,
)
from lazygrad.kernel import cost
from lazygrad.kernel.kernel import Kernel
from lazygrad.kernel.plan import LoopCall, Place
from lazygrad.kernel.routine import RoutineCall
from lazygrad.runtime.plan_format import kernel_key
from lazygrad.runtime.program import CompiledPlan
from lazygrad.runtime.saved import saved
from lazygrad.shape import Shape

T = TypeVar("T")
Work = Kernel | RoutineCall | LoopCall
SIZES = re.compile(r"_(\d[\dx]*|scalar)(__\d+)?$")  # that end the name of a kernel
AN_OUTPUT = "it is an output"


@dataclass
class _Value:
    """A value in the making: what a place holds from its first kernel to its last."""

    name: str
    shape: Shape
    place: Place
    dtype: DType | None = None
    size: int = 0
    left: int = 0  # elements that are not written yet
    written_by: list[int] = field(default_factory=list)
    read_by: list[int] = field(default_factory=list)


def step_of(plan: CompiledPlan, names: Names = NO_NAMES) -> Step:
    """What a plan runs, on values that are called as ``names`` says."""
    return _Reading(plan, names).step()


def costs(kernel: Work) -> tuple[int, int]:
    """Operations and bytes moved."""
    return cost.flops(kernel), cost.nbytes(kernel)


class _Reading:
    def __init__(self, compiled: CompiledPlan, names: Names) -> None:
        self.compiled, self.plan, self.names = compiled, compiled.plan, names
        self.values: list[_Value] = []
        self.now: dict[Place, int] = {}  # the number of the value that is there
        self.made: dict[str, int] = {}
        self.pieces = self.plan.pieces(compiled.recipe.inputs)
        self.slots = [self._slots(number) for number in range(len(self.plan.steps))]

    # -- values ---------------------------------------------------------------------------------

    def _slots(self, number: int) -> tuple[int, ...]:
        """The numbers of the values in the slots of a step."""
        step = self.plan.steps[number]
        written = step.kernel.written
        places = step.places[: len(step.kernel.buffers)]  # after them, what a loop works on
        found = [self._read(number, place, slot) for slot, place in enumerate(places)
                 if slot not in written]  # fmt: skip
        return (*(self._written(number, step.places[s], s) for s in written), *found)

    def _read(self, number: int, place: Place, slot: int) -> int:
        if place not in self.now:
            self._add(place, *self._given(place))
        value = self._described(self.now[place], number, slot)
        value.read_by.append(number)
        return self.now[place]

    def _written(self, number: int, place: Place, slot: int) -> int:
        """The first of those that write parts of a value begins it."""
        kernel = self.plan.steps[number].kernel
        spec, part = kernel.buffers[slot], kernel.written[slot]
        held = self.values[self.now[place]] if place in self.now else None
        if held is None or held.read_by or held.left < part or held.size != spec.size:
            self._add(place, *(self._given(place) if place.role == OUTPUT else self._made(number)))
            self.values[self.now[place]].left = spec.size
        value = self._described(self.now[place], number, slot)
        value.left -= part
        value.written_by.append(number)
        return self.now[place]

    def _add(self, place: Place, name: str, shape: Shape) -> None:
        self.now[place] = len(self.values)
        self.values.append(_Value(name, shape, place))

    def _described(self, value: int, number: int, slot: int) -> _Value:
        """The value, with what a kernel says of the memory in its slot."""
        found, spec = self.values[value], self.plan.steps[number].kernel.buffers[slot]
        found.dtype, found.size = spec.dtype, max(found.size, spec.size)
        found.shape = found.shape if found.shape or spec.size == 1 else (spec.size,)
        return found

    def _given(self, place: Place) -> tuple[str, Shape]:
        """Of an input or output, by what those call it who asked for the plan."""
        shapes = self.compiled.shapes
        if place.role == INPUT:
            name = _at(self.names.inputs, place.index)
            return name or f"input {place.index}", _at(shapes.inputs, place.index) or ()
        numbers = [i for i, result in enumerate(self.plan.results) if result == place]
        names = [name for i in numbers if (name := _at(self.names.results, i))]
        return " = ".join(names) or f"result {place.index}", _at(shapes.results, numbers[0]) or ()

    def _made(self, number: int) -> tuple[str, Shape]:
        """Of a temporary, by the kernel that begins it."""
        kernel = self.plan.steps[number].kernel
        if isinstance(kernel, RoutineCall):
            return self._fresh(kernel.name), kernel.results[0]
        if isinstance(kernel, LoopCall):
            return self._fresh(kernel.name), ()
        shape = tuple(r.size for r in kernel.outputs[0].ranges)
        if kernel.name.startswith("repack"):
            place = self.plan.steps[number].places[-1]
            known = self.now.get(place)
            source = self._given(place)[0] if known is None else self.values[known].name
            return f"{source}, repacked", shape
        return self._fresh(kernel.name), shape

    def _fresh(self, name: str) -> str:
        """A name for what a kernel makes, without the sizes, which the value has itself."""
        label = SIZES.sub("", name)
        self.made[label] = number = self.made.get(label, 0) + 1
        return label if number == 1 else f"{label} #{number}"

    # -- the step -------------------------------------------------------------------------------

    def step(self) -> Step:
        recipe = self.compiled.recipe
        where = {
            number: (launch, part)
            for launch, code in enumerate(recipe.codes)
            for part, each in enumerate(code.parts)
            for number in each.calls
        }
        first: dict[object, int] = {}
        kernels: list[StepKernel] = []
        phases = self._phases()
        for number, step in enumerate(self.plan.steps):
            launch, part = where.get(number, (-1, -1))
            same = first.setdefault(step.kernel, number)
            key = kernels[same].key if same < number else kernel_key(step.kernel)
            kernels.append(self._kernel(number, phases[number], same, key, launch, part))
        return Step(
            device=str(self.compiled.device),
            called=self.names.called,
            kernels=tuple(kernels),
            buffers=tuple(map(self._buffer, range(len(self.values)))),
            launches=tuple(
                StepLaunch(code.geometry, tuple(part.calls for part in code.parts))
                for code in recipe.codes
            ),
            temporaries=sum(recipe.arenas),
            kept=saved(self.plan),
        )

    def _kernel(
        self, number: int, phase: str, same: int, key: str, launch: int, part: int
    ) -> StepKernel:
        kernel, slots = self.plan.steps[number].kernel, self.slots[number]
        written, read = slots[: len(kernel.written)], slots[len(kernel.written) :]
        flops, nbytes = costs(kernel)
        return StepKernel(
            number=number,
            name=kernel.name,
            phase=phase,
            modules=tuple(dict.fromkeys(
                module for value in slots if (module := module_of(self.values[value].name))
            )),
            origins=kernel.origins,
            reasons=self._reasons(kernel, written),
            buffers=slots,
            writes=len(written),
            waits_for=_others(number, (self.values[v].written_by for v in read)),
            feeds=_others(number, (self.values[v].read_by for v in written)),
            same_as=same,
            flops=flops,
            nbytes=nbytes,
            key=key,
            launch=launch,
            part=part,
        )  # fmt: skip

    def _reasons(self, kernel: Work, written: Sequence[int]) -> tuple[str, ...]:
        """Each once, and which outputs are meant."""
        values = [self.values[number] for number in written]
        outputs = [value.name for value in values if value.place.role == OUTPUT]
        told = f"it writes the output{'s' * (len(outputs) > 1)} {', '.join(outputs)}"
        return tuple(dict.fromkeys(told if r == AN_OUTPUT else r for r in kernel.reasons))

    def _buffer(self, number: int) -> StepBuffer:
        value = self.values[number]
        memory, start = self._memory(value.place)
        itemsize = value.dtype.itemsize if value.dtype else 0
        return StepBuffer(
            number=number,
            name=value.name,
            role=value.place.role,
            shape=value.shape,
            dtype=value.dtype.name if value.dtype else "",
            nbytes=value.size * itemsize,
            memory=memory,
            written_by=tuple(value.written_by),
            read_by=tuple(dict.fromkeys(value.read_by)),
            start=start,
        )

    def _memory(self, place: Place) -> tuple[int, int]:
        """The number of the memory that a place is in, and where it begins there."""
        number = self.plan.numbers(self.compiled.recipe.inputs)[place.role] + place.index
        piece = self.pieces.get(number)
        return (number, 0) if piece is None else (piece.of, piece.start)

    # -- phases ---------------------------------------------------------------------------------

    def _phases(self) -> list[str]:
        """Of each kernel, by what the user's operations are called; of one that comes from none of
        them, which copies something for others, that of the first that reads it."""
        found: list[str | None] = [_phase(step.kernel.origins) for step in self.plan.steps]
        for number in reversed(range(len(found))):
            if found[number] is None:
                writes = len(self.plan.steps[number].kernel.written)
                readers = [
                    reader
                    for value in self.slots[number][:writes]
                    for reader in self.values[value].read_by
                ]
                found[number] = found[min(readers)] if readers else FORWARD
        return [phase or FORWARD for phase in found]


def _at(listed: Sequence[T], number: int) -> T | None:
    return listed[number] if number < len(listed) else None


def _others(number: int, listed: Iterable[Sequence[int]]) -> tuple[int, ...]:
    return tuple(sorted({other for numbers in listed for other in numbers} - {number}))


def _phase(origins: Sequence[str]) -> str | None:
    labels = [origin.partition(" (")[0] for origin in origins]
    update = any(label.endswith(".step") for label in labels)
    if any(label.endswith("_backward") for label in labels):
        return BOTH if update else BACKWARD
    return UPDATE if update else FORWARD if labels else None


def independent(step: Step, numbers: Sequence[int]) -> bool:
    """Whether none of these kernels waits for another one of them."""
    chosen = set(numbers)
    return not any(chosen & set(step.kernels[number].waits_for) for number in numbers)
