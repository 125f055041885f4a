"""Settings: from the environment or from Python; wrong ones are refused where they are given."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from lazygrad import config
from lazygrad.config import SETTINGS, Settings, read_environment, settings
from lazygrad.errors import ConfigError

REFUSED: list[tuple[dict[str, Any], str]] = [
    ({"debug": 99}, r"\[config\] debug=99: expected a level from 0 to 6"),
    ({"debug": True}, "debug=True: expected a level"),
    ({"debug": 1.0}, "debug=1.0: expected a level"),
    ({"debug": None}, "debug=None"),
    ({"fuse": "no"}, r"\[config\] fuse='no': expected 0 or 1"),
    ({"verify": 2}, "verify=2: expected 0 or 1"),
    ({"tune": None}, "tune=None: expected 0 or 1"),
    ({"cache_dir": 3}, "cache_dir=3: expected text"),
    ({"backend": None}, "backend=None: expected text"),
    ({"debgu": 1}, r"unknown setting 'debgu' \(did you mean debug\?\); known settings: backend, "),
    ({"Fuse": 1}, r"unknown setting 'Fuse' \(did you mean fuse\?\)"),
    ({"x": 1}, "unknown setting 'x'; known settings"),
]


@pytest.mark.parametrize(("changes", "message"), REFUSED)
def test_what_is_refused(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError, match=message), config(**{"dump": "x", **changes}):
        pass
    assert settings.dump is None  # nothing was set


TAKEN: list[tuple[str, Any, Any]] = [
    ("debug", 6, 6), ("debug", "4", 4), ("fuse", False, False), ("fuse", 0, False),
    ("tune", "1", True), ("cache_dir", Path("a") / "b", "a/b"), ("dump", None, None),
    ("opencl_device", "pocl", "pocl"),
]  # fmt: skip


@pytest.mark.parametrize(("name", "given", "value"), TAKEN)
def test_what_is_taken(name: str, given: Any, value: Any) -> None:
    before = getattr(settings, name)
    with config(**{name: given}) as inside:
        assert getattr(inside, name) == value
        assert type(getattr(settings, name)) is type(value)
    assert getattr(settings, name) == before


def test_the_environment_says_what_it_meant() -> None:
    with pytest.raises(ConfigError, match=r"'LAZYGRAD_FUSED' \(did you mean LAZYGRAD_FUSE\?\)"):
        read_environment({"LAZYGRAD_FUSED": "1"})
    with pytest.raises(ConfigError, match=r"LAZYGRAD_FUSE='no': expected 0 or 1"):
        read_environment({"LAZYGRAD_FUSE": "no"})
    read = read_environment({"LAZYGRAD_FUSE": "0", "BACKEND": "gpu", "LAZYGRAD_DEBUG": "3"})
    assert (read.fuse, read.backend, read.debug) == (False, "gpu", 3)


def test_one_row_a_setting() -> None:
    assert vars(read_environment({})) == vars(Settings())
    assert list(SETTINGS) == list(vars(Settings()))
