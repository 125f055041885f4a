"""A training run: what it is made of, started afresh or taken up from a file."""

from __future__ import annotations

from argparse import Namespace
from dataclasses import dataclass
from typing import Any

from lazygrad import data, manual_seed, nn, optim
from lazygrad.config import settings
from lazygrad.data import ImageDataset
from lazygrad.errors import CheckpointError
from lazygrad.examples import checkpoint
from lazygrad.examples.history import History
from lazygrad.examples.model import SmallCNN
from lazygrad.examples.options import DEFAULTS, OPTIMIZERS, given


@dataclass
class Run:
    """Everything that a run needs.

    Args:
        chosen: the options that decide what it computes, by the names in ``DEFAULTS``.
        train_set: what it learns from.
        test_set: what it is measured by.
        model: float32 images in, logits out.
        optimizer: of the model's parameters.
        history: of the epochs so far; empty in a new run.
    """

    chosen: dict[str, Any]
    train_set: ImageDataset
    test_set: ImageDataset
    model: nn.Module
    optimizer: optim.Optimizer
    history: History

    def __str__(self) -> str:
        count = sum(parameter.numel() for parameter in self.model.parameters())
        lines = [
            f"{self.train_set}",
            f"{self.test_set}",
            f"{type(self.model).__name__} with {count:,} parameters, {self.chosen['optimizer']} "
            f"at {self.chosen['lr']:g}, batches of {self.chosen['batch_size']}, "
            f"on {settings.backend}",
        ]
        if self.history.epochs:
            lines.append(f"{self.history.epochs} epochs are done")
        return "\n".join(lines)


def set_up(options: Namespace) -> Run:
    """The run that the command line asks for.

    Raises:
        DataError: if the data set cannot be had.
        CheckpointError: if the file to resume from is damaged, or of another data set.
    """
    saved = checkpoint.load(options.resume) if options.resume else None
    chosen = _choose(options, saved)
    train_set, test_set = data.load(chosen["dataset"])
    manual_seed(chosen["seed"])
    mean, std = _channel_statistics(train_set)
    channels, height, width = train_set.images.shape[1:]
    model = SmallCNN(channels, height, width, len(train_set.classes), mean=mean, std=std)
    optimizer = OPTIMIZERS[chosen["optimizer"]](model.parameters(), lr=chosen["lr"])
    if saved is not None:
        try:
            model.load_state_dict(saved.model)
            optimizer.load_state_dict(saved.optimizer)
        except CheckpointError as error:
            raise CheckpointError(f"[resume] {options.resume} holds another run: {error}") from None
        _set_rate(optimizer, options.lr)
    return Run(
        chosen=chosen,
        train_set=train_set.subset(slice(chosen["limit"])),
        test_set=test_set,
        model=model,
        optimizer=optimizer,
        history=saved.history if saved is not None else History(),
    )


def _channel_statistics(images: ImageDataset) -> tuple[list[float], list[float]]:
    """Mean and standard deviation of each channel, for pixels from 0 to 1."""
    pixels = images.images.astype("float32") / images.peak
    mean, std = pixels.mean(axis=(0, 2, 3)), pixels.std(axis=(0, 2, 3))
    return mean.tolist(), std.clip(min=1e-3).tolist()


def _choose(options: Namespace, saved: checkpoint.Checkpoint | None) -> dict[str, Any]:
    """The command line's options before those of the file, those before the defaults."""
    if saved is None:
        return {**DEFAULTS, **given(options)}
    for name in ("dataset", "optimizer"):
        asked, was = getattr(options, name), saved.options[name]
        if asked not in (None, was):
            raise CheckpointError(
                f"[resume] {options.resume} holds a run with --{name} {was}, which cannot go on "
                f"with --{name} {asked}; leave the option out"
            )
    return {**DEFAULTS, **saved.options, **given(options)}


def _set_rate(optimizer: optim.Optimizer, rate: float | None) -> None:
    """A learning rate from the command line replaces the one in the file."""
    if rate is not None:
        for group in optimizer.param_groups:
            group["lr"] = rate
