"""Tensors given to other libraries and processes, and taken from there."""

from __future__ import annotations

import copy
import pickle
from typing import Any

import numpy as np
import pytest

import lazygrad
from lazygrad import Tensor, nn, optim
from lazygrad.errors import DtypeError, GradError, JitError, SharingError
from lazygrad.utils import dlpack


class Foreign:
    """Another library's array: as PyTorch's tensors, of float16, float64, ..., or bfloat16."""

    def __init__(self, values: Any, dtype: Any = None, tracked: bool = False) -> None:
        self.values, self.tracked = np.asarray(values), tracked
        self.dtype = dtype or self.values.dtype
        self.shape = self.values.shape

    def detach(self) -> Foreign:
        return Foreign(self.values, self.dtype)

    def cpu(self) -> Foreign:
        return self

    def float(self) -> Foreign:
        return Foreign(self.values.astype(np.float32))

    def __array__(self, dtype: Any = None, copy: Any = None) -> Any:
        if self.tracked or str(self.dtype) == "torch.bfloat16":
            raise RuntimeError("not like this")
        return self.values

    def __dlpack__(self, **options: Any) -> Any:
        return self.values.__dlpack__(**options)

    def __dlpack_device__(self) -> Any:
        return self.values.__dlpack_device__()


class OnlyDlpack:
    """One that knows nothing of NumPy."""

    def __init__(self, values: Any) -> None:
        self.values = np.asarray(values)

    def __dlpack__(self, **options: Any) -> Any:
        return self.values.__dlpack__(**options)

    def __dlpack_device__(self) -> Any:
        return self.values.__dlpack_device__()


class Elsewhere(OnlyDlpack):
    def __dlpack__(self, **options: Any) -> Any:
        raise BufferError("on another device")


@pytest.mark.parametrize("make", [Tensor, lazygrad.tensor])
@pytest.mark.parametrize("dtype", ["float64", "float16", "int32", "bool"])
def test_arrays_of_other_libraries_keep_their_dtype(make: Any, dtype: str, device: str) -> None:
    found = make(Foreign(np.array([0, 1], dtype), tracked=True), device=device)
    assert (found.dtype.name, found.tolist(), found.device) == (dtype, [0, 1], device)
    assert make(OnlyDlpack(np.array([0, 1], dtype)), device=device).dtype.name == dtype


def test_their_bfloat16_is_ours() -> None:
    given = Foreign(np.array([1.5, 2.0], np.float32), "torch.bfloat16")
    assert (Tensor(given).dtype.name, Tensor(given).tolist()) == ("bfloat16", [1.5, 2.0])
    assert Tensor(given, dtype="float32").dtype.name == "float32"


def test_from_dlpack(device: str) -> None:
    found = lazygrad.from_dlpack(np.arange(3, dtype=np.int16), device=device)
    assert (found.dtype.name, found.tolist(), found.device) == ("int16", [0, 1, 2], device)
    assert dlpack.from_dlpack is lazygrad.from_dlpack
    with pytest.raises(DtypeError, match=r"\[from_dlpack\] takes what has __dlpack__\(\), got 3"):
        lazygrad.from_dlpack(3)
    with pytest.raises(DtypeError, match="cannot take the values of a .*: on another device"):
        lazygrad.from_dlpack(Elsewhere([1]))


def test_to_dlpack(device: str) -> None:
    x = Tensor([1.5, 2.5], device=device)
    found = np.from_dlpack(x)
    assert (found.dtype, found.tolist()) == (np.float32, [1.5, 2.5])
    assert x.__dlpack_device__() == (1, 0)
    assert type(dlpack.to_dlpack(x)).__name__ == "PyCapsule"
    with pytest.raises(GradError, match="requires a gradient is not handed over; detach"):
        np.from_dlpack(Tensor([1.0], requires_grad=True))
    with pytest.raises(DtypeError, match="bfloat16 cannot be handed over"):
        np.from_dlpack(x.bfloat16())


@pytest.mark.parametrize("copy", [None, True])
def test_as_an_array(copy: bool | None, device: str) -> None:
    x = Tensor([1, 2], device=device)
    assert np.asarray(x, dtype=np.float64).dtype == np.float64
    array = x.__array__(copy=copy)
    array[0] = 7
    x[1] = 8
    assert (x.tolist(), array.tolist()) == ([1, 8], [7, 2])  # a copy
    assert x.__array__(np.float32, copy=copy).dtype == np.float32


@pytest.mark.parametrize("dtype", ["bool", "uint8", "int64", "float16", "float32", "float64"])
def test_all_ways_to_an_array_agree(dtype: str, device: str) -> None:
    x = Tensor([[0, 1, 1], [1, 0, 2]], device=device).cast(dtype)
    for found in (np.asarray(x), x.__array__(), np.from_dlpack(x), np.array(x)):
        assert found.dtype == x.numpy().dtype
        np.testing.assert_array_equal(found, x.numpy())


def test_an_array_without_a_copy() -> None:
    """It shows the value at the time, whatever becomes of the tensor and its memory."""
    x = Tensor([1.0, 2.0], device="CPU") + 1
    shown = x.__array__(copy=False)
    again = x.__array__(np.float32, copy=False)
    assert np.shares_memory(shown, again)
    for array in (shown, again):
        with pytest.raises(ValueError, match=r"read-only|cannot set WRITEABLE"):
            array.flags.writeable = True
            array[0] = 5
    x += 1
    x.realize()
    del x
    others = [Tensor([7.0, 7.0], device="CPU").realize() for _ in range(8)]  # in freed memory
    assert (shown.tolist(), len(others)) == ([2, 3], 8)


def test_a_step_that_is_replayed_leaves_arrays_alone() -> None:
    x = Tensor([0.0], device="CPU")

    @lazygrad.jit
    def step() -> Tensor:
        x.add_(1)
        return x * 2

    shown = [step().__array__(copy=False) for _ in range(6)]
    assert [array.item() for array in shown] == [2, 4, 6, 8, 10, 12]


def test_where_nothing_can_be_shared() -> None:
    x = Tensor([1.0], device="CPU")
    with pytest.raises(SharingError, match=r"\[array\] a float32 .* of float64; leave out copy"):
        x.__array__(np.float64, copy=False)
    with pytest.raises(SharingError, match=r"\[array\] a bfloat16 tensor on CPU is copied"):
        x.bfloat16().__array__(copy=False)
    with pytest.raises(SharingError, match=r"\[from_dlpack\] values are copied always"):
        lazygrad.from_dlpack(np.ones(2), copy=False)
    with pytest.raises(SharingError, match=r"\[asarray\] these values are copied"):
        lazygrad.asarray(np.ones(2), copy=False)
    assert lazygrad.asarray(x, copy=False) is x
    with pytest.raises(JitError):
        lazygrad.jit(lambda: x.__array__(copy=False))()


@pytest.mark.gpu
def test_memory_of_a_gpu_is_not_shared() -> None:
    with pytest.raises(SharingError, match=r"\[dlpack\] a float32 tensor on GPU is copied"):
        Tensor([1.0], device="GPU").__dlpack__(copy=False, max_version=(1, 0))


@pytest.mark.parametrize("dtype", ["float32", "bfloat16", "bool", "uint8"])
def test_pickled(dtype: str, device: str) -> None:
    found = pickle.loads(pickle.dumps(Tensor([[0, 1]], dtype=dtype, device=device)))
    assert (found.dtype.name, found.tolist(), found.device) == (dtype, [[0, 1]], device)


def test_pickled_leaves_and_results() -> None:
    param = nn.Parameter([1.0, 2.0])
    found = pickle.loads(pickle.dumps([param, param, param * 2, nn.Parameter([1.0], False)]))
    assert type(found[0]) is nn.Parameter
    assert found[0] is found[1]
    assert found[0].requires_grad and found[0].is_leaf
    assert (found[2].tolist(), found[2].is_leaf) == ([2, 4], True)
    assert not found[3].requires_grad


def trained(model: nn.Module, optimizer: optim.Optimizer) -> list[Any]:
    for _ in range(2):
        optimizer.zero_grad()
        model(Tensor([[1.0, 2.0]])).square().sum().backward()
        optimizer.step()
    return [param.tolist() for param in model.parameters()]


@pytest.mark.parametrize("way", ["pickle", "deepcopy"])
def test_a_model_and_its_optimizer_go_on_together(way: str) -> None:
    model = nn.Sequential(nn.Linear(2, 3), nn.ReLU(), nn.Linear(3, 1))
    optimizer = optim.Adam(model.parameters(), lr=0.1)
    trained(model, optimizer)
    pair = (model, optimizer)
    again = copy.deepcopy(pair) if way == "deepcopy" else pickle.loads(pickle.dumps(pair))
    assert again[1].param_groups[0]["params"] == list(again[0].parameters())
    before = trained(*pair)
    assert trained(*again) == before
    again[1].param_groups[0]["lr"] = 0.0
    assert trained(*again) == before


def test_copied() -> None:
    x = Tensor([1.0], requires_grad=True)
    other = copy.copy(x)
    assert other is not x
    assert (other.tolist(), other.requires_grad) == ([1.0], True)


def test_a_state_dict_of_other_arrays_is_loaded() -> None:
    model = nn.Linear(2, 1)
    model.load_state_dict({"weight": Foreign([[1.0, 2.0]], tracked=True), "bias": Foreign([3.0])})
    assert (model.weight.tolist(), model.bias.tolist()) == ([[1, 2]], [3])
