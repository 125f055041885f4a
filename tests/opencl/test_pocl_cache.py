"""The folder where PoCL keeps what it compiled."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest

from lazygrad.config import config

pytest.importorskip("pyopencl")
from lazygrad_opencl import pocl_cache


@pytest.fixture
def environment(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    # set before they are removed, so that they are restored afterwards
    for name in ("POCL_CACHE_DIR", "POCL_KERNEL_CACHE"):
        monkeypatch.setenv(name, "")
        monkeypatch.delenv(name)
    return monkeypatch


def test_it_is_in_the_cache_folder(tmp_path: Path, environment: pytest.MonkeyPatch) -> None:
    with config(cache=True, cache_dir=str(tmp_path)):
        pocl_cache.prepare()
    assert os.environ["POCL_CACHE_DIR"] == str(tmp_path / "pocl")
    assert (tmp_path / "pocl").is_dir()
    assert "POCL_KERNEL_CACHE" not in os.environ


def test_a_chosen_folder_stays(tmp_path: Path, environment: pytest.MonkeyPatch) -> None:
    environment.setenv("POCL_CACHE_DIR", "/elsewhere")
    with config(cache=True, cache_dir=str(tmp_path)):
        pocl_cache.prepare()
    assert os.environ["POCL_CACHE_DIR"] == "/elsewhere"


def test_nothing_is_kept_where_the_cache_is_off(
    tmp_path: Path, environment: pytest.MonkeyPatch
) -> None:
    with config(cache=False, cache_dir=str(tmp_path)):
        pocl_cache.prepare()
    assert os.environ["POCL_KERNEL_CACHE"] == "0"
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_cannot_be_made_is_left_to_pocl(
    tmp_path: Path, environment: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").write_text("")
    with config(cache=True, cache_dir=str(tmp_path / "file")):
        pocl_cache.prepare()
    assert "POCL_CACHE_DIR" not in os.environ


def program(folder: Path, name: str, nbytes: int, days: float) -> Path:
    """A program as PoCL keeps it, last used so many days ago."""
    place = folder / name[:2] / name[2:]
    (place / "kernel").mkdir(parents=True)
    (place / "kernel" / "kernel.so").write_bytes(bytes(nbytes))
    accessed = place / "last_accessed"
    accessed.touch()
    then = time.time() - days * pocl_cache.DAY
    os.utime(accessed, (then, then))
    return place


def test_old_programs_go_first(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pocl_cache, "LIMIT", 100_000)
    places = [program(tmp_path, f"AA{days}", 40_000, days) for days in (9, 5, 3)]
    pocl_cache.trim(tmp_path)
    assert [place.exists() for place in places] == [False, False, True]


def test_what_may_be_in_use_stays(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pocl_cache, "LIMIT", 100_000)
    places = [program(tmp_path, f"AA{n}", 80_000, 0.5) for n in range(3)]
    pocl_cache.trim(tmp_path)
    assert all(place.exists() for place in places)


def test_it_looks_once_a_day(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pocl_cache.trim(tmp_path)
    monkeypatch.setattr(pocl_cache, "LIMIT", 0)
    place = program(tmp_path, "AA1", 1, 9)
    pocl_cache.trim(tmp_path)
    assert place.exists()
