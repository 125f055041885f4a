"""PoCL, the OpenCL driver for CPUs that pip installs, and what must be known to live with it."""

from __future__ import annotations

import platform
import struct
from contextlib import suppress
from itertools import pairwise
from shutil import which
from typing import Any

from lazygrad.plugin import DeviceError

AVX512 = frozenset({"avx512f", "avx512bw", "avx512cd", "avx512dq", "avx512vl"})
ICE_LAKE = AVX512 | {
    *("avx512ifma", "avx512vbmi", "avx512_vbmi2", "avx512_vnni", "avx512_bitalg"),
    *("avx512_vpopcntdq", "gfni", "vaes", "vpclmulqdq", "sha_ni"),
}

# Processors that LLVM 14 knows, the best first, and which of their instructions matter.
PROCESSORS = (
    ("icelake-server", ICE_LAKE),
    ("skylake-avx512", AVX512),
    ("haswell", frozenset({"avx2", "fma", "bmi2", "f16c"})),
    ("x86-64-v2", frozenset({"sse4_2", "ssse3"})),
)

# How LLVM 14 names a processor that is newer than itself: not at all, or as its predecessor.
UNKNOWN = "generic"
OUTDATED = (UNKNOWN, "znver1", "znver2", "znver3")
LONGEST = 23  # characters of a name: malloc gives no smaller piece than 24 bytes
TRIPLE = b"x86_64-"
RECORD = 2048  # bytes of a device's record to look at; the names are found around 640

WITH_AVX512 = ("icelake", "skylake-avx512", "cascadelake", "cooperlake", "tigerlake", "sapphire")
WIDE = 16  # floats in a register of AVX-512
NARROW = 8


def is_pocl(device: Any) -> bool:
    return "portable computing language" in device.platform.name.lower()


def require_linker() -> None:
    """PoCL calls the system's linker for every kernel, and ends the process where there is none."""
    if which("ld") is None and which("ld", path="/usr/bin:/bin") is None:
        raise DeviceError(
            "[opencl] PoCL needs a linker and finds no `ld` on this machine; install one "
            "(Debian: apt-get install binutils), or use BACKEND=CPU"
        )


def safe_lanes(device: Any) -> int:
    """Floats in the widest vector that kernels may use.

    PoCL links built-in functions for the registers that the machine has, and compiles kernels for
    the registers of the processor that it believes to see. Where the two differ, built-in functions
    get wide vectors in another way than they expect, and crash.

    Raises:
        DeviceError: PoCL cannot compile for this processor at all.
    """
    name = name_processor(device.int_ptr)
    if name == UNKNOWN:
        raise DeviceError(
            "[opencl] PoCL's compiler is older than this processor, and refuses to compile for it; "
            "install a newer PoCL, choose another device with OPENCL_DEVICE, or use BACKEND=CPU"
        )
    return min(WIDE if name.startswith(WITH_AVX512) else NARROW, device.native_vector_width_float)


def name_processor(record: int) -> str:
    """The processor that PoCL compiles for, after its correction; empty if that is not known.

    The wheel's LLVM is of 2022. It does not know Zen 5, so that nothing compiles at all ("unknown
    target CPU 'generic'", https://github.com/pocl/pocl/issues/1049), and takes Zen 4 for Zen 3,
    without AVX-512. PoCL offers no setting for it; but the name is a string that the device's
    ``record`` (an address) points to, beside the target's, and PoCL reads it when it compiles.
    """
    if platform.machine() != "x86_64" or platform.system() != "Linux":
        return ""
    with suppress(OSError), open("/proc/self/mem", "r+b", buffering=0) as memory:
        place = _place_of_name(memory, record)
        old = _read(memory, place, LONGEST).partition(b"\0")[0].decode(errors="replace")
        best = _best_processor(old)
        if best != old:
            memory.seek(place)
            memory.write(best.encode() + b"\0")
        return best
    return ""


def _place_of_name(memory: Any, record: int) -> int:
    """The address of the processor's name: the string after the one that names the target."""
    fields = _read(memory, record, RECORD)
    pointers = struct.unpack(f"{len(fields) // 8}Q", fields[: len(fields) // 8 * 8])
    for target, processor in pairwise(pointers):
        if _read(memory, target, len(TRIPLE)) == TRIPLE:
            return processor
    return 0


def _read(memory: Any, address: int, count: int) -> bytes:
    """Nothing, where there is no memory: what looks like an address need not be one."""
    with suppress(OSError, ValueError, OverflowError):
        memory.seek(address)
        return bytes(memory.read(count))
    return b""


def _best_processor(old: str) -> str:
    if old not in OUTDATED:
        return old
    flags = _flags()
    best = next((name for name, needed in PROCESSORS if needed <= flags), old)
    return best if old == UNKNOWN or best.startswith(WITH_AVX512) else old


def _flags() -> frozenset[str]:
    with suppress(OSError), open("/proc/cpuinfo") as lines:
        for line in lines:
            if line.startswith("flags"):
                return frozenset(line.partition(":")[2].split())
    return frozenset()
