"""Seeds to disagreements: programs run in batches, what differs is run alone and made small."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np

from tests.fuzz import backends
from tests.fuzz.backends import MODES, SMOOTH_MODES, Got
from tests.fuzz.compare import Known, check, knowledge, slopes
from tests.fuzz.make import make
from tests.fuzz.program import Program
from tests.fuzz.values import Universe, Value

SMOOTH_SHARE = 0.3  # of programs that are differentiated


@dataclass
class Disagreement:
    """A program, as small as it was made, and what differs on which device."""

    seed: int
    mode: str
    device: str
    what: str
    cause: str
    source: str


@dataclass
class Tally:
    """How much was compared."""

    programs: int = 0
    steps: int = 0
    elements: int = 0
    certain: int = 0
    found: list[Disagreement] = field(default_factory=list)

    def as_dict(self) -> dict[str, Any]:
        return asdict(self)


@dataclass
class Case:
    """A program, how it is run, and what it must give."""

    seed: int
    program: Program
    mode: str
    expected: dict[int, Known]
    weights: dict[int, Any]


def mode_of(seed: int) -> str:
    r = random.Random(seed * 7919 + 1)
    if r.random() < SMOOTH_SHARE:
        return r.choices(list(SMOOTH_MODES), list(SMOOTH_MODES.values()))[0]
    return r.choices(list(MODES), list(MODES.values()))[0]


def case_of(seed: int) -> Case:
    return expecting(seed, *program_of(seed))


def program_of(seed: int) -> tuple[Program, str]:
    """The program of a seed, and how it is run."""
    mode = mode_of(seed)
    with np.errstate(all="ignore"):
        program = make(seed, mode in SMOOTH_MODES)
    if any(step.host for step in program.steps):
        mode = backends.TRACED.get(mode, mode)
    return program, mode


def expecting(seed: int, program: Program, mode: str) -> Case:
    if mode not in SMOOTH_MODES:
        expected = knowledge(program)
        for known in expected.values():
            # unfused, an index is a sum over all rows, of zeros but one, which loses a zero's sign
            known.signed = known.signed and mode != backends.UNFUSED
        return Case(seed, program, mode, expected, {})
    values = program.evaluate(Universe())
    given = backends.weights(program, values, seed)
    return Case(seed, program, mode, slopes(program, given, seed), given)


def run(cases: list[Case], device: str) -> list[dict[int, Got] | Exception]:
    """All cases in one plan; where that fails, in halves."""
    built = [_built(case, device) for case in cases]
    if len(cases) > 1 and not _realised(built):
        half = len(cases) // 2
        return run(cases[:half], device) + run(cases[half:], device)
    return [_read(case, found) for case, found in zip(cases, built, strict=True)]


def alone(case: Case, device: str) -> dict[int, Got] | Exception:
    return run([case], device)[0]


def _built(case: Case, device: str) -> dict[int, Any] | Exception:
    try:
        return backends.build(case.program, case.mode, device, case.seed, case.weights)
    except Exception as error:
        return error


def _realised(built: list[dict[int, Any] | Exception]) -> bool:
    found = [made for made in built if not isinstance(made, Exception)]
    tensors = [x for made in found for x in made.values() if x is not None]
    try:
        if tensors:
            tensors[0].realize(*tensors[1:])
    except Exception:
        return False
    return True


def _read(case: Case, found: dict[int, Any] | Exception) -> dict[int, Got] | Exception:
    try:
        return found if isinstance(found, Exception) else backends.read(found, case.program)
    except Exception as error:
        return error


def wrong(case: Case, got: dict[int, Got] | Exception) -> tuple[int, str] | None:
    """The first output that differs, and how."""
    if isinstance(got, Exception):
        return -1, f"{type(got).__name__}: {str(got)[:300]}"
    for i, known in case.expected.items():
        said = check(known, *got[i])
        if said is not None:
            return i, said
    return None


def hunt(seeds: Iterable[int], devices: tuple[str, ...], shrunk: bool = True) -> Tally:
    """Runs the programs of ``seeds`` in one batch."""
    with np.errstate(all="ignore"):
        return _hunt([case_of(seed) for seed in seeds], devices, shrunk)


def _hunt(cases: list[Case], devices: tuple[str, ...], shrunk: bool) -> Tally:
    tally = Tally()
    for case in cases:
        tally.programs += 1
        tally.steps += len(case.program.steps)
        tally.elements += sum(k.value.size for k in case.expected.values())
        tally.certain += sum(int(np.sum(k.certain)) for k in case.expected.values())
    for device in devices:
        for case, got in zip(cases, run(cases, device), strict=True):
            said = wrong(case, got)
            if said is not None:
                tally.found.append(_report(case, device, said, shrunk))
    return tally


def _report(case: Case, device: str, said: tuple[int, str], shrunk: bool) -> Disagreement:
    again = wrong(case, alone(case, device))
    if again is None:
        what = f"only beside the other programs of its batch: {said[1]}"
        return Disagreement(case.seed, case.mode, device, what, "batch", case.program.source())
    if shrunk:
        case, again = shrink(case, device, again)
    steps = case.program.steps
    values = case.program.evaluate(Universe())
    names = [f"{s.name}({','.join(values[i].dtype for i in s.inputs)})" for s in steps]
    kind = again[1].split(":")[0].split(" in ")[0].split(",")[0]
    cause = f"{case.mode} {kind}: {' '.join(names) or 'leaf'}"
    return Disagreement(case.seed, case.mode, device, again[1], cause, case.program.source())


# -- shrinking ---------------------------------------------------------------------------------

Fault = tuple[int, str]


def shrink(case: Case, device: str, fault: Fault) -> tuple[Case, Fault]:
    """A smaller program that still fails: one output, fewer lines, plainer leaves, plain mode."""

    def fails(program: Program, mode: str) -> tuple[Case, Fault] | None:
        try:
            smaller = expecting(case.seed, program, mode)
        except Exception:
            return None
        still = wrong(smaller, alone(smaller, device))
        return None if still is None else (smaller, still)

    best = (case, fault)
    for candidate in _candidates(best[0].program):
        found = fails(candidate, case.mode)
        if found is not None:
            best = found
            break
    if case.mode not in SMOOTH_MODES and case.mode != backends.PLAIN:
        best = fails(best[0].program, backends.PLAIN) or best
    return _without_lines(best, fails)


def _candidates(program: Program) -> Iterable[Program]:
    return (program.needed([i]) for i in program.outputs)


def _without_lines(
    best: tuple[Case, Fault], fails: Callable[[Program, str], tuple[Case, Fault] | None]
) -> tuple[Case, Fault]:
    changed = True
    while changed:
        changed = False
        case = best[0]
        program = case.program
        values = program.evaluate(Universe())
        for step in program.steps[:-1]:
            leaves = {**program.leaves, **{i: values[i] for i in step.ids}}
            rest = [s for s in program.steps if s is not step]
            keep = set(program.outputs) - set(step.ids)
            smaller = Program(leaves, rest, program.outputs, program.inputs).needed(
                [i for i in program.outputs if i in keep])  # fmt: skip
            found = fails(smaller, case.mode) if smaller.outputs else None
            if found is not None:
                best, changed = found, True
                break
    for i, value in best[0].program.leaves.items():
        if value.size > 1:
            plain = np.full(value.shape, value.array.reshape(-1)[0]).astype(value.array.dtype)
            program = best[0].program
            leaves = {**program.leaves, i: Value(plain, value.dtype)}
            smaller = Program(leaves, program.steps, program.outputs, program.inputs)
            best = fails(smaller, best[0].mode) or best
    return best
