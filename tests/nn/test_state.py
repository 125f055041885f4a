"""Checkpoints: what is written comes back, whole or not at all."""

import json
import os
import stat

import numpy as np
import pytest

from lazygrad import Tensor, element_types as dt, nn
from lazygrad.errors import CheckpointError
from lazygrad.nn import state as state_module


@pytest.mark.parametrize("dtype", dt.ALL, ids=lambda dtype: dtype.name)
def test_every_dtype_comes_back(tmp_path, dtype):
    values = np.array([[0, 1, 1], [0, 0, 1]])
    if dtype.is_floating_point:
        values = np.array([[1.5, -2.25, 3.0], [0.0, -0.0, 1e-3]])
    tensor = Tensor(values).cast(dtype)
    nn.save_state(tmp_path / "a.safetensors", {"x": tensor, "y": Tensor(1.0)})
    found, metadata = nn.load_state(tmp_path / "a.safetensors")
    assert metadata == {}
    assert set(found) == {"x", "y"}
    assert found["x"].dtype is dtype
    np.testing.assert_array_equal(found["x"].numpy(), tensor.numpy())
    assert found["y"].shape == ()


def test_model_comes_back(tmp_path):
    model = nn.Sequential(nn.Conv2d(1, 2, 3), nn.BatchNorm2d(2), nn.Flatten(), nn.Linear(8, 2))
    model(Tensor.randn(3, 1, 4, 4))
    nn.save_state(tmp_path / "m.safetensors", model.state_dict(), {"epoch": "3"})
    other = nn.Sequential(nn.Conv2d(1, 2, 3), nn.BatchNorm2d(2), nn.Flatten(), nn.Linear(8, 2))
    found, metadata = nn.load_state(tmp_path / "m.safetensors")
    other.load_state_dict(found)
    assert metadata == {"epoch": "3"}
    x = Tensor.randn(3, 1, 4, 4)
    np.testing.assert_array_equal(
        model.eval()(x).detach().numpy(), other.eval()(x).detach().numpy()
    )


def test_a_file_is_read_in_the_order_in_which_it_was_written(tmp_path):
    names = [f"layer{i:02}" for i in range(20)]  # the library's own order differs from read to read
    nn.save_state(tmp_path / "a.safetensors", {name: Tensor([1.0]) for name in names})
    assert list(nn.load_state(tmp_path / "a.safetensors")[0]) == names


def test_other_writers_files_are_read_and_ours_by_others(tmp_path):
    from safetensors import numpy as safetensors_numpy

    path = tmp_path / "theirs.safetensors"
    safetensors_numpy.save_file({"w": np.arange(6, dtype=np.float32).reshape(2, 3)}, path)
    np.testing.assert_array_equal(nn.load_state(path)[0]["w"].numpy(), [[0, 1, 2], [3, 4, 5]])

    path = tmp_path / "ours.safetensors"
    nn.save_state(path, {"w": Tensor([1.0, 2.0]), "é": Tensor([1.0]).cast(dt.bfloat16)})
    header = safetensors_numpy.deserialize(path.read_bytes())
    assert {name: entry["dtype"] for name, entry in header} == {"w": "F32", "é": "BF16"}


def test_what_was_there_survives_a_failed_write(tmp_path, monkeypatch):
    path = tmp_path / "m.safetensors"
    nn.save_state(path, {"x": Tensor([1.0])})

    def fail(*args):
        raise OSError("disk full")

    monkeypatch.setattr(state_module.os, "fsync", fail)
    with pytest.raises(OSError, match="disk full"):
        nn.save_state(path, {"x": Tensor([2.0])})
    np.testing.assert_array_equal(nn.load_state(path)[0]["x"].numpy(), [1.0])
    assert os.listdir(tmp_path) == ["m.safetensors"]


def test_a_link_keeps_pointing_where_it_did(tmp_path):
    target, link = tmp_path / "runs", tmp_path / "latest.safetensors"
    target.mkdir()
    link.symlink_to(target / "a.safetensors")
    nn.save_state(link, {"x": Tensor([1.0])})
    assert link.is_symlink()
    assert (target / "a.safetensors").exists()


@pytest.mark.parametrize("kept", [0, 4, 40, -1])
def test_truncated_file(tmp_path, kept):
    path = tmp_path / "m.safetensors"
    nn.save_state(path, {"x": Tensor(np.zeros(100))})
    path.write_bytes(path.read_bytes()[:kept])
    with pytest.raises(CheckpointError, match=r"\[load_state\].*m\.safetensors.*truncated"):
        nn.load_state(path)


def test_file_of_another_kind(tmp_path):
    path = tmp_path / "m.safetensors"
    path.write_bytes(b"PK\x03\x04 this is a zip file, or so it says " * 10)
    with pytest.raises(CheckpointError, match="is not a complete safetensors file"):
        nn.load_state(path)
    with pytest.raises(FileNotFoundError):
        nn.load_state(tmp_path / "none")


def test_dtype_that_lazygrad_does_not_have(tmp_path):
    header = json.dumps({"x": {"dtype": "F8_E4M3", "shape": [2], "data_offsets": [0, 2]}})
    text = header.encode() + b" " * (-len(header) % 8)
    path = tmp_path / "m.safetensors"
    path.write_bytes(len(text).to_bytes(8, "little") + text + b"\0\0")
    with pytest.raises(CheckpointError, match="x has dtype F8_E4M3, which lazygrad does not have"):
        nn.load_state(path)


def test_metadata_is_text(tmp_path):
    with pytest.raises(CheckpointError, match=r"str to str, got 'epoch': 3; use str\(\)"):
        nn.save_state(tmp_path / "m", {}, {"epoch": 3})
    assert not os.listdir(tmp_path)


# -- what is refused, and what is survived -------------------------------------------------------


@pytest.mark.parametrize("name", ["__metadata__", "\ud800", 3])
def test_names_that_no_file_can_hold(tmp_path, name):
    with pytest.raises(CheckpointError, match=r"\[save_state\] no Tensor can be kept under"):
        nn.save_state(tmp_path / "m", {"fine": Tensor(1.0), name: Tensor(2.0)})
    assert not os.listdir(tmp_path)


def test_values_that_are_no_tensors(tmp_path):
    with pytest.raises(CheckpointError, match="x is a ndarray; state maps names to Tensors"):
        nn.save_state(tmp_path / "m", {"x": np.zeros(2)})


def test_a_folder_is_no_file(tmp_path):
    with pytest.raises(CheckpointError, match=r"\[save_state\] .* is a folder; name a file in it"):
        nn.save_state(tmp_path, {"x": Tensor(1.0)})
    with pytest.raises(CheckpointError, match=r"\[load_state\] .* is a folder"):
        nn.load_state(tmp_path)


def test_a_device_stays_a_device():
    nn.save_state(os.devnull, {"x": Tensor(1.0)})
    assert stat.S_ISCHR(os.stat(os.devnull).st_mode)
    with pytest.raises(CheckpointError, match="is not a complete safetensors file"):
        nn.load_state(os.devnull)


@pytest.mark.skipif(not os.path.exists("/dev/zero"), reason="this system has no /dev/zero")
def test_a_file_without_end_is_not_read_to_its_end():
    with pytest.raises(CheckpointError, match="is not a complete safetensors file"):
        nn.load_state("/dev/zero")


def test_no_more_is_read_than_the_header_announces(tmp_path):
    path = tmp_path / "m.safetensors"
    nn.save_state(path, {"x": Tensor(np.zeros(4))})
    os.truncate(path, 1 << 40)  # the rest is a hole
    with pytest.raises(CheckpointError, match=f"{1 << 40} bytes"):
        nn.load_state(path)
    path.write_bytes((1 << 62).to_bytes(8, "little"))
    with pytest.raises(CheckpointError, match="is not a complete safetensors file"):
        nn.load_state(path)


def test_damaged_headers_give_a_state_or_an_error(tmp_path):
    """Each byte before the data, changed."""
    path = tmp_path / "m.safetensors"
    nn.save_state(path, {"x": Tensor(np.ones((2, 3))), "y": Tensor(True)}, {"epoch": "3"})
    content = path.read_bytes()
    refused = 0
    for position in range(8 + int.from_bytes(content[:8], "little")):
        for change in (0x01, 0x10, 0xFF):
            damaged = bytearray(content)
            damaged[position] ^= change
            path.write_bytes(damaged)
            try:
                nn.load_state(path)
            except CheckpointError as error:
                assert str(path) in str(error)
                refused += 1
    assert refused > 300


def test_foreign_bools_are_bools(tmp_path):
    path = tmp_path / "m.safetensors"
    nn.save_state(path, {"x": Tensor([True, False, True])})
    content = path.read_bytes()
    path.write_bytes(content[:-3] + b"\x02\x00\xff")
    found = nn.load_state(path)[0]["x"]
    assert found.int().numpy().tolist() == [1, 0, 1]
