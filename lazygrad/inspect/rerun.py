"""What the ``run.py`` of a dumped kernel or step does: compiles the texts that lie there, runs
them, checks the results, times them."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from lazygrad import element_types as dt, semantics
from lazygrad.element_types import BY_NAME
from lazygrad.errors import DataError, LazygradError
from lazygrad.inspect.alone import Ran, download, run_alone, run_timed, seconds, upload
from lazygrad.inspect.limits import limits
from lazygrad.inspect.looped import difference
from lazygrad.inspect.read import costs, step_of
from lazygrad.inspect.step import OUTPUT
from lazygrad.inspect.words import counted, rates, tell
from lazygrad.kernel.kernel import BufferSpec
from lazygrad.kernel.plan import INPUT, LoopCall, Plan
from lazygrad.kernel.routine import RoutineCall
from lazygrad.runtime import compare, registry
from lazygrad.runtime.bundle import Bundle, read_bundle
from lazygrad.runtime.memory import Memory
from lazygrad.runtime.program import Binding, CompiledPlan, Recipe
from lazygrad.shape import Shape
from lazygrad.units import duration

Array = np.ndarray[Any, Any]
RIGHT = "right: it computes what the interpreter computes"
RIGHT_LOOP = "right: it computes what its kernels do one by one, and they what the interpreter does"
LARGEST_INDEX = 8  # of integers that are made up, which may be labels


def main(folder: Path, arguments: Sequence[str] | None = None) -> int:
    """Exit status 1: it does not compile, or computes something else."""
    parser = argparse.ArgumentParser(description="run what was dumped, check it and time it")
    parser.add_argument("--device", help="generate the code for another device, and run that")
    parser.add_argument("--seed", type=int, default=0, help="of inputs that are made up")
    options = parser.parse_args(arguments)
    try:
        lines, right = rerun(read_bundle(folder), options.device, options.seed)
    except LazygradError as error:
        print(error, file=sys.stderr)
        return 1
    tell("\n".join(lines))
    return 0 if right else 1


def rerun(bundle: Bundle, device: str | None = None, seed: int = 0) -> tuple[list[str], bool]:
    """What to say, and whether all is right.

    Raises:
        DeviceError: the texts do not compile.
        DataError: a step was asked to run on another device than it was planned for.
    """
    plan = bundle.compiled()
    chosen = str(registry.check_device(device or bundle.head.device))
    if chosen != plan.device:
        if not bundle.head.key:
            raise DataError(f"[run] this step was planned for {plan.device}, not for {chosen}")
        plan = CompiledPlan(Recipe.of(plan.plan, registry.backend(chosen)), chosen, plan.plan)
    inputs = bundle.inputs()
    kind = "real inputs" if inputs is not None else f"made up inputs, seed {seed}"
    changed = " (changed)" if bundle.is_changed else ""
    head = f"{bundle.head.name}{changed} on {plan.device}, {kind}"
    given = made_up(plan.plan, seed) if inputs is None else inputs
    if not bundle.head.key:
        lines, right = _step(plan, given)
        return [head, *lines], right
    ran = _alone(plan, given, bundle.head.key)
    if inputs is None and _mostly_nothing(ran):  # roots or logarithms of what is negative
        ran = _alone(plan, [np.abs(array) for array in given], bundle.head.key)
    lines, right = _kernel(ran)
    return [head, *lines], right


# -- a kernel ----------------------------------------------------------------------------------


def _alone(plan: CompiledPlan, inputs: Sequence[Array], key: str) -> Ran:
    (ran,) = run_alone(plan, inputs, {key: plan})
    return ran


def _mostly_nothing(ran: Ran) -> bool:
    """Whether results are no numbers, so that comparing them says little."""
    specs = ran.kernel.buffers
    found = [compare.readable(a, spec.dtype) for a, spec in zip(ran.outputs, specs, strict=False)]
    floats = [array for array in found if array.dtype.kind == "f"]
    lost = sum(int(np.isnan(array).sum()) for array in floats)
    return lost * 10 > sum(array.size for array in floats)


def _kernel(ran: Ran) -> tuple[list[str], bool]:
    kernel = ran.kernel
    problem = difference(ran)
    right = RIGHT_LOOP if isinstance(kernel, LoopCall) else RIGHT
    spent = seconds(ran.binding)
    flops, nbytes = costs(kernel)
    limit = limits(ran.binding.plan.device).seconds(flops, nbytes)
    reached = ", ".join(rates(flops, nbytes, spent))
    return [
        f"wrong: {problem}" if problem else right,
        f"{duration(spent)}, {reached}; the limit of the device is {duration(limit)}",
    ], problem is None


# -- a step ------------------------------------------------------------------------------------


def _step(plan: CompiledPlan, inputs: Sequence[Array]) -> tuple[list[str], bool]:
    """Its launches as they are, beside its kernels one by one, each of which is checked."""
    step = step_of(plan)
    outputs = [value for value in step.buffers if value.role == OUTPUT]
    pieces = [Memory(plan.device, array.nbytes) for array in inputs]
    for piece, array in zip(pieces, inputs, strict=True):
        upload(plan.device, piece, array)
    made = plan.outputs()
    memory = [*pieces[: plan.inputs], *made, *plan.arenas()]
    binding = Binding(plan, [piece.raw for piece in memory])
    binding.run()
    problems = []
    results: dict[int, Array] = {}
    for ran in run_alone(plan, inputs):
        row = step.kernels[ran.number]
        results |= dict(zip(row.written, ran.outputs, strict=True))
        problem = difference(ran)
        if problem:
            problems.append(f"wrong: kernel {ran.number} {row.name}: {problem}")
    for value in outputs:
        dtype = BY_NAME[value.dtype]
        right = results[value.number]
        found = download(plan.device, memory[value.memory], right.size, dtype.numpy)
        problem = compare.difference(value.name, found, right, dtype)
        if problem:
            problems.append(f"wrong: {problem}")
    spent = run_timed(binding)
    parts = [part.name for code in plan.recipe.codes for part in code.parts]
    checked = f"right: {counted(len(step.kernels), 'kernel')}, and the launches as they are"
    return [
        *(problems or [checked]),
        *(f"{duration(s):>9}  {name}" for s, name in zip(spent, parts, strict=True)),
        f"{duration(sum(spent)):>9}  in {counted(len(plan.programs), 'launch')}",
    ], not problems


# -- inputs ------------------------------------------------------------------------------------


def made_up(plan: Plan, seed: int) -> list[Array]:
    """Inputs for a plan, flat and as stored: floats between -1 and 1, small integers; positive
    definite matrices for routines."""
    rng = np.random.default_rng(seed)
    found: dict[int, Array] = {}
    for step in plan.steps:
        kernel = step.kernel
        for slot, (place, spec) in enumerate(zip(step.places, kernel.buffers, strict=False)):
            if place.role == INPUT and place.index not in found:
                values = _values(spec, rng)
                if isinstance(kernel, RoutineCall):
                    values = _definite(values, kernel.operands[slot - len(kernel.written)])
                found[place.index] = values
    return [found.get(number, np.empty(0)) for number in range(1 + max(found, default=-1))]


def _definite(values: Array, shape: Shape) -> Array:
    """Square matrices made positive definite, for which routines have results."""
    if len(shape) < 2 or shape[-1] != shape[-2]:
        return values
    matrices = values.reshape(shape)
    return np.ravel(matrices @ matrices.swapaxes(-1, -2) + np.eye(shape[-1], dtype=values.dtype))


def _values(spec: BufferSpec, rng: np.random.Generator) -> Array:
    dtype = spec.dtype
    if dtype.kind != dt.FLOAT:
        high = 2 if dtype is dt.bool_ else LARGEST_INDEX
        return rng.integers(0, high, spec.size).astype(dtype.numpy)
    values = rng.uniform(-1, 1, spec.size).astype(np.float32)
    return (
        semantics.to_bfloat16_bits(values) if dtype is dt.bfloat16 else values.astype(dtype.numpy)
    )
