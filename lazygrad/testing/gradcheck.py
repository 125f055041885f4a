"""Derivatives checked against central differences, to any order, in both modes.

Values come from the unfused reference, so a failure is a failure of a derivative rule.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from lazygrad import autodiff, element_types as dt, ops
from lazygrad.bridge import wrap
from lazygrad.errors import GradError
from lazygrad.graph import Node, const, node
from lazygrad.runtime.registry import default_device
from lazygrad.tensor_class import Tensor
from lazygrad.testing import reference

Array = np.ndarray[Any, Any]
Graph = Callable[[Sequence[Node]], list[Node]]  # what is differentiated: Nodes to Nodes
STEP = 1e-5  # truncation and rounding both stay near 1e-10 in float64
MODES = ("fwd", "rev")


def check_grads(
    f: Callable[..., Any],
    args: Sequence[Any],
    order: int = 2,
    modes: Sequence[str] = MODES,
    rtol: float = 1e-6,
    atol: float = 1e-7,
) -> None:
    """Compare the derivatives of ``f`` at ``args`` with central differences.

    For each mode along one random direction, then recursively for the derivative that it built.

    Args:
        f: of Tensors, giving a Tensor or several; smooth near ``args``.
        args: arrays of floats; they are taken as float64.
        order: how often to differentiate.
        modes: "fwd" (jvp) and "rev" (vjp).

    Raises:
        GradError: says which mode and order differ, and by how much.

    >>> from lazygrad.testing import check_grads
    >>> check_grads(lambda x: (x * x).sin(), (np.array([0.5, 1.0]),), order=2)
    """

    def graph(inputs: Sequence[Node]) -> list[Node]:
        result = f(*map(wrap, inputs))
        return [out._node for out in ((result,) if isinstance(result, Tensor) else result)]

    check_graph_grads(graph, args, order, modes, rtol, atol)


def check_graph_grads(
    graph: Graph,
    args: Sequence[Any],
    order: int = 2,
    modes: Sequence[str] = MODES,
    rtol: float = 1e-6,
    atol: float = 1e-7,
) -> None:
    """As ``check_grads``, for a function of Nodes."""
    points = [np.asarray(arg, np.float64) for arg in args]
    check = _Check(points, modes, rtol, atol, np.random.default_rng(0))
    check.run(graph, order, "")


@dataclass(eq=False)  # equal arrays are different buffers
class HostArray:
    """A BUFFER's argument that lives in no device's memory."""

    array: Array
    device: str

    @property
    def shape(self) -> tuple[int, ...]:
        return self.array.shape

    @property
    def dtype(self) -> dt.DType:
        return dt.of(self.array.dtype)

    def numpy(self) -> Array:
        """The array itself."""
        return self.array


def constant(array: Any) -> Node:
    """A leaf that holds an array."""
    return node(ops.BUFFER, (), HostArray(np.asarray(array), default_device()))


def variable(array: Any) -> Node:
    """A leaf that holds an array and is differentiated against."""
    return node(ops.VARIABLE, (constant(array),), object())


def pushed_forward(graph: Graph, directions: Sequence[Array]) -> Graph:
    """The graph function of the outputs' derivatives along ``directions``."""

    def derivative(inputs: Sequence[Node]) -> list[Node]:
        outputs = graph(inputs)
        return _filled(autodiff.jvp(outputs, inputs, [constant(d) for d in directions]), outputs)

    return derivative


def pulled_back(graph: Graph, weights: Sequence[Array]) -> Graph:
    """The graph function of the inputs' gradients of the outputs, weighted and summed."""

    def derivative(inputs: Sequence[Node]) -> list[Node]:
        pulled = autodiff.vjp(graph(inputs), [constant(w) for w in weights], inputs)
        return _filled(pulled, inputs)

    return derivative


def _filled(found: Sequence[Node | None], like: Sequence[Node]) -> list[Node]:
    """No derivative is a derivative of zero."""
    return [
        const(0.0, target.dtype, target.shape, target.device) if value is None else value
        for value, target in zip(found, like, strict=True)
    ]


@dataclass
class _Check:
    points: Sequence[Array]
    modes: Sequence[str]
    rtol: float
    atol: float
    rng: np.random.Generator

    def run(self, graph: Graph, order: int, path: str) -> None:
        if order == 0:
            return
        weights = [self._random(out) for out in _values(graph, self.points)]
        directions = [self._random(point) for point in self.points]
        slopes = self._central_differences(graph, directions)
        for mode in self.modes:
            if mode == "fwd":
                derivative = pushed_forward(graph, directions)
                self._compare(path + mode, _values(derivative, self.points), slopes)
            else:
                derivative = pulled_back(graph, weights)
                pulled = _values(derivative, self.points)
                self._compare(path + mode, [_inner(pulled, directions)], [_inner(weights, slopes)])
            self.run(derivative, order - 1, f"{path}{mode} of ")

    def _random(self, like: Array) -> Array:
        return np.asarray(self.rng.standard_normal(like.shape))

    def _central_differences(self, graph: Graph, directions: Sequence[Array]) -> list[Array]:
        moves = list(zip(self.points, directions, strict=True))
        ahead = _values(graph, [point + STEP * direction for point, direction in moves])
        behind = _values(graph, [point - STEP * direction for point, direction in moves])
        return [(a - b) / (2 * STEP) for a, b in zip(ahead, behind, strict=True)]

    def _compare(self, where: str, found: Sequence[Array], expected: Sequence[Array]) -> None:
        for index, (value, slope) in enumerate(zip(found, expected, strict=True)):
            if not np.allclose(value, slope, self.rtol, self.atol):
                raise GradError(
                    f"[check_grads] {where}, output {index}: the derivative\n{value}\n"
                    f"differs from central differences\n{slope}"
                )


def _values(graph: Graph, points: Sequence[Array]) -> list[Array]:
    return reference.evaluate_all(graph([variable(point) for point in points]))


def _inner(left: Sequence[Array], right: Sequence[Array]) -> Array:
    return np.asarray(sum(np.vdot(x, y) for x, y in zip(left, right, strict=True)))
