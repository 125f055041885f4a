"""PoCL, the OpenCL driver for CPUs that pip installs, and what must be known to live with it."""

from __future__ import annotations

import platform
import struct
import sys
from contextlib import suppress
from glob import glob
from itertools import pairwise
from shutil import which
from subprocess import run
from typing import Any

from lazygrad.plugin import DeviceError, settings

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

# What every program is linked with, and where most systems install it.
LIBRARIES = (
    ("/usr/lib/gcc/*/*/libgcc.a", "/usr/lib64/gcc/*/*/libgcc.a"),
    ("/usr/lib/*/libc.so", "/usr/lib64/libc.so", "/usr/lib/libc.so"),
)
TRIAL = """
import numpy, pyopencl as cl
platforms = [p for p in cl.get_platforms() if "portable computing language" in p.name.lower()]
context = cl.Context(platforms[0].get_devices()[:1])
queue = cl.CommandQueue(context)
program = cl.Program(context, "__kernel void trial(__global int *a) { a[0] = 1; }")
found, memory = numpy.zeros(1, "i"), cl.Buffer(context, cl.mem_flags.READ_WRITE, 4)
program.build(cache_dir=False).trial(queue, (1,), None, memory)
cl.enqueue_copy(queue, found, memory)
assert found[0] == 1
"""


def is_pocl(device: Any) -> bool:
    return "portable computing language" in device.platform.name.lower()


def require_linker() -> None:
    """PoCL calls the system's linker for every function, with the libraries of C and its compiler,
    and ends the process where that fails. Where they are not in their usual places, another process
    tries first.

    Raises:
        DeviceError: it cannot link.
    """
    linker = which("ld")
    if linker is not None and all(any(map(glob, places)) for places in LIBRARIES):
        return
    problem = "finds no `ld` on the PATH"
    if linker is not None:
        tried = run([sys.executable, "-c", TRIAL], capture_output=True, text=True, check=False)
        if tried.returncode == 0:
            return
        problem = f"cannot use {linker}:\n{tried.stderr.strip()}\n"
    raise DeviceError(
        f"[opencl] PoCL needs a linker and {problem}; install one with the libraries of C "
        "(Debian: apt-get install gcc libc6-dev), or use BACKEND=CPU"
    )


def correct_processor(device: Any) -> str:
    """The processor that PoCL compiles for, after its correction in PoCL's memory; empty if that is
    not known. ``LAZYGRAD_CORRECT_PROCESSOR=0`` leaves it as it is.

    The wheel's LLVM is of 2022. It does not know Zen 5, so that nothing compiles at all ("unknown
    target CPU 'generic'", https://github.com/pocl/pocl/issues/1049), and takes Zen 4 for Zen 3,
    without AVX-512. PoCL offers no setting for it; but the name is a string that the device's
    record points to, beside the target's, and PoCL reads it when it compiles.

    Raises:
        DeviceError: PoCL cannot compile for this processor at all.
    """
    name = _correct_name(device.int_ptr, write=settings.correct_processor)
    if name == UNKNOWN:
        raise DeviceError(
            "[opencl] PoCL's compiler is older than this processor, and refuses to compile for it; "
            "install a newer PoCL, choose another device with OPENCL_DEVICE, or use BACKEND=CPU"
        )
    return name


def safe_lanes(device: Any, processor: str) -> int:
    """Floats in the widest vector that kernels may use.

    PoCL links built-in functions for the registers that the machine has, and compiles kernels for
    the registers of the ``processor`` that it believes to see. Where the two differ, built-in
    functions get wide vectors in another way than they expect, and crash.
    """
    widest = WIDE if processor.startswith(WITH_AVX512) else NARROW
    return min(widest, device.native_vector_width_float)


def _correct_name(record: int, *, write: bool) -> str:
    """The name that a device's ``record`` (an address) points to, after a better one was written
    in its place."""
    if platform.machine() != "x86_64" or platform.system() != "Linux":
        return ""
    with suppress(OSError), open("/proc/self/mem", "r+b", buffering=0) as memory:
        place = _place_of_name(memory, record)
        old = _read(memory, place, LONGEST).partition(b"\0")[0].decode(errors="replace")
        best = _best_processor(old) if write else old
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
