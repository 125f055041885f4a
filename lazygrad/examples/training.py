"""One training step, one epoch, and the accuracy on a test set."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from lazygrad import Tensor, jit, nn, no_grad, optim
from lazygrad.examples.progress import Progress

# Reading a value waits for the device, so losses are read this many steps at a time.
STEPS_BETWEEN_READS = 20

Step = Callable[[Tensor, Tensor], tuple[Tensor, Tensor]]
Count = Callable[[Tensor, Tensor], Tensor]


def make_step(model: nn.Module, optimizer: optim.Optimizer, jitted: bool = True) -> Step:
    """A function that trains on one batch.

    It takes images float32 ``(N, C, H, W)`` and labels int64 ``(N,)``, and returns the mean loss
    and the number of images that were classified correctly, both of shape ``()``.
    """

    def step(x: Tensor, y: Tensor) -> tuple[Tensor, Tensor]:
        optimizer.zero_grad()
        logits = model(x)
        loss = logits.cross_entropy(y)
        loss.backward()
        optimizer.step()
        return loss.detach(), _correct(logits, y)

    def eager_step(x: Tensor, y: Tensor) -> tuple[Tensor, Tensor]:
        results = step(x, y)
        # a lazy result would keep the whole graph of its step until it is read
        Tensor.realize(*results)
        return results

    return jit(step) if jitted else eager_step


def make_count(model: nn.Module, jitted: bool = True) -> Count:
    """A function that returns how many images of a batch are classified correctly."""

    def count(x: Tensor, y: Tensor) -> Tensor:
        with no_grad():
            return _correct(model(x), y)

    return jit(count) if jitted else count


def _correct(logits: Tensor, y: Tensor) -> Tensor:
    return (logits.argmax(1) == y).sum().detach()


@dataclass
class Totals:
    """The results of an epoch's steps, read late.

    A result is a pair of Tensors that the device may not have computed yet. They wait here, and
    all but the newest are read together, so that the device always has a step to work on.
    """

    losses: list[float] = field(default_factory=list)
    correct: int = 0
    images: int = 0
    _waiting: list[tuple[Tensor, Tensor, int]] = field(default_factory=list)

    def add(self, loss: Tensor, correct: Tensor, images: int) -> bool:
        """Take the results of a step; return whether some were read."""
        self._waiting.append((loss, correct, images))
        if len(self._waiting) <= STEPS_BETWEEN_READS:
            return False
        self.read(keep=1)
        return True

    def read(self, keep: int = 0) -> None:
        """Read all results but the newest ``keep``."""
        while len(self._waiting) > keep:
            loss, correct, images = self._waiting.pop(0)
            self.losses.append(float(loss.item()))
            self.correct += int(correct.item())
            self.images += images

    @property
    def loss(self) -> float:
        """The mean of the losses that have been read."""
        return sum(self.losses) / len(self.losses)

    @property
    def accuracy(self) -> float:
        """The share of images classified correctly, in the steps that have been read."""
        return self.correct / self.images


def train_epoch(step: Step, batches: Iterable[tuple[Tensor, Tensor]], progress: Progress) -> Totals:
    """Take one step for each batch; returns the results of all of them."""
    totals = Totals()
    for x, y in batches:
        loss, correct = step(x, y)
        images = y.shape[0]
        progress.advance(images)
        if totals.add(loss, correct, images):
            progress.show(loss=totals.loss, accuracy=totals.accuracy)
    totals.read()
    return totals


def evaluate(count: Count, model: nn.Module, batches: Iterable[tuple[Tensor, Tensor]]) -> float:
    """The share of images that ``model`` classifies correctly."""
    model.eval()
    counted = [(count(x, y), y.shape[0]) for x, y in batches]
    model.train()
    correct = sum(int(tensor.item()) for tensor, _ in counted)
    return correct / sum(images for _, images in counted)
