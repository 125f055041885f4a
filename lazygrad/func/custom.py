"""Functions whose derivatives are written by hand."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from lazygrad import pytree
from lazygrad.arguments import shown
from lazygrad.bridge import read, wrap
from lazygrad.element_types import FLOAT
from lazygrad.errors import ArgumentError, GradError, ShapeError
from lazygrad.func.rules import Layout, Parts, Primal, Rule, ruled, running, taken_out, transposed
from lazygrad.graph import Node, const
from lazygrad.handle import Handle
from lazygrad.lang.elementwise import without_history
from lazygrad.modes import ambient, traced_by

Function = Callable[..., Any]


def stop_gradient(x: Any) -> Any:
    """``x``, a tensor or a container of tensors, as a constant to derivatives; as
    jax.lax.stop_gradient.

    >>> from lazygrad import Tensor
    >>> from lazygrad.func import grad, stop_gradient
    >>> grad(lambda x: x * stop_gradient(x))(Tensor(3.0)).item()
    3.0
    """
    leaves, spec = pytree.flatten(x)
    return pytree.unflatten(
        spec,
        [wrap(without_history(read(x))) if isinstance(x, Handle) else x for x in leaves],
    )


class _Custom:
    """A function with a rule of its own.

    Arguments that are no tensors, and those of ``nondiff_argnums``, are handed to the rule as they
    are.
    """

    name: str

    def __init__(self, fun: Function, nondiff_argnums: Sequence[int] = ()) -> None:
        functools.update_wrapper(self, fun)
        self.fun, self.nondiff_argnums = fun, tuple(nondiff_argnums)

    def __get__(self, instance: Any, owner: Any = None) -> Any:
        """Methods can have rules: ``self`` is an argument as any other."""
        return self if instance is None else functools.partial(self, instance)

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        raise NotImplementedError

    def _in_own_rule(self) -> bool:
        trace = ambient.trace
        while trace is not None:
            if isinstance(trace, Primal) and trace.of is self:
                return True
            trace = trace.outer
        return False

    def _positional(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> list[Any]:
        if not kwargs:
            return list(args)
        bound = inspect.signature(self.fun).bind(*args, **kwargs)
        bound.apply_defaults()
        if bound.kwargs:
            raise ArgumentError(
                f"[{self.name}] {self.fun.__name__} has keyword-only arguments, which its rule is "
                "not given; make them positional"
            )
        return list(bound.args)

    def _split(self, args: list[Any]) -> tuple[list[Any], tuple[Any, ...]]:
        """The arguments that the rule is handed as they are, and the others."""
        fixed = [args[number] for number in self.nondiff_argnums]
        numbers = {number % len(args) for number in self.nondiff_argnums}
        return fixed, tuple([x for number, x in enumerate(args) if number not in numbers])


class custom_vjp(_Custom):
    """A function with a rule for reverse mode; as jax.custom_vjp.

    The rule holds in every transform, mapped and jitted too; forward mode uses its transpose. If
    ``bwd`` is made of differentiable operations, there are higher derivatives.

    Args:
        fun: takes tensors, containers of them and anything else, and returns tensors or a container
            of them. All that it is to be differentiated by must be an argument.
        nondiff_argnums: arguments that ``bwd`` is handed in front, as they are.

    >>> from lazygrad import Tensor
    >>> from lazygrad.func import custom_vjp, grad
    >>> @custom_vjp
    ... def clipped(x, limit):
    ...     return x.clamp(-limit, limit)
    >>> def forward(x, limit):
    ...     return clipped.fun(x, limit), None
    >>> def backward(residuals, g):
    ...     return g, None
    >>> clipped.defvjp(forward, backward)
    >>> grad(clipped)(Tensor(3.0), 1.0).item()
    1.0
    """

    name = "custom_vjp"
    fwd: Function | None = None
    bwd: Function | None = None

    def defvjp(self, fwd: Function, bwd: Function) -> None:
        """Say what the rule is.

        Args:
            fwd: takes the same arguments, and returns ``(output, residuals)``: the value, and a
                container of whatever ``bwd`` needs.
            bwd: ``bwd(*nondiff, residuals, cotangents)``, with cotangents like the output, returns
                a tuple with a cotangent for each other argument: like it, or None for 0.
        """
        self.fwd, self.bwd = fwd, bwd

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """The value of the function, with the derivatives of its rule.

        Raises:
            GradError: without a rule, or for a tensor from outside that requires a gradient.
            ArgumentError, ShapeError: for a rule that returns what is not like the arguments.
        """
        if self.fwd is None or self.bwd is None:
            raise GradError(f"[custom_vjp] {self.fun.__name__} has no rule; give it by defvjp")
        if self._in_own_rule():  # fwd calls it for the value, as is usual
            return self.fun(*args, **kwargs)
        given = self._positional(args, kwargs)
        fixed, varied = self._split(given)
        inputs, sources = taken_out(varied)
        with traced_by(Primal(self.name, sources, self)):
            returned = self.fwd(*given)
            if not isinstance(returned, tuple) or len(returned) != 2:
                raise ArgumentError(
                    f"[custom_vjp] the forward rule returns (output, residuals), got "
                    f"{shown(returned)}"
                )
            outputs, values = taken_out(returned[0])
            residuals, kept = taken_out(returned[1])
        rule = Backward(self.bwd, fixed, inputs, residuals, outputs, [*map(_zeros, values)])
        made = ruled(rule, values, [*sources, *kept], len(sources))
        return outputs.wrapped(made, self.fun.__name__)


def _zeros(like: Node) -> Node:
    return const(0, like.dtype, like.shape, like.device)


@dataclass(frozen=True, eq=False)
class Backward(Rule):
    """The rule of one call: ``bwd``, and in which containers it takes and gives what."""

    bwd: Function
    fixed: list[Any]
    inputs: Layout
    residuals: Layout
    outputs: Layout
    likes: list[Node]  # zeros like each result

    name = "custom_vjp"

    def pulled(self, cotangents: Sequence[Node], sources: Sequence[Node]) -> Parts:
        operands = sources[: sum(self.inputs.is_tensor)]
        residuals = self.residuals.wrapped(sources[len(operands) :], "residual")
        given = self.outputs.wrapped(cotangents, "cotangent")
        with running(self.name):
            returned = self.bwd(*self.fixed, residuals, given)
            return parts_of(self.name, returned, self.inputs, operands)

    def pushed(self, tangents: Sequence[Node], sources: Sequence[Node]) -> Parts:
        return transposed(self.name, self.pulled, tangents, self.likes, sources)


class custom_jvp(_Custom):
    """A function with a rule for forward mode; as jax.custom_jvp.

    The rule holds in every transform, mapped and jitted too; reverse mode uses its transpose. If it
    is made of differentiable operations, there are higher derivatives.

    Args:
        fun: takes tensors, containers of them and anything else, and returns tensors or a container
            of them. All that it is to be differentiated by must be an argument.
        nondiff_argnums: arguments that the rule is handed in front, as they are.

    >>> from lazygrad import Tensor
    >>> from lazygrad.func import custom_jvp, grad
    >>> @custom_jvp
    ... def softplus(x):
    ...     return (1 + x.exp()).log()
    >>> @softplus.defjvp
    ... def rule(primals, tangents):
    ...     (x,), (t,) = primals, tangents
    ...     return softplus(x), t * x.sigmoid()
    >>> grad(softplus)(Tensor(0.0)).item()
    0.5
    """

    name = "custom_jvp"
    jvp: Function | None = None

    def defjvp(self, jvp: Function) -> Function:
        """Say what the rule is; also a decorator.

        Args:
            jvp: ``jvp(*nondiff, primals, tangents)``, tuples of the other arguments and of their
                tangents, returns ``(output, tangents)``, of which the second is linear in the
                tangents. Where an argument has no tensor, its tangent has None.
        """
        self.jvp = jvp
        return jvp

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """The value of the function, with the derivatives of its rule.

        Raises:
            GradError: without a rule, or for a tensor from outside that requires a gradient.
            ArgumentError, ShapeError: for a rule that returns what is not like the outputs.
        """
        if self.jvp is None:
            raise GradError(f"[custom_jvp] {self.fun.__name__} has no rule; give it by defjvp")
        given = self._positional(args, kwargs)
        fixed, varied = self._split(given)
        inputs, sources = taken_out(varied)
        with traced_by(Primal(self.name, sources)):
            outputs, values = taken_out(self.fun(*given))
        rule = Forward(self.jvp, fixed, inputs, outputs, [*map(_zeros, values)])
        return outputs.wrapped(ruled(rule, values, sources, len(sources)), self.fun.__name__)


@dataclass(frozen=True, eq=False)
class Forward(Rule):
    """The rule of one call: ``jvp``, and in which containers it takes and gives what."""

    jvp: Function
    fixed: list[Any]
    inputs: Layout
    outputs: Layout
    likes: list[Node]  # zeros like each result

    name = "custom_jvp"

    def pushed(self, tangents: Sequence[Node], sources: Sequence[Node]) -> Parts:
        primals = self.inputs.wrapped(sources, "primal")
        nothing = self.inputs._replace(leaves=(None,) * len(self.inputs.leaves))
        given = nothing.wrapped(tangents, "tangent")
        with running(self.name):
            returned = self.jvp(*self.fixed, primals, given)
            if not isinstance(returned, tuple) or len(returned) != 2:
                raise ArgumentError(
                    f"[custom_jvp] the rule returns (output, tangents), got {shown(returned)}"
                )
            return parts_of(self.name, returned[1], self.outputs, self.likes)


def parts_of(name: str, returned: Any, layout: Layout, likes: Sequence[Node]) -> Parts:
    """What a rule returned for each tensor of a container; None for 0, also for a whole part of it.

    Raises:
        ArgumentError, ShapeError: for what is not like it.
    """
    leaves = pytree.spread(returned, layout.spec)
    if leaves is None:
        raise ArgumentError(
            f"[{name}] the rule must return something for each part of {pytree.text(layout.spec)}, "
            f"or None; got {pytree.text(pytree.flatten(returned)[1])}"
        )
    pairs = zip(leaves, layout.is_tensor, strict=True)
    found = [leaf for leaf, is_tensor in pairs if is_tensor]
    return [_like(name, part, like) for part, like in zip(found, likes, strict=True)]


def _like(name: str, part: Any, like: Node) -> Node | None:
    if part is None or like.dtype.kind != FLOAT:
        return None
    if not isinstance(part, Handle):
        raise ArgumentError(f"[{name}] the rule must return tensors or None, got {shown(part)}")
    found = read(part)
    if (found.shape, found.dtype) != (like.shape, like.dtype):
        raise ShapeError(
            f"[{name}] the rule returned {found.dtype.name} {found.shape} for what is "
            f"{like.dtype.name} {like.shape}"
        )
    return found
