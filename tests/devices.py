"""The devices that tests run on, and how tests that share compiled programs stay together."""

from __future__ import annotations

import importlib.util
import re

import pytest

NEEDS = {"CPU": "numpy", "GPU": "pyopencl"}


def marks_of(device: str) -> list[pytest.MarkDecorator]:
    """Skipped, with the reason, only where the device's library is missing."""
    library = NEEDS[device]
    missing = importlib.util.find_spec(library) is None
    marks = [pytest.mark.skipif(missing, reason=f"{library} is not installed")]
    return marks + [pytest.mark.gpu] * (device == "GPU")


def shared(name: str, maker: str) -> str:
    """The id of a test that needs something which takes long to make: one worker of pytest-xdist
    runs all tests with the same ``maker``, and makes it once (see ``conftest``)."""
    return f"{name}@{maker}"


def unit_of(nodeid: str) -> str:
    """What must run on the same worker: the tests of a maker in a file, or the test alone."""
    found = re.search(r"@([^@\]]+)\]$", nodeid)
    return nodeid.partition("::")[0] + found[0] if found else nodeid
