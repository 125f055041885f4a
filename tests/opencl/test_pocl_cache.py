"""What PoCL compiles: kept whole, put where it looks, and nothing that ends the process."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path

import pytest

from lazygrad.config import config

pytest.importorskip("pyopencl")
from lazygrad.errors import DeviceError
from lazygrad_opencl import device, pocl, pocl_cache

fcntl = pytest.importorskip("fcntl")


@pytest.fixture(autouse=True)
def environment(monkeypatch: pytest.MonkeyPatch) -> Iterator[pytest.MonkeyPatch]:
    """As in a process that has not called OpenCL."""
    monkeypatch.setenv(pocl_cache.FOLDER, "")  # or what a test sets would stay for later ones
    monkeypatch.delenv(pocl_cache.FOLDER)
    pocl_cache.prepare.cache_clear()
    yield monkeypatch
    pocl_cache.prepare.cache_clear()


def another_process() -> None:
    """One that chooses a folder of its own."""
    pocl_cache.handed_over()
    pocl_cache.prepare.cache_clear()


# -- the folder ---------------------------------------------------------------------------------


def test_it_is_in_the_cache_folder_and_of_one_process(
    tmp_path: Path, environment: pytest.MonkeyPatch
) -> None:
    with config(cache=True, cache_dir=str(tmp_path)):
        folder = pocl_cache.prepare()
    assert folder is not None and folder.parent == tmp_path / "pocl"
    assert folder.stat().st_mode & 0o077 == 0
    assert os.environ[pocl_cache.FOLDER] == str(folder)
    pocl_cache.handed_over()
    assert pocl_cache.FOLDER not in os.environ, "processes that this one starts are not this one"


def test_a_chosen_folder_stays(tmp_path: Path, environment: pytest.MonkeyPatch) -> None:
    environment.setenv(pocl_cache.FOLDER, "/elsewhere")
    with config(cache=True, cache_dir=str(tmp_path)):
        assert pocl_cache.prepare() is None
    pocl_cache.handed_over()
    assert os.environ[pocl_cache.FOLDER] == "/elsewhere"
    assert list(tmp_path.iterdir()) == []


def test_nothing_is_kept_where_the_cache_is_off(tmp_path: Path) -> None:
    with config(cache=False, cache_dir=str(tmp_path)):
        folder = pocl_cache.prepare()
    assert folder is not None and folder.parent == Path(tempfile.gettempdir())
    assert list(tmp_path.iterdir()) == []


def test_where_the_cache_has_no_room_there_is_another_place(
    tmp_path: Path, environment: pytest.MonkeyPatch
) -> None:
    environment.setattr(pocl_cache, "room", lambda folder: tmp_path not in folder.parents)
    with config(cache=True, cache_dir=str(tmp_path)):
        folder = pocl_cache.prepare()
    assert folder is not None and folder.parent == Path(tempfile.gettempdir())


def test_what_killed_processes_left_is_removed(tmp_path: Path) -> None:
    with config(cache=True, cache_dir=str(tmp_path)):
        first = pocl_cache.prepare()
        dead = first.parent / f"{pocl_cache.PREFIX}dead"
        (dead / "AB" / "program").mkdir(parents=True)
        another_process()
        second = pocl_cache.prepare()
    assert {*first.parent.iterdir()} == {first, second}


# -- programs -----------------------------------------------------------------------------------


def made_program(folder: Path) -> Path:
    """A program as PoCL leaves it in its folder."""
    program = folder / "AB" / "CDEF"
    (program / "kernel").mkdir(parents=True)
    (program / "program.bc").write_bytes(b"code")
    (program / "kernel" / "kernel.so").write_bytes(b"more")
    return program


def test_a_program_is_packed_and_put_back(tmp_path: Path) -> None:
    with config(cache=True, cache_dir=str(tmp_path)):
        program = made_program(pocl_cache.prepare())
        packed = pocl_cache._pack(program)
        another_process()
        pocl_cache._unpack(packed)
        (restored,) = pocl_cache._programs()
    assert restored != program and restored.parts[-2:] == program.parts[-2:]
    assert (restored / "kernel" / "kernel.so").read_bytes() == b"more"


def test_few_folders_are_looked_at_for_a_new_program(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    looked_at = []
    scandir = os.scandir
    with config(cache=True, cache_dir=str(tmp_path)):
        folder = pocl_cache.prepare()
        assert folder is not None
        for number in range(30):
            program = folder / f"{number:02}" / "CDEF"
            program.mkdir(parents=True)
            (program / "program.bc").write_bytes(b"code")
            os.utime(program.parent, (0, 0))
        programs = pocl_cache.Programs()
        programs.note_new("first")
        assert len(programs._known) == 30
        new = folder / "07" / "NEW"
        new.mkdir()
        (new / "program.bc").write_bytes(b"code")
        monkeypatch.setattr(os, "scandir", lambda place: looked_at.append(place) or scandir(place))
        programs.note_new("second")
    assert programs._known[new] == ("second", 0)
    assert [Path(place).name for place in looked_at[1:]] == ["07"]


def test_what_is_loaded_stays_as_it_is(tmp_path: Path) -> None:
    """A process that wrote over functions that it has loaded would run what is half there."""
    with config(cache=True, cache_dir=str(tmp_path)):
        folder = pocl_cache.prepare()
        assert folder is not None
        program = made_program(folder)
        packed = pocl_cache._pack(program)
        function = program / "kernel" / "kernel.so"
        before = function.stat()
        with open(function, "rb") as loaded:
            pocl_cache._unpack(packed)
            assert loaded.read() == function.read_bytes() == b"more"
        after = function.stat()
    assert (before.st_ino, before.st_mtime_ns) == (after.st_ino, after.st_mtime_ns)


@pytest.mark.parametrize("name", ["../outside", "/outside", "a/../../outside", ".hidden", "a//b"])
def test_nothing_is_unpacked_outside(tmp_path: Path, name: str) -> None:
    content = BytesIO()
    with zipfile.ZipFile(content, "w") as archive:
        archive.writestr(name, b"planted")
        archive.writestr("AB/CD/program.bc", b"fine")
    with config(cache=True, cache_dir=str(tmp_path)):
        folder = pocl_cache.prepare()
        pocl_cache._unpack(content.getvalue())
    found = [path.relative_to(folder).as_posix() for path in tmp_path.rglob("*") if path.is_file()]
    assert found == ["AB/CD/program.bc"]


def test_what_is_no_archive_is_nothing(tmp_path: Path) -> None:
    with config(cache=True, cache_dir=str(tmp_path)):
        pocl_cache._unpack(b"no archive")
        assert pocl_cache._programs() == frozenset()


# -- with PoCL itself, in processes that it may end ---------------------------------------------

PROGRAM = """
from lazygrad import Tensor
print((Tensor.ones(3, 4, device="GPU") * 2).sum().item())
"""


def run(code: str = PROGRAM, **environment: str) -> subprocess.CompletedProcess[str]:
    if not any(map(pocl.is_pocl, device.all_devices())):
        pytest.skip("PoCL is not among the devices")
    return subprocess.run(
        [sys.executable, "-c", code],
        env={**os.environ, "OPENCL_DEVICE": "portable", "LAZYGRAD_CACHE": "1", **environment},
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )


def result(done: subprocess.CompletedProcess[str]) -> str:
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def error(done: subprocess.CompletedProcess[str]) -> str:
    """The last line of an orderly failure."""
    assert done.returncode == 1, f"{done.returncode}: {done.stderr}"
    return done.stderr.strip().splitlines()[-1]


@pytest.mark.gpu
def test_damaged_files_are_compiled_anew(tmp_path: Path) -> None:
    assert result(run(LAZYGRAD_CACHE_DIR=str(tmp_path))) == "24.0"
    files = sorted((tmp_path / "compiled").iterdir())
    assert len(files) == 2  # a plan and a program
    assert list((tmp_path / "pocl").iterdir()) == []
    for file in files:
        content = bytearray(file.read_bytes())
        content[len(content) // 2] ^= 0xFF
        file.write_bytes(content)
    assert result(run(LAZYGRAD_CACHE_DIR=str(tmp_path))) == "24.0"


@pytest.mark.gpu
def test_an_empty_file_in_a_chosen_folder_is_passed_over(tmp_path: Path) -> None:
    chosen = tmp_path / "chosen"
    chosen.mkdir()
    where = {"LAZYGRAD_CACHE_DIR": str(tmp_path), "POCL_CACHE_DIR": str(chosen)}
    assert result(run(**where)) == "24.0"
    (damaged,) = chosen.glob("*/*/program.bc")
    damaged.write_bytes(b"")
    assert result(run(**where)) == "24.0"


@pytest.mark.gpu
def test_a_full_disk_is_an_error_of_one_line(tmp_path: Path) -> None:
    limit = "import resource; resource.setrlimit(resource.RLIMIT_FSIZE, (50_000, 50_000))"
    message = error(run(limit + PROGRAM, LAZYGRAD_CACHE_DIR=str(tmp_path)))
    assert message.startswith("lazygrad.errors.DeviceError: [opencl] PoCL writes what it compiles")
    assert "the disk is full" in message


@pytest.mark.gpu
def test_a_home_that_cannot_be_written_is_no_obstacle(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    nowhere = str(tmp_path / "file" / "home")
    assert result(run(HOME=nowhere, XDG_CACHE_HOME="", LAZYGRAD_CACHE_DIR="")) == "24.0"


def test_room_is_asked_for_before_anything_is_compiled(environment: pytest.MonkeyPatch) -> None:
    environment.setattr(pocl_cache, "room", lambda folder: False)
    with pytest.raises(DeviceError, match="LAZYGRAD_CACHE_DIR, or use BACKEND=CPU"):
        pocl_cache.require_room()


# -- fork ---------------------------------------------------------------------------------------

FORK = """
import os, signal, sys
from lazygrad import Tensor, jit
from lazygrad.errors import DeviceError
double = jit(lambda x: x * 2)
x = Tensor.ones(3, 4, device="GPU")
for _ in range(3):
    double(x).numpy()
waits = x + 1
uses = [lambda: double(x), lambda: waits.numpy(), lambda: Tensor([1.0], device="GPU").numpy()]
child = os.fork()
if child == 0:
    signal.alarm(60)  # instead of a hang
    for use in uses:
        try:
            use()
        except DeviceError as error:
            assert 'get_context("spawn")' in str(error)
        else:
            sys.exit("no error")
    assert Tensor.ones(3, device="CPU").sum().item() == 3
    sys.exit()
assert os.waitpid(child, 0)[1] == 0
print(waits.sum().item())
"""


@pytest.mark.gpu
@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system has no fork")
def test_a_forked_process_says_what_to_do(tmp_path: Path) -> None:
    assert result(run(FORK, LAZYGRAD_CACHE_DIR=str(tmp_path))) == "24.0"
