"""What the names in programs mean with lazygrad, on tensors of a dtype on a device."""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import lazygrad
from lazygrad import Tensor, func
from lazygrad.autograd import Function as Ruled
from lazygrad.modes import ambient

Function = Callable[..., Any]


def names(dtype: str, device: str) -> dict[str, Any]:
    """The namespace of a program."""

    def constant(values: Any) -> Tensor:
        return Tensor(values, device=device)

    def zeros(shape: Any) -> Tensor:
        return Tensor.zeros(*shape, dtype=dtype, device=device)

    def solve(x: Tensor, y: Tensor) -> Tensor:
        unit = Tensor.eye(x.shape[0], dtype=dtype, device=device)
        return lazygrad.linalg.solve(x.sin() * 0.3 + 3 * unit, y)

    def scatter(x: Tensor, index: list[int], count: int) -> Tensor:
        return zeros((count, *x.shape[1:])).index_add(0, constant(index), x)

    def purified(f: Function, state: Any, x: Any) -> Function:
        """``f(state, x) -> (state, output)``, which a function that keeps the state is made of,
        which is made pure."""
        cell = zeros(state)

        def keeping(x: Tensor) -> Any:
            after, output = f(cell * 1, x)
            cell.copy_(after)  # with its history, which assign leaves behind
            return output

        pure = func.purify(keeping)
        [name] = pure.state(zeros(x))

        def given(state: Tensor, x: Tensor) -> Any:
            output, after = pure({name: state}, x)
            return after[name], output

        return given

    return {
        **ELEMENTWISE, **SHAPED, **TRANSFORMS,
        "take": lambda x, index, axis: x.index_select(axis, constant(index)),
        "ones": lambda shape: zeros(shape) + 1,
        "solve": solve, "scatter": scatter, "purified": purified,
    }  # fmt: skip


ELEMENTWISE: dict[str, Function] = {
    "add": operator.add, "sub": operator.sub, "mul": operator.mul, "div": operator.truediv,
    "gt": operator.gt, "neg": operator.neg, "abs": operator.abs,
    **{
        name: getattr(lazygrad, name)
        for name in (
            "sin", "cos", "exp", "log", "sqrt", "tanh", "sigmoid", "square", "relu", "maximum",
            "minimum", "where",
        )
    },
    "stop": func.stop_gradient,
    "num": lambda i, like: i.to(like.dtype),
}  # fmt: skip


def _put(x: Tensor, i: int, value: Tensor) -> Tensor:
    made = x.clone()
    made[i] = value
    return made


def _put_view(x: Tensor, i: int, value: Tensor) -> Tensor:
    made = x.clone()
    row = made[i]
    row += value
    return made


def _times_in_place(x: Tensor, y: Tensor) -> Tensor:
    made = x.clone()
    made.mul_(y)
    return made


SHAPED: dict[str, Function] = {
    "total": lambda x, axis=None: x.sum() if axis is None else x.sum(axis),
    "matmul": operator.matmul,
    "largest": lambda x, axis: x.amax(axis),
    "softmax": lambda x, axis: x.softmax(axis),
    "product": lambda x, axis: x.prod(axis),
    "part": lambda x, i, axis=0: x.select(axis, i),
    "ordered": lambda x: x.sort(-1).values,
    "running": lambda x, axis: x.cumsum(axis),
    "mean": lambda x: x.mean(),
    "reshape": lambda x, shape: x.reshape(shape),
    "expand": lambda x, shape: x.expand(*shape) if shape else x,
    "turned": lambda x: x.T,
    "flip": lambda x, axis: x.flip(axis),
    "pad": lambda x: lazygrad.nn.functional.pad(x, (1, 0) * x.ndim) if x.ndim else x,
    "stack": lambda x, y, axis: lazygrad.stack([x, y], axis),
    "join": lambda x, y: lazygrad.cat([x, y], 0),
    "put": _put, "put_view": _put_view, "times_in_place": _times_in_place,
}  # fmt: skip


class History:
    """Where derivative history is needed, which what is jitted neither has nor reads, as its docs
    say: there functions run as they are. How many times, one inside the other."""

    needed = 0


@contextmanager
def history() -> Iterator[None]:
    """The code inside is differentiated by ``backward`` or ``lazygrad.grad``."""
    History.needed += 1
    try:
        yield
    finally:
        History.needed -= 1


def _jit(f: Function) -> Function:
    fast = lazygrad.jit(f)
    return lambda *args: f(*args) if History.needed else fast(*args)


def _autograd(f: Function) -> Function:
    """The gradient as ``backward`` finds it, without history before it."""

    def found(x: Tensor) -> Tensor:
        leaf = x.detach().requires_grad_()
        with history():
            value = f(leaf)
        tracked = History.needed or ambient.trace is not None  # or else jit would refuse to read it
        if not value.requires_grad:
            return leaf.detach() * 0
        (part,) = lazygrad.grad(value, leaf, create_graph=True, allow_unused=True)
        if part is None:
            return leaf.detach() * 0
        return part if tracked else part.detach()

    return found


def _custom_vjp(f: Function, *slopes: Function) -> Function:
    made = func.custom_vjp(f)
    made.defvjp(
        lambda *args: (made.fun(*args), args),
        lambda kept, g: tuple(g * slope(*kept) for slope in slopes),
    )
    return made


def _custom_jvp(f: Function, *slopes: Function) -> Function:
    made = func.custom_jvp(f)

    def rule(primals: Any, tangents: Any) -> Any:
        pairs = zip(tangents, slopes, strict=True)
        first, *others = (t * slope(*primals) for t, slope in pairs)
        return made(*primals), sum(others, first)

    made.defjvp(rule)
    return made


def _custom_function(f: Function, *slopes: Function) -> Function:
    class Made(Ruled):
        @staticmethod
        def forward(ctx: Any, *args: Tensor) -> Tensor:
            ctx.save_for_backward(*args)
            return f(*args)

        @staticmethod
        def backward(ctx: Any, given: Tensor) -> Any:
            return tuple(given * slope(*ctx.saved_tensors) for slope in slopes)

    return Made.apply


TRANSFORMS: dict[str, Function] = {
    "grad": func.grad, "grad_and_value": func.grad_and_value,
    "value_and_grad": func.value_and_grad, "jacfwd": func.jacfwd, "jacrev": func.jacrev,
    "hessian": func.hessian, "jvp": func.jvp, "vmap": func.vmap,
    "vjp": lambda f, primals, cotangent: func.vjp(f, *primals)[1](cotangent),
    "linearized": lambda f, primals, tangents: func.linearize(f, *primals)[1](*tangents),
    "autograd": _autograd,
    "checkpoint": func.checkpoint, "jit": _jit,
    "custom_vjp": _custom_vjp, "custom_jvp": _custom_jvp, "custom_function": _custom_function,
    "scan": func.scan, "fori_loop": func.fori_loop, "cond": func.cond,
    "associative_scan": func.associative_scan,
    "while_loop": lambda going, f, carry, most: func.while_loop(going, f, carry, max_steps=most),
}  # fmt: skip
