"""Functions with a backward pass of their own, as classes in PyTorch's style."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from lazygrad.arguments import shown
from lazygrad.bridge import read, wrap
from lazygrad.errors import ArgumentError, GradError
from lazygrad.func.custom import parts_of
from lazygrad.func.rules import Layout, Parts, Primal, Rule, ruled, running, taken_out, transposed
from lazygrad.graph import Node
from lazygrad.handle import Handle
from lazygrad.lang.elementwise import without_history
from lazygrad.lang.operands import zeros_like
from lazygrad.modes import traced_by


class Context:
    """What ``forward`` leaves for ``backward``, in attributes of any name.

    Attributes:
        saved_tensors: those of ``save_for_backward``.
        needs_input_grad: of each argument, whether it is differentiated by.
    """

    saved_tensors: tuple[Any, ...] = ()
    needs_input_grad: tuple[bool, ...] = ()
    constants: tuple[Any, ...] = ()

    def save_for_backward(self, *tensors: Any) -> None:
        """Keep tensors, or None."""
        self.saved_tensors = tensors

    def mark_non_differentiable(self, *outputs: Any) -> None:
        """These outputs have no derivatives."""
        self.constants = outputs

    def mark_dirty(self, *inputs: Any) -> None:
        """Refused: arguments cannot be changed in place."""
        raise GradError(
            "[Function] arguments cannot be changed in place; return a new tensor, which costs "
            "nothing more"
        )

    def set_materialize_grads(self, value: bool) -> None:
        """Accepted as PyTorch's: a gradient that is 0 is a tensor of zeros always."""


class Function:
    """A function with a backward pass of its own; as torch.autograd.Function. Derive from it,
    define ``forward`` and ``backward`` as static methods, and call ``apply``.

    ``backward`` holds in every transform, mapped and jitted too; forward mode uses its transpose.
    If it is made of differentiable operations, there are higher derivatives.

    >>> from lazygrad import Tensor
    >>> from lazygrad.autograd import Function
    >>> class Exp(Function):
    ...     @staticmethod
    ...     def forward(ctx, x):
    ...         result = x.exp()
    ...         ctx.save_for_backward(result)
    ...         return result
    ...     @staticmethod
    ...     def backward(ctx, grad_output):
    ...         (result,) = ctx.saved_tensors
    ...         return grad_output * result
    >>> x = Tensor(0.0, requires_grad=True)
    >>> Exp.apply(x).backward()
    >>> x.grad.item()
    1.0
    """

    @staticmethod
    def forward(*args: Any, **kwargs: Any) -> Any:
        """``forward(ctx, *args)``, or ``forward(*args)`` where there is ``setup_context``: the
        value, a tensor or a tuple of tensors. All that it is to be differentiated by is an
        argument."""
        raise NotImplementedError

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Any, ...], output: Any) -> None:
        """Keep what ``backward`` needs, apart from ``forward``."""

    @staticmethod
    def backward(ctx: Any, *grad_outputs: Any) -> Any:
        """The gradient by each argument, None for what has none, from that of each output."""
        raise NotImplementedError

    @classmethod
    def apply(cls, *args: Any, **kwargs: Any) -> Any:
        """The value of ``forward``, with the derivatives of ``backward``.

        Raises:
            ArgumentError: for a ``forward`` that does not return tensors.
            GradError: where it reads a tensor from outside that requires a gradient.
        """
        name, context = cls.__name__, Context()
        inputs, sources = taken_out(args)
        context.needs_input_grad = tuple([isinstance(x, Handle) and read(x).tracked for x in args])
        with traced_by(Primal(name, sources)):
            if cls.setup_context is Function.setup_context:
                returned = cls.forward(context, *args, **kwargs)
            else:
                returned = cls.forward(*args, **kwargs)
                cls.setup_context(context, args, returned)
            listed = returned if isinstance(returned, tuple) else (returned,)
            for output in listed:
                if not isinstance(output, Handle):
                    raise ArgumentError(f"[{name}] forward returns tensors, got {shown(output)}")
            values = [read(output) for output in listed]
            constant = [any(output is c for c in context.constants) for output in listed]
            context.constants = ()
            kept, residuals = taken_out(vars(context))
        rule = Own(cls, inputs, kept, [zeros_like(value) for value in values])
        made = ruled(rule, values, [*sources, *residuals], len(sources))
        found = tuple(
            [
                wrap(without_history(value) if c else result, name)
                for value, result, c in zip(values, made, constant, strict=True)
            ]
        )
        return found if isinstance(returned, tuple) else found[0]


@dataclass(frozen=True, eq=False)
class Own(Rule):
    """The rule of one call of a Function.

    Attributes:
        inputs: the arguments.
        kept: the attributes of the context.
        likes: zeros like each output.
    """

    function: type[Function]
    inputs: Layout
    kept: Layout
    likes: list[Node]

    @property
    def name(self) -> str:  # type: ignore[override]
        return self.function.__name__

    def pulled(self, cotangents: Sequence[Node], sources: Sequence[Node]) -> Parts:
        operands = sources[: sum(self.inputs.is_tensor)]
        context = Context()
        vars(context).update(self.kept.wrapped(sources[len(operands) :], "saved"))
        given = [wrap(cotangent, "gradient") for cotangent in cotangents]
        with running(self.name):
            returned = self.function.backward(context, *given)
            listed = returned if isinstance(returned, tuple) else (returned,)
            count = len(self.inputs.spec.children)
            if len(listed) < count or any(part is not None for part in listed[count:]):
                raise GradError(
                    f"[{self.name}] backward returns a gradient, or None, for each of {count} "
                    f"arguments, got {len(listed)}"
                )
            return parts_of(self.name, listed[:count], self.inputs, operands)

    def pushed(self, tangents: Sequence[Node], sources: Sequence[Node]) -> Parts:
        return transposed(self.name, self.pulled, tangents, self.likes, sources)
