"""Files as modules: what is taken, what is said of what is not, and graphs in graphs."""

from __future__ import annotations

import copy
import io
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import lazygrad
from lazygrad import Tensor, jit
from lazygrad.errors import (
    ArgumentError,
    DtypeError,
    JitError,
    LazygradError,
    MissingExtraError,
    OnnxError,
    ShapeError,
)

onnx = pytest.importorskip("onnx")
helper = onnx.helper
FLOAT = onnx.TensorProto.FLOAT


def model_of(
    nodes: list[Any],
    weights: dict[str, Any] | None = None,
    inputs: tuple[str, ...] = ("x",),
    shape: Any = ("n", 3),
    version: int = 18,
) -> Any:
    """A model whose output is y."""
    return helper.make_model(
        helper.make_graph(
            nodes,
            "test",
            [helper.make_tensor_value_info(name, FLOAT, shape) for name in inputs],
            [helper.make_tensor_value_info("y", FLOAT, None)],
            [onnx.numpy_helper.from_array(np.asarray(v), k) for k, v in (weights or {}).items()],
        ),
        opset_imports=[helper.make_opsetid("", version)],
    )


def node(kind: str, *inputs: str, **options: Any) -> Any:
    return helper.make_node(kind, list(inputs), ["y"], **options)


LINEAR = model_of(
    [node("Gemm", "x", "a.weight", "b", transB=1)],
    {"a.weight": np.eye(3, dtype=np.float32), "b": np.zeros(3, np.float32)},
)
ONES = np.ones((2, 3), np.float32)


def test_what_can_be_given(tmp_path: Path) -> None:
    onnx.save_model(LINEAR, tmp_path / "m.onnx")
    content = LINEAR.SerializeToString()
    path = tmp_path / "m.onnx"
    for given in (path, str(path), content, io.BytesIO(content), LINEAR):
        assert lazygrad.onnx.load(given)(ONES).tolist() == ONES.tolist()
    with pytest.raises(FileNotFoundError):
        lazygrad.onnx.load(tmp_path / "none")
    with pytest.raises(ArgumentError, match=r"f must be a path, .*, got 3"):
        lazygrad.onnx.load(3)
    for damaged in (b"no file of this kind", content[:40], b""):
        with pytest.raises(OnnxError, match=r"\[onnx.load\]"):
            lazygrad.onnx.load(damaged)


def test_the_library_is_named_where_it_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "onnx", None)
    with pytest.raises(MissingExtraError, match=r"pip install 'lazygrad\[onnx\]'"):
        lazygrad.onnx.load(b"")


def test_inputs() -> None:
    model = lazygrad.onnx.load(LINEAR)
    assert (model.input_names, model.output_names) == (("x",), ("y",))
    assert model(x=Tensor(ONES)).shape == (2, 3)
    cases: list[tuple[Any, Any, type[LazygradError], str]] = [
        ((), {}, ArgumentError, "the input x is missing"),
        ((ONES, ONES), {}, ArgumentError, r"takes 1 inputs \(x\), got 2"),
        ((), {"z": ONES}, ArgumentError, "'z' is no input; they are x"),
        ((ONES,), {"x": ONES}, ArgumentError, "'x' is given twice"),
        ((ONES.astype(int),), {}, DtypeError, "the input x must be float32, got int64; cast it"),
        ((ONES[:, :2],), {}, ShapeError, r"must have shape \(n, 3\), got \(2, 2\)"),
    ]
    for args, options, error, message in cases:
        with pytest.raises(error, match=message):
            model(*args, **options)
    pair = lazygrad.onnx.load(model_of([node("Add", "x", "z")], inputs=("x", "z")))
    with pytest.raises(ShapeError, match=r"the input z must have shape \(n, 3\), got \(1, 3\)"):
        pair(ONES, ONES[:1])


def test_what_is_not_here() -> None:
    unknown = model_of(
        [
            helper.make_node("Foo", ["x"], ["a"], domain="my.company", name="first"),
            helper.make_node("StringNormalizer", ["a"], ["b"]),
            node("Relu", "b"),
        ]
    )
    with pytest.raises(OnnxError) as caught:
        lazygrad.onnx.load(unknown)
    assert "my.company.Foo (node first), version unknown" in str(caught.value)
    assert "StringNormalizer (node -> b), version 18" in str(caught.value)
    with pytest.raises(OnnxError, match=r"Relu .* has an attribute 'slope', which is not here"):
        lazygrad.onnx.load(model_of([node("Relu", "x", slope=1)]))
    with pytest.raises(OnnxError, match="Add .*, version 6"):
        lazygrad.onnx.load(model_of([node("Add", "x", "x")], version=6))
    with pytest.raises(DtypeError, match="no dtype FLOAT8E5M2"):
        lazygrad.onnx.load(model_of([node("Cast", "x", to=onnx.TensorProto.FLOAT8E5M2)]))


def test_an_error_names_the_node() -> None:
    model = lazygrad.onnx.load(model_of([node("MatMul", "x", "x", name="product")]))
    with pytest.raises(ShapeError, match=r"\[matmul\] .*; in MatMul \(node product\)"):
        model(ONES)


def test_what_is_trained_and_what_is_constant() -> None:
    nodes = [
        helper.make_node("Mul", ["x", "scale"], ["a"]),
        helper.make_node("Reshape", ["a", "shape"], ["b"]),
        helper.make_node("Add", ["b", "bias.weight"], ["c"]),
        helper.make_node("Add", ["c", "bias"], ["d"]),
        helper.make_node("Mul", ["d", "forward"], ["y"]),
    ]
    weights = {
        "scale": np.float32(2),
        "shape": np.array([3, -1]),
        "bias.weight": np.ones((3, 1), np.float32),
        "bias": np.ones(2, np.float32),
        "forward": np.full(1, 2, np.float32),
    }
    model = lazygrad.onnx.load(model_of(nodes, weights))
    # a name that stands for a module, or is a method's, is another one
    assert set(dict(model.named_parameters())) == {"bias.weight", "bias_", "forward_"}
    copied = copy.deepcopy(model)
    loss = model(ONES).sum()
    loss.backward()
    assert model.bias_.grad.tolist() == [6, 6]
    assert copied(ONES).sum().item() == loss.item() == 48
    assert copied.bias_.grad is None


BRANCH = {
    f"{name}_branch": helper.make_graph(
        [helper.make_node(kind, ["x"], ["out"])],
        name,
        [],
        [helper.make_tensor_value_info("out", FLOAT, None)],
    )
    for name, kind in (("then", "Relu"), ("else", "Neg"))
}


def test_a_choice() -> None:
    nodes = [
        helper.make_node("ReduceMax", ["x"], ["m"], keepdims=0),
        helper.make_node("Greater", ["m", "zero"], ["c"]),
        node("If", "c", **BRANCH),
    ]
    model = lazygrad.onnx.load(model_of(nodes, {"zero": np.float32(0)}))
    assert model(ONES).tolist() == ONES.tolist()
    assert model(-2 * ONES).tolist() == (2 * ONES).tolist()
    with pytest.raises(JitError):  # it depends on values
        jit(model)(Tensor(ONES))


def test_branches_have_constants_of_their_own() -> None:
    """Though they call them the same."""
    branches = {
        f"{name}_branch": helper.make_graph(
            [
                helper.make_node("Constant", [], ["k"], value_floats=[factor] * 3),
                helper.make_node("Mul", ["x", "k"], ["out"]),
            ],
            name,
            [],
            [helper.make_tensor_value_info("out", FLOAT, None)],
        )
        for name, factor in (("then", 2.0), ("else", 3.0))
    }
    nodes = [
        helper.make_node("Shape", ["x"], ["s"], start=0, end=1),
        helper.make_node("Equal", ["s", "two"], ["c"]),
        node("If", "c", **branches),
    ]
    model = lazygrad.onnx.load(model_of(nodes, {"two": np.array([2])}))
    assert model(ONES).tolist() == (2 * ONES).tolist()
    assert model(ONES[:1]).tolist() == (3 * ONES[:1]).tolist()
    assert model(ONES).tolist() == (2 * ONES).tolist()


def test_sizes_are_computed_while_a_function_is_traced(device: str) -> None:
    """And a choice by them is one."""
    nodes = [
        helper.make_node("Shape", ["x"], ["s"]),
        helper.make_node("Gather", ["s", "one"], ["n"]),
        helper.make_node("Equal", ["n", "three"], ["c"]),
        helper.make_node("If", ["c"], ["a"], **BRANCH),
        helper.make_node("Mul", ["s", "two"], ["t"]),
        helper.make_node(
            "ConstantOfShape", ["t"], ["z"], value=onnx.numpy_helper.from_array(ONES[0, :1])
        ),
        helper.make_node("Expand", ["a", "s"], ["e"]),
        helper.make_node("ReduceSum", ["z"], ["r"], keepdims=0),
        node("Add", "e", "r"),
    ]
    weights = {"one": np.array(1), "three": np.array(3), "two": np.array([2, 2])}
    step = jit(lazygrad.onnx.load(model_of(nodes, weights)).to(device))
    x = Tensor(ONES, device=device)
    for value in (1, 2):
        assert step(x * value).tolist() == (ONES * value + 24).tolist()
