"""Devices under PyTorch's names."""

from __future__ import annotations

import pytest

import lazygrad
from lazygrad import Tensor, accelerator, backends, config, cuda, nn
from lazygrad.errors import DeviceError
from lazygrad.runtime import cache


def test_names_of_devices() -> None:
    for name in ("cuda", "cuda:0", "CUDA", "GPU", "gpu", "opencl"):
        assert lazygrad.device(name).type == "cuda" or name in ("gpu",)
        assert Tensor([1], device=name).device == "GPU"
    assert lazygrad.device("cpu") == lazygrad.device("cpu", 0) == Tensor([1], device="CPU").device
    assert lazygrad.device("cuda").index is None
    with pytest.raises(DeviceError, match=r"\[Tensor\] cuda:1 is not there.*OPENCL_DEVICE"):
        Tensor([1], device="cuda:1")
    with pytest.raises(DeviceError, match="unknown backend 'tpu'.*CPU, GPU"):
        Tensor([1], device="tpu")


def test_tensors_move_between_them() -> None:
    x = Tensor([1.0, 2.0], device="CPU")
    y = x.cuda()
    assert (x.is_cuda, y.is_cuda, y.device.type, x.device.type) == (False, True, "cuda", "cpu")
    assert y.cpu().tolist() == x.tolist()
    assert x.cpu() is x
    assert (lazygrad.get_device(x), y.get_device()) == (-1, 0)
    assert y.cuda(0) is y
    module = nn.Linear(1, 1)
    for named in (None, 0, "cuda", "cuda:0", lazygrad.device("cuda"), y.device):
        assert x.cuda(named).device == module.cuda(named).weight.device == "GPU"
    for other in ("cpu", 1, "cuda:1", x.device):
        with pytest.raises(DeviceError, match="is not the GPU|is not there"):
            x.cuda(other)
    assert x.to("cuda", non_blocking=True).device == y.device == lazygrad.device("cuda")
    assert x.to(lazygrad.device("cpu")) is x
    assert x.to("cpu", lazygrad.float64).dtype.name == "float64"
    copy = x.to(dtype=lazygrad.float32, copy=True)
    copy.add_(1)
    assert x.tolist() == [1, 2]


def test_a_module_moves_in_one_plan() -> None:
    with config(backend="CPU"):
        module = nn.Sequential(*[nn.Linear(2 + i, 3 + i) for i in range(5)])
    cache.clear()
    misses = cache.statistics.misses
    module.to("GPU")
    assert cache.statistics.misses == misses + 1
    assert {parameter.device for parameter in module.parameters()} == {"GPU"}


def test_copies_of_copies_take_a_plan_for_each_way() -> None:
    x = [Tensor([float(i)], device="CPU") for i in range(3)]
    there = [(v + 1).to("GPU") for v in x]
    back = [(v * 2).to("CPU") for v in there]
    cache.clear()
    misses = cache.statistics.misses
    total = there[0].to("CPU") + sum(back, back[0])
    assert total.tolist() == [1 + 2 + 2 + 4 + 6]
    assert cache.statistics.misses == misses + 3  # there, back, and the sum


def test_whether_there_is_a_gpu() -> None:
    """PoCL computes on the CPU: it is used as a GPU where BACKEND says so."""
    from lazygrad.runtime import registry

    found = registry.backend("GPU").target.is_gpu
    with config(backend="CPU"):
        assert cuda.is_available() == accelerator.is_available() == found
        assert cuda.device_count() == accelerator.device_count() == int(found)
        assert (accelerator.current_accelerator() is not None) == found
    with config(backend="GPU"):
        assert cuda.is_available()
        current = accelerator.current_accelerator()
        assert current is not None
        assert current.type == "cuda"
        assert cuda.get_device_name()


def test_what_is_accepted_and_changes_nothing() -> None:
    cuda.empty_cache()
    cuda.synchronize()
    cuda.set_device(0)
    cuda.manual_seed_all(3)
    assert cuda.current_device() == accelerator.current_device_index() == 0
    x = Tensor([1.0])
    assert x.pin_memory() is x.share_memory_() is x
    assert not (x.is_pinned() or x.is_shared() or x.is_inference())
    backends.cudnn.benchmark = True
    backends.cuda.matmul.allow_tf32 = True
    assert not backends.mps.is_available()
    assert not backends.cudnn.is_built()
