"""Ctrl-C ends the programs of the package with status 130, whenever it comes."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from lazygrad.interrupts import STATUS, guarded

# Python runs it first: sends itself SIGINT when a module is looked for, or at the very end.
HOOK = """
import atexit, os, signal, sys
from importlib.abc import MetaPathFinder

def interrupt():
    os.kill(os.getpid(), signal.SIGINT)

class Finder(MetaPathFinder):
    def find_spec(self, name, path, target=None):
        if name == os.environ["INTERRUPT_AT"]:
            interrupt()

sys.meta_path.insert(0, Finder())
if os.environ["INTERRUPT_AT"] == "the end":
    atexit.register(interrupt)
"""


@pytest.mark.parametrize(
    "moment",
    ["numpy", "lazygrad.tensor_class", "lazygrad.examples.cnn", "lazygrad.examples.curve",
     "lazygrad_numpy.backend", "the end"],
)  # fmt: skip
def test_the_example_ends_without_a_traceback(tmp_path: Path, moment: str) -> None:
    (tmp_path / "sitecustomize.py").write_text(HOOK)
    path = os.pathsep.join([str(tmp_path), *filter(None, sys.path)])
    command = "-m lazygrad.examples.cnn --epochs 1 --limit 50 --batch-size 50"
    done = subprocess.run(
        [sys.executable, *command.split()],
        env={**os.environ, "PYTHONPATH": path, "INTERRUPT_AT": moment, "BACKEND": "CPU"},
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert (done.returncode, done.stderr.strip()) == (STATUS, "stopped")


def test_other_programs_are_left_alone() -> None:
    code = "import signal, lazygrad; print(signal.getsignal(signal.SIGINT).__name__)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "default_int_handler"


@pytest.fixture
def handler() -> object:
    before = signal.getsignal(signal.SIGINT)
    yield
    signal.signal(signal.SIGINT, before)


def test_a_program_gets_its_interrupt(handler: object) -> None:
    def main() -> int:
        os.kill(os.getpid(), signal.SIGINT)
        raise AssertionError("not interrupted")

    assert guarded(main) == STATUS
    assert guarded(lambda: 3) == 3
