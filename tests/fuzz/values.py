"""Values of the oracle, and the universes that say how exactly they are known.

Floats are carried in float64 and rounded to their dtype after every operation, as a device does;
integers and bools are exact. A universe is one way in which rounding may fall out: the exact one,
and perturbed ones in which every inexact result moves by about a unit in its last place. What
differs between universes is what a device may compute differently, so the spread is the bound of
the error, by element, however ill-conditioned the program is. What is unspecified is random in
each universe, so everything that depends on it is known to be unknown.

Derivatives are taken by the complex step: floats become complex128, decisions look at real parts,
and the imaginary part carries the derivative along one direction.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

Array = np.ndarray[Any, Any]

BOOL = ("bool",)
UNSIGNED = ("uint8", "uint16", "uint32", "uint64")
SIGNED = ("int8", "int16", "int32", "int64")
INTS = UNSIGNED + SIGNED
FLOATS = ("float16", "bfloat16", "float32", "float64")
ALL = BOOL + INTS + FLOATS
DIGITS = {"float16": 11, "bfloat16": 8, "float32": 24, "float64": 53}
LARGEST = {"float16": 65504.0, "bfloat16": 3.3895e38, "float32": 3.4028235e38, "float64": 1.797e308}
SMALLEST = {"float16": 2.0**-24, "bfloat16": 2.0**-133, "float32": 2.0**-149, "float64": 5e-324}
STEP = 1e-100  # of the complex step: its square is nothing beside any number


class Undefined(Exception):
    """A call that is an error, so that no program makes it."""


@dataclass(frozen=True)
class Value:
    """What the oracle knows of a tensor."""

    array: Array
    dtype: str

    @property
    def shape(self) -> tuple[int, ...]:
        return self.array.shape

    @property
    def ndim(self) -> int:
        return self.array.ndim

    @property
    def size(self) -> int:
        return self.array.size

    @property
    def is_float(self) -> bool:
        return self.dtype in FLOATS

    @property
    def is_int(self) -> bool:
        return self.dtype in INTS

    @property
    def is_bool(self) -> bool:
        return self.dtype == "bool"

    @property
    def real(self) -> Array:
        return self.array.real


def wide(dtype: str) -> str:
    """What sums of a dtype are carried in."""
    return "float32" if dtype in ("float16", "bfloat16") else dtype


def rounded(x: Array, dtype: str) -> Array:
    """Real float64 values rounded to a float dtype."""
    with np.errstate(all="ignore"):
        if dtype == "float64":
            return x
        if dtype == "bfloat16":
            return _bfloat16(np.asarray(x, np.float32)).astype(np.float64)
        return np.asarray(x).astype(dtype).astype(np.float64)


def _bfloat16(x: Array) -> Array:
    """float32 to the nearest float32 whose lower 16 bits are 0, ties to even."""
    bits = np.atleast_1d(x).view(np.uint32).astype(np.uint64)
    near = ((bits + 0x7FFF + ((bits >> 16) & 1)) & 0xFFFF0000).astype(np.uint32)
    return np.where(np.isnan(x), x, near.view(np.float32).reshape(x.shape))


def unit(x: Array, dtype: str) -> Array:
    """A unit in the last place of ``x``."""
    return np.maximum(np.abs(x) * 2.0 ** (1 - DIGITS[dtype]), SMALLEST[dtype])


def _must_fit(x: Array, dtype: str, ulps: float | Array) -> Array:
    """Where a result must be exact: what its dtype represents, of an operation that rounds
    once; of others, which may miss it, 0 and 1."""
    plain = (x == 0) | (np.abs(x) == 1)
    if dtype == "float64":
        represented = (x == np.rint(x)) & (np.abs(x) < 2.0**53)
    else:
        represented = rounded(x, dtype) == x
    return np.where(np.asarray(ulps) > 1, plain & represented, represented)


def _may_vanish(x: Array, dtype: str, size: Array | float, ulps: float | Array) -> Array:
    small = np.abs(x) < SMALLEST[dtype] * 2.0 ** DIGITS[dtype]
    return (np.abs(x) <= size) | (small & (np.asarray(ulps) > 1))


class Universe:
    """One way in which rounding, and what is unspecified, may fall out; seed None: the exact."""

    def __init__(self, seed: int | None = None, flip: bool = False) -> None:
        self.random = None if seed is None else np.random.default_rng(seed)
        self.odd = bool(seed and seed % 2)
        self.flip = flip  # every move goes the other way
        self.inexact = False  # whether anything has been moved
        self.fused = seed is not None and seed >= 2
        self.lost = seed is not None and seed == 3

    def carried(self, dtype: str) -> str:
        """What results of a dtype are rounded to: within a kernel, half precision is float32."""
        return wide(dtype) if self.fused else dtype

    def float(
        self,
        x: Array,
        dtype: str,
        ulps: float | Array = 1.0,
        *,
        error: Array | float | None = None,
        exact: bool | Array = False,
        loose_zero: bool = False,
        slope_error: Array | float = 0.0,
    ) -> Value:
        """A float result, computed in float64.

        Args:
            ulps: its error in units of the last place, unless ``error`` gives it absolutely.
            exact: where the result must be what rounding ``x`` gives.
            loose_zero: whether the sign of a zero is unspecified.
            slope_error: what the derivative's error is relative to, where it is more than that.
        """
        x = np.asarray(x)
        real = rounded(x.real, dtype)
        if self.random is not None:
            known = np.asarray(exact) | (_must_fit(x.real, dtype, ulps) & (error is None))
            known = known | ~np.isfinite(x.real)
            self.inexact = self.inexact or not np.all(known)
            size = unit(x.real, dtype) * ulps if error is None else error
            with np.errstate(all="ignore"):
                moved = rounded(x.real + self._move(x.shape) * size, self.carried(dtype))
                if self.lost:  # what may be no more than an error, or underflow on its way, is
                    moved = np.where(_may_vanish(x.real, dtype, size, ulps), 0, moved)
            real = np.where(known, real, moved)
            if loose_zero:
                real = np.where(real == 0, self._sign(x.shape) * 0.0, real)
        if not np.iscomplexobj(x):
            return Value(np.asarray(real, np.float64), dtype)
        along = x.imag
        if self.random is not None:
            size = 2.0 ** (1 - DIGITS[dtype]) * np.maximum(ulps, 1)
            along = along + self._move(x.shape) * size * np.maximum(np.abs(along), slope_error)
        result = np.empty(x.shape, np.complex128)
        result.real, result.imag = real, along
        return Value(result, dtype)

    def total(self, x: Array, dtype: str, magnitude: Array, count: int, whole: bool) -> Value:
        """A float sum of ``count`` terms whose magnitudes add up to ``magnitude``."""
        carried = wide(dtype)
        if whole and np.all(magnitude < 2.0 ** DIGITS[carried]):
            return self.float(x, dtype, exact=True, loose_zero=True)
        with np.errstate(all="ignore"):
            error = magnitude * 2.0 ** -DIGITS[carried] * (2 + count**0.5)
            error = np.where(np.isfinite(error), error, 0) + unit(x.real, dtype) / 2
        result = self.float(x, dtype, error=error, loose_zero=True)
        risky = (magnitude > LARGEST[carried] / 2) & ~np.isnan(x.real)
        if dtype == "float64":  # the oracle's own sums overflow, too, and infinities cancel
            risky = risky | (np.isposinf(magnitude) & np.isnan(x.real))
        return self.unspecified(result, risky) if np.any(risky) else result

    def unspecified(self, value: Value, where: Array | bool = True) -> Value:
        """``value``, but anything at all ``where`` it is not specified."""
        if self.random is None:
            return value
        if value.is_float:
            large = LARGEST[value.dtype] / 2
            ends = (-large, large) if self.odd else (7.0, np.nan)
            noise = np.full(value.shape, ends[self.flip])
        elif value.is_bool:
            noise = (self.random.integers(0, 2, value.shape) ^ self.flip).astype(bool)
        else:
            info = np.iinfo(value.dtype)
            near = self.random.integers(0, 7, value.shape).astype(value.dtype)
            end = np.asarray(info.max if self.flip else info.min, value.dtype)
            noise = end - near if self.flip else end + near
        self.inexact = True
        return Value(np.where(where, noise, value.array).astype(value.array.dtype), value.dtype)

    def _sign(self, shape: tuple[int, ...]) -> Array:
        assert self.random is not None
        signs = np.asarray(self.random.integers(0, 2, shape) * 2.0 - 1.0)
        return -signs if self.flip else signs

    def _move(self, shape: tuple[int, ...]) -> Array:
        """Up or down, of different sizes, so that two moves seldom cancel."""
        assert self.random is not None
        return self._sign(shape) * (1 + self.random.random(shape))


def universes() -> list[Universe]:
    """The exact one, and four pairs in which everything moves opposite ways."""
    return [Universe(), *(Universe(seed, flip) for seed in range(4) for flip in (False, True))]


# -- promotion, as torch.result_type -----------------------------------------------------------


def promote(a: str, b: str) -> str:
    if a == b or b == "bool":
        return a
    if a == "bool":
        return b
    if a in FLOATS or b in FLOATS:
        if a in FLOATS and b in FLOATS:
            if {a, b} == {"float16", "bfloat16"}:
                return "float32"
            return a if DIGITS[a] > DIGITS[b] else b
        return a if a in FLOATS else b
    infos = [np.iinfo(a), np.iinfo(b)]
    low, high = min(int(i.min) for i in infos), max(int(i.max) for i in infos)
    for name in UNSIGNED + SIGNED if low == 0 else SIGNED:
        if np.iinfo(name).min <= low and high <= np.iinfo(name).max:
            return name
    raise Undefined(f"no dtype for {a} and {b}")


def result_type(*operands: Any) -> str:
    """Of Values and Python numbers."""
    levels: list[str | None] = [None, None, None]
    for x in operands:
        level = 2 if not isinstance(x, Value) else 1 if x.ndim == 0 else 0
        dtype = x.dtype if isinstance(x, Value) else _of_number(x)
        before = levels[level]
        levels[level] = dtype if before is None else promote(before, dtype)
    return _combined(_combined(levels[0], levels[1]), levels[2]) or "float32"


def _of_number(x: Any) -> str:
    return "bool" if isinstance(x, bool) else "int64" if isinstance(x, int) else "float32"


def _combined(higher: str | None, lower: str | None) -> str | None:
    if higher is None or lower is None:
        return higher or lower
    if higher in FLOATS:
        return higher
    if higher == "bool" or lower in FLOATS:
        return promote(higher, lower)
    return higher


# -- casts -------------------------------------------------------------------------------------


def cast(u: Universe, x: Value, dtype: str) -> Value:
    """Rounds once to floats, truncates to integers; what does not fit wraps."""
    if x.dtype == dtype:
        return x
    with np.errstate(all="ignore"):
        if x.is_float and dtype in FLOATS:
            return u.float(x.array, dtype, exact=True)
        if dtype in FLOATS:
            single = x.array.astype(np.float64 if dtype == "float64" else np.float32)
            return Value(rounded(single.astype(np.float64), dtype), dtype)
        if dtype == "bool":
            return Value(x.real != 0, dtype)
        if not x.is_float:
            return Value(x.array.astype(dtype), dtype)
        # by way of int32 or int64, whose smallest value stands for what it does not hold; uint64
        # holds what int64 does, and all up to 2**64
        bits = 32 if np.dtype(dtype).itemsize < 4 or dtype == "int32" else 64
        end = 2**64 if dtype == "uint64" else 2 ** (bits - 1)
        size = 2 ** (8 * np.dtype(dtype).itemsize)
        found = [
            int(v) if -(2 ** (bits - 1)) <= v < end else -(2 ** (bits - 1)) for v in x.real.ravel()
        ]
        wrapped = np.array([v % size for v in found], np.uint64).reshape(x.real.shape)
        return Value(wrapped.astype(f"uint{size.bit_length() - 1}").astype(dtype), dtype)


def number(u: Universe, x: Any, dtype: str) -> Value:
    """A Python number as a scalar of a dtype."""
    if dtype in FLOATS:
        return Value(rounded(np.asarray(float(x)), dtype), dtype)
    return Value(np.asarray(x).astype(dtype), dtype)


def together(u: Universe, *operands: Any) -> tuple[list[Array], str]:
    """The arrays of operands in their common dtype, broadcast, and that dtype."""
    dtype = result_type(*operands)
    same = [cast(u, x, dtype) if isinstance(x, Value) else number(u, x, dtype) for x in operands]
    return list(np.broadcast_arrays(*(x.array for x in same))), dtype


def floating(u: Universe, x: Value) -> Value:
    """Floats as they are, others as float32."""
    return x if x.is_float else cast(u, x, "float32")


def result(u: Universe, array: Array, dtype: str, ulps: float = 1.0, **how: Any) -> Value:
    """Of a dtype's arithmetic: floats round, integers are exact already."""
    if dtype in FLOATS:
        return u.float(array, dtype, ulps, **how)
    return Value(np.asarray(array).astype(dtype), dtype)
