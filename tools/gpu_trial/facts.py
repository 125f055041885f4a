"""What the device is, and what lazygrad makes of it."""

from __future__ import annotations

from typing import Any

from .cuda import torch_on_cuda

DEVICE_FACTS = (
    "name", "vendor", "version", "driver_version", "opencl_c_version", "max_compute_units",
    "max_clock_frequency", "global_mem_size", "max_mem_alloc_size", "global_mem_cache_size",
    "local_mem_size", "max_constant_buffer_size", "max_work_group_size", "max_work_item_sizes",
    "preferred_vector_width_float", "native_vector_width_float", "preferred_vector_width_half",
    "mem_base_addr_align", "profiling_timer_resolution", "host_unified_memory", "address_bits",
    "extensions", "compute_capability_major_nv", "compute_capability_minor_nv", "warp_size_nv",
    "registers_per_block_nv", "board_name_amd", "wavefront_width_amd", "simd_per_compute_unit_amd",
)  # fmt: skip


def items() -> list[str]:
    return ["device", "lazygrad", "torch"]


def run(item: str) -> dict[str, Any]:
    return {"device": _device, "lazygrad": _lazygrad, "torch": _torch}[item]()


def _device() -> dict[str, Any]:
    """What the device says, as far as it does: drivers refuse what they do not know."""
    import pyopencl as cl

    device = _chosen()
    facts = {"platform": device.platform.name, "platform_version": device.platform.version}
    for name in DEVICE_FACTS:
        try:
            facts[name] = getattr(device, name)
        except (cl.Error, AttributeError):
            continue
    kinds = ("CPU", "GPU", "ACCELERATOR")
    return facts | {
        "type": [kind for kind in kinds if device.type & getattr(cl.device_type, kind)],
        "single_fp_config": _bits(device.single_fp_config, cl.device_fp_config),
        "pyopencl": cl.VERSION_TEXT,
    }


def _bits(value: int, names: Any) -> list[str]:
    bits = {name: getattr(names, name) for name in dir(names) if name.isupper()}
    return [name for name, bit in bits.items() if value & bit]


def _chosen() -> Any:
    from lazygrad.config import settings
    from lazygrad_opencl import device

    return device.select(settings.opencl_device)


def _lazygrad() -> dict[str, Any]:
    from lazygrad_opencl import OpenCLBackend, device

    backend = OpenCLBackend()
    return {
        "target": repr(backend.target),
        "dialect": repr(device.dialect_of(backend.device, backend.target)),
        "options": device.build_options(backend.device),
    }


def _torch() -> dict[str, Any]:
    torch, missing = torch_on_cuda()
    if torch is None:
        return {"missing": missing}
    properties = torch.cuda.get_device_properties(0)
    return {
        "version": torch.__version__,
        "device": properties.name,
        "capability": f"{properties.major}.{properties.minor}",
        "cuda": torch.version.cuda,
        "cudnn": torch.backends.cudnn.version(),
    }
