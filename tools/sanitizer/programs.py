"""What runs under Oclgrind: programs that should be clean, and some with a fault put in."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from . import clean, seeded

# What the simulated device is like. Many units, so that long sums are split; and one whose groups
# and local memory are small, so that blocks are.
LARGE = {"OCLGRIND_COMPUTE_UNITS": "64"}
SMALL = {"OCLGRIND_MAX_WGSIZE": "64", "OCLGRIND_LOCAL_MEM_SIZE": "8192"}


@dataclass(frozen=True)
class Program:
    """A function that uses the device.

    Attributes:
        shares: work-items of a group meet at barriers, or it does not run what it is for.
        finds: the kinds of fault that were put in, and must be found; otherwise there is none.
        env: what the simulated device is like.
    """

    run: Callable[[], None]
    shares: bool = False
    finds: frozenset[str] = frozenset()
    env: Mapping[str, str] = field(default_factory=dict)

    @property
    def what(self) -> str:
        """The first line of its docstring."""
        return (self.run.__doc__ or "").partition("\n")[0]


PROGRAMS = {
    "without-barriers": Program(seeded.without_barriers, True, frozenset({"data race"})),
    "lonely-barriers": Program(seeded.lonely_barriers, True, frozenset({"missed barrier"})),
    "written-twice": Program(seeded.written_twice, finds=frozenset({"data race"})),
    "short-memory": Program(
        seeded.short_memory, finds=frozenset({"invalid read", "invalid write"})
    ),
    "contractions": Program(clean.contractions, True, env=LARGE),
    "contractions-small": Program(clean.contractions, True, env=SMALL),
    "reductions": Program(clean.reductions, True, env=LARGE),
    "reductions-small": Program(clean.reductions, True, env=SMALL),
    "training": Program(clean.training, True, env=LARGE),
    "conformance": Program(clean.conformance, True),
}
