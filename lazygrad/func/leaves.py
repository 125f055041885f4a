"""A function run on fresh leaves: what all derivatives start from.

Each transform puts leaves of its own in the place of the inputs that it differentiates by. Two
transforms, one inside the other, can then never take each other's changes for their own. Results
hold the inputs themselves again.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

from lazygrad import autodiff, ops, pytree
from lazygrad.arguments import shown
from lazygrad.bridge import StandIn, read, wrap
from lazygrad.errors import ArgumentError, GradError, ValueRangeError
from lazygrad.graph import Node, node
from lazygrad.handle import Handle
from lazygrad.lang.elementwise import without_history
from lazygrad.lang.operands import zeros_like
from lazygrad.modes import Trace, ambient, traced_by
from lazygrad.rewrite import replaced

Argnums = int | tuple[int, ...]


class Differentiated(Trace):
    """A function while it runs on fresh leaves: writes to tensors from outside would hold them."""

    def __init__(self, name: str) -> None:
        self.name = name
        super().__init__()


def positions(name: str, argnums: Any, count: int) -> tuple[int, ...]:
    """The arguments of ``argnums``, counted from the left, of ``count``.

    Raises:
        ArgumentError: for what is neither an integer nor a tuple of some.
        ValueRangeError: for an argument that is not there, or given twice.
    """
    listed = argnums if isinstance(argnums, tuple) else (argnums,)
    if not listed or not all(isinstance(number, int) for number in listed):
        raise ArgumentError(
            f"[{name}] argnums is a number or a tuple of numbers, got {shown(argnums)}"
        )
    if not all(-count <= number < count for number in listed):
        raise ValueRangeError(
            f"[{name}] argnums is {argnums}, but the function was called with {count} positional "
            "arguments; only those can be differentiated by"
        )
    found = tuple(number % count for number in listed)
    if len(set(found)) != len(found):
        raise ValueRangeError(f"[{name}] argnums is {argnums}: an argument is given twice")
    return found


class Part(NamedTuple):
    """Something that a function returned, leaf by leaf, with Nodes for tensors; and the container
    that it was in."""

    leaves: list[Any]
    spec: pytree.Spec


class Run:
    """What a function returned for fresh leaves.

    Attributes:
        name: of the transform, in messages.
        spec: of the arguments that it is differentiated by.
        places: their leaves: the fresh leaf of each tensor, None where there is None.
        leaves: the fresh leaves.
        returned: by the function.
    """

    def __init__(self, name: str, inputs: Part, values: dict[Node, Node], returned: Part) -> None:
        self.name, self.spec, self.returned = name, inputs.spec, returned
        self.places: list[Node | None] = inputs.leaves
        self.leaves = list(values)
        self._closed = dict(values)  # what nodes are for the values in the place of the leaves

    # -- what was returned -----------------------------------------------------------------------

    def parts(self, has_aux: bool) -> tuple[Part, Part]:
        """What was returned, taken apart into output and aux, of which there may be none.

        Raises:
            ArgumentError: if it is no pair although ``has_aux`` says so.
        """
        leaves, spec = self.returned
        if not has_aux:
            return self.returned, Part([], pytree.EMPTY)
        if spec.kind is not tuple or len(spec.children) != 2:
            raise ArgumentError(
                f"[{self.name}] with has_aux=True the function returns a tuple (output, aux), got "
                f"{pytree.text(spec)}"
            )
        own, aux = spec.children
        count = pytree.count(own)
        return Part(leaves[:count], own), Part(leaves[count:], aux)

    def floats(self, part: Part) -> list[Node]:
        """The nodes of a part that must be tensors of floats.

        Raises:
            ArgumentError, GradError: if it is not.
        """
        if not part.leaves:
            raise ArgumentError(f"[{self.name}] the function returned no tensor")
        for found in part.leaves:
            if not isinstance(found, Node):
                raise ArgumentError(
                    f"[{self.name}] the function must return tensors, not {shown(found)}"
                )
            if not found.dtype.is_floating_point:
                raise GradError(
                    f"[{self.name}] only floats have derivatives; the function returned "
                    f"{found.dtype.name} {found.shape}; cast it, or return it with has_aux=True"
                )
        return part.leaves

    def nodes_of(self, what: str, tree: Any, spec: pytree.Spec) -> list[Node]:
        """The nodes of a container of tensors that is to be as ``spec``.

        Raises:
            ArgumentError: for another container, or what is no tensor in it.
        """
        leaves, own = pytree.flatten(tree)
        if own != spec:
            raise ArgumentError(
                f"[{self.name}] {what} come as {pytree.text(own)}, but what they belong to is "
                f"{pytree.text(spec)}; give them in the same container"
            )
        given = [leaf for leaf in leaves if leaf is not None]
        for leaf in given:
            if not isinstance(leaf, Handle):
                raise ArgumentError(f"[{self.name}] {what} must be tensors, got {shown(leaf)}")
        return [read(leaf) for leaf in given]

    # -- derivatives -----------------------------------------------------------------------------

    def pull(self, outputs: Sequence[Node], cotangents: Sequence[Node]) -> list[Node]:
        """The cotangents of the leaves."""
        found = autodiff.vjp(outputs, cotangents, self.leaves)
        pairs = zip(self.leaves, found, strict=True)
        return [zeros_like(leaf) if part is None else part for leaf, part in pairs]

    def push(self, outputs: Sequence[Node], tangents: Sequence[Node]) -> list[Node | None]:
        """The tangents of ``outputs``; None for one that depends on no leaf."""
        return autodiff.jvp(outputs, self.leaves, tangents)

    # -- results ---------------------------------------------------------------------------------

    def handed_out(self, part: Part, tracked: bool | None = None) -> Any:
        """Results in their container, as handles: with derivative history or not, by default as
        the mode is."""
        nodes = [leaf for leaf in part.leaves if isinstance(leaf, Node)]
        found = replaced(nodes, self._closed)
        if not (ambient.grad_enabled if tracked is None else tracked):
            found = [without_history(made) for made in found]
        handles = iter([wrap(made, self.name) for made in found])
        listed = [next(handles) if isinstance(leaf, Node) else leaf for leaf in part.leaves]
        return pytree.unflatten(part.spec, listed)

    def like_inputs(self, nodes: Sequence[Node]) -> Part:
        """Results for the leaves, one each, as what they were taken from."""
        found = iter(nodes)
        return Part([None if place is None else next(found) for place in self.places], self.spec)


def run(
    name: str,
    function: Callable[..., Any],
    args: Sequence[Any],
    kwargs: Mapping[str, Any],
    wanted: Sequence[int],
) -> Run:
    """Runs ``function`` with fresh leaves in the arguments ``wanted``.

    Raises:
        ArgumentError: for something among them that is no tensor.
        GradError: for a tensor that is no float.
    """
    inputs, spec = pytree.flatten(tuple([args[position] for position in wanted]))
    values: dict[Node, Node] = {}
    places = [_fresh(name, leaf, values) for leaf in inputs]
    stand_ins = [None if place is None else wrap(place, name) for place in places]
    given = list(args)
    for position, argument in zip(wanted, pytree.unflatten(spec, stand_ins), strict=True):
        given[position] = argument
    recording = Differentiated(name)
    with traced_by(recording):
        ambient.grad_enabled = True
        leaves, out_spec = pytree.flatten(function(*given, **kwargs))
        returned = [recording.read(x) if isinstance(x, Handle) else x for x in leaves]
    return Run(name, Part(places, spec), values, Part(returned, out_spec))


def _fresh(name: str, leaf: Any, values: dict[Node, Node]) -> Node | None:
    """A leaf for a tensor; ``values`` says what it stands for.

    What is differentiated is a node above the leaf: handles on leaves themselves are taken to hold
    the memory alone once they have been read.
    """
    if leaf is None:
        return None
    if not isinstance(leaf, Handle):
        raise ArgumentError(
            f"[{name}] can only differentiate by tensors, got {shown(leaf)}; make it a Tensor, or "
            "leave the argument out of argnums. Containers of one's own are made known by "
            "func.register_pytree_node"
        )
    value = read(leaf)
    if not value.dtype.is_floating_point:
        raise GradError(
            f"[{name}] only floats have derivatives, got {value.dtype.name} {value.shape}; cast it"
        )
    variable = node(ops.VARIABLE, (value,), StandIn(name, value))
    made = node(ops.SURROGATE, (variable, variable))
    values[made] = value
    return made
