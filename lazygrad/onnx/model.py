"""A model of an ONNX file: a Module whose parameters are the file's weights."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np

from lazygrad.errors import ArgumentError, DtypeError, ShapeError
from lazygrad.nn import Module, Parameter
from lazygrad.onnx.graph import Graph, Spec
from lazygrad.onnx.operators.normalization import batch_norm
from lazygrad.onnx.operators.operator import Operator
from lazygrad.onnx.run import Leaves, Run
from lazygrad.onnx.types import Array, tensor_of
from lazygrad.tensor_class import Tensor

RESERVED = ("_graph", "_leaves", "_weights")  # attributes of a model
Use = tuple[Operator, int]  # as which of its inputs
STATISTICS = (3, 4)  # inputs of batch norms that are kept, not trained


class Model(Module):
    """What ``lazygrad.onnx.load`` gives.

    Attributes:
        _weights: the module and attribute that hold each weight, by its name in the file.
    """

    def __init__(self, graph: Graph) -> None:
        super().__init__()
        self._graph = graph
        self._leaves: Leaves = {}
        self._weights: dict[str, tuple[Module, str]] = {}
        uses: dict[str, list[Use]] = {name: [] for name in graph.initial}
        for name, step, position in graph.uses():
            if name in uses:
                uses[name].append((step.operator, position))
        for name, array in graph.initial.items():
            kind = _kind(array, uses[name])
            if kind == "constant":
                graph.constants[name] = array
            else:
                self._weights[name] = _place(self, name)
                owner, attribute = self._weights[name]
                value = tensor_of(array, None)
                if kind == "buffer":
                    owner.register_buffer(attribute, value)
                else:
                    owner.register_parameter(attribute, Parameter(value))
        self.eval()

    @property
    def input_names(self) -> tuple[str, ...]:
        """The names of what it takes, in their order."""
        return tuple(self._graph.inputs)

    @property
    def output_names(self) -> tuple[str, ...]:
        """The names of what it gives, in their order."""
        return self._graph.outputs

    def forward(self, *args: Any, **kwargs: Any) -> Any:
        """The output of the graph, or a tuple of several, for its inputs in their order or by
        name.

        Raises:
            ArgumentError: for an input that is missing or not the graph's.
            DtypeError, ShapeError: for one that is not what the file says.
        """
        values: dict[str, Any] = dict(self._graph.constants)
        given = _bound(self._graph.inputs, args, kwargs)
        for name, (owner, attribute) in self._weights.items():
            values[name] = getattr(owner, attribute)
        known = (*given.values(), *values.values())
        device = next((v.device for v in known if isinstance(v, Tensor)), None)
        run = Run(device, self.training, self._leaves)
        found = [run.tensor(value) for value in run.of(self._graph, values | given)]
        return found[0] if len(found) == 1 else tuple(found)


def _kind(array: Array, uses: Sequence[Use]) -> str:
    """What becomes of what the file has: trained are floats, but neither single numbers, nor the
    statistics of batch norms, nor what only says how something is computed."""
    is_float = array.dtype.kind == "f" or array.dtype.name == "bfloat16"
    if not is_float or not array.ndim or all(p in operator.host for operator, p in uses):
        return "constant"
    if all(operator.function is batch_norm and p in STATISTICS for operator, p in uses):
        return "buffer"
    return "parameter"


def _place(model: Module, name: str) -> tuple[Module, str]:
    """The module and attribute for a weight: ``"layer1.0.weight"`` is the weight of a module 0 in a
    module layer1. A name that cannot be such a path is one attribute, without its dots."""
    *path, last = name.split(".")
    owner = model
    if all(_is_free(owner, part) for part in (*path, last)):
        for part in path:
            below = owner.__dict__.get(part)
            if below is None:
                below = Module()
                owner.add_module(part, below)
            if not isinstance(below, Module):
                break
            owner = below
        else:
            if last not in owner.__dict__:
                return owner, last
    flat = name.replace(".", "_") or "weight"
    while not _is_free(model, flat) or flat in model.__dict__:
        flat += "_"
    return model, flat


def _is_free(model: Module, name: str) -> bool:
    return bool(name) and not hasattr(type(model), name) and name not in RESERVED


def _bound(
    specs: Mapping[str, Spec], args: Iterable[Any], kwargs: Mapping[str, Any]
) -> dict[str, Any]:
    """The inputs by name."""
    names, args = list(specs), tuple(args)
    if len(args) > len(names):
        raise ArgumentError(f"[onnx] takes {len(names)} inputs ({_listed(names)}), got {len(args)}")
    given = dict(zip(names, args, strict=False))
    for name, value in kwargs.items():
        if name not in specs or name in given:
            what = "is given twice" if name in given else f"is no input; they are {_listed(names)}"
            raise ArgumentError(f"[onnx] {name!r} {what}")
        given[name] = value
    missing = [name for name in names if name not in given]
    if missing:
        raise ArgumentError(f"[onnx] the input {_listed(missing)} is missing")
    sizes: dict[str, int] = {}
    for name, value in given.items():
        if not isinstance(value, Tensor):
            given[name] = value = Tensor(np.asarray(value))
        _check(name, value, specs[name], sizes)
    return given


def _listed(names: Iterable[str]) -> str:
    return ", ".join(names)


def _check(name: str, value: Tensor, spec: Spec, sizes: dict[str, int]) -> None:
    """Dims with one name have one size, which ``sizes`` keeps."""
    if spec.dtype not in (None, value.dtype):
        raise DtypeError(
            f"[onnx] the input {name} must be {spec.dtype.name}, got {value.dtype.name}; cast it"
        )
    if spec.shape is None:
        return
    wanted = [
        sizes.setdefault(dim, size) if isinstance(dim, str) else dim
        for dim, size in zip(spec.shape, value.shape, strict=False)
    ]
    fits = all(dim in (None, size) for dim, size in zip(wanted, value.shape, strict=False))
    if len(spec.shape) != value.ndim or not fits:
        shape = ", ".join("?" if dim is None else str(dim) for dim in spec.shape)
        raise ShapeError(f"[onnx] the input {name} must have shape ({shape}), got {value.shape}")
