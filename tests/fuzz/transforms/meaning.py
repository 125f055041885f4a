"""What the operations in programs mean in NumPy: each by its derivative."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from tests.fuzz.transforms.duals import Value, World, plain
from tests.fuzz.transforms.higher import Loops, Transforms

Function = Callable[..., Any]
ONE = np.float64(1)


def names(w: World) -> dict[str, Any]:
    """The namespace of a program in a world."""
    elementwise = Elementwise(w)
    return {
        **elementwise.names(),
        **Shaped(w, elementwise).names(),
        **Transforms(w).names(),
        **Loops(w).names(),
    }


class Elementwise:
    """Operations on elements, in a world."""

    def __init__(self, w: World) -> None:
        self.w = w

    def names(self) -> dict[str, Function]:
        w, unary = self.w, self.unary
        return {
            "add": w.add, "mul": w.mul, "div": self.div, "neg": self.neg, "where": self.where,
            "sub": lambda x, y: w.add(x, self.neg(y)),
            "sin": self.sin, "cos": self.cos, "exp": self.exp,
            "log": unary(np.log, lambda ans, x: self.div(ONE, x)),
            "sqrt": unary(np.sqrt, lambda ans, x: self.div(np.float64(0.5), ans)),
            "tanh": unary(np.tanh, lambda ans, x: w.add(ONE, self.neg(w.mul(ans, ans)))),
            "sigmoid": unary(
                lambda x: 1 / (1 + np.exp(-x)),
                lambda ans, x: w.mul(ans, w.add(ONE, self.neg(ans))),
            ),
            "square": lambda x: w.mul(x, x),
            "abs": lambda x: w.mul(x, np.sign(plain(x))),
            "relu": lambda x: w.mul(x, (plain(x) > 0) * 1.0),
            "maximum": self.choice(np.maximum, lambda x, y: (x > y) + 0.5 * (x == y)),
            "minimum": self.choice(np.minimum, lambda x, y: (x < y) + 0.5 * (x == y)),
            "gt": lambda x, y: plain(x) > plain(y),
            "stop": plain,
            "num": lambda i, like: np.float64(i),
        }  # fmt: skip

    def unary(self, function: Function, slope: Function) -> Function:
        partial = lambda t, ans, x: self.w.mul(t, slope(ans, x))  # noqa: E731
        return lambda x: self.w.apply(function, [partial], [x])

    def choice(self, function: Function, chosen: Function) -> Function:
        """One of two operands: ``chosen`` says how much of the first."""

        def either(x: Value, y: Value) -> Value:
            weight = chosen(plain(x), plain(y))
            by = [lambda t, *_: self.w.mul(t, weight), lambda t, *_: self.w.mul(t, 1 - weight)]
            return self.w.apply(function, by, [x, y])

        return either

    def neg(self, x: Value) -> Value:
        return self.w.linear(np.negative, x)

    def sin(self, x: Value) -> Value:
        return self.unary(np.sin, lambda ans, x: self.cos(x))(x)

    def cos(self, x: Value) -> Value:
        return self.unary(np.cos, lambda ans, x: self.neg(self.sin(x)))(x)

    def exp(self, x: Value) -> Value:
        return self.unary(np.exp, lambda ans, x: ans)(x)

    def div(self, x: Value, y: Value) -> Value:
        by = [
            lambda t, ans, x, y: self.div(t, y),
            lambda t, ans, x, y: self.neg(self.w.mul(t, self.div(ans, y))),
        ]
        return self.w.apply(np.divide, by, [x, y])

    def where(self, chosen: Any, x: Value, y: Value) -> Value:
        nothing = np.float64(0)
        by = [
            lambda t, *_: self.where(chosen, t, nothing),
            lambda t, *_: self.where(chosen, nothing, t),
        ]
        return self.w.apply(lambda x, y: np.where(chosen, x, y), by, [x, y])


class Shaped:
    """Operations on shapes, and along dims, in a world."""

    def __init__(self, w: World, elementwise: Elementwise) -> None:
        self.w, self.e = w, elementwise

    def names(self) -> dict[str, Function]:
        linear = self.w.linear
        return {
            "total": self.total, "matmul": self.matmul, "largest": self.largest,
            "softmax": self.softmax, "product": self.product, "part": self.part,
            "ordered": self.ordered, "scatter": self.scatter, "solve": self.solve,
            "put": self.put, "join": self.join, "times_in_place": self.w.mul, "ones": np.ones,
            "take": self.part,
            "put_view": lambda x, i, y: self.put(x, i, self.w.add(self.part(x, i), y)),
            "running": lambda x, axis: linear(lambda a: np.cumsum(a, axis), x),
            "mean": lambda x: self.w.mul(self.total(x), 1 / plain(x).size),
            "reshape": lambda x, shape: linear(lambda a: a.reshape(shape), x),
            "expand": lambda x, shape: linear(lambda a: np.broadcast_to(a, shape), x),
            "turned": lambda x: linear(np.transpose, x),
            "flip": lambda x, axis: linear(lambda a: np.flip(a, axis), x),
            "pad": lambda x: linear(lambda a: np.pad(a, [(1, 0)] * a.ndim), x),
            "stack": lambda x, y, axis: self.w.stack([x, y], axis),
        }  # fmt: skip

    def total(self, x: Value, axis: Any = None) -> Value:
        return self.w.linear(lambda a: np.sum(a, axis), x)

    def matmul(self, x: Value, y: Value) -> Value:
        by = [lambda t, ans, x, y: self.matmul(t, y), lambda t, ans, x, y: self.matmul(x, t)]
        return self.w.apply(np.matmul, by, [x, y])

    def largest(self, x: Value, axis: int) -> Value:
        """The average of those that attain it."""
        array = plain(x)
        attained = array == np.max(array, axis, keepdims=True)
        return self.total(self.w.mul(x, attained / np.sum(attained, axis, keepdims=True)), axis)

    def softmax(self, x: Value, axis: int) -> Value:
        powers = self.e.exp(self.w.add(x, -np.max(plain(x), axis, keepdims=True)))
        return self.e.div(powers, self.w.linear(lambda a: np.sum(a, axis, keepdims=True), powers))

    def product(self, x: Value, axis: int) -> Value:
        found = self.part(x, 0, axis)
        for i in range(1, plain(x).shape[axis]):
            found = self.w.mul(found, self.part(x, i, axis))
        return found

    def part(self, x: Value, index: int | list[int], axis: int = 0) -> Value:
        return self.w.linear(lambda a: np.take(a, index, axis), x)

    def ordered(self, x: Value) -> Value:
        order = np.argsort(plain(x), -1, kind="stable")
        return self.w.linear(lambda a: np.take_along_axis(a, order, -1), x)

    def scatter(self, x: Value, index: list[int], count: int) -> Value:
        onto = np.zeros((count, len(index)))
        onto[index, range(len(index))] = 1
        return self.w.linear(lambda a: np.tensordot(onto, a, 1), x)

    def solve(self, x: Value, y: Value) -> Value:
        """Of a matrix with 3 more on its diagonal."""
        scaled = self.w.mul(self.e.sin(x), np.float64(0.3))
        return self.solved(self.w.add(scaled, 3 * np.eye(plain(x).shape[0])), y)

    def solved(self, a: Value, b: Value) -> Value:
        by = [
            lambda t, ans, a, b: self.e.neg(self.solved(a, self.matmul(t, ans))),
            lambda t, ans, a, b: self.solved(a, t),
        ]
        return self.w.apply(np.linalg.solve, by, [a, b])

    def put(self, x: Value, i: int, value: Value) -> Value:
        """With another row in the place of one."""
        mask = np.zeros(plain(x).shape, bool)
        mask[i] = True
        return self.e.where(mask, value, x)

    def join(self, x: Value, y: Value) -> Value:
        count = plain(x).shape[0]
        shape = (count + plain(y).shape[0], *plain(x).shape[1:])

        def low(a: Any) -> Any:
            return np.concatenate([a, np.zeros((shape[0] - count, *shape[1:]))])

        def high(a: Any) -> Any:
            return np.concatenate([np.zeros((count, *shape[1:])), a])

        return self.w.add(self.w.linear(low, x), self.w.linear(high, y))
