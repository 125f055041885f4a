"""Reverse mode: gradients of scalar functions, and vector-Jacobian products."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

from lazygrad import pytree
from lazygrad.errors import ArgumentError, ShapeError
from lazygrad.func.leaves import Argnums, positions, run
from lazygrad.lang.operands import ones_like
from lazygrad.public import public

Transformed = Callable[..., Any]


@public
def grad(func: Callable[..., Any], argnums: Any = 0, has_aux: bool = False) -> Transformed:
    """The function that computes the gradient of ``func``, which returns a scalar; as
    torch.func.grad.

    Gradients can be differentiated again, mapped and jitted. Tensors from outside can be read, and
    those that require a gradient still get it by ``backward()`` on what comes out; writing to them
    is an error.

    Args:
        func: takes tensors, or containers of them, and anything else; returns a float tensor of
            shape (), or a tuple of that and of anything with ``has_aux``.
        argnums: the number of the positional argument to differentiate by, or several in a tuple.
            Every tensor in it must be a float.
        has_aux: whether ``func`` returns something beside, which is not differentiated.

    Returns:
        A function of the same arguments: the gradient, in the container and of the shapes of the
        argument; a tuple of gradients for a tuple ``argnums``; with ``has_aux`` a tuple
        (gradient, aux).

    Raises:
        ArgumentError: for arguments or results that are no tensors.
        GradError: for those that are no floats.
        ShapeError: for a result that is no scalar.
        WriteError: where ``func`` writes to a tensor from outside.

    >>> from lazygrad import Tensor
    >>> from lazygrad.func import grad
    >>> grad(lambda x: x ** 3)(Tensor(2.0)).item()
    12.0
    >>> grad(grad(lambda x: x ** 3))(Tensor(2.0)).item()
    12.0
    """

    @functools.wraps(func)
    def gradient(*args: Any, **kwargs: Any) -> Any:
        found, value = _grad_and_value("grad", func, argnums, has_aux, args, kwargs)
        return (found, value[1]) if has_aux else found

    return gradient


@public
def grad_and_value(
    func: Callable[..., Any], argnums: Any = 0, has_aux: bool = False
) -> Transformed:
    """As ``grad``, with the value of ``func`` beside: (gradient, value), or (gradient, (value,
    aux)) with ``has_aux``; as torch.func.grad_and_value.

    >>> from lazygrad import Tensor
    >>> from lazygrad.func import grad_and_value
    >>> [found.item() for found in grad_and_value(lambda x: x ** 3)(Tensor(2.0))]
    [12.0, 8.0]
    """

    @functools.wraps(func)
    def gradient(*args: Any, **kwargs: Any) -> Any:
        return _grad_and_value("grad_and_value", func, argnums, has_aux, args, kwargs)

    return gradient


@public
def value_and_grad(
    func: Callable[..., Any], argnums: Any = 0, has_aux: bool = False
) -> Transformed:
    """As ``grad_and_value``, with the value first, as jax.value_and_grad: (value, gradient), or
    ((value, aux), gradient) with ``has_aux``.

    >>> from lazygrad import Tensor
    >>> from lazygrad.func import value_and_grad
    >>> [found.item() for found in value_and_grad(lambda x: x ** 3)(Tensor(2.0))]
    [8.0, 12.0]
    """

    @functools.wraps(func)
    def gradient(*args: Any, **kwargs: Any) -> Any:
        return _grad_and_value("value_and_grad", func, argnums, has_aux, args, kwargs)[::-1]

    return gradient


def _grad_and_value(
    name: str, func: Callable[..., Any], argnums: Argnums, has_aux: bool, args: Any, kwargs: Any
) -> tuple[Any, Any]:
    done = run(name, func, args, kwargs, positions(name, argnums, len(args)))
    part, aux = done.parts(has_aux)
    if part.spec != pytree.LEAF:
        raise ArgumentError(
            f"[{name}] the function must return one tensor, got {pytree.text(part.spec)}; return "
            "what comes beside with has_aux=True, or use vjp or jacrev"
        )
    [output] = done.floats(part)
    if output.shape != ():
        raise ShapeError(
            f"[{name}] the function must return a scalar, got shape {output.shape}; reduce it, as "
            "by .sum(), or use vjp or jacrev"
        )
    found = done.handed_out(done.like_inputs(done.pull([output], [ones_like(output)])))
    value = done.handed_out(part)
    gradient = found if isinstance(argnums, tuple) else found[0]
    return gradient, (value, done.handed_out(aux)) if has_aux else value


@public
def vjp(func: Callable[..., Any], *primals: Any, has_aux: bool = False) -> Any:
    """The value of ``func`` and its vector-Jacobian product; as torch.func.vjp.

    Args:
        primals: the arguments: float tensors, or containers of them.
        has_aux: whether ``func`` returns a tuple (output, aux), of which aux is not differentiated.

    Returns:
        ``(output, vjp_fn)``, or ``(output, vjp_fn, aux)``. ``vjp_fn(cotangents)`` takes a container
        of tensors like the output, and gives a tuple with the derivative of
        ``sum(output * cotangents)`` by each primal. ``func`` is not run again.

    Raises:
        ArgumentError, GradError: as ``grad``.
        ShapeError, DtypeError: in ``vjp_fn``, for a cotangent that is not like its output.

    >>> from lazygrad import Tensor
    >>> from lazygrad.func import vjp
    >>> output, pull = vjp(lambda x: x.sin(), Tensor([0.0, 1.0]))
    >>> pull(Tensor([1.0, 0.0]))[0].tolist()
    [1.0, 0.0]
    """
    done = run("vjp", func, primals, {}, range(len(primals)))
    part, aux = done.parts(has_aux)
    outputs = done.floats(part)

    def pull(cotangents: Any, retain_graph: bool = True, create_graph: bool | None = None) -> Any:
        given = done.nodes_of("cotangents", cotangents, part.spec)
        return done.handed_out(done.like_inputs(done.pull(outputs, given)), create_graph)

    output = done.handed_out(part)
    return (output, pull, done.handed_out(aux)) if has_aux else (output, pull)
