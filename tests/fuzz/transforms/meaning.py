"""What the names in programs mean, in NumPy: operations by their derivatives, maps and steps as
loops, and transforms of memory (jit, checkpoint) as nothing at all."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from tests.fuzz.transforms.duals import Dual, Value, World, each, plain, together

Function = Callable[..., Any]


def names(w: World) -> dict[str, Any]:
    """The namespace of a program in a world."""
    elementwise = _elementwise(w)
    return {**elementwise, **_shaped(w, elementwise), **_transforms(w), **_control(w)}


def _elementwise(w: World) -> dict[str, Function]:
    def unary(function: Function, slope: Function) -> Function:
        partial = lambda t, ans, x: w.mul(t, slope(ans, x))  # noqa: E731
        return lambda x: w.apply(function, [partial], [x])

    def choice(function: Function, chosen: Function) -> Function:
        def either(x: Value, y: Value) -> Value:
            weight = chosen(plain(x), plain(y))
            by = [lambda t, *_: w.mul(t, weight), lambda t, *_: w.mul(t, 1 - weight)]
            return w.apply(function, by, [x, y])

        return either

    def div(x: Value, y: Value) -> Value:
        by = [
            lambda t, ans, x, y: div(t, y),
            lambda t, ans, x, y: neg(w.mul(t, div(ans, y))),
        ]
        return w.apply(np.divide, by, [x, y])

    def where(chosen: Any, x: Value, y: Value) -> Value:
        by = [
            lambda t, *_: where(chosen, t, np.float64(0)),
            lambda t, *_: where(chosen, np.float64(0), t),
        ]
        return w.apply(lambda x, y: np.where(chosen, x, y), by, [x, y])

    neg = lambda x: w.linear(np.negative, x)  # noqa: E731
    sin = unary(np.sin, lambda ans, x: cos(x))
    cos = unary(np.cos, lambda ans, x: neg(sin(x)))
    one = np.float64(1)
    return {
        "add": w.add, "mul": w.mul, "div": div, "neg": neg, "sin": sin, "cos": cos,
        "sub": lambda x, y: w.add(x, neg(y)),
        "exp": unary(np.exp, lambda ans, x: ans),
        "log": unary(np.log, lambda ans, x: div(one, x)),
        "sqrt": unary(np.sqrt, lambda ans, x: div(np.float64(0.5), ans)),
        "tanh": unary(np.tanh, lambda ans, x: w.add(one, neg(w.mul(ans, ans)))),
        "sigmoid": unary(
            lambda x: 1 / (1 + np.exp(-x)), lambda ans, x: w.mul(ans, w.add(one, neg(ans)))
        ),
        "square": lambda x: w.mul(x, x),
        "abs": lambda x: w.mul(x, np.sign(plain(x))),
        "relu": lambda x: w.mul(x, (plain(x) > 0) * 1.0),
        "maximum": choice(np.maximum, lambda x, y: (x > y) + 0.5 * (x == y)),
        "minimum": choice(np.minimum, lambda x, y: (x < y) + 0.5 * (x == y)),
        "where": where,
        "gt": lambda x, y: plain(x) > plain(y),
        "stop": plain,
        "num": lambda i, like: np.float64(i),
    }  # fmt: skip


def _shaped(w: World, e: dict[str, Function]) -> dict[str, Function]:
    def total(x: Value, axis: Any = None) -> Value:
        return w.linear(lambda a: np.sum(a, axis), x)

    def matmul(x: Value, y: Value) -> Value:
        by = [lambda t, ans, x, y: matmul(t, y), lambda t, ans, x, y: matmul(x, t)]
        return w.apply(np.matmul, by, [x, y])

    def largest(x: Value, axis: int) -> Value:
        """The average of those that attain it."""
        array = plain(x)
        attained = array == np.max(array, axis, keepdims=True)
        return total(w.mul(x, attained / np.sum(attained, axis, keepdims=True)), axis)

    def softmax(x: Value, axis: int) -> Value:
        powers = e["exp"](w.add(x, -np.max(plain(x), axis, keepdims=True)))
        return e["div"](powers, w.linear(lambda a: np.sum(a, axis, keepdims=True), powers))

    def product(x: Value, axis: int) -> Value:
        length = plain(x).shape[axis]
        found = part(x, 0, axis)
        for i in range(1, length):
            found = w.mul(found, part(x, i, axis))
        return found

    def part(x: Value, i: int, axis: int = 0) -> Value:
        return w.linear(lambda a: np.take(a, i, axis), x)

    def take(x: Value, index: list[int], axis: int) -> Value:
        return w.linear(lambda a: np.take(a, index, axis), x)

    def gather_sorted(x: Value) -> Value:
        order = np.argsort(plain(x), -1, kind="stable")
        return w.linear(lambda a: np.take_along_axis(a, order, -1), x)

    def scatter(x: Value, index: list[int], count: int) -> Value:
        onto = np.zeros((count, len(index)))
        onto[index, range(len(index))] = 1
        return w.linear(lambda a: np.tensordot(onto, a, 1), x)

    def solve(x: Value, y: Value) -> Value:
        """Of the matrix with 3 more on its diagonal."""
        matrix = w.add(w.mul(e["sin"](x), np.float64(0.3)), 3 * np.eye(plain(x).shape[0]))
        return solved(matrix, y)

    def solved(a: Value, b: Value) -> Value:
        by = [
            lambda t, ans, a, b: e["neg"](solved(a, matmul(t, ans))),
            lambda t, ans, a, b: solved(a, t),
        ]
        return w.apply(np.linalg.solve, by, [a, b])

    def put(x: Value, i: int, value: Value) -> Value:
        """With another row in the place of one."""
        mask = np.zeros(plain(x).shape, bool)
        mask[i] = True
        return e["where"](mask, value, x)

    def put_view(x: Value, i: int, value: Value) -> Value:
        """With something added to a row."""
        return put(x, i, w.add(part(x, i), value))

    return {
        "total": total, "matmul": matmul, "largest": largest, "softmax": softmax,
        "product": product, "part": part, "take": take, "ordered": gather_sorted,
        "scatter": scatter, "solve": solve, "put": put, "put_view": put_view,
        "times_in_place": w.mul,
        "running": lambda x, axis: w.linear(lambda a: np.cumsum(a, axis), x),
        "mean": lambda x: w.mul(total(x), 1 / plain(x).size),
        "reshape": lambda x, shape: w.linear(lambda a: a.reshape(shape), x),
        "expand": lambda x, shape: w.linear(lambda a: np.broadcast_to(a, shape), x),
        "turned": lambda x: w.linear(np.transpose, x),
        "flip": lambda x, axis: w.linear(lambda a: np.flip(a, axis), x),
        "pad": lambda x: w.linear(lambda a: np.pad(a, [(1, 0)] * a.ndim), x),
        "stack": lambda x, y, axis: w.stack([x, y], axis),
        "join": lambda x, y: _joined(w, x, y),
        "ones": np.ones,
    }  # fmt: skip


def _joined(w: World, x: Value, y: Value) -> Value:
    count = plain(x).shape[0]
    shape = (count + plain(y).shape[0], *plain(x).shape[1:])

    def low(a: Any) -> Any:
        return np.concatenate([a, np.zeros((shape[0] - count, *shape[1:]))])

    def high(a: Any) -> Any:
        return np.concatenate([np.zeros((count, *shape[1:])), a])

    return w.add(w.linear(low, x), w.linear(high, y))


def _transforms(w: World) -> dict[str, Function]:
    def jacobian(f: Function, argnums: Any = 0, has_aux: bool = False, **options: Any) -> Function:
        def found(*args: Any) -> Any:
            def by(number: int) -> Any:
                def alone(x: Value) -> Any:
                    made = f(*args[:number], x, *args[number + 1 :])
                    return made[0] if has_aux else made

                return w.jacobian(alone, args[number])

            if isinstance(argnums, tuple):  # the arguments inside of the outputs
                parts = [by(number) for number in argnums]
                made = together(lambda *several: tuple(several), parts)
            else:
                made = by(argnums)
            return (made, f(*args)[1]) if has_aux else made

        return found

    def grad_and_value(f: Function, argnums: Any = 0, has_aux: bool = False) -> Function:
        return lambda *args: (jacobian(f, argnums, has_aux)(*args), f(*args))

    def value_and_grad(f: Function, argnums: Any = 0) -> Function:
        return lambda *args: (f(*args), jacobian(f, argnums)(*args))

    def vjp(f: Function, primals: tuple[Value, ...], cotangent: Value) -> Any:
        def weighted(*args: Value) -> Value:
            return w.linear(np.sum, w.mul(f(*args), cotangent))

        return jacobian(weighted, tuple(range(len(primals))))(*primals)

    def vmap(f: Function, in_dims: Any = 0, out_dims: int = 0, **options: Any) -> Function:
        def mapped(*args: Value) -> Any:
            dims = in_dims if isinstance(in_dims, tuple) else (in_dims,) * len(args)
            pairs = list(zip(args, dims, strict=True))
            size = next(plain(x).shape[d] for x, d in pairs if d is not None)
            results = [
                f(*(x if d is None else taken(x, i, d) for x, d in pairs)) for i in range(size)
            ]
            return together(lambda *parts: w.stack(parts, out_dims), results)

        return mapped

    def taken(x: Value, i: int, axis: int) -> Value:
        return w.linear(lambda a: np.take(a, i, axis), x)

    def custom(f: Function, *slopes: Function) -> Function:
        def ruled(*args: Value) -> Value:
            tag = max((x.tag for x in args if isinstance(x, Dual)), default=0)
            if not tag:
                return f(*args)
            primals = [x.primal if isinstance(x, Dual) and x.tag == tag else x for x in args]
            result = ruled(*primals)
            total: Value = np.zeros(plain(result).shape)
            for x, slope in zip(args, slopes, strict=True):
                if isinstance(x, Dual) and x.tag == tag:
                    total = w.add(total, w.mul(x.tangent, slope(*primals)))
            return Dual(tag, result, w.like(total, result))

        return ruled

    same = lambda f, **options: f  # noqa: E731
    return {
        "grad": jacobian, "jacfwd": jacobian, "jacrev": jacobian,
        "hessian": lambda f: jacobian(jacobian(f)),
        "grad_and_value": grad_and_value, "value_and_grad": value_and_grad,
        "jvp": w.jvp, "vjp": vjp, "vmap": vmap,
        "linearized": lambda f, primals, tangents: w.jvp(f, primals, tangents)[1],
        "autograd": lambda f: lambda x: jacobian(f)(plain(x)),
        "checkpoint": same, "jit": same,
        "custom_vjp": custom, "custom_jvp": custom, "custom_function": custom,
        "purified": lambda f, state, x: f,
    }  # fmt: skip


def _control(w: World) -> dict[str, Function]:
    def part(tree: Any, i: int) -> Any:
        return each(lambda x: w.linear(lambda a: a[i], x), tree)

    def scan(f: Function, carry: Any, xs: Value, reverse: bool = False) -> Any:
        ys = []
        order = range(plain(xs).shape[0])
        for i in reversed(order) if reverse else order:
            carry, y = f(carry, part(xs, i))
            ys.append(y)
        if reverse:
            ys.reverse()
        return carry, together(lambda *parts: w.stack(parts, 0), ys)

    def fori_loop(lower: int, upper: int, f: Function, carry: Any) -> Any:
        for i in range(lower, upper):
            carry = f(i, carry)
        return carry

    def while_loop(going: Function, f: Function, carry: Any, most: int) -> Any:
        for _ in range(most):
            if not going(carry):
                break
            carry = f(carry)
        return carry

    def associative_scan(f: Function, xs: Value) -> Value:
        found = [part(xs, 0)]
        for i in range(1, plain(xs).shape[0]):
            found.append(f(found[-1], part(xs, i)))
        return w.stack(found, 0)

    def cond(chosen: Any, f: Function, g: Function, *operands: Value) -> Any:
        return (f if chosen else g)(*operands)

    return {
        "scan": scan, "fori_loop": fori_loop, "while_loop": while_loop,
        "associative_scan": associative_scan, "cond": cond,
    }  # fmt: skip
