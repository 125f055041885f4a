"""Binaries on disk: used by the next process, and never trusted."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from lazygrad import element_types as dt
from lazygrad.config import config
from lazygrad.runtime import disk
from tests.codegen import kernels as ks

pytest.importorskip("pyopencl")
from lazygrad_opencl import OpenCLBackend, binaries

pytestmark = pytest.mark.gpu


@pytest.fixture(autouse=True)
def folder(tmp_path: Path) -> Iterator[Path]:
    with config(cache=True, cache_dir=str(tmp_path)):
        yield tmp_path / "compiled"


def copied() -> None:
    """Compiles a kernel on a fresh backend, as another process would, and runs it."""
    backend = OpenCLBackend()
    backend._binaries.is_pocl = False  # as with any driver but PoCL
    (program,) = backend.compile([ks.copy(dt.float32, 5)])
    memory = [backend.allocate(20), backend.allocate(20)]
    array, found = np.arange(5, dtype=np.float32), np.zeros(5, np.float32)
    backend.upload(memory[1], array)
    program.launch(memory)
    backend.download(memory[0], found)
    np.testing.assert_array_equal(found, array)


def files(folder: Path) -> list[Path]:
    return sorted(folder.iterdir()) if folder.exists() else []


def test_a_binary_is_kept_and_used(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    copied()
    assert len(files(folder)) == 1

    def build(*arguments: object) -> None:
        raise AssertionError("built from source")

    monkeypatch.setattr(binaries, "build", build)
    copied()
    assert len(files(folder)) == 1


def test_a_binary_that_the_driver_refuses_is_built_anew(folder: Path) -> None:
    copied()
    (file,) = files(folder)
    content = b"no program"
    disk._write(file, disk.sha256(content).digest() + content)
    copied()


def test_other_options_are_other_binaries(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    copied()
    options = binaries.Binaries.__init__

    def with_option(self: binaries.Binaries, *arguments: object) -> None:
        options(self, *arguments[:2], [*arguments[2], "-cl-mad-enable"], f"{arguments[3]} mad")

    monkeypatch.setattr(binaries.Binaries, "__init__", with_option)
    copied()
    assert len(files(folder)) == 2


def test_nothing_is_kept_where_the_cache_is_off(folder: Path) -> None:
    with config(cache=False):
        copied()
    assert files(folder) == []
