"""vmap: a function of one sample becomes a function of many.

The function runs once, on tensors that have the shape of one sample and no value. Its graph is then
batched, op by op (``lazygrad.autodiff.batch``).
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

from lazygrad import pytree, state
from lazygrad.arguments import shown
from lazygrad.autodiff.batch import repeated
from lazygrad.bridge import is_leaf, read, wrap
from lazygrad.errors import ArgumentError, ValueRangeError
from lazygrad.func import dims as which
from lazygrad.func.one_sample import RANDOMNESS, OneSample
from lazygrad.functional.joining import cat
from lazygrad.functional.views import narrow
from lazygrad.graph import Node
from lazygrad.handle import Handle, value_node
from lazygrad.lang.movement import movedim
from lazygrad.modes import ambient, traced_by
from lazygrad.public import public
from lazygrad.shape import normalize_axis


@public
def vmap(
    func: Callable[..., Any],
    in_dims: Any = 0,
    out_dims: Any = 0,
    randomness: str = "error",
    *,
    chunk_size: int | None = None,
) -> Callable[..., Any]:
    """A function that does to many samples at once what ``func`` does to one; as torch.func.vmap.

    Inside, each mapped tensor has the shape of one sample and no value: ``where`` chooses by value,
    ``if`` cannot. Tensors from outside are the same for all samples; they can be read, and writing
    to them is an error. A write in place to a mapped argument is seen by the caller.

    Args:
        func: takes tensors, containers of them and anything else, and returns tensors.
        in_dims: the dim that counts the samples, of all arguments; or a tuple with one item for
            each: a dim, None for what is the same for all samples, or a container of dims like the
            argument. Keyword arguments are the same for all samples.
        out_dims: the dim that counts them in what is returned, of all tensors; or a container of
            dims like what is returned. None for what does not depend on the samples: it comes as
            it is.
        randomness: of random numbers that ``func`` draws: "error", or the "same" for all samples,
            or "different" ones for each.
        chunk_size: how many samples are computed at a time; default: all. Less memory, more
            kernels.

    Raises:
        ArgumentError: for dims that do not have the structure of the arguments or results.
        AxisError: for a dim that a tensor does not have.
        ShapeError: for arguments with different numbers of samples.
        ValueRangeError: for another ``randomness``, a ``chunk_size`` below 1, or if nothing is
            mapped over.
        VmapError: where ``func`` needs the value of what differs from sample to sample, or draws
            random numbers without leave.
        WriteError: where it writes to a tensor from outside.

    >>> from lazygrad import Tensor, vmap
    >>> rows = Tensor([[1.0, 2.0], [3.0, 4.0]])
    >>> vmap(lambda row, shift: (row - shift).square().sum(), in_dims=(0, None))(rows, 1.0).tolist()
    [1.0, 13.0]
    """
    if randomness not in RANDOMNESS:
        raise ValueRangeError(
            f"[vmap] randomness must be one of {', '.join(RANDOMNESS)}, got {randomness!r}"
        )
    if chunk_size is not None and chunk_size < 1:
        raise ValueRangeError(f"[vmap] chunk_size must be at least 1, got {chunk_size}")
    which.check_out_dims(out_dims)

    @functools.wraps(func)
    def mapped(*args: Any, **kwargs: Any) -> Any:
        name = which.name_of(func)
        leaves, spec = pytree.flatten(args)
        dims = which.dims_of_inputs(name, in_dims, leaves, spec)
        size = which.samples(name, leaves, dims)
        call = Call(name, func, spec, kwargs, dims, out_dims, randomness, [])
        if chunk_size is None or chunk_size >= size:
            return call.at_once(leaves, size)
        return call.in_chunks(leaves, size, chunk_size)

    return mapped


class Call(NamedTuple):
    """A call of a mapped function.

    Attributes:
        dims: which dim of each leaf of the arguments counts the samples.
        shared: the random keys that all samples share, in the order in which they are drawn.
    """

    name: str
    func: Callable[..., Any]
    spec: pytree.Spec
    kwargs: Mapping[str, Any]
    dims: Sequence[which.Dim]
    out_dims: which.Dims
    randomness: str
    shared: list[Node]

    def in_chunks(self, leaves: Sequence[Any], size: int, chunk_size: int) -> Any:
        """The results of some samples after the other, each computed before the next ones are."""
        chunks: list[list[Any]] = []
        spec = pytree.LEAF
        for start in range(0, size, chunk_size):
            count = min(chunk_size, size - start)
            part = [
                leaf if dim is None else narrow(leaf, dim, start, count)
                for leaf, dim in zip(leaves, self.dims, strict=True)
            ]
            found, spec = pytree.flatten(self.at_once(part, count))
            tensors = [leaf for leaf in found if isinstance(leaf, Handle)]
            if tensors and ambient.has_values:
                state.realize(tensors)
            chunks.append(found)
        dims = which.dims_of_outputs(self.name, self.out_dims, spec)
        columns = zip(zip(*chunks, strict=True), dims, strict=True)
        return pytree.unflatten(spec, [p[0] if dim is None else cat(p, dim) for p, dim in columns])

    def at_once(self, leaves: Sequence[Any], size: int) -> Any:
        """The results of all samples."""
        one = OneSample(size, self.randomness, self.shared)
        given = [
            leaf if dim is None else one.input(movedim(read(leaf), dim, 0), is_leaf(leaf))
            for leaf, dim in zip(leaves, self.dims, strict=True)
        ]
        with traced_by(one):
            returned = self.func(*pytree.unflatten(self.spec, given), **self.kwargs)
            found, spec = pytree.flatten(returned)
            outputs = [one.read(x) if isinstance(x, Handle) else None for x in found]
        dims = which.dims_of_outputs(self.name, self.out_dims, spec)
        rows = zip(found, outputs, one.all_samples(outputs), dims, strict=True)
        results = [self._result(one, *row) for row in rows]
        self._write(one, leaves, given)
        return pytree.unflatten(spec, results)

    def _write(self, one: OneSample, leaves: Sequence[Any], given: Sequence[Any]) -> None:
        """Gives mapped arguments what the function has written to their stand-ins."""
        rows = [
            (leaf, dim, value_node(stand_in._node))
            for leaf, dim, stand_in in zip(leaves, self.dims, given, strict=True)
            if dim is not None and one.is_written(stand_in)
        ]
        samples = one.all_samples([value for *_, value in rows])
        for (leaf, dim, value), many in zip(rows, samples, strict=True):
            state.rebind(leaf, movedim(many or repeated(value, one.size), 0, dim))

    def _result(
        self, one: OneSample, made: Any, sample: Node | None, samples: Node | None, dim: which.Dim
    ) -> Any:
        if sample is None:
            if dim is None:
                return made
            raise ArgumentError(
                f"[vmap] {self.name} returned {shown(made)}, which is no Tensor; say None for it "
                "in out_dims"
            )
        if dim is None:
            if samples is None:
                return wrap(sample, "vmap")
            raise ValueRangeError(
                f"[vmap] out_dims says None for a result of {self.name} of shape {sample.shape} "
                "that differs from sample to sample; say which dim counts them"
            )
        many = samples or repeated(sample, one.size)
        return wrap(movedim(many, 0, normalize_axis("vmap", dim, many.ndim)), "vmap")
