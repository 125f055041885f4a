"""What new tensors are, where nothing is said; ranges of dtypes."""

from __future__ import annotations

import pytest

import lazygrad
from lazygrad import Tensor, config, finfo, iinfo
from lazygrad.errors import DeviceError, DtypeError


def test_the_default_device() -> None:
    with config():
        lazygrad.set_default_device("cuda")
        try:
            assert Tensor([1]).device == lazygrad.get_default_device() == "GPU"
            with pytest.raises(DeviceError):
                lazygrad.set_default_device("nowhere")
        finally:
            lazygrad.set_default_device(None)
        assert Tensor([1]).device == "CPU"


def test_the_default_dtype() -> None:
    lazygrad.set_default_dtype(lazygrad.float32)
    assert lazygrad.get_default_dtype() is lazygrad.float32
    with pytest.raises(DtypeError, match=r"\[set_default_dtype\] .*got float64; give dtype="):
        lazygrad.set_default_dtype("float64")


def test_ranges_of_other_dtypes() -> None:
    assert finfo().dtype == "float32"
    assert repr(iinfo("int8")) == "iinfo(int8, min=-128, max=127)"
    assert repr(finfo("float16")).startswith("finfo(float16, min=-65504.0, max=65504.0, eps=0.0009")
    with pytest.raises(DtypeError, match=r"\[finfo\] int32 is not a dtype of floats; use iinfo"):
        finfo("int32")
    with pytest.raises(DtypeError, match=r"\[iinfo\] float32 is not a dtype of integers"):
        iinfo("float32")


def test_inference_mode() -> None:
    w = Tensor([1.0], requires_grad=True)
    with lazygrad.inference_mode():
        assert not (w * 2).requires_grad
    with lazygrad.no_grad(), lazygrad.inference_mode(False):
        assert (w * 2).requires_grad

    @lazygrad.inference_mode
    def double(x: Tensor) -> Tensor:
        return x * 2

    assert not double(w).requires_grad
    assert (w * 2).requires_grad


def test_formats_are_accepted() -> None:
    x = Tensor.zeros(2, 3, 4, 5)
    assert x.to(memory_format=lazygrad.channels_last).shape == x.shape
    assert lazygrad.Size(x.shape) == x.shape
    names = ("contiguous_format", "preserve_format", "channels_last", "channels_last_3d", "strided")
    assert all(getattr(lazygrad, name) == name for name in names)
