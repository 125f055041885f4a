"""Graphs of ONNX files, read."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from lazygrad.element_types import DType
from lazygrad.errors import OnnxError
from lazygrad.onnx.operators.operator import TOLD, Operator
from lazygrad.onnx.operators.table import find
from lazygrad.onnx.types import CODES, Array, dtype_of, library

Versions = Mapping[str, int]  # of the standard and others, by domain

OnHost = Callable[[Mapping[str, Array]], Sequence[Any] | None]


@dataclass(frozen=True)
class Step:
    """An operator, and the names of values that it takes and gives.

    Attributes:
        title: what it is and where, for messages.
        on_host: computes it from arrays, by the onnx library, or gives None where that cannot;
            None where it is not to be.
    """

    title: str
    operator: Operator
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    attributes: Mapping[str, Any]
    on_host: OnHost | None


@dataclass(frozen=True)
class Spec:
    """What an input is: None where the file does not say."""

    dtype: DType | None
    shape: tuple[int | str | None, ...] | None


@dataclass(frozen=True)
class Graph:
    """Steps in their order.

    Attributes:
        initial: the weights and constants that the file has, by name.
        constants: what is known besides, whatever the inputs are.
    """

    inputs: dict[str, Spec]
    outputs: tuple[str, ...]
    initial: dict[str, Array]
    constants: dict[str, Array]
    steps: tuple[Step, ...]

    def uses(self) -> Iterator[tuple[str, Step, int]]:
        """The values that steps take, also those of graphs within: name, step and position."""
        for step in self.steps:
            for position, name in enumerate(step.inputs):
                yield name, step, position
            for value in step.attributes.values():
                if isinstance(value, Graph):
                    yield from value.uses()


def read(proto: Any, versions: Versions) -> Graph:
    """The graph of a GraphProto.

    Raises:
        OnnxError: for operators that are not here, all of them, and what else is not read.
    """
    nodes = [node for node in proto.node if node.op_type != "Constant"]
    operators = _operators(nodes, versions)
    arrays = library().numpy_helper
    if proto.sparse_initializer:
        raise OnnxError("[onnx.load] the file has sparse weights, which are not read")
    initial = {tensor.name: arrays.to_array(tensor) for tensor in proto.initializer}
    constants = {n.output[0]: _constant(n) for n in proto.node if n.op_type == "Constant"}
    steps = []
    for node, operator in zip(nodes, operators, strict=True):
        step = _step(node, operator, versions)
        if not _folded(step, constants):
            steps.append(step)
    return Graph(
        {value.name: _spec(value) for value in proto.input if value.name not in initial},
        tuple(value.name for value in proto.output),
        initial,
        constants,
        tuple(steps),
    )


def _operators(nodes: Iterable[Any], versions: Versions) -> list[Operator]:
    """What each node computes."""
    known, unknown = [], ""
    for node in nodes:
        operator = find(node.domain, node.op_type, versions.get(node.domain, 0))
        if operator is None:
            unknown += f"\n  {_title(node)}, version {versions.get(node.domain, 'unknown')}"
        else:
            known.append(operator)
    if unknown:
        raise OnnxError(f"[onnx.load] these operators are not here: {unknown}")
    return known


def _title(node: Any) -> str:
    kind = f"{node.domain}.{node.op_type}" if node.domain else node.op_type
    return f"{kind} (node {node.name or '-> ' + ', '.join(node.output)})"


def _step(node: Any, operator: Operator, versions: Versions) -> Step:
    attributes = {a.name: _attribute(a, versions) for a in node.attribute}
    _check_attributes(node, operator, attributes)
    inner = any(isinstance(value, Graph) for value in attributes.values())
    on_host = _on_host(node, versions) if operator.folds and not inner else None
    return Step(_title(node), operator, tuple(node.input), tuple(node.output), attributes, on_host)


def _attribute(attribute: Any, versions: Versions) -> Any:
    value = library().helper.get_attribute_value(attribute)
    if isinstance(value, bytes):
        return value.decode()
    if isinstance(value, library().TensorProto):
        return library().numpy_helper.to_array(value)
    if isinstance(value, library().GraphProto):
        return read(value, versions)
    values = list(value) if isinstance(value, Iterable) and not isinstance(value, str) else None
    if values is None:
        return value
    return [item.decode() if isinstance(item, bytes) else item for item in values]


def _check_attributes(node: Any, operator: Operator, given: Mapping[str, Any]) -> None:
    try:
        taken = inspect.signature(operator.function).parameters
    except ValueError:
        return
    if any(p.kind is p.VAR_KEYWORD for p in taken.values()):
        return
    for name in given:
        if name not in taken or name in TOLD:
            title = _title(node)
            raise OnnxError(f"[onnx.load] {title} has an attribute {name!r}, which is not here")
        if name in OF_DTYPES and given[name]:
            dtype_of(given[name])  # known, or an error now


OF_DTYPES = ("to", "dtype", "output_dtype")


def _constant(node: Any) -> Array:
    """The value of a Constant, whose attribute has the name of its kind."""
    (attribute,) = node.attribute
    if attribute.name not in KINDS:
        raise OnnxError(f"[onnx.load] {_title(node)} is a {attribute.name}, which is not read")
    value = _attribute(attribute, {})
    found: Array = np.asarray(value, KINDS[attribute.name])
    return found


KINDS = {
    "value": None, "value_float": np.float32, "value_floats": np.float32, "value_int": np.int64,
    "value_ints": np.int64,
}  # fmt: skip


def _on_host(node: Any, versions: Versions) -> OnHost:
    evaluator: Any = None

    def compute(given: Mapping[str, Array]) -> Sequence[Any] | None:
        nonlocal evaluator
        if evaluator is None:
            opsets = [library().helper.make_operatorsetid(*pair) for pair in versions.items()]
            names = [name for name in node.input if name]
            alone = library().helper.make_function(
                "lazygrad", "step", names, list(node.output), [node], opsets
            )
            evaluator = library().reference.ReferenceEvaluator(alone)
        try:
            found: Sequence[Any] = evaluator.run(None, dict(given), {})
        except Exception:  # of any kind, for what it does not know
            return None
        return found

    return compute


def _folded(step: Step, constants: dict[str, Array]) -> bool:
    """Whether a step is done, since all that it takes is known."""
    names = [name for name in step.inputs if name]
    if step.on_host is None or not names or not all(name in constants for name in names):
        return False
    found = step.on_host({name: constants[name] for name in names})
    if found is None:
        return False
    constants.update(zip(step.outputs, found, strict=False))
    return True


def _spec(value: Any) -> Spec:
    if not value.type.HasField("tensor_type"):
        raise OnnxError(f"[onnx.load] the input {value.name} is no tensor; others are not read")
    kind = value.type.tensor_type
    if kind.elem_type and kind.elem_type not in CODES:
        name = library().TensorProto.DataType.Name(kind.elem_type)
        raise OnnxError(f"[onnx.load] the input {value.name} is of {name}, which is not here")
    shape = None
    if kind.HasField("shape"):
        shape = tuple(
            d.dim_value if d.HasField("dim_value") else d.dim_param or None for d in kind.shape.dim
        )
    return Spec(CODES.get(kind.elem_type), shape)
