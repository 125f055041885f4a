"""Compiled plans: the launches of a plan, ready to run on memory."""

from __future__ import annotations

from collections.abc import Callable, Container, Sequence
from dataclasses import dataclass, replace
from functools import cache
from typing import Any, NamedTuple

from lazygrad.config import settings
from lazygrad.element_types import DType
from lazygrad.errors import InternalError
from lazygrad.kernel.kernel import Kernel
from lazygrad.kernel.plan import INPUT, LoopCall, Piece, Plan
from lazygrad.kernel.routine import RoutineCall
from lazygrad.runtime import progress, registry, steps, watching
from lazygrad.runtime.backend import Backend, Code, Part, Program
from lazygrad.runtime.changed import Changed
from lazygrad.runtime.loops import LoopCode
from lazygrad.runtime.memory import Memory, scratchpad
from lazygrad.runtime.plan_format import DTYPE, plan_format
from lazygrad.runtime.records import Format, Malformed, Specials
from lazygrad.runtime.steps import Given
from lazygrad.runtime.watching import observing
from lazygrad.shape import Shape


@dataclass(frozen=True)
class Recipe:
    """Everything that running a plan takes, as plain data: a disk cache keeps it.

    Memory is numbered: inputs, outputs, arenas, temporaries.

    Attributes:
        inputs: how many of the inputs are looked at.
        outputs, arenas: bytes of each.
        temporaries: each as a piece of an arena or an output by its number.
        results: the number of each requested value's memory.
        codes: the launches in order.
        written_plan: the Plan with its kernels, for those who want to look inside.
    """

    inputs: int
    outputs: tuple[int, ...]
    arenas: tuple[int, ...]
    temporaries: tuple[Piece, ...]
    results: tuple[int, ...]
    codes: tuple[Code, ...]
    written_plan: str = ""

    @classmethod
    def of(
        cls,
        plan: Plan,
        backend: Backend,
        given: Given = lambda *step: None,
        moving: Container[int] = (),
    ) -> Recipe:
        """That of a plan; its code is generated but for what is ``given``. Launches are told where
        memory of the numbers ``moving`` starts."""
        places = [place for step in plan.steps for place in step.places]
        used = [p.index for p in (*places, *plan.results) if p.role == INPUT]
        inputs = 1 + max(used, default=-1)
        base, pieces = plan.numbers(inputs), plan.pieces(inputs)
        numbered = [
            (step.kernel, tuple(base[p.role] + p.index for p in step.places)) for step in plan.steps
        ]
        progress.stage("generate", steps.kernels_in(kernel for kernel, _ in numbered))
        return cls(
            inputs=inputs,
            outputs=plan.outputs,
            arenas=plan.arenas,
            temporaries=tuple(pieces.values()),
            results=tuple(base[place.role] + place.index for place in plan.results),
            codes=tuple(steps.generated(numbered, backend, pieces, moving, given)),
        )

    @property
    def given(self) -> int:
        """How much of the memory is given to a run: all but temporaries, which are pieces of it."""
        return self.inputs + len(self.outputs) + len(self.arenas)


class Shapes(NamedTuple):
    """Of the values that a plan is given, and of those that are requested; none where nobody knows
    them."""

    inputs: Sequence[Shape] = ()
    results: Sequence[Shape] = ()


class CompiledPlan:
    """A plan ready to run: takes the inputs' memory and returns the results'.

    Attributes:
        runs: how often it ran, jitted or not.
        pieces: the temporaries that launches are bound to, by number, rather than to arenas.
        shapes: for those who look inside: code knows memory only.

    Args:
        texts: programs to compile instead of those of the recipe, see ``steps.texts_of``.
        programs: those that are loaded already.
    """

    shapes = Shapes()

    def __init__(
        self,
        recipe: Recipe,
        device: str,
        plan: Plan | None = None,
        texts: Sequence[str] | None = None,
        programs: list[Program] | None = None,
    ) -> None:
        self.recipe = recipe
        self.device = device
        self.runs = 0
        self.inputs, self.results = recipe.inputs, recipe.results
        bound = {number for code in recipe.codes for number in code.memory}
        pieces = enumerate(recipe.temporaries, recipe.given)
        self.pieces = {number: piece for number, piece in pieces if number in bound}
        progress.stage("compile", steps.calls_in(recipe.codes))
        if programs is None:
            programs = steps.loaded(recipe.codes, registry.backend(device), texts)
        self.programs = programs
        self._plan = plan

    @property
    def plan(self) -> Plan:
        """The plan with its kernels."""
        if self._plan is None:
            self._plan = _read_plan(self.recipe.written_plan)
        return self._plan

    def kernels(self, part: Part) -> list[Kernel | RoutineCall | LoopCall]:
        """What a part of a launch computes."""
        return [self.plan.steps[number].kernel for number in part.calls]

    def run(self, inputs: Sequence[Memory], asked: object = None) -> list[Memory]:
        """Launches everything, waits for nothing; results are memory of their own, or inputs.
        ``asked``: as of ``Watcher.runs``."""
        memory = [*inputs[: self.inputs], *self.outputs(), *self.arenas()]
        Binding(self, [m.raw for m in memory]).run(asked)
        return [memory[number] for number in self.results]

    def outputs(self) -> list[Memory]:
        return [Memory(self.device, nbytes) for nbytes in self.recipe.outputs]

    def arenas(self) -> Sequence[Memory]:
        return scratchpad.reserve(self.device, self.recipe.arenas)


def written(recipe: Recipe, plan: Plan, backend: Backend) -> bytes:
    """A recipe and its plan as bytes.

    Raises:
        Malformed: the backend's data is not of its ``records``.
    """
    text = plan_format().encode(plan).decode()
    return _recipe_format(backend.records).encode(replace(recipe, written_plan=text))


def read_recipe(data: bytes, backend: Backend) -> Recipe:
    """What was ``written``; its plan is read when someone asks for it.

    Raises:
        Malformed: ``data`` is anything else.
    """
    recipe = _recipe_format(backend.records).decode(data)
    whole = recipe.given + len(recipe.temporaries)
    numbers = [*recipe.results, *(number for code in recipe.codes for number in code.memory)]
    if not all(0 <= number < whole for number in numbers):
        raise Malformed(f"memory {max(numbers)} of {whole}")
    made = dict(enumerate((*recipe.outputs, *recipe.arenas), recipe.inputs))
    for piece in recipe.temporaries:
        end = piece.start + piece.nbytes
        if not 0 <= piece.start <= end <= made.get(piece.of, -1):
            sizes = f"outputs of {recipe.outputs} and arenas of {recipe.arenas} bytes"
            raise Malformed(f"{piece} of {sizes}")
    return recipe


def _read_plan(text: str) -> Plan:
    try:
        return plan_format().decode(text.encode())
    except Malformed as error:
        raise InternalError(
            f"[cache] the kernels that were kept with a plan cannot be read ({error}); "
            "run with LAZYGRAD_CACHE=0 to plan anew"
        ) from None


@cache
def _recipe_format(records: tuple[type, ...]) -> Format[Recipe]:
    kinds = (*records, RoutineCall, LoopCode, Changed)
    return Format(Recipe, kinds, Specials({DType: DTYPE}, {}))


class Binding:
    """The launches of a plan on certain memory, which can be exchanged one by one: that of inputs,
    outputs and arenas."""

    def __init__(self, plan: CompiledPlan, raw: Sequence[Any]) -> None:
        self.plan = plan
        self.raw = list(raw)
        self._backend = registry.backend(plan.device)
        self._memory = dict(enumerate(raw))  # by number, pieces, too
        for number, piece in plan.pieces.items():
            self._memory[number] = self._backend.piece(self.raw, piece)
        self._calls = [self._bound(program) for program in plan.programs]

    @property
    def inputs(self) -> list[Any]:
        """The memory of the plan's inputs."""
        return self.raw[: self.plan.inputs]

    def memory(self, program: Program) -> list[Any]:
        """What one of the plan's programs is bound to."""
        return [self._memory[number] for number in program.code.memory]

    def _bound(self, program: Program) -> Callable[[], None]:
        return program.bind([self._memory[number] for number in program.code.memory])

    def rebind(self, raw: Sequence[Any]) -> None:
        """Exchanges what is not the same memory as before."""
        changed = {
            number
            for number, (before, after) in enumerate(zip(self.raw, raw, strict=True))
            if before is not after
        }
        if not changed:
            return
        self.raw = list(raw)
        self._memory.update(enumerate(raw))
        for number, piece in self.plan.pieces.items():
            if piece.of in changed:
                changed.add(number)
                self._memory[number] = self._backend.piece(self.raw, piece)
        for number, program in enumerate(self.plan.programs):
            if not changed.isdisjoint(program.code.memory):
                self._calls[number] = self._bound(program)

    def run(self, asked: object = None) -> None:
        """``asked``: as of ``Watcher.runs``."""
        self.plan.runs += 1
        shown = settings.dump or settings.report or settings.check
        looked_at = settings.debug or shown or observing.observers
        if looked_at and watching.watcher().runs(self, asked):
            return
        with self._backend.running():  # as ``launch``, which would be a call more
            for call in self._calls:
                call()

    def launch(self) -> None:
        """The launches, whoever looks."""
        with self._backend.running():
            for call in self._calls:
                call()
