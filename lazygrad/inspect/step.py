"""A step as plain data: what one plan runs, on which memory, what for. Dumps, explanations,
differences and reports all read it from here, and dumps keep it as JSON."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, is_dataclass
from typing import Any, get_args, get_origin, get_type_hints

INPUT, OUTPUT, TEMPORARY = "input", "output", "temporary"
FORWARD, BACKWARD, UPDATE = "forward", "backward", "update"
BOTH = f"{BACKWARD} and {UPDATE}"
PHASES = (FORWARD, BACKWARD, BOTH, UPDATE)  # in the order of their sections


@dataclass(frozen=True)
class StepBuffer:
    """A value in memory that kernels read or write.

    Attributes:
        number: of the value.
        name: "conv1.weight", "new exp_avg of fc.bias", "labels", or what computes it.
        role: an input, an output, or a temporary.
        memory, start: the number of the memory that it lies in, and from which byte on; temporaries
            share some, and those that are never needed together the same bytes.
        written_by, read_by: the numbers of kernels.
    """

    number: int
    name: str
    role: str
    shape: tuple[int, ...]
    dtype: str
    nbytes: int
    memory: int
    written_by: tuple[int, ...]
    read_by: tuple[int, ...]
    start: int = 0

    def __str__(self) -> str:
        return f"{self.name} ({'x'.join(map(str, self.shape)) or 'scalar'})"


@dataclass(frozen=True)
class StepKernel:
    """A kernel, or the call of a routine, of a step.

    Attributes:
        number: its place in the order of the step.
        phase: one of ``PHASES``.
        modules: the paths of those whose parameters or buffers it touches: "conv1".
        origins: the user's operations and lines that it comes from.
        reasons: why it is a kernel of its own, each once.
        buffers: the numbers of the values in its slots, those first that it ``writes``.
        waits_for, feeds: the numbers of the kernels that write what it reads, and that read what
            it writes.
        same_as: the first kernel of the step that is the same one on other memory; or itself.
        flops, nbytes: operations, and bytes moved.
        key: of what it computes: equal in any program, whatever it is called.
        launch, part: where it runs.
    """

    number: int
    name: str
    phase: str
    modules: tuple[str, ...]
    origins: tuple[str, ...]
    reasons: tuple[str, ...]
    buffers: tuple[int, ...]
    writes: int
    waits_for: tuple[int, ...]
    feeds: tuple[int, ...]
    same_as: int
    flops: int
    nbytes: int
    key: str
    launch: int
    part: int

    @property
    def written(self) -> tuple[int, ...]:
        return self.buffers[: self.writes]

    @property
    def read(self) -> tuple[int, ...]:
        return tuple(dict.fromkeys(self.buffers[self.writes :]))


@dataclass(frozen=True)
class StepLaunch:
    """A launch: its parts, one after the other, each some kernels.

    Attributes:
        geometry: how it is launched.
        parts: the numbers of the kernels of each.
    """

    geometry: str
    parts: tuple[tuple[int, ...], ...]


@dataclass(frozen=True)
class Step:
    """What one plan runs.

    Attributes:
        device: where.
        called: the jitted function that it is the step of; "" for values that were asked for.
        kernels: in order; so are buffers and launches.
        temporaries: bytes of memory for them, which values share.
        kept: how many values are kept for the backward pass, and their bytes.
    """

    device: str
    called: str
    kernels: tuple[StepKernel, ...]
    buffers: tuple[StepBuffer, ...]
    launches: tuple[StepLaunch, ...]
    temporaries: int
    kept: tuple[int, int] = (0, 0)

    @property
    def flops(self) -> int:
        return sum(kernel.flops for kernel in self.kernels)

    @property
    def nbytes(self) -> int:
        return sum(kernel.nbytes for kernel in self.kernels)

    def to_json(self) -> str:
        """As dumps keep it."""
        return json.dumps(asdict(self), indent=1) + "\n"

    @classmethod
    def from_json(cls, text: str) -> Step:
        """What ``to_json`` wrote.

        Raises:
            ValueError, TypeError: it did not, or that of another version did.
        """
        return _read(cls, json.loads(text))


def _read(kind: Any, value: Any) -> Any:
    """A value of a kind that stands in an annotation here, of what JSON has for it."""
    if isinstance(kind, type) and is_dataclass(kind):
        hints, given = get_type_hints(kind), dict(value)
        if given.keys() != hints.keys():
            wrong = ", ".join(sorted(given.keys() ^ hints.keys()))
            raise TypeError(f"a {kind.__name__} has other fields: {wrong}")
        return kind(**{name: _read(hint, given[name]) for name, hint in hints.items()})
    if get_origin(kind) is tuple:
        if not isinstance(value, list):
            raise TypeError(f"{value!r} is no list")
        first, *others = get_args(kind)
        kinds = [first] * len(value) if others == [...] else [first, *others]
        return tuple(_read(each, item) for each, item in zip(kinds, value, strict=True))
    if type(value) is not kind:
        raise TypeError(f"{value!r} is no {kind.__name__}")
    return value
