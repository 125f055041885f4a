"""Which OpenCL device to use, and what it tells about itself."""

from __future__ import annotations

from typing import Any

from lazygrad.plugin import DeviceError, Target, available_cores, settings
from lazygrad_opencl import pocl
from lazygrad_opencl.driver import cl
from lazygrad_opencl.prelude import Dialect

GPU_LANES = 4  # 16 bytes: the widest load of a work-item
LOOK = 5e-5  # seconds until the host knows that a queue has ended


def select(wanted: str | None) -> Any:
    """The device named by ``wanted`` (its number in the list, or a part of its name or of its
    platform's, in upper or lower case), or else the first GPU, or else the first device.

    Raises:
        DeviceError: no such device (the message lists what there is), or one that cannot compile.
    """
    chosen = _named(wanted, all_devices())
    if pocl.is_pocl(chosen):
        pocl.require_linker()
    return chosen


def _named(wanted: str | None, devices: list[Any]) -> Any:
    if wanted is None:
        return min(devices, key=_preference)
    if wanted.isdigit() and int(wanted) < len(devices):
        return devices[int(wanted)]
    named = [device for device in devices if wanted.strip().lower() in _names(device)]
    if wanted.isdigit() or not named:
        raise DeviceError(f"[opencl] OPENCL_DEVICE={wanted!r} names no device; {_listed(devices)}")
    return min(named, key=_preference)


def _names(device: Any) -> str:
    """All that users may call a device: PoCL's usual name is in its version only."""
    platform = device.platform
    names = (device.name, device.vendor, platform.name, platform.vendor, platform.version)
    return "\n".join(names).lower()


def all_devices() -> list[Any]:
    """Every device of every platform.

    Raises:
        DeviceError: there is no platform, or no device.
    """
    try:
        platforms = cl.get_platforms()
    except cl.Error as error:
        raise DeviceError(
            f"[opencl] no OpenCL platform ({error}); install your GPU's driver, or PoCL for "
            "CPUs by `pip install lazygrad[opencl]`, or use BACKEND=CPU"
        ) from None
    devices = []
    for platform in platforms:
        try:
            devices += platform.get_devices()
        except cl.Error:  # a platform without a device is no error while another one has some
            continue
    if not devices:
        names = ", ".join(platform.name for platform in platforms) or "none"
        raise DeviceError(
            f"[opencl] no device on the OpenCL platforms there are ({names}); "
            "check the driver, or use BACKEND=CPU"
        )
    return devices


def _preference(device: Any) -> tuple[int, int]:
    """GPUs first, the larger ones first."""
    order = {cl.device_type.GPU: 0, cl.device_type.ACCELERATOR: 1, cl.device_type.CPU: 2}
    return order.get(device.type & 0xE, 3), -device.max_compute_units


def _listed(devices: list[Any]) -> str:
    rows = (f"{i}: {d.name.strip()} ({d.platform.name})" for i, d in enumerate(devices))
    return "devices: " + "; ".join(rows)


def is_cpu(device: Any) -> bool:
    """Whether to schedule as for a CPU: what the device says, unless LAZYGRAD_OPENCL_TYPE does."""
    if settings.opencl_type is not None:
        return settings.opencl_type == "CPU"
    return bool(device.type & cl.device_type.CPU)


def target_of(device: Any, processor: str = "") -> Target:
    """What code generation needs to know about ``device``, whose compiler knows its ``processor``
    by this name."""
    float64 = "cl_khr_fp64" in device.extensions
    if is_cpu(device):
        native = device.native_vector_width_float
        lanes = max(1, pocl.safe_lanes(device, processor) if pocl.is_pocl(device) else native)
        return Target(
            units=device.max_compute_units,
            lanes=lanes,
            registers=32 if lanes >= 16 else 16,  # AVX-512 has both: wider ones, and more of them
            float64=float64,
            workers=device.max_compute_units if _takes_turns(device) else 0,
            buffers=_buffers(device),
            allocation=device.max_mem_alloc_size,
            alignment=_alignment(device),
            look=LOOK,
        )
    return Target(
        units=device.max_compute_units,
        lanes=GPU_LANES,
        is_gpu=True,
        cache=device.local_mem_size,
        local_memory=device.local_mem_size,
        max_group=device.max_work_group_size,
        float64=float64,
        float16="cl_khr_fp16" in device.extensions,
        buffers=_buffers(device),
        allocation=device.max_mem_alloc_size,
        alignment=_alignment(device),
        look=LOOK,
    )


def _buffers(device: Any) -> int:
    """Pieces of memory that fit among the arguments of a kernel function, beside what ``program``
    gives it: two ints, zeros and counters."""
    pointers: int = (device.max_parameter_size - 2 * 4) // (device.address_bits // 8)
    return pointers - 2


def _alignment(device: Any) -> int:
    """Bytes; no two parts of memory have a line of the processor's caches in common."""
    return max(Target.alignment, device.mem_base_addr_align // 8)


def dialect_of(device: Any, target: Target) -> Dialect:
    """How programs for ``device`` are spelled."""
    cpu = is_cpu(device)
    return Dialect(
        packed=cpu, calls=cpu, functions=cpu, workers=target.workers, bits=32 * target.lanes
    )


def _takes_turns(device: Any) -> bool:
    """Whether work-items can wait for each other: each has a core."""
    return is_cpu(device) and int(device.max_compute_units) <= available_cores()


def build_options(device: Any) -> list[str]:
    """Options of every program on ``device``."""
    rounding = cl.device_fp_config.CORRECTLY_ROUNDED_DIVIDE_SQRT
    options = ["-w"]  # PoCL's compiler counts its warnings on standard error
    if device.single_fp_config & rounding:
        options.append("-cl-fp32-correctly-rounded-divide-sqrt")
    return options
