"""PoCL's shortcomings: a missing linker ends the process, an unknown processor the compilation."""

import ctypes
import os
import platform
import subprocess
import sys
from functools import partial
from pathlib import Path

import pytest

pytest.importorskip("pyopencl", reason="pyopencl is not installed")

from lazygrad.config import config
from lazygrad.errors import DeviceError
from lazygrad_opencl import OpenCLBackend, device as devices, pocl

ZEN3 = frozenset({"sse4_2", "ssse3", "avx2", "fma", "bmi2", "f16c"})
ZEN5 = ZEN3 | pocl.ICE_LAKE


def found_pocl() -> object:
    found = [d for d in devices.all_devices() if pocl.is_pocl(d)]
    if not found:
        pytest.skip("PoCL is not among the devices")
    return found[0]


def test_a_missing_linker_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    """The PATH itself stays: PoCL may still be compiling what an earlier test has launched."""
    name = found_pocl().name
    monkeypatch.setattr(pocl, "which", lambda program: None)
    with pytest.raises(DeviceError, match="finds no `ld` on the PATH.*apt-get install gcc"):
        devices.select(name)


def test_a_linker_that_does_not_link_is_named(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    name = found_pocl().name
    broken = tmp_path / "ld"
    broken.write_text("#!/bin/sh\necho cannot find -lgcc >&2; exit 1\n")
    broken.chmod(0o700)
    env = os.environ | {"PATH": f"{tmp_path}:{os.environ['PATH']}", "POCL_KERNEL_CACHE": "0"}
    monkeypatch.setattr(pocl, "which", lambda program: str(broken))
    monkeypatch.setattr(pocl, "run", partial(subprocess.run, env=env))
    monkeypatch.setattr(pocl, "LIBRARIES", [()])
    with pytest.raises(DeviceError, match="cannot use .*/ld:(.|\n)*cannot find -lgcc"):
        devices.select(name)


def test_a_linker_in_an_unusual_place_is_tried(monkeypatch: pytest.MonkeyPatch) -> None:
    name = found_pocl().name
    monkeypatch.setattr(pocl, "LIBRARIES", [()])
    assert devices.select(name).name == name


def test_only_pocl_is_pocl() -> None:
    class Platform:
        name = "A vendor's OpenCL"

    class Device:
        platform = Platform()

    assert not pocl.is_pocl(Device())


class Record:
    """Memory like that of a device's record: some numbers, then two pointers to strings."""

    def __init__(self, processor: bytes) -> None:
        self.triple = ctypes.create_string_buffer(b"x86_64-unknown-linux-gnu")
        self.processor = ctypes.create_string_buffer(processor, 24)
        places = [ctypes.addressof(text) for text in (self.triple, self.processor)]
        self.fields = (ctypes.c_uint64 * 256)(0, 7, 1 << 63, *places)
        self.address = ctypes.addressof(self.fields)


@pytest.mark.skipif(
    (sys.platform, platform.machine()) != ("linux", "x86_64"),
    reason="PoCL's processor is corrected on Linux on x86-64",
)
@pytest.mark.parametrize(
    ("believed", "flags", "corrected"),
    [
        ("generic", ZEN5, "icelake-server"),
        ("generic", ZEN3 | pocl.AVX512, "skylake-avx512"),
        ("generic", ZEN3, "haswell"),
        ("generic", frozenset(), "generic"),
        ("znver3", ZEN5, "icelake-server"),  # Zen 4
        ("znver3", ZEN3, "znver3"),
        ("sapphirerapids", ZEN5, "sapphirerapids"),
    ],
)
def test_the_processor_is_corrected(
    monkeypatch: pytest.MonkeyPatch, believed: str, flags: frozenset[str], corrected: str
) -> None:
    monkeypatch.setattr(pocl, "_flags", lambda: flags)
    record = Record(believed.encode())
    assert pocl._correct_name(record.address, write=False) == believed
    assert record.processor.value == believed.encode()
    assert pocl._correct_name(record.address, write=True) == corrected
    assert record.processor.value == corrected.encode()


def test_a_record_of_another_form_is_left_alone() -> None:
    fields = (ctypes.c_uint64 * 256)(*range(256))
    assert pocl._correct_name(ctypes.addressof(fields), write=True) == ""
    assert list(fields) == list(range(256))


class Device:
    """Of which only the record matters."""

    int_ptr = 0


def test_an_unknown_processor_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pocl, "_correct_name", lambda record, write: pocl.UNKNOWN)
    with pytest.raises(DeviceError, match="newer PoCL"):
        pocl.correct_processor(Device())


def test_a_setting_leaves_the_processor_as_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    written: list[bool] = []
    monkeypatch.setattr(pocl, "_correct_name", lambda record, write: written.append(write) or "")
    pocl.correct_processor(Device())
    with config(correct_processor=False):
        pocl.correct_processor(Device())
    assert written == [True, False]


def test_the_processor_is_corrected_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing that only asks writes into PoCL's memory."""
    found_pocl()
    calls: list[object] = []
    correct = pocl.correct_processor
    monkeypatch.setattr(
        pocl, "correct_processor", lambda device: calls.append(device) or correct(device)
    )
    backend = OpenCLBackend()
    assert backend.fingerprint == backend.fingerprint
    assert backend.processor in backend.fingerprint
    assert len(calls) == 1
