"""PoCL without a linker ends the process: the backend says what to install before it gets there."""

import pytest

pytest.importorskip("pyopencl", reason="pyopencl is not installed")

from lazygrad.errors import DeviceError
from lazygrad_opencl import device as devices


def test_a_missing_linker_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    found = [d for d in devices.all_devices() if "Portable" in d.platform.name]
    if not found:
        pytest.skip("PoCL is not among the devices")
    monkeypatch.setattr(devices, "which", lambda *args, **options: None)
    with pytest.raises(DeviceError, match="binutils"):
        devices.select(found[0].name)


def test_other_platforms_need_none(monkeypatch: pytest.MonkeyPatch) -> None:
    class Platform:
        name = "A vendor's OpenCL"

    class Device:
        platform = Platform()

    monkeypatch.setattr(devices, "which", lambda *args, **options: None)
    devices._require_linker(Device())
