"""Forward mode: Jacobian-vector products, and functions as they are near a point."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from lazygrad.arguments import shown
from lazygrad.errors import ArgumentError, GradError
from lazygrad.func.leaves import Part, Run, run
from lazygrad.graph import Node
from lazygrad.lang.operands import zeros_like
from lazygrad.public import public


@public
def jvp(
    func: Callable[..., Any], primals: Any, tangents: Any, *, strict: bool = False,
    has_aux: bool = False,
) -> Any:  # fmt: skip
    """The value of ``func`` and its Jacobian-vector product; as torch.func.jvp.

    Args:
        primals: the arguments, in a tuple: float tensors, or containers of them.
        tangents: the directions in which they change, in the same containers.
        strict: refuse an output that does not depend on the primals, whose tangent is 0 else.
        has_aux: whether ``func`` returns a tuple (output, aux), of which aux is not differentiated.

    Returns:
        ``(output, tangents)``, or ``(output, tangents, aux)``: the tangents in the container, and
        of the shapes and dtypes, of the output.

    Raises:
        ArgumentError, GradError: as ``grad``; for tangents in another container, or with
            ``strict`` for an output that does not depend on the primals.
        ShapeError, DtypeError: for a tangent that is not like its primal.

    >>> from lazygrad import Tensor
    >>> from lazygrad.func import jvp
    >>> value, slope = jvp(lambda x: x ** 2, (Tensor(3.0),), (Tensor(1.0),))
    >>> value.item(), slope.item()
    (9.0, 6.0)
    """
    done = _run("jvp", func, primals)
    part, aux = done.parts(has_aux)
    found = _push(done, part, tangents, strict)
    output = done.handed_out(part)
    return (output, found, done.handed_out(aux)) if has_aux else (output, found)


@public
def linearize(func: Callable[..., Any], *primals: Any) -> tuple[Any, Callable[..., Any]]:
    """The value of ``func`` and its derivative as a linear function; as torch.func.linearize.

    Args:
        primals: the arguments: float tensors, or containers of them.

    Returns:
        ``(output, jvp_fn)``: ``jvp_fn(*tangents)`` takes tangents in the containers of the primals
        and gives those of the output. ``func`` is not run again.

    Raises:
        ArgumentError, GradError, ShapeError, DtypeError: as ``jvp``.

    >>> from lazygrad import Tensor
    >>> from lazygrad.func import linearize
    >>> value, push = linearize(lambda x: x ** 2, Tensor(3.0))
    >>> push(Tensor(1.0)).item(), push(Tensor(10.0)).item()
    (6.0, 60.0)
    """
    done = _run("linearize", func, primals)
    part, _ = done.parts(False)

    def push(*tangents: Any) -> Any:
        return _push(done, part, tangents, strict=False)

    return done.handed_out(part), push


def _run(name: str, func: Callable[..., Any], primals: Any) -> Run:
    if not isinstance(primals, tuple | list):
        raise ArgumentError(f"[{name}] primals must be a tuple of arguments, got {shown(primals)}")
    return run(name, func, primals, {}, range(len(primals)))


def _push(done: Run, part: Part, tangents: Sequence[Any], strict: bool) -> Any:
    if not isinstance(tangents, tuple | list):
        raise ArgumentError(f"[{done.name}] tangents must be a tuple, got {shown(tangents)}")
    given = done.nodes_of("tangents", tuple(tangents), done.spec)
    outputs = _tensors(done, part)
    found = done.push(outputs, given)
    if strict and None in found:
        shape = outputs[found.index(None)].shape
        raise GradError(
            f"[{done.name}] an output of shape {shape} does not depend on the primals, which "
            "strict=True refuses"
        )
    pairs = zip(found, outputs, strict=True)
    listed = [zeros_like(output) if tangent is None else tangent for tangent, output in pairs]
    return done.handed_out(Part(listed, part.spec))


def _tensors(done: Run, part: Part) -> list[Node]:
    for leaf in part.leaves:
        if not isinstance(leaf, Node):
            raise ArgumentError(
                f"[{done.name}] the function must return tensors, not {shown(leaf)}; return it "
                "with has_aux=True"
            )
    return part.leaves
