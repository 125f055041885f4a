"""Programs written for PyTorch run when their imports are changed, with the same losses."""

from __future__ import annotations

import numpy as np
import pytest

from lazygrad import config
from tests.programs.run import NAMES, STEPS, losses, recorded, source


@pytest.mark.parametrize("name", NAMES)
def test_losses(name: str, device: str) -> None:
    """Of ten steps; ``python -m tests.programs.compare`` runs fifty."""
    steps = min(STEPS)
    with config(backend=device):
        found = losses(name, "lazygrad", device, steps)
    np.testing.assert_allclose(found, recorded(name, steps), rtol=1e-3)


def test_imports_alone_are_changed() -> None:
    for name in NAMES:
        before, after = source(name, "torch"), source(name, "lazygrad")
        lines = zip(before.splitlines(), after.splitlines(), strict=True)
        changed = [old for old, new in lines if old != new]
        assert changed
        assert all(line.startswith(("import torch", "from torch")) for line in changed)
