"""Loops by themselves: the kernels of their bodies, one by one, step by step. The interpreter runs
no loops, so each is held against what its kernels make, and those against the interpreter."""

from __future__ import annotations

from collections.abc import Generator, Mapping, Sequence
from dataclasses import replace
from typing import Any, NamedTuple

import numpy as np

from lazygrad.inspect import check
from lazygrad.inspect.alone import Ran, Work, download, in_order, recipe_of, upload
from lazygrad.kernel.plan import Copy, LoopCall
from lazygrad.runtime import compare, loops, registry
from lazygrad.runtime.loops import TURNS
from lazygrad.runtime.memory import Memory
from lazygrad.runtime.plan_format import kernel_key
from lazygrad.runtime.program import Binding, CompiledPlan

Array = np.ndarray[Any, Any]
Bytes = np.ndarray[Any, np.dtype[np.uint8]]


class Inner(NamedTuple):
    """A kernel of a loop's body, by itself.

    Attributes:
        moving: for each slot whether launches are told where its buffer starts.
        key: as of ``StepKernel``.
    """

    kernel: Work
    moving: tuple[bool, ...]
    key: str


def inner(call: LoopCall, outside: Sequence[bool] = ()) -> list[Inner]:
    """The kernels of the body, in order; in the slots ``outside``, the loop's own memory moves."""
    memory = range(len(outside))
    moved = loops.moved(call, memory, {n for n in memory if outside[n]})
    found = []
    for kernel, numbers in loops.steps_of(call):
        moving = tuple(number in moved for number in numbers)
        found.append(Inner(kernel, moving, kernel_key(kernel, moving)))
    return found


def difference(
    ran: Ran,
    compiled: Mapping[str, CompiledPlan] | None = None,
    outside: Sequence[bool] = (),
) -> str | None:
    """Where a kernel, or a loop, that has run alone has not computed what it should, in words. The
    kernels of a loop that are ``compiled`` already, by key, run with that code; ``outside`` as of
    ``inner``."""
    if not isinstance(ran.kernel, LoopCall):
        return check.difference(ran.kernel, ran.inputs, ran.outputs)
    call, device = ran.kernel, ran.binding.plan.device
    looked_at = {*range(TURNS), call.length - 1}  # each turn works on other memory
    steps = run_loop(call, ran.inputs, device, compiled or {}, outside)
    while True:
        try:
            count, moving, each = next(steps)
        except StopIteration as end:
            results: list[Array] = end.value
            break
        problem = difference(each, compiled, moving) if count in looked_at else None
        if problem:
            return f"step {count}, kernel {each.number} {each.kernel.name}: {problem}"
    for slot, (found, right) in enumerate(zip(ran.outputs, results, strict=True)):
        problem = compare.difference(f"buffer {slot}", found, right, call.results[slot].dtype)
        if problem:
            return f"beside its kernels one by one, {problem}"
    return None


def run_loop(
    call: LoopCall,
    inputs: Sequence[Array],
    device: str,
    compiled: Mapping[str, CompiledPlan],
    outside: Sequence[bool] = (),
) -> Generator[tuple[int, tuple[bool, ...], Ran], None, list[Array]]:
    """Runs the kernels of a loop's body, each in a launch of its own, on flat arrays: the number of
    the step, what moves there, and what ran. Returns the results."""
    known = dict(compiled)
    held = [np.full(spec.nbytes, 0xFF, np.uint8) for spec in call.results]
    held += [np.ascontiguousarray(array).view(np.uint8) for array in inputs]
    held += [np.full(nbytes, 0xFF, np.uint8) for nbytes in loops.own_bytes(call)]
    reaches = dict(enumerate(loops.reaches(call)))
    for number, piece in loops.pieces(call).items():
        reaches[number] = replace(reaches[piece.of], start=piece.start)
    works = [
        (each, memory)
        for each, (_, memory) in zip(inner(call, outside), loops.steps_of(call), strict=True)
    ]
    _copy(call.before, 0, held)
    for count in range(call.length):
        for number, (each, memory) in enumerate(works):
            if not call.turns_of(number).take(count):
                continue
            places = [reaches[place].at(count) for place in memory]
            yield (
                count,
                each.moving,
                _run(number, each, [held[slot][start:] for slot, start in places], device, known),
            )
        _copy(call.each, count, held)
    _copy(call.after, 0, held)
    return [held[slot].view(spec.dtype.numpy) for slot, spec in enumerate(call.results)]


def _run(
    number: int, each: Inner, held: Sequence[Bytes], device: str, known: dict[str, CompiledPlan]
) -> Ran:
    """Runs a kernel on bytes, in which it leaves what it writes."""
    kernel = each.kernel
    if each.key not in known:
        recipe = recipe_of(kernel, registry.backend(device), each.moving[: len(kernel.buffers)])
        known[each.key] = CompiledPlan(recipe, device)
    given = [
        piece[: spec.nbytes].view(spec.dtype.numpy)
        for piece, spec in zip(held, kernel.buffers, strict=False)
    ]
    pieces = [Memory(device, array.nbytes) for array in given]
    for piece, array in zip(pieces, given, strict=True):
        upload(device, piece, array)
    writes = len(kernel.written)
    own = [piece.raw for piece in known[each.key].arenas()]
    binding = Binding(known[each.key], [*in_order(pieces, writes), *own])
    binding.run()
    inputs = [array.copy() for array in given[writes:]]
    outputs = [
        download(device, piece, array.size, array.dtype)
        for piece, array in zip(pieces, given[:writes], strict=False)
    ]
    for array, output in zip(given, outputs, strict=False):
        array[:] = output
    return Ran(number, kernel, inputs, outputs, binding)


def _copy(copies: Sequence[Copy], count: int, held: Sequence[Bytes]) -> None:
    for copy in copies:
        (source, start), (to, there) = copy.source.at(count), copy.to.at(count)
        held[to][there : there + copy.nbytes] = held[source][start : start + copy.nbytes]
