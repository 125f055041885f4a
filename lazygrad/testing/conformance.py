"""The conformance suite: what a backend must compute, case by case.

A case is a function of Tensors, the same in float64 NumPy, and what to call it with. ``check``
runs one on a device; ``check_gradient`` does so for its derivative. A backend of a third party
proves itself with

    @pytest.mark.parametrize("case", cases.CASES, ids=str)
    def test_forward(case):
        for dtype in case.dtypes:
            conformance.check(case, dtype, "MYDEVICE")
"""

from __future__ import annotations

import zlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from lazygrad import element_types as dt, semantics
from lazygrad.backward import grad
from lazygrad.bridge import wrap
from lazygrad.config import config
from lazygrad.element_types import DType
from lazygrad.errors import LazygradError
from lazygrad.tensor_class import Tensor
from lazygrad.testing import reference

Array = np.ndarray[Any, Any]

REFERENCE = "REFERENCE"  # in place of a device: the graph evaluated with NumPy, op by op

# Relative to the larger of 1 and the value, unless a case asks for relative error alone. A case
# that adds up many numbers or amplifies rounding multiplies it by its ``scale``.
TOLERANCE = {"float64": 2e-14, "float32": 3e-6, "float16": 3e-3, "bfloat16": 2.5e-2}


class ConformanceError(LazygradError, AssertionError):
    """A backend computed something else than the oracle."""


@dataclass(frozen=True)
class Arg:
    """How to make one argument: random numbers of a kind, or the values given.

    ``kind`` is "float" (the dtype that is tested), "int" (int64) or "bool".
    """

    shape: tuple[int, ...]
    kind: str = "float"
    low: float = -2.0
    high: float = 2.0
    values: tuple[float, ...] | None = None

    def make(self, rng: np.random.Generator) -> Array:
        """As float64, int64 or bool."""
        if self.values is not None:
            kinds = {"float": np.float64, "int": np.int64, "bool": np.bool_}
            return np.array(self.values, kinds[self.kind]).reshape(self.shape)
        if self.kind == "float":
            return rng.uniform(self.low, self.high, self.shape)
        if self.kind == "int":
            return rng.integers(int(self.low), int(self.high), self.shape)
        return rng.random(self.shape) < 0.5


def floats(*shape: int, low: float = -2.0, high: float = 2.0) -> Arg:
    """Random floats in [low, high)."""
    return Arg(shape, "float", low, high)


def ints(*shape: int, low: int = 0, high: int = 10) -> Arg:
    """Random int64 in [low, high)."""
    return Arg(shape, "int", low, high)


def bools(*shape: int) -> Arg:
    """Random bools."""
    return Arg(shape, "bool")


def these(*values: float, kind: str = "float", shape: tuple[int, ...] | None = None) -> Arg:
    """The values given, such as NaN and infinities."""
    return Arg((len(values),) if shape is None else shape, kind, values=values)


@dataclass(frozen=True)
class Case:
    """One function of Tensors, and what it should give.

    Attributes:
        function, oracle: take the same arguments, as Tensors and as float64 arrays; give one
            result or a tuple.
        dtypes: what float arguments are tested in.
        gradient: the derivative by its float arguments is checked as well.
        relative: small results must be right to their last digits too.
        scale: factor of the tolerance; 0 for results that must be equal.
    """

    name: str
    function: Callable[..., Any]
    oracle: Callable[..., Any]
    args: tuple[Arg, ...] = ()
    dtypes: tuple[str, ...] = ("float32",)
    gradient: bool = False
    relative: bool = False
    scale: float = 1.0

    def __str__(self) -> str:
        return self.name

    def arrays(self, dtype: str) -> list[Array]:
        """The arguments, rounded to ``dtype`` and widened again."""
        rng = np.random.default_rng(zlib.crc32(self.name.encode()))
        made = [arg.make(rng) for arg in self.args]
        target = dt.of(dtype)
        return [
            semantics.cast(array, target).astype(np.float64) if arg.kind == "float" else array
            for arg, array in zip(self.args, made, strict=True)
        ]


def check(case: Case, dtype: str, device: str, fuse: bool = True) -> None:
    """Run a case on ``device`` (or ``REFERENCE``) with float arguments in ``dtype``.

    Raises:
        ConformanceError: with the case, the place and both values where they differ most.
    """
    Check(case, dtype, device, fuse).run()


def check_gradient(case: Case, dtype: str, device: str, fuse: bool = True) -> None:
    """Compare the derivative of a case with the same graph in float64, evaluated by NumPy.

    That graph is right where ``lazygrad.testing.check_grads`` is content with the case.
    """
    Check(case, dtype, device, fuse, gradient=True).run()


@dataclass(frozen=True)
class Check:
    """One case in one dtype on one device: its results, or with ``gradient`` its derivative."""

    case: Case
    dtype: str
    device: str
    fuse: bool = True
    gradient: bool = False

    def __str__(self) -> str:
        return f"{self.case}-{self.dtype}"

    def run(self) -> None:
        """Computes and compares.

        Raises:
            ConformanceError: with the case, the place and both values where they differ most.
        """
        with _on(self.device, self.fuse):
            found = _values(self.results(), self.device)
        self.compare(found)

    def results(self) -> list[Tensor]:
        """What is to be computed."""
        arrays = self.case.arrays(self.dtype)
        if self.gradient:
            return _gradients(self.case, arrays, self.dtype, self.device)
        inputs = _tensors(self.case, arrays, self.dtype, self.device)
        return _listed(self.case.function(*inputs))

    def compare(self, found: Sequence[Array]) -> None:
        """Compares what was computed with the oracle."""
        _compare_all(self.case, self.dtype, self.device, found, self._expected())

    def _expected(self) -> list[Array]:
        arrays = self.case.arrays(self.dtype)
        if self.gradient:
            return _values(_gradients(self.case, arrays, "float64", REFERENCE), REFERENCE)
        with np.errstate(all="ignore"):
            return _listed(self.case.oracle(*arrays))


class Together:
    """Checks on one device that are computed in one plan: compilers take a third of the time that
    they take for one after the other. Each is compared by itself, all are computed for the first.
    """

    def __init__(self, checks: Sequence[Check]) -> None:
        self.checks = checks
        self._found: dict[Check, list[Array]] = {}
        self._error: Exception | None = None

    def run(self, check: Check) -> None:
        """As ``check.run()``. If computing all of them failed, each is run alone, and the first one
        raises what went wrong, which may be nobody's own fault."""
        if not self._found and self._error is None:
            self._compute()
        if self._error is None:
            check.compare(self._found[check])
            return
        check.run()
        if check is self.checks[0]:
            raise self._error

    def _compute(self) -> None:
        first = self.checks[0]
        try:
            with _on(first.device, first.fuse):
                results = {check: check.results() for check in self.checks}
                every = [result for listed in results.values() for result in listed]
                values = iter(_values(every, first.device))
            self._found = {c: [next(values) for _ in listed] for c, listed in results.items()}
        except Exception as error:
            self._error = error


def reference_inputs(case: Case, arrays: Sequence[Array]) -> list[Any]:
    """A case's arguments as float64 Tensors that need no backend."""
    return list(_tensors(case, arrays, "float64", REFERENCE))


def _on(device: str, fuse: bool) -> Any:
    return config(fuse=fuse) if device == REFERENCE else config(fuse=fuse, backend=device)


def _tensors(case: Case, arrays: Sequence[Array], dtype: str, device: str) -> list[Tensor]:
    return [
        _tensor(array, dt.of(dtype) if arg.kind == "float" else dt.of(array.dtype), device)
        for arg, array in zip(case.args, arrays, strict=True)
    ]


def _tensor(array: Array, dtype: DType, device: str) -> Tensor:
    if device == REFERENCE:
        return wrap(reference.leaf(array, dtype))
    return Tensor(array, dtype=dtype, device=device)


def _values(results: Sequence[Tensor], device: str) -> list[Array]:
    if device == REFERENCE:
        return reference.evaluate_all([result._node for result in results])
    if results:
        Tensor.realize(*results)
    return [result.numpy() for result in results]


def _gradients(case: Case, arrays: Sequence[Array], dtype: str, device: str) -> list[Tensor]:
    """Derivatives of the sum of all float results, each weighted differently."""
    inputs = _tensors(case, arrays, dtype, device)
    sources = [t.requires_grad_() for t in inputs if t.dtype.is_floating_point]
    outputs = [r for r in _listed(case.function(*inputs)) if r.requires_grad]
    rng = np.random.default_rng(1)
    weights = [_tensor(rng.uniform(0.5, 1.5, o.shape), o.dtype, device) for o in outputs]
    found = grad(outputs, sources, weights, allow_unused=True)
    return [f for f in found if f is not None]


def _listed(results: Any) -> list[Any]:
    return list(results) if isinstance(results, tuple | list) else [results]


def _compare_all(
    case: Case, dtype: str, device: str, found: Sequence[Array], expected: Sequence[Any]
) -> None:
    if len(found) != len(expected):
        raise ConformanceError(f"[{case}] {len(found)} results, expected {len(expected)}")
    for position, (own, right) in enumerate(zip(found, expected, strict=True)):
        where = f"[{case}] {dtype} on {device}, result {position}"
        _compare(where, own, np.asarray(right), TOLERANCE[dtype] * case.scale, case.relative)


def _compare(where: str, found: Array, expected: Array, tolerance: float, relative: bool) -> None:
    if found.shape != expected.shape:
        raise ConformanceError(f"{where}: shape {found.shape}, expected {expected.shape}")
    if found.dtype.kind != expected.dtype.kind:
        raise ConformanceError(f"{where}: dtype {found.dtype}, expected {expected.dtype}")
    if found.dtype.kind != "f":
        wrong = found != expected
        bound = np.zeros(found.shape)
    else:
        size = np.abs(expected) if relative else np.maximum(np.abs(expected), 1.0)
        with np.errstate(all="ignore"):
            bound = tolerance * size
            near = np.abs(found.astype(np.float64) - expected) <= bound
        same = (found == expected) | (np.isnan(found) & np.isnan(expected))
        wrong = ~(near | same)
    if not wrong.any():
        return
    with np.errstate(all="ignore"):
        distance = np.abs(found.astype(np.float64) - expected.astype(np.float64))
    worst = np.argmax(np.where(wrong, np.nan_to_num(distance, nan=np.inf), -1.0))
    place = np.unravel_index(worst, found.shape)
    raise ConformanceError(
        f"{where}: {np.count_nonzero(wrong)} of {found.size} values differ; at "
        f"{tuple(map(int, place))} {found[place]!r}, expected {expected[place]!r} to within "
        f"{bound[place]:.2g}"
    )
