"""Train a small CNN on images: ``python -m lazygrad.examples.cnn --dataset digits``."""

from __future__ import annotations

import sys
import time
from argparse import Namespace
from collections.abc import Iterator
from pathlib import Path

from lazygrad import data
from lazygrad.config import settings
from lazygrad.errors import LazygradError
from lazygrad.examples import checkpoint
from lazygrad.examples.curve import check_picture, plot_curve
from lazygrad.examples.history import History
from lazygrad.examples.options import parse_options
from lazygrad.examples.progress import make_progress
from lazygrad.examples.run import Run, set_up
from lazygrad.examples.training import evaluate, make_count, make_step, train_epoch
from lazygrad.interrupts import STATUS, guarded

# The test sets are whole multiples of it, or smaller: one shape, one compilation.
TEST_BATCH = 500


def main(arguments: list[str] | None = None) -> int:
    """Run the command line; returns the exit status."""
    options = parse_options(arguments)
    try:
        train(options)
    except (LazygradError, OSError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("\nstopped", file=sys.stderr)
        return STATUS
    return 0


def train(options: Namespace) -> History:
    """Train as the command line says; returns what was seen.

    Raises:
        DataError: if the data set cannot be had.
        CheckpointError: if the file to resume from is damaged, or of another data set.
        MissingExtraError: if a library that an option needs is missing.
    """
    # what would fail after the first epoch had better fail before it
    if options.plot:
        check_picture(options.plot)
    outputs = [path for path in (options.save, options.plot) if path]
    for path in outputs:
        Path(path).absolute().parent.mkdir(parents=True, exist_ok=True)

    run = set_up(options)
    print(run, flush=True)
    start = time.monotonic()
    for line in _epochs(run, options):
        print(line, flush=True)
        if options.save:
            checkpoint.save(options.save, run.model, run.optimizer, run.chosen, run.history)
        if options.plot:
            plot_curve(run.history, options.plot, f"{run.chosen['dataset']} on {settings.backend}")
    print(f"done in {time.monotonic() - start:.1f} s")
    for path in outputs:
        print(f"written: {path}")
    return run.history


def _epochs(run: Run, options: Namespace) -> Iterator[str]:
    """Train the epochs that are left; yields a line about each."""
    jitted = not options.no_jit
    step = make_step(run.model, run.optimizer, jitted)
    count = make_count(run.model, jitted)
    batches = data.DataLoader(
        run.train_set, run.chosen["batch_size"], shuffle=True, seed=run.chosen["seed"]
    )
    test_batches = data.DataLoader(run.test_set, TEST_BATCH)

    for epoch in range(run.history.epochs, options.epochs):
        start = time.monotonic()
        batches.set_epoch(epoch)
        progress = make_progress(f"epoch {epoch + 1}", len(run.train_set))
        try:
            totals = train_epoch(step, batches, progress)
        finally:
            progress.close()
        seconds = time.monotonic() - start
        accuracy = evaluate(count, run.model, test_batches)
        run.history.add_epoch(totals.losses, totals.accuracy, accuracy)
        yield (
            f"epoch {epoch + 1} of {options.epochs}: loss {totals.loss:.4f}, "
            f"accuracy {totals.accuracy:.4f}, test accuracy {accuracy:.4f}, "
            f"{totals.images / seconds:,.0f} images/s"
        )


if __name__ == "__main__":
    sys.exit(guarded(main))
