"""What a device computed against what the oracle knows."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np

from tests.fuzz.program import Program
from tests.fuzz.values import DIGITS, STEP, Array, Universe, Value, unit, universes

CHECKED_SLOPES = 4  # elements of a leaf whose derivative is compared
PERTURBED = ((None, False), (1, False), (1, True), (2, False), (2, True))  # universes of slopes
SAFETY = 4.0  # a device's error may be this many times the spread between universes


@dataclass
class Known:
    """What a value must be, by element."""

    value: Array
    tolerance: Array
    certain: Array
    dtype: str
    signed: bool = False  # whether the sign of a zero counts
    places: Array | None = None  # which elements of the flattened value these are; None: all


@dataclass
class Mismatch:
    """One output that differs, and how."""

    id: int
    what: str
    detail: str
    positions: list[Any] = field(default_factory=list)


def knowledge(program: Program) -> dict[int, Known]:
    """Of every output, from all universes."""
    every = universes()
    worlds = [program.evaluate(u) for u in every]
    inexact = any(u.inexact for u in every)
    return {i: _known([world[i] for world in worlds], inexact) for i in program.outputs}


def _known(values: list[Value], inexact: bool) -> Known:
    first = values[0]
    arrays = np.stack([v.real for v in values])
    with np.errstate(all="ignore"):
        if not first.is_float:
            certain = np.all(arrays == arrays[0], axis=0)
            return Known(first.array, np.zeros(first.shape), certain, first.dtype)
        finite = np.isfinite(arrays)
        same = np.all((arrays == arrays[0]) | (np.isnan(arrays) & np.isnan(arrays[0])), axis=0)
        certain = np.all(finite, axis=0) | same
        spread = np.max(np.abs(np.where(finite, arrays - arrays[0], 0)), axis=0)
        signs = np.all(np.signbit(arrays) == np.signbit(arrays[0]), axis=0)
        tolerance = SAFETY * spread
        if inexact:
            tolerance = tolerance + 2 * unit(first.real, first.dtype)
    certain = certain & ~np.isposinf(tolerance)
    return Known(first.real, tolerance, certain, first.dtype, not inexact and bool(np.all(signs)))


def check(known: Known, array: Array, dtype: str) -> str | None:
    """What is wrong with a computed value, or None."""
    if dtype != known.dtype:
        return f"dtype {dtype}, expected {known.dtype}"
    if known.places is not None:
        array = array.reshape(-1)[known.places]
    if array.shape != known.value.shape:
        return f"shape {array.shape}, expected {known.value.shape}"
    wrong = differing(known, array)
    if not np.any(wrong):
        return None
    places = np.argwhere(wrong)
    shown = []
    for place in places[:4]:
        at = tuple(int(n) for n in place)
        shown.append(f"[{', '.join(map(str, at))}] got {array[at]!r}, expected "
                     f"{known.value[at]!r} ± {known.tolerance[at]:.3g}")  # fmt: skip
    return f"values differ in {len(places)} of {array.size}: " + "; ".join(shown)


def differing(known: Known, array: Array) -> Array:
    with np.errstate(all="ignore"):
        if known.dtype not in DIGITS:
            return known.certain & (array != known.value)
        got = array.astype(np.float64)
        gap = np.abs(got - known.value)
        same = (got == known.value) | (np.isnan(got) & np.isnan(known.value))
        wrong = known.certain & ~(same | (np.isfinite(known.value) & (gap <= known.tolerance)))
        if known.signed:
            zero = (known.value == 0) & (got == 0)
            wrong = wrong | (zero & (np.signbit(got) != np.signbit(known.value)))
        return np.asarray(wrong)


# -- derivatives -------------------------------------------------------------------------------


def slopes(program: Program, weights: dict[int, Array], seed: int) -> dict[int, Known]:
    """Of the weighted sum of all outputs by some elements of each input, by the complex step."""
    random = np.random.default_rng(seed)
    coarsest = _coarsest(program)
    found = {}
    for i in program.inputs:
        leaf = program.leaves[i]
        places = random.permutation(leaf.size)[:CHECKED_SLOPES]
        worlds = [[_slope(program, i, place, weights, Universe(number, flip)) for place in places]
                  for number, flip in PERTURBED]  # fmt: skip
        (value, sizes), *others = (np.asarray(world).reshape(-1, 2).T for world in worlds)
        with np.errstate(all="ignore"):
            spread = np.max([np.abs(other - value) for other, _ in others], axis=0)
            certain = np.isfinite(value) & np.isfinite(spread)
            scale = np.max(np.abs(value), initial=0, where=certain)
            tolerance = 3 * SAFETY * spread + scale * 2.0 ** (4 - coarsest)
            tolerance += 2.0 ** -(40 if coarsest > 11 else 20)
            tolerance += sizes * 2.0 ** (2 - DIGITS[leaf.dtype])  # .grad adds them up in its dtype
            # half precision overflows on its way backwards
            certain &= np.abs(value) + tolerance < (1e25 if coarsest > 11 else 1e3)
        found[i] = Known(value, tolerance, certain, leaf.dtype, places=places)
    return found


def _coarsest(program: Program) -> int:
    env = program.evaluate(Universe())
    return min((DIGITS[v.dtype] for v in env.values() if v.is_float), default=24)


def _slope(
    program: Program, leaf: int, place: int, weights: dict[int, Array], u: Universe
) -> tuple[float, float]:
    """Of the sum over all outputs, and the sum of the magnitudes of what each adds."""
    moved = program.leaves[leaf].array.astype(np.complex128)
    moved[np.unravel_index(place, moved.shape)] += STEP * 1j
    env = program.evaluate(u, {**program.leaves, leaf: Value(moved, program.leaves[leaf].dtype)})
    total, size = 0.0, 0.0
    with np.errstate(all="ignore"):
        for value in env.values():
            # behind a mask, 0 times an infinite slope is NaN in reverse, and 0 along a direction
            if value.is_float and not np.all(np.isfinite(value.array)):
                return np.nan, np.nan
        for i, weight in weights.items():
            array = env[i].array
            if np.iscomplexobj(array):
                part = float(np.sum(np.where(array.imag == 0, 0, array.imag * weight))) / STEP
                total, size = total + part, size + abs(part)
    return total, size
