"""Each op under each transform, in each dtype: what comes out, and what should.

The ops are those of ``ops.ALL``, the cases those of ``test_batch``, of which every op has some
(``tests/test_op_tables.py``). A cell is all transforms of one case in one dtype: derivatives in
both modes, and all of these batched, of two samples at once, against float64 sample by sample.
That a rule is right in float64 is what ``test_rules`` shows, by differences.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from lazygrad import element_types as dt, ops, semantics
from lazygrad.autodiff import jvp, vjp
from lazygrad.autodiff.batch import NO_RULE as NO_BATCH, batch
from lazygrad.autodiff.rules import NO_RULE, RULES, Gathering, Joining, Linear
from lazygrad.bridge import wrap
from lazygrad.errors import DtypeError
from lazygrad.graph import Node, node, toposort
from lazygrad.lang.join import cat
from lazygrad.lang.movement import reshape
from lazygrad.lang.operands import zeros_like
from lazygrad.ops import Kind, Op
from lazygrad.rewrite import replaced
from lazygrad.tensor_class import Tensor
from lazygrad.testing.conformance import TOLERANCE
from lazygrad.testing.reference import evaluate_all, leaf
from tests.autodiff import test_batch

Array = np.ndarray[Any, Any]
FLOATS = ("float16", "bfloat16", "float32", "float64")
SAMPLES = 2
STEPS = 16.0  # what is allowed is that of so many roundings
NAMES = {"i": dt.int64, "b": dt.bool_}
VALUE, JVP, VJP, TRANSPOSE, BATCH = "value", "jvp", "vjp", "transpose", "batch"


def transforms(op: Op) -> tuple[str, ...]:
    """Those that an op has a rule for: its tables say why it has none of the others."""
    derivatives = () if op in NO_RULE else (JVP, VJP, *[TRANSPOSE] * is_linear(op))
    return (VALUE, *derivatives, *[BATCH] * (op not in NO_BATCH))


def is_linear(op: Op) -> bool:
    """Whether the op is its own derivative."""
    return isinstance(RULES.get(op), Linear | Joining | Gathering)


def dtypes(op: Op) -> tuple[str, ...]:
    """Those that its operands can have, of floats; one for all where none is a float."""
    return FLOATS if any(_floats(args) for _, args in cases(op)) else FLOATS[-1:]


def cases(op: Op) -> list[tuple[Callable[..., Node], list[Any]]]:
    return [(function, args) for _, name, function, args in test_batch.CASES if name == op.name]


def _floats(args: Sequence[Any]) -> list[int]:
    return [i for i, arg in enumerate(args) if np.asarray(arg).dtype.kind == "f"]


@dataclass
class Run:
    """One case in one dtype: by transform, nodes and the nodes in float64 that they should equal.

    Attributes:
        changes: the directions of operands that have cotangents, and the cotangent of the result.
        refused: the dtype is none that the op takes, as it says itself.
    """

    op: Op
    dtype: str
    found: dict[str, list[Node]] = field(default_factory=dict)
    right: dict[str, list[Node]] = field(default_factory=dict)
    changes: tuple[list[Array], Array] | None = None
    refused: str = ""

    def results(self) -> list[tuple[str, Node, Node]]:
        return [
            (transform, own, right)
            for transform in self.found
            for own, right in zip(self.found[transform], self.right[transform], strict=True)
        ]


def runs(op: Op, dtype: str) -> Iterator[Run]:
    """All cases of an op, built."""
    for function, args in cases(op):
        run = Run(op, dtype)
        try:
            _build(run, function, args)
        except DtypeError as error:
            run.refused = str(error)
        yield run


def _build(run: Run, function: Callable[..., Node], args: list[Any]) -> None:
    target = dt.of(run.dtype)
    random = np.random.default_rng(3)
    floats = _floats(args)
    samples = [
        [rolled(arg, i, target if place in floats else None) for place, arg in enumerate(args)]
        for i in range(SAMPLES)
    ]
    directions = [rounded(random.standard_normal(np.shape(args[i])), target) for i in floats]
    weight: Array | None = None
    first: list[Node] = []
    listed = []
    for dtype in (target, dt.float64):
        rows = [_leaves(sample, dtype) for sample in samples]
        outputs = [function(*row) for row in rows]
        if weight is None:
            first = rows[0]
            weight = rounded(random.standard_normal(outputs[0].shape), target)
        of_float = outputs[0].dtype.is_floating_point
        given = (_leaves(directions, dtype), leaf(weight, outputs[0].dtype)) if of_float else None
        pairs = zip(rows, outputs, strict=True)
        listed.append([_derived(run.op, function, *pair, floats, given) for pair in pairs])
    if VJP in listed[0][0]:
        run.changes = directions, np.asarray(weight)
    own, right = listed
    for transform in own[0]:
        run.found[transform], run.right[transform] = own[0][transform], right[0][transform]
    if run.op not in NO_BATCH:
        values = [
            leaf(np.stack(column), x.dtype)
            for column, x in zip(zip(*samples, strict=True), first, strict=True)
        ]
        results = [n for found in own[0].values() for n in found]
        batched = batch(results, first, values, SAMPLES)
        kept = [i for i, found in enumerate(batched) if found is not None]
        rights = [[n for found in sample.values() for n in found] for sample in right]
        run.found[BATCH] = [n for n in batched if n is not None]
        run.right[BATCH] = [cat([_row(sample[i]) for sample in rights], 0) for i in kept]


def _row(x: Node) -> Node:
    return reshape(x, (1, *x.shape))


def _derived(
    op: Op,
    function: Callable[..., Node],
    inputs: list[Node],
    output: Node,
    floats: list[int],
    given: tuple[list[Node], Node] | None,
) -> dict[str, list[Node]]:
    """By transform, the values of one sample."""
    found = {VALUE: [output]}
    if op in NO_RULE or given is None:
        return found
    directions, weight = given
    by = [inputs[i] for i in floats]
    found[JVP] = [n for n in jvp([output], by, directions) if n is not None]
    parts = zip(vjp([output], [weight], by), by, strict=True)
    found[VJP] = [zeros_like(x) if part is None else part for part, x in parts]
    if is_linear(op):
        moved = dict(zip(floats, directions, strict=True))
        found[TRANSPOSE] = [function(*(moved.get(i, x) for i, x in enumerate(inputs)))]
    return found


def rolled(arg: Any, number: int, dtype: dt.DType | None) -> Array:
    """Another sample of the same elements; floats rounded to ``dtype``."""
    array = test_batch.samples_of(arg)[number]
    return array if dtype is None else rounded(array, dtype)


def rounded(array: Array, dtype: dt.DType) -> Array:
    return semantics.cast(np.asarray(array), dtype).astype(np.float64)


def _leaves(arrays: Sequence[Array], dtype: dt.DType) -> list[Node]:
    return [leaf(a, NAMES.get(np.asarray(a).dtype.kind, dtype)) for a in arrays]


# -- comparing -------------------------------------------------------------------------------------


def wrong(listed: Sequence[Run], device: str | None = None) -> list[str]:
    """What differs, by op, transform, dtype and device; on no device, as the reference has it."""
    rows = [(run, *result) for run in listed for result in run.results()]
    own, right = [row[2] for row in rows], [row[3] for row in rows]
    values = evaluate_all(own) if device is None else computed(own, device)
    found = []
    for (run, transform, made, _), a, b in zip(rows, values, evaluate_all(right), strict=True):
        dtype = made.dtype.name if run.op is ops.CAST else run.dtype  # which goes to one dtype
        said = _differs(made, a, b, dtype)
        if said:
            where = f" on {device}" if device else ""
            found.append(f"{run.op.name} {transform} {run.dtype}{where}: {said}")
    return found


def _differs(found: Node, a: Array, b: Array, dtype: str) -> str:
    if a.shape != b.shape:
        return f"shape {a.shape}, expected {b.shape}"
    if found.dtype.is_floating_point and found.dtype.name != dtype:
        return f"dtype {found.dtype.name}"
    if a.dtype.kind != "f":
        return "" if np.array_equal(a, b) else f"{a}, expected {b}"
    size = np.max(np.abs(b), initial=1.0, where=np.isfinite(b))
    with np.errstate(invalid="ignore"):
        gap = np.abs(a.astype(np.float64) - b)
        same = (a == b) | (gap <= STEPS * TOLERANCE[dtype] * size)
    return "" if np.all(same) else f"{a}, expected {b}"


def adjoint(run: Run) -> bool:
    """Whether the two modes are transposes of each other, in float64: <Jv, u> = <v, J'u>."""
    if run.changes is None or not run.right[JVP]:
        return True
    directions, weight = run.changes
    pushed, *pulled = evaluate_all([*run.right[JVP], *run.right[VJP]])
    forward = [np.vdot(pushed, weight)]
    back = [np.vdot(part, v) for part, v in zip(pulled, directions, strict=True)]
    size = 1 + sum(map(abs, back))
    return bool(abs(sum(forward) - sum(back)) <= 1e-11 * size)


def missing(run: Run) -> list[str]:
    """Transforms of which nothing came out, though there should be something."""
    wanted = [transform for transform in transforms(run.op) if not run.found.get(transform)]
    return [f"{run.op.name} {transform} {run.dtype}: missing" for transform in wanted]


# -- on devices ------------------------------------------------------------------------------------


def computed(nodes: Sequence[Node], device: str) -> list[Array]:
    """The values of nodes on host leaves, all in one plan of a device."""
    known = {n: _placed(n, device) for n in toposort(nodes) if n.op.kind is Kind.LEAF}
    results = [wrap(n) for n in replaced(nodes, known)]
    Tensor.realize(*results)
    return [x.detach().numpy() for x in results]


def _placed(x: Node, device: str) -> Node:
    if x.op is ops.BUFFER:
        return Tensor(x.arg.numpy(), dtype=x.dtype, device=device)._node
    return node(x.op, (), x.arg._replace(device=device))
