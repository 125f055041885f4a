"""What Oclgrind found, read from its log."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

API = "Oclgrind - OpenCL runtime error detected"

# pyopencl asks a device of OpenCL 1.2 for facts that later versions have.
HARMLESS = frozenset({"clGetDeviceInfo"})

# What titles begin with, less the sizes and addresses: one name for each kind of fault.
KINDS = (
    (r"\S+ data race", "data race"),
    (r"Invalid read", "invalid read"),
    (r"Invalid write", "invalid write"),
    (r"Work-group divergence", "missed barrier"),
)


@dataclass(frozen=True)
class Fault:
    """``kind`` as in ``KINDS``, or the title of what is not listed there; the kernel or the
    function of OpenCL; the line of the kernel, or the error."""

    kind: str
    kernel: str
    line: str

    def __str__(self) -> str:
        return f"{self.kind} in {self.kernel}: {self.line}"


def read(log: str) -> list[Fault]:
    """Every fault in a log, in order."""
    blocks = (_fault(title, body) for title, body in _blocks(log.splitlines()))
    return [fault for fault in blocks if fault is not None]


def _blocks(lines: Iterable[str]) -> Iterator[tuple[str, list[str]]]:
    """Titles stand at the margin, and what belongs to them is indented."""
    title, body = "", list[str]()
    for line in lines:
        if line.startswith("\t"):
            body.append(line.strip())
        elif line:
            yield title, body
            title, body = line, []
    yield title, body


def _fault(title: str, body: list[str]) -> Fault | None:
    """None for what is no fault: remarks, and what stands before the first title."""
    if title == API:
        function, error = _after("Function:", body), _after("Error:", body)
        return None if function in HARMLESS else Fault("error of the API", function, error)
    kernel = _after("Kernel:", body)
    if not kernel:
        return Fault(title, "Oclgrind", "") if "fatal" in title.lower() else None
    kind = next((name for pattern, name in KINDS if re.match(pattern, title)), title)
    places = [number for number, line in enumerate(body) if line.startswith("At line")]
    return Fault(kind, kernel, body[places[0] + 1] if places else "")


def _after(word: str, body: list[str]) -> str:
    return next((line.removeprefix(word).strip() for line in body if line.startswith(word)), "")
