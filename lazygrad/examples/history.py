"""What a training run has seen so far."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field


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

    def to_json(self) -> str:
        """All of it as text."""
        return json.dumps(asdict(self))

    @classmethod
    def from_json(cls, text: str) -> History:
        """What ``to_json`` wrote."""
        return cls(**json.loads(text))
