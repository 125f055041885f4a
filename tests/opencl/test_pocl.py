"""PoCL's shortcomings: a missing linker ends the process, an unknown processor the compilation."""

import ctypes
import platform
import sys

import pytest

pytest.importorskip("pyopencl", reason="pyopencl is not installed")

from lazygrad.errors import DeviceError
from lazygrad_opencl import device as devices, pocl

ZEN3 = frozenset({"sse4_2", "ssse3", "avx2", "fma", "bmi2", "f16c"})
ZEN5 = ZEN3 | pocl.ICE_LAKE


def found_pocl() -> object:
    found = [d for d in devices.all_devices() if pocl.is_pocl(d)]
    if not found:
        pytest.skip("PoCL is not among the devices")
    return found[0]


def test_a_missing_linker_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    name = found_pocl().name
    monkeypatch.setattr(pocl, "which", lambda *args, **options: None)
    with pytest.raises(DeviceError, match="binutils"):
        devices.select(name)


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
    assert pocl.name_processor(record.address) == corrected
    assert record.processor.value == corrected.encode()


def test_a_record_of_another_form_is_left_alone() -> None:
    fields = (ctypes.c_uint64 * 256)(*range(256))
    assert pocl.name_processor(ctypes.addressof(fields)) == ""
    assert list(fields) == list(range(256))


def test_an_unknown_processor_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    class Device:
        int_ptr = 0

    monkeypatch.setattr(pocl, "name_processor", lambda record: pocl.UNKNOWN)
    with pytest.raises(DeviceError, match="newer PoCL"):
        pocl.safe_lanes(Device())
