"""Files that appear whole or not at all."""

from __future__ import annotations

import os
import stat
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from lazygrad.files import replaced

fcntl = pytest.importorskip("fcntl")
STRAY = ".file.0123abcd.tmp"


def write(path: Path, content: bytes = b"new") -> None:
    with replaced(path) as file:
        file.write(content)


def test_a_file_appears_at_the_end(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"old")
    with replaced(path) as file:
        file.write(b"new")
        file.flush()
        assert path.read_bytes() == b"old"
    assert path.read_bytes() == b"new"
    assert os.listdir(tmp_path) == ["file"]


@pytest.mark.parametrize("error", [OSError, KeyboardInterrupt])
def test_what_fails_leaves_what_was_there(tmp_path: Path, error: type[BaseException]) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"old")
    with pytest.raises(error), replaced(path) as file:
        file.write(b"half")
        raise error
    assert path.read_bytes() == b"old"
    assert os.listdir(tmp_path) == ["file"]


@pytest.mark.parametrize("mode", [0o600, 0o640, 0o755])
def test_permissions_stay(tmp_path: Path, mode: int) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"old")
    path.chmod(mode)
    with replaced(path) as file:
        assert stat.S_IMODE(os.fstat(file.fileno()).st_mode) == mode, "while it is written, too"
    assert stat.S_IMODE(path.stat().st_mode) == mode


def test_links_keep_pointing_where_they_did(tmp_path: Path) -> None:
    (tmp_path / "there").mkdir()
    target, link, second = tmp_path / "there" / "file", tmp_path / "link", tmp_path / "second"
    link.symlink_to(target)  # which there is not, at first
    second.symlink_to(link)
    for content in (b"one", b"two"):
        write(second, content)
        assert target.read_bytes() == content
    assert link.is_symlink() and second.is_symlink() and not target.is_symlink()
    assert os.listdir(tmp_path / "there") == ["file"]


def test_a_device_stays_a_device(tmp_path: Path) -> None:
    link = tmp_path / "link"
    link.symlink_to(os.devnull)
    for path in (Path(os.devnull), link):
        write(path)
        assert stat.S_ISCHR(path.stat().st_mode)


def test_a_pipe_is_written_to(tmp_path: Path) -> None:
    path, got = tmp_path / "pipe", []
    os.mkfifo(path)
    reader = threading.Thread(target=lambda: got.append(path.read_bytes()))
    reader.start()
    write(path)
    reader.join()
    assert got == [b"new"]
    assert stat.S_ISFIFO(path.stat().st_mode)


def test_a_folder_is_refused(tmp_path: Path) -> None:
    with pytest.raises(IsADirectoryError):
        write(tmp_path)


def test_a_long_name_is_no_obstacle(tmp_path: Path) -> None:
    write(tmp_path / ("ü" * 127))
    assert (tmp_path / ("ü" * 127)).read_bytes() == b"new"


KILLED = """
import os, signal, sys
from pathlib import Path
from lazygrad.files import replaced
os.replace = lambda *paths: os.kill(os.getpid(), signal.SIGKILL)
with replaced(Path(sys.argv[1])) as file:
    file.write(b"half")
"""


def test_what_a_killed_process_left_is_removed(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"old")
    done = subprocess.run([sys.executable, "-c", KILLED, str(path)], check=False)
    assert done.returncode == -9
    assert path.read_bytes() == b"old"
    assert len(os.listdir(tmp_path)) == 2
    write(path)
    assert os.listdir(tmp_path) == ["file"]


def test_only_our_own_leftovers_are_removed(tmp_path: Path) -> None:
    others = [".file.tmp", ".file.xyz.tmp", "file.0123abcd.tmp", ".other.0123abcd.tmp"]
    for name in (*others, STRAY):
        (tmp_path / name).write_bytes(b"")
    write(tmp_path / "file")
    assert set(os.listdir(tmp_path)) == {*others, "file"}


def test_what_another_process_writes_now_stays(tmp_path: Path) -> None:
    with open(tmp_path / STRAY, "wb") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        write(tmp_path / "file")
        assert (tmp_path / STRAY).exists()
    write(tmp_path / "file")
    assert not (tmp_path / STRAY).exists()


def test_writers_at_the_same_time_do_not_disturb_each_other(tmp_path: Path) -> None:
    contents = [bytes([number]) * 10_000 for number in range(4)]

    def again(content: bytes) -> None:
        for _ in range(10):
            write(tmp_path / "file", content)

    threads = [threading.Thread(target=again, args=(content,)) for content in contents]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (tmp_path / "file").read_bytes() in contents
    assert os.listdir(tmp_path) == ["file"]
