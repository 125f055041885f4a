"""Compiled plans on disk: found by the next process, and never a reason to fail."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

import lazygrad
from lazygrad import Tensor, jit
from lazygrad.folders import cache_folder
from lazygrad.inspect import jit_kernels, plan_cache
from lazygrad.runtime import cache, disk


@pytest.fixture(autouse=True)
def folder(tmp_path: Path) -> Iterator[Path]:
    """An empty cache folder, in use."""
    with lazygrad.config(cache=True, cache_dir=str(tmp_path)):
        cache.clear()
        yield tmp_path / "compiled"
        cache.clear()


def files(folder: Path) -> list[Path]:
    return sorted(folder.iterdir()) if folder.exists() else []


# -- the store ----------------------------------------------------------------------------------


def test_what_was_put_is_got() -> None:
    assert disk.get("key") is None
    disk.put("key", b"value")
    assert disk.get("key") == b"value"
    assert disk.get(("key",)) is None


@pytest.mark.parametrize("content", [b"", b"short", b"\0" * 32 + b"value"])
def test_a_damaged_file_is_a_miss_and_goes(folder: Path, content: bytes) -> None:
    disk.put("key", b"value")
    (file,) = files(folder)
    file.write_bytes(content)
    assert disk.get("key") is None
    assert files(folder) == []


def test_a_folder_that_cannot_be_made_is_a_miss(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with lazygrad.config(cache_dir=str(tmp_path / "file")):
        disk.put("key", b"value")
        assert disk.get("key") is None


def test_the_folder_is_the_users_alone(folder: Path) -> None:
    disk.put("key", b"value")
    assert os.name != "posix" or folder.stat().st_mode & 0o077 == 0


def test_the_least_recently_used_go_first(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(disk, "LIMIT", 10 * (1000 + disk.DIGEST))
    for number in range(10):
        disk.put(number, bytes(1000))
        os.utime(disk._place(number), (number, number))
    assert disk.get(0) is not None  # now it is the latest
    disk.put("more", bytes(1000))
    kept = [number for number in range(10) if disk.get(number) is not None]
    assert kept == [0, 5, 6, 7, 8, 9]
    assert sum(file.stat().st_size for file in files(folder)) <= disk.LIMIT


def test_writers_do_not_disturb_each_other(folder: Path) -> None:
    values = [bytes([number]) * 100_000 for number in range(8)]

    def write(value: bytes) -> None:
        for _ in range(20):
            disk.put("key", value)
            assert disk.get("key") in values

    threads = [threading.Thread(target=write, args=(value,)) for value in values]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(files(folder)) == 1


def test_the_folder_follows_the_users_cache(monkeypatch: pytest.MonkeyPatch) -> None:
    with lazygrad.config(cache_dir=None):
        monkeypatch.setenv("XDG_CACHE_HOME", "/somewhere")
        assert cache_folder("data") == Path("/somewhere/lazygrad/data")
        monkeypatch.setenv("XDG_CACHE_HOME", "relative is invalid")
        assert cache_folder("data") == Path.home() / ".cache/lazygrad/data"


# -- plans --------------------------------------------------------------------------------------


def computed(device: str) -> np.ndarray:
    """A convolution, a softmax over a gather, and a value that is asked for twice."""
    rng = np.random.default_rng(0)
    x = Tensor(rng.standard_normal((2, 3, 9, 9)).astype(np.float32), device=device)
    w = Tensor(rng.standard_normal((4, 3, 3, 3)).astype(np.float32), device=device)
    index = Tensor(np.array([2, 0, 1]), device=device)
    y = x.conv2d(w, padding=1).relu().max_pool2d(2).flatten(1)
    return (y[:, index].softmax(-1) + y.sum()).numpy()


def test_a_plan_is_found_again(device: str, folder: Path) -> None:
    first = computed(device)
    written = files(folder)
    assert written
    before = plan_cache().from_disk
    cache.clear()
    np.testing.assert_array_equal(computed(device), first)
    assert plan_cache().from_disk > before
    assert files(folder) == written


def test_a_plan_from_disk_still_shows_its_kernels(device: str) -> None:
    def names() -> list[str]:
        function = jit(lambda x: x.softmax(-1) @ x)
        function(Tensor(np.ones((8, 8), np.float32), device=device))
        return [kernel.name for kernel in jit_kernels(function)]

    first = names()
    cache.clear()
    before = plan_cache().from_disk
    assert names() == first
    assert plan_cache().from_disk == before + 1


def test_a_deep_plan_is_kept(device: str) -> None:
    """Expressions as deep as a kernel may be are written and read without deep recursion."""

    def deep() -> np.ndarray:
        x = Tensor(np.full(4, 0.5, np.float32), device=device)
        for _ in range(2000):
            x = x.sin() + 0.25
        return x.numpy()

    first = deep()
    cache.clear()
    before = plan_cache().from_disk
    np.testing.assert_array_equal(deep(), first)
    assert plan_cache().from_disk == before + 1


def test_a_file_that_is_no_plan_is_planned_anew(device: str, folder: Path) -> None:
    first = computed(device)
    keys = []
    for file in files(folder):
        keys.append(file)
        disk._write(file, disk.sha256(b"nonsense").digest() + b"nonsense")
    cache.clear()
    np.testing.assert_array_equal(computed(device), first)


def test_other_settings_are_other_plans(device: str, folder: Path) -> None:
    first = computed(device)
    count = len(files(folder))
    with lazygrad.config(fuse=False):
        np.testing.assert_allclose(computed(device), first, rtol=1e-5)
    assert len(files(folder)) > count


@pytest.mark.parametrize("setting", [{"cache": False}, {"debug": 3}, {"verify": True}])
def test_whoever_looks_inside_gets_a_plan_of_this_run(
    device: str, folder: Path, setting: dict[str, object]
) -> None:
    with lazygrad.config(**setting):
        computed(device)
    assert not [file for file in files(folder) if b"Recipe" in file.read_bytes()]


@pytest.mark.slow
def test_processes_share_what_they_compile(device: str, folder: Path) -> None:
    """Two at once on an empty folder, then one that finds everything."""
    code = (
        "from lazygrad import Tensor\n"
        "from lazygrad.inspect import plan_cache\n"
        "y = Tensor.full((64, 64), 0.5).softmax(-1) @ Tensor.ones((64, 64))\n"
        "print(float(y.sum().item()), plan_cache().from_disk, plan_cache().misses)\n"
    )
    env = {**os.environ, "BACKEND": device, "LAZYGRAD_CACHE": "1"}
    env["LAZYGRAD_CACHE_DIR"] = str(folder.parent)
    run = [sys.executable, "-c", code]
    pair = [subprocess.Popen(run, env=env, stdout=subprocess.PIPE, text=True) for _ in range(2)]
    assert {process.communicate()[0].split()[0] for process in pair} == {"4096.0"}
    third = subprocess.run(run, env=env, capture_output=True, text=True, check=True).stdout.split()
    assert third[0] == "4096.0" and third[1] == third[2] != "0"
