"""Records the losses of the programs with PyTorch: ``python -m tests.programs.record``."""

from __future__ import annotations

import json

from tests.programs.run import FOLDER, NAMES, STEPS, losses


def main() -> None:
    found = {
        steps: {name: losses(name, "torch", "cpu", steps) for name in NAMES} for steps in STEPS
    }
    (FOLDER / "losses.json").write_text(json.dumps(found, indent=1) + "\n")
    for steps, programs in found.items():
        for name, values in programs.items():
            print(f"{name}, {steps} steps: {values[0]:.4f} ... {values[-1]:.4f}")


if __name__ == "__main__":
    main()
