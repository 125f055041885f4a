"""The devices that tests run on, and how tests that share compiled programs stay together."""

from __future__ import annotations

import importlib.util

import pytest

NEEDS = {"CPU": "numpy", "GPU": "pyopencl"}


def marks_of(device: str) -> list[pytest.MarkDecorator]:
    """Skipped, with the reason, only where the device's library is missing."""
    library = NEEDS[device]
    missing = importlib.util.find_spec(library) is None
    marks = [pytest.mark.skipif(missing, reason=f"{library} is not installed")]
    return marks + [pytest.mark.gpu] * (device == "GPU")


def on_one_worker(name: str) -> pytest.MarkDecorator:
    """For tests that share what takes long to make: with ``--dist loadgroup`` one worker of
    pytest-xdist runs all tests of a name, and makes it once."""
    return pytest.mark.xdist_group(name)
