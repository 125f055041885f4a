"""How far the programs' losses are from PyTorch's, on each backend.

    python -m tests.programs.compare [--steps 50] [--backends CPU GPU] [PROGRAM ...]

prints the largest relative difference of all that a program computes in so many steps, from the
same weights. PyTorch's losses are those in losses.json.
"""

from __future__ import annotations

import argparse

import numpy as np

from lazygrad import config
from tests.programs.run import DTYPES, NAMES, STEPS, losses, recorded


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("programs", nargs="*", default=NAMES, metavar="PROGRAM")
    parser.add_argument("--steps", type=int, choices=STEPS, default=max(STEPS))
    parser.add_argument("--backends", nargs="+", default=["CPU", "GPU"])
    options = parser.parse_args()
    print(f"{options.steps} steps", *options.backends, sep="\t")
    for name in options.programs:
        print(f"{name} ({DTYPES.get(name, 'float32')})", end="", flush=True)
        for backend in options.backends:
            print(f"\t{difference(name, backend, options.steps):.1e}", end="", flush=True)
        print()


def difference(name: str, backend: str, steps: int) -> float:
    """The largest relative difference from PyTorch's."""
    expected = np.array(recorded(name, steps))
    with config(backend=backend):
        found = np.array(losses(name, "lazygrad", backend, steps))
    scale = np.where(expected == 0, 1, np.abs(expected))
    return float(np.max(np.abs(found - expected) / scale))


if __name__ == "__main__":
    main()
