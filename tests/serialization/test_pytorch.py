"""Files of PyTorch: what is in them comes out, and nothing in them runs."""

from __future__ import annotations

import io
import pickle
import zipfile
from collections import Counter, OrderedDict
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import lazygrad
from lazygrad import Tensor, nn, optim
from lazygrad.errors import CheckpointError

FILES = Path(__file__).parent / "files"


@pytest.mark.parametrize("name", ["checkpoint.pt", "old.pt"])
def test_everything_comes_out(name: str) -> None:
    found = lazygrad.load(FILES / name)
    assert type(found["model"]) is OrderedDict
    assert found["epoch"] == 3
    assert found["turned"].tolist() == np.arange(12).reshape(3, 4).T.tolist()
    assert found["part"].tolist() == [3, 5]
    assert found["expanded"].tolist() == [1] * 5
    assert found["tied"][0] is found["tied"][1]
    for dtype, tensor in found["dtypes"].items():
        assert tensor.dtype.name == dtype
        assert tensor.tolist() == ([False, True, True] if dtype == "bool" else [0, 1, 2])
    assert type(found["parameter"]) is nn.Parameter
    assert found["parameter"].requires_grad
    assert found["facts"] == [(1, 2), lazygrad.float16, "cpu"]
    assert [value.tolist() for value in found["numpy"]] == [[0, 1, 2], 2.5, [[1, 2]]]
    assert found["plain"] == ({1, 2}, None, float("inf"), "text", b"bytes", 1 + 2j)
    assert (found["empty"].shape, found["number"].item()) == ((0, 3), 3.0)
    assert found["scheduler"]["milestones"] == Counter({1: 1, 2: 2})


def test_a_training_of_pytorch_goes_on() -> None:
    found = lazygrad.load(FILES / "checkpoint.pt")
    model = nn.Sequential(nn.Conv2d(1, 2, 3), nn.BatchNorm2d(2))
    optimizer = optim.Adam(model.parameters())
    scheduler = optim.lr_scheduler.MultiStepLR(optimizer, [9])
    model.load_state_dict(found["model"])
    optimizer.load_state_dict(found["optimizer"])
    scheduler.load_state_dict(found["scheduler"])
    assert scheduler.milestones == Counter({1: 1, 2: 2})
    assert optimizer.param_groups[0]["lr"] == 0.1
    before = [param.tolist() for param in model.parameters()]
    for number, param in enumerate(model.parameters()):
        param.grad = Tensor.full(param.shape, number + 1.0)
    optimizer.step()  # the same gradient again: Adam goes as far again
    for was, param in zip(before, model.parameters(), strict=True):
        np.testing.assert_allclose(np.asarray(was) - param.detach().numpy(), 0.1, rtol=1e-4)


def test_where_tensors_come_to() -> None:
    seen: list[str] = []

    def place(tensor: Tensor, where: str) -> Tensor:
        seen.append(where)
        return tensor

    lazygrad.load(FILES / "checkpoint.pt", map_location=place)
    assert set(seen) == {"cpu"}
    found = lazygrad.load(FILES / "checkpoint.pt", map_location={"cpu": "CPU"})
    assert found["number"].device == "CPU"


def test_other_classes_are_refused() -> None:
    with pytest.raises(
        CheckpointError,
        match=r"\[load\] .*model\.pt .* holds an object of torch\.nn\.modules\.linear\.Linear, .* "
        r"Load it with PyTorch and save the state_dict\(\)",
    ):
        lazygrad.load(FILES / "model.pt", weights_only=False)


# -- files that mean harm ------------------------------------------------------------------------


def archive(content: bytes, folder: str = "x", **files: bytes) -> io.BytesIO:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as made:
        made.writestr(f"{folder}/data.pkl", content)
        for name, data in files.items():
            made.writestr(f"{folder}/data/{name}", data)
    file.seek(0)
    return file


class Runs:
    def __init__(self, function: Any, *arguments: Any) -> None:
        self.parts = function, arguments

    def __reduce__(self) -> Any:
        return self.parts


RAN: list[Any] = []


@pytest.mark.parametrize(
    "harm",
    [Runs(eval, "1/0"), Runs(exec, "1/0"), Runs(__import__, "os"), Runs(getattr, 1, "real"),
     Runs(RAN.append, 1), Runs(bytearray, 9), Runs(pickle.loads, b"")],
    ids=lambda harm: harm.parts[0].__name__,
)  # fmt: skip
def test_nothing_runs(harm: Runs) -> None:
    with pytest.raises(CheckpointError, match="which is not read"):
        lazygrad.load(archive(pickle.dumps(harm, 2)))


@pytest.mark.parametrize(
    "name", ["collections\nCounter", "torch\nfloat32", "torch._utils\n_rebuild_tensor_v2"]
)
def test_nothing_that_others_use_is_changed(name: str) -> None:
    # BUILD with (None, {"abc": None}) sets an attribute of what stands before it
    build = pickle.PROTO + b"\2c" + name.encode() + b"\n" + b"}}X\3\0\0\0abcNs\x86b."
    with pytest.raises(CheckpointError, match="would change what other files use"):
        lazygrad.load(archive(build))
    assert not hasattr(Counter, "abc")


def weights(offset: Any = 0, size: Any = (2,), stride: Any = (1,), key: str = "0") -> bytes:
    """The pickle of a tensor, by hand."""
    storage = (b"((X\7\0\0\0storagectorch\nFloatStorage\n" + text(key) + text("cpu") +
               integer(2) + b"tQ")  # fmt: skip
    rest = integer(offset) + numbers(size) + numbers(stride) + b"\x89ccollections\nOrderedDict\n)R"
    return b"\x80\2ctorch._utils\n_rebuild_tensor_v2\n" + storage + rest + b"tR."


def text(value: str) -> bytes:
    return b"X" + len(value).to_bytes(4, "little") + value.encode()


def integer(value: int) -> bytes:
    return f"I{value}\n".encode()


def numbers(values: tuple[int, ...]) -> bytes:
    return b"(" + b"".join(map(integer, values)) + b"t"


FLOATS = np.array([1.5, 2.5], np.float32).tobytes()


def test_a_tensor_by_hand() -> None:
    assert lazygrad.load(archive(weights(), **{"0": FLOATS})).tolist() == [1.5, 2.5]


@pytest.mark.parametrize(
    ("pickled", "message"),
    [
        (weights(offset=1), "is not all in its storage"),
        (weights(offset=-1), "has size .* and stride"),
        (weights(size=(1 << 40,), stride=(0,)), "is not all in its storage"),
        (weights(size=(2, 2), stride=(1,)), "has size .* and stride"),
        (weights(stride=(-1,)), "has size .* and stride"),
        (weights(key="9"), "no item named"),
        (b"\x80\2X\3\0\0\0abcQ.", "refers to something that is no storage"),
        (b"\x80\2K\1", "pickle is damaged"),
        (b"\x80\2ccollections\nOrderedDict\nK\1\x85R.", "pickle is damaged"),
    ],
)
def test_tensors_that_are_not_there(pickled: bytes, message: str) -> None:
    with pytest.raises(CheckpointError, match=message):
        lazygrad.load(archive(pickled, **{"0": FLOATS}))


def test_archives_of_others() -> None:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as made:
        made.writestr("a.txt", "a")
    file.seek(0)
    with pytest.raises(CheckpointError, match=r"a zip archive, but none of torch\.save"):
        lazygrad.load(file)
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as made:
        made.writestr("x/data.pkl", bytes(10_000))
    packed.seek(0)
    with pytest.raises(CheckpointError, match="its files are packed"):
        lazygrad.load(packed)


def test_containers_that_repeat_each_other_are_no_bomb() -> None:
    value: Any = [1]
    for _ in range(100):
        value = [value, value]
    found = lazygrad.load(archive(pickle.dumps(value, 2)))
    assert found[0] is found[1]
    endless: list[Any] = []
    endless.append(endless)
    with pytest.raises(CheckpointError, match="more than 150 deep"):
        lazygrad.load(archive(pickle.dumps(endless, 2)))


@pytest.mark.parametrize("name", ["checkpoint.pt", "old.pt"])
def test_damaged_files_give_a_state_or_an_error(name: str) -> None:
    content = (FILES / name).read_bytes()
    refused = 0
    for position in range(0, len(content), 41):
        damaged = bytearray(content)
        damaged[position] ^= 0xFF
        try:
            lazygrad.load(io.BytesIO(bytes(damaged)))
        except CheckpointError:
            refused += 1
        try:
            lazygrad.load(io.BytesIO(content[:position]))
        except CheckpointError:
            refused += 1
    assert refused > 100
