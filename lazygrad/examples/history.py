"""What a training run has seen so far."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from itertools import pairwise


@dataclass
class History:
    """Numbers of a training run, in order.

    Args:
        losses: the mean loss of each step's batch.
        steps: how many steps had been taken when each epoch ended.
        train_accuracy: of each epoch, measured while training, so a little behind.
        test_accuracy: after each epoch.
    """

    losses: list[float] = field(default_factory=list)
    steps: list[int] = field(default_factory=list)
    train_accuracy: list[float] = field(default_factory=list)
    test_accuracy: list[float] = field(default_factory=list)

    @property
    def epochs(self) -> int:
        """The number of finished epochs."""
        return len(self.steps)

    def add_epoch(self, losses: list[float], train_accuracy: float, test_accuracy: float) -> None:
        """An epoch has ended, with one loss for each of its steps."""
        self.losses += losses
        self.steps.append(len(self.losses))
        self.train_accuracy.append(train_accuracy)
        self.test_accuracy.append(test_accuracy)

    def problems(self) -> Iterator[str]:
        """What a history that was read from a file cannot be."""
        numbers = {"losses": self.losses, "train_accuracy": self.train_accuracy,
                   "test_accuracy": self.test_accuracy}  # fmt: skip
        for name, values in numbers.items():
            if not isinstance(values, list) or not all(type(v) in (int, float) for v in values):
                yield f"its {name} are no list of numbers"
                return
        if not isinstance(self.steps, list) or not all(type(step) is int for step in self.steps):
            yield "its steps are no list of whole numbers"
            return
        ends = [0, *self.steps]
        if ends[-1] != len(self.losses) or any(a > b for a, b in pairwise(ends)):
            yield f"its epochs end after {self.steps} steps, but it has {len(self.losses)} losses"
        if not len(self.steps) == len(self.train_accuracy) == len(self.test_accuracy):
            yield f"it has {len(self.steps)} epochs, but not as many accuracies"

    def to_json(self) -> str:
        """All of it as text."""
        return json.dumps(asdict(self))

    @classmethod
    def from_json(cls, text: str) -> History:
        """What ``to_json`` wrote."""
        return cls(**json.loads(text))
