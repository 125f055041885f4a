"""Writes the files of ``files/`` with PyTorch: ``python -m tests.serialization.record``."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import torch

FOLDER = Path(__file__).parent / "files"


def checkpoint() -> dict[str, Any]:
    torch.manual_seed(0)
    model = torch.nn.Sequential(torch.nn.Conv2d(1, 2, 3), torch.nn.BatchNorm2d(2))
    optimizer = torch.optim.Adam(model.parameters(), lr=0.1)
    for number, param in enumerate(model.parameters()):
        param.grad = torch.full_like(param, number + 1.0)
    optimizer.step()
    shared = torch.arange(3.0)
    return {
        "model": model.state_dict(),
        "optimizer": optimizer.state_dict(),
        "scheduler": torch.optim.lr_scheduler.MultiStepLR(optimizer, [1, 2, 2]).state_dict(),
        "epoch": 3,
        "turned": torch.arange(12).reshape(3, 4).T,
        "part": torch.arange(10.0)[3:7:2],
        "expanded": torch.ones(1).expand(5),
        "tied": [shared, shared],
        "dtypes": {
            str(dtype).removeprefix("torch."): torch.tensor([0, 1, 2]).to(dtype)
            for dtype in (torch.bool, torch.uint8, torch.int8, torch.int16, torch.int32,
                          torch.int64, torch.float16, torch.bfloat16, torch.float32, torch.float64)
        },
        "parameter": torch.nn.Parameter(torch.ones(2)),
        "facts": [torch.Size([1, 2]), torch.float16, torch.device("cpu")],
        "numpy": [np.arange(3.0), np.float64(2.5), np.array([[1, 2]], np.int32)],
        "plain": ({1, 2}, None, float("inf"), "text", b"bytes", 1 + 2j),
        "empty": torch.zeros(0, 3),
        "number": torch.tensor(3.0),
    }  # fmt: skip


def main() -> None:
    FOLDER.mkdir(exist_ok=True)
    torch.save(checkpoint(), FOLDER / "checkpoint.pt")
    torch.save(checkpoint(), FOLDER / "old.pt", _use_new_zipfile_serialization=False)
    torch.save(torch.nn.Linear(1, 1), FOLDER / "model.pt")


if __name__ == "__main__":
    main()
