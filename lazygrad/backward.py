"""Derivatives: what ``backward()`` adds to leaves, and of chosen outputs by chosen inputs."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

from lazygrad import ops, state
from lazygrad.arguments import shown
from lazygrad.autodiff.vjp import vjp
from lazygrad.bridge import (
    StandIn,
    bind,
    bind_grad,
    current_grad,
    current_node,
    read,
    require_tensor,
    variables,
    wrap,
)
from lazygrad.errors import ArgumentError, GradError, ShapeError
from lazygrad.graph import Node, node
from lazygrad.handle import Handle, value_node
from lazygrad.lang.elementwise import add, without_history
from lazygrad.lang.operands import cast, ones_like
from lazygrad.locks import running
from lazygrad.modes import ambient
from lazygrad.owners import is_owned, leaves_below, lost, through
from lazygrad.public import public
from lazygrad.waiting import waiting

if TYPE_CHECKING:
    from lazygrad.tensor_class import Tensor


@public
def requires_grad_(input: Tensor, requires_grad: bool = True) -> Tensor:
    """Make this a leaf that ``backward()`` gives a ``grad``, or an ordinary tensor.

    Raises:
        GradError: for integers, or for the result of a recorded operation.

    >>> w = lazygrad.zeros(2).requires_grad_()
    >>> w.requires_grad, w.is_leaf
    (True, True)
    """
    if requires_grad == input.requires_grad:
        return input
    if not input.is_leaf:
        raise GradError("[requires_grad_] only leaves can change it; use detach() for others")
    held = current_node(input)
    if not requires_grad:
        bind(input, value_node(held))
        return input
    if not input.dtype.is_floating_point:
        raise GradError(
            f"[requires_grad_] only floats have derivatives, got {input.dtype.name}; cast it"
        )
    identity = object()
    bind(input, node(ops.VARIABLE, (held,), identity))
    variables[identity] = input
    return input


@public
def backward(
    input: Tensor, gradient: Tensor | None = None, retain_graph: bool | None = None
) -> None:
    """Add the derivative of this tensor to ``grad`` of every leaf that it depends on.

    Args:
        gradient: derivative of the final result by this tensor; needed unless it has one
            element.
        retain_graph: accepted as PyTorch's; the graph lives as long as its handles.

    Raises:
        GradError: if this tensor requires no gradient, or has several elements and no
            ``gradient`` is given; inside of a transform, for what its function is given, if that
            stands for something that requires a gradient, or if nothing else would get one.

    >>> w = Tensor([1.0, 2.0], requires_grad=True)
    >>> (w * w).backward(gradient=Tensor([1.0, 10.0]))
    >>> w.grad.tolist()
    [2.0, 40.0]
    """
    root = _tracked_node("backward", input)
    leaves = leaves_below([root])
    cotangent = _cotangent_of("backward", root, gradient)
    parts = vjp([root], [cotangent], leaves)
    found = [
        (leaf, variables.get(leaf.arg), part)
        for leaf, part in zip(leaves, parts, strict=True)
        if part is not None
    ]
    _refuse_to_lose([leaf for leaf, owner, _ in found if owner is None], len(found))
    _settle_gradients([owner for _, owner, _ in found])
    for _, owner, part in found:
        if owner is not None:
            _accumulate(owner, without_history(part))
    if ambient.trace is None:
        waiting.keep(input)  # computed with the gradients anyway, and often read after


@public
def grad(
    outputs: Tensor | Sequence[Tensor],
    inputs: Tensor | Sequence[Tensor],
    grad_outputs: Tensor | Sequence[Tensor | None] | None = None,
    retain_graph: bool | None = None,
    create_graph: bool = False,
    allow_unused: bool = False,
) -> tuple[Tensor | None, ...]:
    """Derivatives of the sum of ``outputs`` by ``inputs``, as torch.autograd.grad.

    Args:
        grad_outputs: the derivative of the final result by each output; 1 for scalars.
        create_graph: keep the history of the derivatives, to differentiate them again.
        allow_unused: None for an input on which no output depends, instead of an error.

    Raises:
        GradError: an output or input that requires no gradient, or an unused input.

    >>> x = Tensor([1.0, 2.0], requires_grad=True)
    >>> (first,) = lazygrad.grad((x**3).sum(), x, create_graph=True)
    >>> (second,) = lazygrad.grad(first.sum(), x)
    >>> first.tolist(), second.tolist()
    ([3.0, 12.0], [6.0, 12.0])
    """
    results = [outputs] if isinstance(outputs, Handle) else list(outputs)
    sources = [inputs] if isinstance(inputs, Handle) else list(inputs)
    given: list[Any] = [None] * len(results)
    if grad_outputs is not None:
        given = [grad_outputs] if isinstance(grad_outputs, Handle) else list(grad_outputs)
    if len(given) != len(results):
        raise GradError(f"[grad] {len(given)} grad_outputs for {len(results)} outputs")
    for value in (*results, *sources):
        require_tensor(value, "grad")
    roots = [_tracked_node("grad", output) for output in results]
    cotangents = [_cotangent_of("grad", root, g) for root, g in zip(roots, given, strict=True)]
    targets = [_tracked_node("grad", source) for source in sources]
    # a leaf that was rebound or realised since stands in the graph under the same identity
    below: dict[Any, list[Node]] = {}
    for leaf in leaves_below(roots):
        below.setdefault(leaf.arg, []).append(leaf)
    listed = [below.get(t.arg, [t]) if t.op is ops.VARIABLE else [t] for t in targets]
    flat = [leaf for leaves in listed for leaf in leaves]
    parts = iter(vjp(roots, cotangents, flat))
    found: list[Tensor | None] = []
    for position, leaves in enumerate(listed):
        total: Node | None = None
        for _ in leaves:
            part = next(parts)
            if part is not None:
                total = part if total is None else add(total, part)
        if total is None and not allow_unused:
            raise GradError(
                f"[grad] no output depends on input {position} of shape {sources[position].shape}; "
                "pass allow_unused=True to get None for it"
            )
        found.append(None if total is None else _derivative(total, create_graph))
    return tuple(found)


def _derivative(total: Node, create_graph: bool) -> Tensor:
    return wrap(total if create_graph else without_history(total), "grad")


def _refuse_to_lose(leaves: Sequence[Node], count: int) -> None:
    """Raises where a gradient of ``leaves``, whose ``.grad`` nobody sees, would be seen by somebody
    if transforms had not put them in the place of something else, or where it is all that the
    ``count`` gradients of a pass are."""
    for leaf in leaves:
        if isinstance(leaf.arg, StandIn):
            below = list(through([leaf]))
            if len(leaves) == count or any(is_owned(other) for other in below):
                raise lost(leaf)
            for other in below:
                if isinstance(other.arg, StandIn):
                    other.arg.is_passed = True


def _tracked_node(op: str, tensor: Handle) -> Node:
    root = tensor._node if ambient.trace is None else ambient.trace.read(tensor)
    if not root.tracked:
        raise GradError(
            f"[{op}] a tensor of shape {root.shape} does not require a gradient: nothing that it "
            "was computed from has requires_grad=True, or it was computed under no_grad() or "
            "detached"
        )
    return root


def _cotangent_of(op: str, root: Node, gradient: Tensor | None) -> Node:
    """The derivative of the final result by ``root``: 1 unless given."""
    if gradient is None:
        if root.size != 1:
            raise GradError(
                f"[{op}] gradient can be left out for scalar outputs only, got shape {root.shape}; "
                "reduce it, as by .sum(), or give gradient"
            )
        return ones_like(root)
    given = read(gradient)
    if given.shape != root.shape:
        raise ShapeError(
            f"[{op}] gradient has shape {given.shape}, the output has shape {root.shape}"
        )
    return cast(given, root.dtype)


def check_gradient(owner: Handle, value: Any) -> None:
    if not isinstance(value, Handle):
        raise ArgumentError(f"[grad] a gradient must be a Tensor or None, got {shown(value)}")
    own, given = owner._node, value._node
    if (own.shape, own.dtype, own.device) != (given.shape, given.dtype, given.device):
        raise ShapeError(
            f"[grad] a gradient is like its tensor, {own.dtype.name} {own.shape} on {own.device}; "
            f"got {given.dtype.name} {given.shape} on {given.device}"
        )


def _settle_gradients(owners: Iterable[Handle | None]) -> None:
    """Computes gradients of earlier passes that nobody has read yet: adding up many small batches
    must not keep all their graphs."""
    if ambient.trace is None:
        before = [owner._grad for owner in owners if owner is not None]
        unread = [g for g in before if g is not None and g._node.op is not ops.BUFFER]
        if unread:
            state.realize(unread)


def _accumulate(owner: Handle, part: Node) -> None:
    with running:  # other threads may add to the same gradient
        before = current_grad(owner)
        total = part if before is None else add(read(before), part)
        grad = wrap(total, "backward")
        bind_grad(owner, grad)
    if ambient.trace is None:
        waiting.gradient(owner, grad, before)
