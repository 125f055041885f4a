"""The steps of a plan as code and as programs: the kernels between other steps together, as the
backend makes it, routines, loops and what somebody changed one by one."""

from __future__ import annotations

from collections.abc import Callable, Container, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import groupby, pairwise

from lazygrad.kernel.kernel import Kernel
from lazygrad.kernel.plan import LoopCall, Piece
from lazygrad.kernel.routine import RoutineCall
from lazygrad.runtime import loops, progress, routines
from lazygrad.runtime.backend import Backend, Call, Code, Program
from lazygrad.runtime.changed import Changed, ChangedProgram
from lazygrad.runtime.loops import LoopCode, LoopProgram

Numbered = tuple[Kernel | RoutineCall | LoopCall, tuple[int, ...]]  # with its memory by number
Given = Callable[[int, Call, Backend], Code | None]  # a call with its number


def generated(
    steps: Sequence[Numbered],
    backend: Backend,
    pieces: Mapping[int, Piece],
    moving: Container[int] = (),
    given: Given = lambda *step: None,
    apart: Container[int] = (),
) -> list[Code]:
    """Code for steps, in order; ``pieces`` as of ``Backend.generate``. The numbers of memory of
    which launches are told where it starts are ``moving``. What is ``given`` for a kernel stands
    for it, inside of loops, too. Steps of the numbers ``apart`` share no launch with those before
    them."""
    codes: list[Code] = []
    run: list[Call] = []  # kernels that go to the backend together

    def finish(number: int) -> None:
        if run:
            codes.extend(_numbered(number - len(run), backend.generate(run, pieces)))
            run.clear()

    for number, (kernel, memory) in enumerate(steps):
        call = None
        if number in apart:
            finish(number)
        if isinstance(kernel, Kernel):
            call = _call(kernel, memory, moving)
            alone = given(number, call, backend)
        elif isinstance(kernel, LoopCall) and _taken(kernel, memory, backend, moving, given):
            call, alone = _call(kernel, memory, moving), None
        else:
            alone = _alone(number, kernel, memory, backend, moving, given)
        if alone is not None:
            finish(number)
            codes.append(alone)
        elif call is not None:
            run.append(call)
    finish(len(steps))
    return codes


def _call(kernel: Kernel | LoopCall, memory: tuple[int, ...], moving: Container[int]) -> Call:
    return Call(kernel, memory, tuple(n in moving for n in memory))


def _taken(
    loop: LoopCall,
    memory: tuple[int, ...],
    backend: Backend,
    moving: Container[int],
    given: Given,
) -> bool:
    """Whether the backend makes code of a loop of kernels, nothing of which is given."""
    moved = loops.moved(loop, memory, moving)
    steps = loops.steps_of(loop)
    inside = [_call(kernel, on, moved) for kernel, on in steps if isinstance(kernel, Kernel)]
    if len(inside) < len(steps) or not backend.takes(loop):
        return False
    return not any(given(number, call, backend) for number, call in enumerate(inside))


def _alone(
    number: int,
    call: RoutineCall | LoopCall,
    memory: tuple[int, ...],
    backend: Backend,
    moving: Container[int],
    given: Given,
) -> Code:
    if isinstance(call, RoutineCall):
        return routines.code(number, call, memory)
    inside, moved = loops.steps_of(call), loops.moved(call, memory, moving)
    apart = {n for n, (one, other) in enumerate(pairwise(call.turns), 1) if one != other}
    codes = generated(inside, backend, loops.pieces(call), moved, given, apart)
    return loops.code(number, call, memory, codes)


def kernels_in(steps: Iterable[Kernel | RoutineCall | LoopCall]) -> int:
    """How many kernels and routines there are, those in the bodies of loops among them."""
    return sum(
        kernels_in(inside.kernel for inside in step.body.steps) if isinstance(step, LoopCall) else 1
        for step in steps
    )


def calls_in(codes: Iterable[Code]) -> int:
    """As many of codes that were generated."""
    return sum(
        calls_in(code.data.codes) if isinstance(code.data, LoopCode) else code.kernels
        for code in codes
    )


def _numbered(first: int, codes: Iterable[Code]) -> Iterable[Code]:
    """Codes whose calls are counted from ``first`` on."""
    if not first:
        return codes
    return [
        replace(code, parts=tuple(
            replace(part, calls=tuple(first + number for number in part.calls))
            for part in code.parts
        ))
        for code in codes
    ]  # fmt: skip


def loaded(
    codes: Sequence[Code], backend: Backend, texts: Iterable[str] | None = None
) -> list[Program]:
    """Programs for codes that were ``generated``, in order; of ``texts`` instead of their own, see
    ``texts_of``. Kernels between routines are compiled together with those between others."""
    programs: list[Program] = []
    given = None if texts is None else iter(texts)
    groups = _groups(codes)
    plain = [group for kind, group in groups if kind is None]
    ready = iter(backend.load_all(plain) if given is None else ())
    for kind, group in groups:
        if kind is not None:
            for code in group:
                programs.append(_program(code, backend, given))
                progress.advance(0 if kind is LoopCode else code.kernels)
        elif given is None:
            programs += next(ready)
        else:
            programs += backend.load_texts(group, [next(given) for _ in backend.texts(group)])
    return programs


def loaded_apart(
    several: Sequence[tuple[Sequence[Code], Sequence[str]]], backend: Backend
) -> list[list[Program]]:
    """``loaded`` of each, with its texts; of as many at once as the backend likes."""
    plain = [n for n, (codes, _) in enumerate(several) if [k for k, _ in _groups(codes)] == [None]]
    programs = backend.load_apart([several[n] for n in plain])
    found = dict(zip(plain, programs, strict=True))
    return [
        found[number] if number in found else loaded(codes, backend, texts)
        for number, (codes, texts) in enumerate(several)
    ]


def _program(code: Code, backend: Backend, texts: Iterator[str] | None) -> Program:
    if isinstance(code.data, RoutineCall):
        return backend.routine(code) or routines.HostProgram(code, backend)
    if isinstance(code.data, LoopCode):
        inside = [p for codes in code.data.together for p in loaded(codes, backend, texts)]
        return LoopProgram(code, inside, backend)
    return ChangedProgram(code, backend)


def texts_of(codes: Sequence[Code], backend: Backend) -> list[str]:
    """The complete programs that the generated codes of a plan are compiled as, in order."""
    found: list[str] = []
    for kind, group in _groups(codes):
        if kind is None:
            found += backend.texts(group)
        elif kind is LoopCode:
            together = (codes for code in group for codes in code.data.together)
            found += [text for codes in together for text in texts_of(codes, backend)]
    return found


def _groups(codes: Sequence[Code]) -> list[tuple[type | None, list[Code]]]:
    """Codes of one kind that follow each other: generated ones go to the backend together."""

    def kind(code: Code) -> type | None:
        kinds = (RoutineCall, LoopCode, Changed)
        return next((kind for kind in kinds if isinstance(code.data, kind)), None)

    return [(found, list(group)) for found, group in groupby(codes, kind)]
