"""The texts of the programs that the OpenCL backend compiles: counted, and changed."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from lazygrad_opencl import backend


@dataclass
class Seen:
    """Kernel functions, and those of them in which work-items wait for each other."""

    kernels: int = 0
    waiting: int = 0

    def count(self, text: str) -> str:
        """Takes note of a program, and hands it back."""
        functions = re.split(r"^__kernel\b", text, flags=re.MULTILINE)[1:]
        self.kernels += len(functions)
        self.waiting += sum("barrier(" in function for function in functions)
        return text


@contextmanager
def changed(change: Callable[[str], str]) -> Iterator[None]:
    """Inside, ``change`` is made to every program before it is compiled."""
    original = backend.program_text

    def replacement(*given: Any) -> str:
        return change(original(*given))

    backend.program_text = replacement
    try:
        yield
    finally:
        backend.program_text = original
