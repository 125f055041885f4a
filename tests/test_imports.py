"""What an import of lazygrad takes: what a program may never use is imported when it is used."""

from __future__ import annotations

import ast
import inspect
import subprocess
import sys

import lazygrad

LATER = {
    *(f"lazygrad.{part}" for part in lazygrad.PARTS),
    "lazygrad.schedule",
    "lazygrad_numpy",
    "lazygrad_opencl",
    # what takes as long as a dozen modules of ours, and NumPy does not import
    "importlib.metadata",
    "inspect",
    "difflib",
    "asyncio",
    "ml_dtypes",
    "pyopencl",
    "safetensors",
    "tqdm",
}
PROGRAM = """
import sys
import numpy
before = set(sys.modules)
import lazygrad
print(*(set(sys.modules) - before))
"""


def test_what_is_used_by_few_is_imported_when_it_is_used() -> None:
    done = subprocess.run([sys.executable, "-c", PROGRAM], capture_output=True, check=True)
    assert not LATER.intersection(done.stdout.decode().split())


def test_what_is_imported_later_is_there_all_the_same() -> None:
    for name in (*lazygrad.PARTS, *lazygrad.MEMBERS):
        assert name in dir(lazygrad)
        assert getattr(lazygrad, name) is getattr(lazygrad, name)


def test_type_checkers_know_them() -> None:
    (block,) = (each for each in ast.parse(inspect.getsource(lazygrad)).body
                if isinstance(each, ast.If))  # fmt: skip
    told = {alias.name: (each.module, alias.asname)
            for each in block.body for alias in each.names}  # type: ignore[attr-defined]  # fmt: skip
    for name, (module, shown) in told.items():
        assert name == shown
        assert module.startswith(lazygrad.MEMBERS.get(name, "lazygrad"))
    above = {"testing"}  # a module that stands on the package
    assert {*told} == {*lazygrad.PARTS, *lazygrad.MEMBERS} - above
