"""save and load: what goes into a file comes out of it, and what does not says so."""

from __future__ import annotations

import io
import json
import os
import sys
from collections import Counter, OrderedDict
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import lazygrad
from lazygrad import Tensor, nn, optim, serialization
from lazygrad.errors import ArgumentError, CheckpointError, LazygradError, MissingExtraError

PLAIN: list[Any] = [
    None, True, 3, -(1 << 80), 2.5, float("inf"), "text", "", b"\0bytes", [1, [2, []]], (1, (2,)),
    {"a": 1, 2: "b", (3, 4): None}, OrderedDict(b=1, a=2), Counter("aab"), {1, 2},
    {"tensor": 1}, {"float": "nan"}, {}, (), lazygrad.float16,
]  # fmt: skip


def there_and_back(value: Any, **options: Any) -> Any:
    file = io.BytesIO()
    lazygrad.save(value, file)
    file.seek(0)
    return lazygrad.load(file, **options)


@pytest.mark.parametrize("value", PLAIN, ids=repr)
def test_plain_values(value: Any) -> None:
    found = there_and_back(value)
    assert found == value
    assert type(found) is type(value)


@pytest.mark.parametrize("dtype", ["bool", "uint8", "int64", "float16", "bfloat16", "float64"])
def test_tensors(dtype: str) -> None:
    found = there_and_back({"x": Tensor([[0, 1, 2]], dtype=dtype)})["x"]
    assert (found.dtype.name, found.shape) == (dtype, (1, 3))
    assert found.tolist() == Tensor([[0, 1, 2]], dtype=dtype).tolist()


def test_arrays_parameters_and_numbers_stay_what_they_are() -> None:
    given = {"p": nn.Parameter([1.0]), "leaf": Tensor([1.0], requires_grad=True),
             "a": np.arange(3, dtype=np.int16), "n": np.float32(2)}  # fmt: skip
    found = there_and_back(given)
    assert type(found["p"]) is nn.Parameter
    assert found["p"].requires_grad and found["leaf"].requires_grad
    assert (found["a"].dtype, found["a"].tolist()) == (np.int16, [0, 1, 2])
    found["a"][0] = 7
    assert type(found["n"]) is np.float32


def test_what_comes_twice_is_one_thing() -> None:
    shared = Tensor([1.0])
    found = there_and_back([shared, {"again": shared}])
    assert found[0] is found[1]["again"]


def test_names_that_would_be_equal(tmp_path: Path) -> None:
    given = {"a": {"b": Tensor(1.0)}, "a.b": Tensor(2.0), "__metadata__": Tensor(3.0)}
    found = there_and_back(given)
    assert [found["a"]["b"].item(), found["a.b"].item(), found["__metadata__"].item()] == [1, 2, 3]


def test_a_training_goes_on(tmp_path: Path) -> None:
    def made() -> tuple[nn.Module, optim.Optimizer, Any]:
        model = nn.Sequential(nn.Linear(2, 3), nn.BatchNorm2d(1))
        optimizer = optim.Adam(model.parameters(), lr=0.1)
        return model, optimizer, optim.lr_scheduler.StepLR(optimizer, 2)

    def step(model: nn.Module, optimizer: optim.Optimizer, scheduler: Any) -> list[Any]:
        optimizer.zero_grad()
        model[0](Tensor([[1.0, 2.0]])).square().sum().backward()
        optimizer.step()
        scheduler.step()
        return [param.tolist() for param in model.parameters()]

    parts = made()
    step(*parts)
    state = {"parts": [part.state_dict() for part in parts], "epoch": 1}
    lazygrad.save(state, tmp_path / "run.pt")
    found = lazygrad.load(tmp_path / "run.pt")
    others = made()
    for part, held in zip(others, found["parts"], strict=True):
        part.load_state_dict(held)
    assert [step(*parts) for _ in range(3)] == [step(*others) for _ in range(3)]
    assert found["epoch"] == 1


def test_the_file_is_one_of_safetensors(tmp_path: Path) -> None:
    from safetensors import numpy as library

    path = tmp_path / "x.safetensors"
    lazygrad.save({"layer": {"weight": Tensor([1.0, 2.0])}, "step": 3}, path)
    assert library.load_file(path)["layer.weight"].tolist() == [1, 2]
    library.save_file({"w": np.ones(2)}, path)
    assert lazygrad.load(path)["w"].tolist() == [1, 1]
    nn.save_state(path, {"v": Tensor([3.0])})
    assert lazygrad.load(str(path))["v"].tolist() == [3]


def test_what_was_there_survives_a_state_that_cannot_be_saved(tmp_path: Path) -> None:
    path = tmp_path / "x"
    lazygrad.save(1, path)
    with pytest.raises(CheckpointError):
        lazygrad.save([2, object()], path)
    assert lazygrad.load(path) == 1
    assert os.listdir(tmp_path) == ["x"]


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ({"a": [1, object()]}, r"\[save\] a\.1 is <object object .* which no file holds;"),
        ({"net": nn.ReLU()}, r"\[save\] net is a ReLU, .*; save its state_dict\(\)"),
        ({"f": {"g": len}}, r"\[save\] f\.g is a builtin_function_or_method"),
        (nn.Linear, r"\[save\] the state is a type, which no file holds; save its name"),
        ({"s": np.array(["a"])}, r"\[save\] s is "),
        (1j, r"\[save\] the state is 1j \(complex\)"),
    ],
)  # fmt: skip
def test_what_no_file_holds(value: Any, message: str) -> None:
    with pytest.raises(CheckpointError, match=message):
        lazygrad.save(value, io.BytesIO())


def test_wrong_files(tmp_path: Path) -> None:
    with pytest.raises(CheckpointError, match=r"\[save\] .* is a folder; name a file in it"):
        lazygrad.save(1, tmp_path)
    with pytest.raises(CheckpointError, match=r"\[load\] .* is a folder"):
        lazygrad.load(tmp_path)
    with pytest.raises(ArgumentError, match=r"\[save\] f must be a path or an open binary file"):
        lazygrad.save(1, 3)
    with pytest.raises(ArgumentError, match="must be open for bytes"):
        lazygrad.load(io.StringIO("a"))
    with pytest.raises(FileNotFoundError):
        lazygrad.load(tmp_path / "nothing")
    (tmp_path / "x").write_bytes(b"hello, this is no file of weights")
    with pytest.raises(CheckpointError, match=r"x \(33 bytes\): .* is no complete file of"):
        lazygrad.load(tmp_path / "x")


def test_where_tensors_come_to(device: str) -> None:
    assert there_and_back(Tensor(1.0), map_location=device).device == device
    with pytest.raises(LazygradError, match="nowhere"):
        there_and_back(1, map_location="nowhere")


def test_damaged_files_give_a_state_or_an_error() -> None:
    """Each byte before the data, changed."""
    file = io.BytesIO()
    lazygrad.save({"x": Tensor([1.0]), "y": [Tensor(True), {"a": (1, 2.5)}]}, file)
    content = file.getvalue()
    refused = 0
    for position in range(8 + int.from_bytes(content[:8], "little")):
        for change in (0x01, 0x10, 0xFF):
            damaged = bytearray(content)
            damaged[position] ^= change
            try:
                lazygrad.load(io.BytesIO(bytes(damaged)))
            except CheckpointError:
                refused += 1
    assert refused > 300


def test_the_library_is_named_where_it_is_missing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "safetensors", None)
    with pytest.raises(MissingExtraError, match=r"pip install 'lazygrad\[safetensors\]'"):
        lazygrad.save(1, tmp_path / "x")
    with pytest.raises(MissingExtraError):
        nn.save_state(tmp_path / "x", {})
    assert not os.listdir(tmp_path)
    (tmp_path / "x").write_bytes(b"whatever")
    for read in (lazygrad.load, nn.load_state):
        with pytest.raises(MissingExtraError):
            read(tmp_path / "x")


def test_notes_that_make_no_sense() -> None:
    from lazygrad import tensorfile

    for tree in ({"tensor": "x"}, {"what": 1}, {}, {"dict": 3}, {"bytes": "xyz"}, {"dtype": "f"}):
        file = io.BytesIO()
        tensorfile.write(file, {}, {"lazygrad.tree": json.dumps(tree)})
        with pytest.raises(CheckpointError, match="make no sense"):
            lazygrad.load(io.BytesIO(file.getvalue()))
    assert serialization.save is lazygrad.save
