"""Runs a program written for PyTorch, as it is or with its imports changed."""

from __future__ import annotations

import json
import re
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

FOLDER = Path(__file__).parent
WRITTEN = FOLDER / "written"  # for PyTorch
NAMES = sorted(path.stem for path in WRITTEN.glob("*.py"))
SCALE = 0.3  # of weights, which are drawn the same way for both
STEPS = (10, 50)  # of short runs and of long ones, in which small differences would grow
# Where float32 is chaotic (unet: a maximum that rounding chooses makes a quarter of a gradient, in
# PyTorch as well, from step 28 on), both compute in float64.
DTYPES = {"unet": "float64"}


def source(name: str, library: str) -> str:
    """The text of a program, whose imports name ``library`` instead of torch: nothing else is
    changed."""
    text = (WRITTEN / f"{name}.py").read_text()
    if library == "torch":
        return text
    text = re.sub(r"^import torch$", f"import {library} as torch", text, flags=re.MULTILINE)
    text = re.sub(r"^import torch\.(\S+) as", rf"import {library}.\1 as", text, flags=re.MULTILINE)
    return re.sub(r"^from torch\b", f"from {library}", text, flags=re.MULTILINE)


def losses(name: str, library: str, device: str, steps: int) -> list[float]:
    """What the program computes in so many steps: losses, and a figure or two of what it learnt."""
    names: dict[str, Any] = {"__name__": f"{name} with {library}"}
    exec(compile(source(name, library), str(WRITTEN / f"{name}.py"), "exec"), names)
    torch, dtype = names["torch"], DTYPES.get(name, "float32")

    def prepare(model: Any) -> Any:
        """The model in ``dtype``, with weights that are the same with each library."""
        model = model.to(getattr(torch, dtype))
        random = np.random.RandomState(0)
        state = model.state_dict()
        for key, _ in sorted(model.named_parameters()):
            shape = tuple(state[key].shape)
            drawn = random.standard_normal(shape) * SCALE / max(1.0, shape[-1]) ** 0.25
            state[key].copy_(torch.from_numpy(drawn.astype(dtype)))
        return model

    found: list[float] = names["main"](device, prepare, steps, dtype)
    return found


def recorded(name: str, steps: int) -> list[float]:
    """What it computes with PyTorch."""
    found: list[float] = _recorded()[str(steps)][name]
    return found


@cache
def _recorded() -> Any:
    return json.loads((FOLDER / "losses.json").read_text())
