"""What transforms and loops mean in NumPy: derivatives by dual numbers, one direction at a time,
maps and steps as loops, and transforms of memory (jit, checkpoint) as nothing at all."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from tests.fuzz.transforms.duals import Dual, Value, World, each, plain, together

Function = Callable[..., Any]


class Transforms:
    """Functions of functions in a world."""

    def __init__(self, w: World) -> None:
        self.w = w

    def names(self) -> dict[str, Function]:
        return {
            "grad": self.jacobian, "jacfwd": self.jacobian, "jacrev": self.jacobian,
            "hessian": lambda f: self.jacobian(self.jacobian(f)),
            "grad_and_value": self.grad_and_value, "value_and_grad": self.value_and_grad,
            "jvp": self.w.jvp, "vjp": self.vjp, "vmap": self.vmap,
            "linearized": lambda f, primals, tangents: self.w.jvp(f, primals, tangents)[1],
            "autograd": lambda f: lambda x: self.jacobian(f)(plain(x)),
            "checkpoint": lambda f: f, "jit": lambda f: f, "purified": lambda f, state, x: f,
            "custom_vjp": self.custom, "custom_jvp": self.custom, "custom_function": self.custom,
        }  # fmt: skip

    def jacobian(
        self, f: Function, argnums: Any = 0, has_aux: bool = False, chunk_size: int = 0
    ) -> Function:
        def by(number: int, args: Any) -> Any:
            def alone(x: Value) -> Any:
                made = f(*args[:number], x, *args[number + 1 :])
                return made[0] if has_aux else made

            return self.w.jacobian(alone, args[number])

        def found(*args: Any) -> Any:
            if isinstance(argnums, tuple):  # the arguments inside of the outputs
                parts = [by(number, args) for number in argnums]
                made = together(lambda *several: tuple(several), parts)
            else:
                made = by(argnums, args)
            return (made, f(*args)[1]) if has_aux else made

        return found

    def grad_and_value(self, f: Function, argnums: Any = 0) -> Function:
        return lambda *args: (self.jacobian(f, argnums)(*args), f(*args))

    def value_and_grad(self, f: Function, argnums: Any = 0) -> Function:
        return lambda *args: (f(*args), self.jacobian(f, argnums)(*args))

    def vjp(self, f: Function, primals: tuple[Value, ...], cotangent: Value) -> Any:
        def weighted(*args: Value) -> Value:
            return self.w.linear(np.sum, self.w.mul(f(*args), cotangent))

        return self.jacobian(weighted, tuple(range(len(primals))))(*primals)

    def vmap(
        self, f: Function, in_dims: Any = 0, out_dims: int = 0, chunk_size: int = 0
    ) -> Function:
        def taken(x: Value, i: int, axis: int) -> Value:
            return self.w.linear(lambda a: np.take(a, i, axis), x)

        def mapped(*args: Value) -> Any:
            dims = in_dims if isinstance(in_dims, tuple) else (in_dims,) * len(args)
            pairs = list(zip(args, dims, strict=True))
            size = next(plain(x).shape[d] for x, d in pairs if d is not None)
            results = [
                f(*(x if d is None else taken(x, i, d) for x, d in pairs)) for i in range(size)
            ]
            return together(lambda *parts: self.w.stack(parts, out_dims), results)

        return mapped

    def custom(self, f: Function, *slopes: Function) -> Function:
        """``f``, whose derivatives are taken to be ``slopes``."""

        def ruled(*args: Value) -> Value:
            tag = max((x.tag for x in args if isinstance(x, Dual)), default=0)
            if not tag:
                return f(*args)
            primals = [x.primal if isinstance(x, Dual) and x.tag == tag else x for x in args]
            result = ruled(*primals)
            total: Value = np.zeros(plain(result).shape)
            for x, slope in zip(args, slopes, strict=True):
                if isinstance(x, Dual) and x.tag == tag:
                    total = self.w.add(total, self.w.mul(x.tangent, slope(*primals)))
            return Dual(tag, result, self.w.like(total, result))

        return ruled


class Loops:
    """Steps one after the other, in a world."""

    def __init__(self, w: World) -> None:
        self.w = w

    def names(self) -> dict[str, Function]:
        return {
            "scan": self.scan, "fori_loop": self.fori_loop, "while_loop": self.while_loop,
            "associative_scan": self.associative_scan,
            "cond": lambda chosen, f, g, *operands: (f if chosen else g)(*operands),
        }  # fmt: skip

    def part(self, tree: Any, i: int) -> Any:
        return each(lambda x: self.w.linear(lambda a: a[i], x), tree)

    def scan(self, f: Function, carry: Any, xs: Value, reverse: bool = False) -> Any:
        ys = []
        order = range(plain(xs).shape[0])
        for i in reversed(order) if reverse else order:
            carry, y = f(carry, self.part(xs, i))
            ys.append(y)
        if reverse:
            ys.reverse()
        return carry, together(lambda *parts: self.w.stack(parts, 0), ys)

    def fori_loop(self, lower: int, upper: int, f: Function, carry: Any) -> Any:
        for i in range(lower, upper):
            carry = f(i, carry)
        return carry

    def while_loop(self, going: Function, f: Function, carry: Any, most: int) -> Any:
        for _ in range(most):
            if not going(carry):
                break
            carry = f(carry)
        return carry

    def associative_scan(self, f: Function, xs: Value) -> Value:
        found = [self.part(xs, 0)]
        for i in range(1, plain(xs).shape[0]):
            found.append(f(found[-1], self.part(xs, i)))
        return self.w.stack(found, 0)
