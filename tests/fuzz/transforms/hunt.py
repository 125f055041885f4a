"""Programs of nested transforms, from seeds to disagreements with the oracle.

``python -m tests.fuzz --transforms --programs 3000`` runs many; ``--program SEED`` shows one.
"""

from __future__ import annotations

import random
import traceback
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

import lazygrad
from lazygrad import Tensor
from tests.fuzz.compare import Known, check
from tests.fuzz.hunt import Disagreement, Tally
from tests.fuzz.transforms import library, meaning
from tests.fuzz.transforms.duals import TooDear, World, plain
from tests.fuzz.transforms.shrink import shrunk
from tests.fuzz.transforms.write import Shape, Writer

Array = np.ndarray[Any, Any]
MOST = 6000  # operations of the oracle in one evaluation
UNITS = {"float32": 2.0**-24, "float64": 2.0**-53}
OWN = 2.0**-52  # by which worlds differ at least: all of them round to float64
WORLDS = 3  # perturbed ones
SAFETY = 16.0  # a device's error may be so many times what the few worlds are apart
VAGUE = 1e-2  # relative to 1 and the value: what is known less exactly is not compared

PLAIN, UNFUSED, JIT, VMAP, JIT_VMAP, BACKWARD, JIT_BACKWARD = (
    "plain", "unfused", "jit", "vmap", "jit of vmap", "backward", "jit of backward",
)  # fmt: skip
MODES = {PLAIN: 5, UNFUSED: 1, JIT: 3, VMAP: 2, JIT_VMAP: 1, BACKWARD: 1.5, JIT_BACKWARD: 1.5}
DERIVED = (BACKWARD, JIT_BACKWARD)


@dataclass(frozen=True)
class Step:
    """A line, for counting."""

    name: str


@dataclass
class Program:
    """A program, its inputs, and how it is run."""

    seed: int
    text: str
    inputs: list[Array]
    dtype: str
    mode: str
    shared: list[bool] = field(default_factory=list)  # inputs that all samples share

    @property
    def steps(self) -> list[Step]:
        return [Step(line.strip()) for line in self.text.splitlines()]

    def source(self) -> str:
        listed = [f"# {x.tolist()}" for x in self.inputs]
        return "\n".join([f"# {self.dtype}, {self.mode}", *listed, self.text])

    def main(self, names: dict[str, Any]) -> Callable[..., list[Any]]:
        env = dict(names)
        exec(compile(self.text, "<program>", "exec"), env)
        main: Callable[..., list[Any]] = env["main"]
        return main


@dataclass
class Case:
    """A program and what it must give."""

    program: Program
    expected: list[Known]

    @property
    def mode(self) -> str:
        return self.program.mode


def program_of(seed: int) -> tuple[Program, str]:
    """The program of a seed, and how it is run."""
    case = case_of(seed)
    return case.program, case.mode


def case_of(seed: int) -> Case:
    """The first program of a seed that the oracle has time for."""
    for attempt in range(1000):
        program = written(seed, attempt)
        try:
            return Case(program, known(program))
        except TooDear:
            continue
    raise TooDear(f"no program of seed {seed} is small")


def written(seed: int, attempt: int = 0) -> Program:
    """The program of an attempt; the oracle may not have time for it."""
    r = random.Random(seed * 1009 + attempt)
    writer = Writer(r.randrange(1 << 40))
    text, shapes = writer.program()
    numbers = np.random.default_rng(r.randrange(1 << 40))
    dtype = r.choice(("float32", "float64"))
    inputs = [_drawn(numbers, shape, dtype) for shape in shapes]
    mode = r.choices(list(MODES), list(MODES.values()))[0]
    shared = [False, *(r.random() < 0.4 for _ in shapes[1:])]
    return Program(seed, text, inputs, dtype, mode, shared)


def _drawn(numbers: np.random.Generator, shape: Shape, dtype: str) -> Array:
    return numbers.uniform(-1.5, 1.5, shape).astype(dtype)


# -- what it must give -----------------------------------------------------------------------------


def known(program: Program) -> list[Known]:
    unit = UNITS[program.dtype]
    exact = evaluated(program, World(most=MOST))
    others = [evaluated(program, World(max(unit, OWN), seed)) for seed in range(WORLDS)]
    return [_known(program, column) for column in zip(exact, *others, strict=True)]


def evaluated(program: Program, world: World) -> list[Array]:
    inputs = [x.astype(np.float64) for x in program.inputs]
    with np.errstate(all="ignore"):
        main = program.main(meaning.names(world))
        if program.mode not in DERIVED:
            return [plain(x) for x in main(*inputs)]

        def total(*given: Any) -> Any:
            parts = [world.linear(np.sum, world.mul(x, ripples(plain(x)))) for x in main(*given)]
            first, *rest = parts
            for part in rest:
                first = world.add(first, part)
            return first

        grad = meaning.names(world)["grad"]
        return [plain(x) for x in grad(total, tuple(range(len(inputs))))(*inputs)]


def ripples(like: Any) -> Array:
    """The derivative of the final result by each element."""
    shape = tuple(like.shape)
    return np.cos(1.3 * np.arange(int(np.prod(shape)))).reshape(shape)


def _known(program: Program, values: tuple[Array, ...]) -> Known:
    exact, *others = values
    with np.errstate(all="ignore"):
        spread = np.max([np.abs(other - exact) for other in others], axis=0)
        largest = np.max(np.abs(exact), initial=1.0, where=np.isfinite(exact))
        tolerance = SAFETY * spread + 32 * UNITS[program.dtype] * largest
        certain = np.isfinite(tolerance) & (tolerance < VAGUE * (1 + np.abs(exact)))
    return Known(exact, tolerance, certain, program.dtype)


# -- what it gives ---------------------------------------------------------------------------------


def build(case: Case, device: str) -> list[Tensor]:
    """The results, not computed yet where that can be."""
    program = case.program
    main = program.main(library.names(program.dtype, device))
    given = [_tensor(x, program, device) for x in program.inputs]
    if program.mode == UNFUSED:
        with lazygrad.config(fuse=False):
            found = main(*given)
            Tensor.realize(*found)
        return found
    if program.mode in DERIVED:
        return _backward(program, main, given, device)
    if program.mode in (VMAP, JIT_VMAP):
        return _mapped(program, main, device)
    if program.mode == JIT:
        function = lazygrad.jit(main)
        function(*(_tensor(np.flip(x), program, device) for x in program.inputs))
        function(*given)
        return function(*given)
    return main(*given)


def _tensor(x: Any, program: Program, device: str) -> Tensor:
    return Tensor(np.array(x), dtype=program.dtype, device=device)


def _backward(program: Program, main: Any, given: list[Tensor], device: str) -> list[Tensor]:
    """``.grad`` of the inputs, which are parameters of a jitted function or its arguments."""

    def loss(*inputs: Tensor) -> Tensor:
        found = [(x * _tensor(ripples(x), program, device)).sum() for x in main(*inputs)]
        return sum(found[1:], found[0])

    for x in given:
        x.requires_grad_()

    def step(*inputs: Tensor) -> Any:
        total = loss(*(inputs or given))
        if total.requires_grad:
            total.backward()

    if program.mode == JIT_BACKWARD:
        step = lazygrad.jit(step)
        arguments = given if program.seed % 2 else []
        for _ in range(3):
            for x in given:
                x.grad = None
            step(*arguments)
    else:
        with library.history():
            step()
    return [x.detach() * 0 if x.grad is None else x.grad for x in given]


def _mapped(program: Program, main: Any, device: str) -> list[Tensor]:
    """The second of two samples."""
    dims = tuple(None if s else 0 for s in program.shared)
    stacked = [
        _tensor(x if s else np.stack([np.flip(x), x]), program, device)
        for x, s in zip(program.inputs, program.shared, strict=True)
    ]
    function = lazygrad.vmap(main, dims)
    if program.mode == JIT_VMAP:
        function = lazygrad.jit(function)
    return [x[1] for x in function(*stacked)]


# -- comparing -------------------------------------------------------------------------------------


def hunt(seeds: Iterable[int], devices: tuple[str, ...]) -> Tally:
    """Runs the programs of ``seeds`` in one batch."""
    cases = [case_of(seed) for seed in seeds]
    tally = Tally()
    for case in cases:
        tally.programs += 1
        tally.steps += len(case.program.steps)
        tally.elements += sum(k.value.size for k in case.expected)
        tally.certain += sum(int(np.sum(k.certain)) for k in case.expected)
    for device in devices:
        for case, said in zip(cases, _differing(cases, device), strict=True):
            if said is not None:
                tally.found.append(_report(case, device, said))
    return tally


def _differing(cases: list[Case], device: str) -> list[str | None]:
    """What is wrong with each, or None; all are computed together, or else one by one."""
    built = [_attempt(lambda case=case: build(case, device)) for case in cases]
    every = [x for found in built if isinstance(found, list) for x in found]
    try:
        if every:
            Tensor.realize(*every)
    except Exception as error:
        if len(cases) == 1:
            return [_said(error)]
        return [said for case in cases for said in _differing([case], device)]
    return [
        found if isinstance(found, str) else _wrong(case, found)
        for case, found in zip(cases, built, strict=True)
    ]


def _attempt(make: Callable[[], list[Tensor]]) -> list[Tensor] | str:
    try:
        return make()
    except Exception as error:
        return _said(error)


def _said(error: Exception) -> str:
    frames = traceback.extract_tb(error.__traceback__)
    own = [f for f in frames if "/lazygrad" in f.filename]
    where = f"{own[-1].filename.rpartition('/lazygrad/')[2]}:{own[-1].lineno}" if own else ""
    return f"{type(error).__name__} at {where}: {str(error)[:300]}"


def _wrong(case: Case, found: list[Tensor]) -> str | None:
    for number, (expected, x) in enumerate(zip(case.expected, found, strict=True)):
        said = check(expected, x.detach().numpy(), x.dtype.name)
        if said is not None:
            return f"result {number}: {said}"
    return None


def _report(case: Case, device: str, said: str) -> Disagreement:
    [again] = _differing([case], device)
    if again is None:
        said = f"only beside the other programs of its batch: {said}"
    else:
        case, said = _small(case, device, again)
    cause = f"{case.mode}: {_kind(said)}"
    return Disagreement(case.program.seed, case.mode, device, said, cause, case.program.source())


def _kind(said: str) -> str:
    if said.startswith("result"):
        return said.partition(": ")[2].split(" in ")[0][:60]
    return said[:90]


def _small(case: Case, device: str, said: str) -> tuple[Case, str]:
    """A smaller program that differs in the same way, in plain mode if it does so there."""
    best = case, said

    def fails(text: str, mode: str = "") -> bool:
        nonlocal best
        program = replace(case.program, text=text, mode=mode or best[0].mode)
        try:
            smaller = Case(program, known(program))
        except Exception:
            return False
        [still] = _differing([smaller], device)
        if still is None or _kind(still) != _kind(said):
            return False
        best = smaller, still
        return True

    if case.mode not in DERIVED:
        fails(case.program.text, PLAIN)
    shrunk(best[0].program.text, fails)
    return best
