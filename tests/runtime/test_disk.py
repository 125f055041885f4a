"""Compiled plans on disk: found by the next process, and never a reason to fail."""

from __future__ import annotations

import json
import os
import pickle
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest

import lazygrad
from lazygrad import Tensor, jit
from lazygrad.folders import cache_folder
from lazygrad.inspect import kernels, plan_cache
from lazygrad.kernel.plan import Piece, Plan
from lazygrad.runtime import cache, disk, kept, registry
from lazygrad.runtime.program import Recipe, read_recipe, written
from lazygrad.runtime.records import Malformed

posix = pytest.mark.skipif(os.name != "posix", reason="files have no owners and modes here")


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


def test_a_flipped_bit_anywhere_is_a_miss(folder: Path) -> None:
    disk.put("key", b"value")
    (file,) = files(folder)
    content = file.read_bytes()
    for position in range(len(content)):
        damaged = bytearray(content)
        damaged[position] ^= 1
        file.write_bytes(damaged)
        assert disk.get("key") is None


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


@posix
def test_the_folder_is_the_users_alone(tmp_path: Path) -> None:
    with lazygrad.config(cache_dir=str(tmp_path / "new" / "base")):
        disk.put("key", b"value")
    made = [tmp_path / "new", tmp_path / "new" / "base", tmp_path / "new" / "base" / "compiled"]
    assert [folder.stat().st_mode & 0o777 for folder in made] == [0o700] * 3


def owned_by(monkeypatch: pytest.MonkeyPatch, user: int, *paths: Path) -> None:
    """Lets ``stat`` say that ``paths`` belong to ``user``."""
    stat, fstat = os.stat, os.fstat
    numbers = {stat(path).st_ino for path in paths}

    def changed(state: os.stat_result) -> os.stat_result:
        fields = list(state)
        if state.st_ino in numbers:
            fields[4] = user
        return os.stat_result(fields)

    monkeypatch.setattr(os, "stat", lambda *args, **kwargs: changed(stat(*args, **kwargs)))
    monkeypatch.setattr(os, "fstat", lambda *args: changed(fstat(*args)))


def refused(words: str) -> None:
    with pytest.warns(RuntimeWarning, match=rf"\[cache\] nothing compiled is kept.*{words}"):
        assert disk.get("key") is None
    disk.put("key", b"other")  # and says so once


OTHER = 12345  # a user


@posix
@pytest.mark.parametrize("mode", [0o770, 0o702, 0o777])
def test_a_folder_that_others_can_write_is_refused(folder: Path, mode: int) -> None:
    disk.put("key", b"value")
    folder.chmod(mode)
    refused("others can write in the folder .*chmod go-w it")
    folder.chmod(0o755)  # that others read is no harm
    assert disk.get("key") == b"value"


@posix
def test_a_folder_of_another_user_is_refused(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    disk.put("key", b"value")
    with monkeypatch.context() as changed:
        owned_by(changed, OTHER, folder)
        refused(f"belongs to another user \\({OTHER}\\)")
    assert disk.get("key") == b"value"


@posix
def test_the_folder_around_it_counts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Who can write there can exchange ours; where each removes only what is his own, he cannot."""
    disk.put("key", b"value")
    tmp_path.chmod(0o777)
    refused("others can write in the folder")
    tmp_path.chmod(0o1777)
    assert disk.get("key") == b"value"
    tmp_path.chmod(0o700)
    with monkeypatch.context() as changed:
        owned_by(changed, OTHER, tmp_path)
        refused("belongs to another user")
    owned_by(monkeypatch, 0, tmp_path)
    assert disk.get("key") == b"value"


@posix
def test_a_file_of_another_user_is_a_miss(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    disk.put("key", b"value")
    owned_by(monkeypatch, OTHER, *files(folder))
    assert disk.get("key") is None


def test_without_a_home_nothing_is_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    def none() -> Path:
        raise RuntimeError("Could not determine home directory.")

    monkeypatch.setattr(Path, "home", none)
    monkeypatch.delenv("XDG_CACHE_HOME", raising=False)
    with lazygrad.config(cache_dir=None):
        disk.put("key", b"value")
        assert disk.get("key") is None


def test_the_least_recently_used_go_first(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kept, "LIMIT", 10 * kept.BLOCK)
    for number in range(10):
        disk.put(number, bytes(1000))
        os.utime(folder / disk._name(number), (number, number))
    assert disk.get(0) is not None  # now it is the latest
    disk.put("more", bytes(1000))
    left = [number for number in range(10) if disk.get(number) is not None]
    assert left == [0, 5, 6, 7, 8, 9]
    assert occupied(folder) <= kept.LIMIT * kept.KEPT


def occupied(folder: Path) -> int:
    return sum(kept.on_disk(file.stat().st_size) for file in files(folder))


def test_the_bound_holds_whatever_is_kept(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Tiny files count as what they take on disk."""
    monkeypatch.setattr(kept, "LIMIT", 64 * kept.BLOCK)
    for number in range(300):
        sort = ("plan", "binary", "tuned")[number % 3]
        disk.put((sort, number), bytes(number * 37))
        assert occupied(folder) <= kept.LIMIT
    assert {file.name.partition("-")[0] for file in files(folder)} == {"plan", "binary", "tuned"}


def test_what_would_be_all_there_is_is_not_kept(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(kept, "LIMIT", 8 * kept.BLOCK)
    disk.put("small", b"value")
    disk.put("large", bytes(6 * kept.BLOCK))
    assert (disk.get("small"), disk.get("large")) == (b"value", None)


def test_thousands_of_files_are_not_looked_through_for_each(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    looks = 0
    listed = kept.files

    def counted(folder: Path) -> list[kept.File]:
        nonlocal looks
        looks += 1
        return listed(folder)

    monkeypatch.setattr(kept, "files", counted)
    monkeypatch.setattr(kept, "LIMIT", 1600 * kept.BLOCK)
    for number in range(1000):
        disk.put(number, b"value")
    assert looks == 10  # at the first, and after each 100 of them


def test_what_other_versions_left_goes_after_a_week(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    disk.put("mine", b"value")
    now = time.time()
    old = kept.name("plan", "0" * 12, "1" * 64)
    unfinished = kept.UNFINISHED + "1"
    for name, used in ((old, now), ("2" * 64, now - 8 * 86400), (unfinished, now - 8 * 86400)):
        (folder / name).write_bytes(b"")
        os.utime(folder / name, (used, used))
    (mine,) = [file for file in files(folder) if "mine" not in file.name and file.stat().st_size]
    os.utime(mine, (0, 0))  # what this version may use stays, while there is room
    kept._room.clear()
    disk.put("more", b"value")
    left = {file.name for file in files(folder)}
    assert left == {mine.name, disk._name("more"), old}


WRITER = """
import sys
import time
from lazygrad.runtime import disk, kept
kept.LIMIT = 64 * kept.BLOCK
for number in range(400):
    key = ("plan", number % 50)
    disk.put(key, str(number % 50).encode() * 500)
    found = disk.get(key)
    assert found is None or found == str(number % 50).encode() * 500
"""


def test_processes_share_the_bound(folder: Path) -> None:
    env = {**os.environ, "LAZYGRAD_CACHE": "1", "LAZYGRAD_CACHE_DIR": str(folder.parent)}
    run = [sys.executable, "-c", WRITER]
    pair = [subprocess.Popen(run, env=env, stderr=subprocess.PIPE, text=True) for _ in range(2)]
    assert [process.communicate()[1] for process in pair] == ["", ""]
    assert [process.returncode for process in pair] == [0, 0]
    limit = 64 * kept.BLOCK
    assert limit // 4 < occupied(folder) <= limit + 2 * limit // kept.LOOKS
    assert all(file.name.startswith("plan-") for file in files(folder))  # nothing unfinished


def test_writers_do_not_disturb_each_other(folder: Path) -> None:
    values = [bytes([number]) * 100_000 for number in range(8)]

    def write(value: bytes) -> int:
        with lazygrad.config(cache=True, cache_dir=str(folder.parent)):  # settings are a thread's
            for _ in range(20):
                disk.put("key", value)
                assert disk.get("key") in values
            return len(value)

    with ThreadPoolExecutor(len(values)) as executor:
        assert list(executor.map(write, values)) == [100_000] * 8
    assert len(files(folder)) == 1


def test_the_folder_follows_the_users_cache(monkeypatch: pytest.MonkeyPatch) -> None:
    with lazygrad.config(cache_dir=None):
        monkeypatch.setenv("XDG_CACHE_HOME", "/somewhere")
        assert cache_folder("data") == Path("/somewhere/lazygrad/data")
        monkeypatch.setenv("XDG_CACHE_HOME", "relative is invalid")
        assert cache_folder("data") == Path.home() / ".cache/lazygrad/data"


def repr_of(content: bytes) -> str:
    return repr(content[:8])


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
        return [kernel.name for kernel in kernels(function)]

    first = names()
    cache.clear()
    before = plan_cache().from_disk
    assert names() == first
    assert plan_cache().from_disk == before + 1


def test_a_deep_plan_is_kept(device: str) -> None:
    """Expressions as deep as a kernel may be are written and read without deep recursion."""

    def deep() -> np.ndarray:
        x = Tensor(np.full(4, 0.5, np.float32), device=device)
        for _ in range(600):  # deeper than what Python recurses
            x = x.sin() + 0.25
        return x.numpy()

    first = deep()
    cache.clear()
    before = plan_cache().from_disk
    np.testing.assert_array_equal(deep(), first)
    assert plan_cache().from_disk == before + 1


class Trap:
    """A pickle that runs code when it is loaded."""

    sprung = False

    @classmethod
    def spring(cls) -> None:
        cls.sprung = True

    def __reduce__(self) -> tuple[object, ...]:
        return Trap.spring, ()


def replace_all(folder: Path, content: bytes) -> None:
    """Exchanges what is kept, with the right checksum."""
    for file in files(folder):
        disk._write(file, disk.sha256(content).digest() + content)


@pytest.mark.parametrize(
    "content", [b"nonsense", b"", b"{}", b"[" * 100_000, pickle.dumps(Trap())], ids=repr_of
)
def test_a_file_that_is_no_plan_is_planned_anew(device: str, folder: Path, content: bytes) -> None:
    first = computed(device)
    replace_all(folder, content)
    cache.clear()
    before = plan_cache().from_disk
    np.testing.assert_array_equal(computed(device), first)
    assert plan_cache().from_disk == before
    assert not Trap.sprung


PLANTED = "prepare.__globals__"  # what could run code where Python's text is executed


def test_python_that_generated_code_does_not_have_is_not_run(folder: Path) -> None:
    """NumPy's code is kept as text, and text can be anything."""
    first = computed("CPU")
    changed = 0
    for file in files(folder):
        content = json.loads(file.read_bytes()[disk.DIGEST :])
        texts = content[1]
        for number, text in enumerate(texts):
            if "def bind(" in text:
                texts[number] = f"{text}\n{PLANTED}\n"
                changed += 1
        payload = json.dumps(content).encode()
        disk._write(file, disk.sha256(payload).digest() + payload)
    assert changed
    cache.clear()
    before = plan_cache().from_disk
    np.testing.assert_array_equal(computed("CPU"), first)
    assert plan_cache().from_disk == before


def test_a_plan_with_memory_that_there_is_not_is_planned_anew(device: str) -> None:
    backend = registry.backend(device)
    recipe = Recipe(1, (4,), (64,), (Piece(2, 0, 64),), (4,), ())
    content = written(recipe, Plan((), (), ()), backend)
    with pytest.raises(Malformed, match="memory 4 of 4"):
        read_recipe(content, backend)


@pytest.mark.parametrize(
    "piece", [Piece(2, 8, 64), Piece(2, -8, 8), Piece(1, 0, 8), Piece(0, 0, 4), Piece(2, 0, -1)]
)
def test_a_plan_with_temporaries_outside_of_its_memory_is_planned_anew(
    device: str, piece: Piece
) -> None:
    backend = registry.backend(device)
    recipe = Recipe(1, (4,), (64,), (piece,), (1,), ())
    with pytest.raises(Malformed, match=r"Piece.* of outputs of \(4,\) and arenas of \(64,\)"):
        read_recipe(written(recipe, Plan((), (), ()), backend), backend)


def test_data_that_a_backend_does_not_declare_is_computed_but_not_kept(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = computed("CPU")
    for file in files(folder):
        file.unlink()
    cache.clear()
    monkeypatch.setattr(type(registry.backend("CPU")), "records", ())
    with pytest.warns(RuntimeWarning, match=r"not kept on disk: .*Source.*NumpyBackend.records"):
        np.testing.assert_array_equal(computed("CPU"), first)
    assert files(folder) == []


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
