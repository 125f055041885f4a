"""Derivatives of chosen outputs by chosen inputs, as torch.autograd.grad."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from lazygrad import lang, ops
from lazygrad.autodiff.vjp import vjp
from lazygrad.errors import GradError
from lazygrad.graph import Node
from lazygrad.public import public
from lazygrad.tensor import Tensor, cotangent_of, from_node, require_tensor, tracked_node
from lazygrad.tensor_arguments import variables_below


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
    """
    results = [outputs] if isinstance(outputs, Tensor) else list(outputs)
    sources = [inputs] if isinstance(inputs, Tensor) else list(inputs)
    given: list[Any] = [None] * len(results)
    if grad_outputs is not None:
        given = [grad_outputs] if isinstance(grad_outputs, Tensor) else list(grad_outputs)
    if len(given) != len(results):
        raise GradError(f"[grad] {len(given)} grad_outputs for {len(results)} outputs")
    for value in (*results, *sources):
        require_tensor(value, "grad")
    roots = [tracked_node("grad", output) for output in results]
    cotangents = [cotangent_of("grad", root, g) for root, g in zip(roots, given, strict=True)]
    targets = [tracked_node("grad", source) for source in sources]
    # a leaf that was rebound or realised since stands in the graph under the same identity
    below: dict[Any, list[Node]] = {}
    for leaf in variables_below(roots):
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
                total = part if total is None else lang.add(total, part)
        if total is None and not allow_unused:
            raise GradError(
                f"[grad] no output depends on input {position} of shape {sources[position].shape}; "
                "pass allow_unused=True to get None for it"
            )
        found.append(None if total is None else _derivative(total, create_graph))
    return tuple(found)


def _derivative(total: Node, create_graph: bool) -> Tensor:
    return from_node(total if create_graph else lang.without_history(total), "grad")
