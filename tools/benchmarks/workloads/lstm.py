"""An LSTM whose cell is written by hand, over the 28 rows of an image: one long graph."""

from __future__ import annotations

from typing import Any

from ..frameworks import Framework, Step, Tensor
from ..workload import Workload
from .classifier import CLASSES, classifier_step
from .weights import initial_of

BATCH, LENGTH, INPUTS, HIDDEN = 32, 28, 28, 128


def model(fw: Framework) -> Any:
    nn = fw.nn

    class LSTM(fw.Module):  # type: ignore[name-defined]
        def __init__(self) -> None:
            super().__init__()
            self.inward, self.across = nn.Linear(INPUTS, 4 * HIDDEN), nn.Linear(HIDDEN, 4 * HIDDEN)
            self.head = nn.Linear(HIDDEN, CLASSES)

        def forward(self, x: Tensor) -> Tensor:
            hidden = cell = fw.torch.zeros(x.shape[0], HIDDEN)
            for t in range(x.shape[1]):
                gates = self.inward(x[:, t]) + self.across(hidden)
                enter, forget, value, leave = gates.split(HIDDEN, dim=1)
                cell = forget.sigmoid() * cell + enter.sigmoid() * value.tanh()
                hidden = leave.sigmoid() * cell.tanh()
            return self.head(hidden)

    lstm = LSTM()
    return fw.load(lstm, initial_of(lstm))


def train(fw: Framework) -> Step:
    return classifier_step(fw, model(fw), BATCH, LENGTH, INPUTS)


PROGRAMS = (
    Workload(
        "lstm",
        "LSTM written by hand (width 128), training step, 32 sequences of 28x28",
        train,
        torch_names=True,
    ),
)
