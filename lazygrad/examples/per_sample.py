"""Which labels are wrong? Those whose images have the largest gradients.

A share of the labels of the digits is made wrong, and the small CNN is trained on all of them for a
short while: it learns what the many right ones have in common. Then the norm of the gradient of
*each* image is asked for, where training knows only their mean. An image that contradicts what was
learned would change the network most.

Gradients of single samples are ``vmap(grad)`` of a function of one image. For comparison they are
also computed by a loop over the images, and both are timed.

    python -m lazygrad.examples.per_sample --plot norms.png
"""

from __future__ import annotations

import sys
import time
from argparse import Namespace
from collections.abc import Callable
from typing import NamedTuple

import numpy as np

import lazygrad as lg
from lazygrad import Tensor, data, func, jit, manual_seed, no_grad, optim
from lazygrad.examples.model import SmallCNN
from lazygrad.examples.program import described, draw_losses, options_of, picture, run, train
from lazygrad.interrupts import guarded

AT_ONCE = 128  # images of which gradients are in memory at a time
TIMES = 3  # that each way is timed; the fastest counts


class Images(NamedTuple):
    """Images ``(N, 1, 8, 8)``, their labels ``(N,)``, and which of these are wrong ``(N,)``."""

    images: Tensor
    labels: Tensor
    is_wrong: Tensor


def with_wrong_labels(share: float, seed: int) -> Images:
    """The digits to train on; so many of their labels are of another class."""
    digits, _ = data.load("digits")
    random = np.random.default_rng(seed)
    is_wrong = random.random(len(digits)) < share
    other = (digits.labels + random.integers(1, 10, len(digits))) % 10
    labels = np.where(is_wrong, other, digits.labels)
    return Images(Tensor(digits[:][0]), Tensor(labels), Tensor(is_wrong))


def trained(options: Namespace, given: Images) -> tuple[SmallCNN, list[float]]:
    """A network that was trained for a short while, and its losses."""
    model = SmallCNN(1, 8, 8, classes=10)
    optimizer = optim.Adam(model.parameters(), lr=options.lr)
    print(f"{described(model)}, {options.steps} steps of {options.batch_size} images", flush=True)

    @jit
    def step(chosen: Tensor) -> Tensor:
        optimizer.zero_grad()
        loss = model(given.images[chosen]).cross_entropy(given.labels[chosen])
        loss.backward()
        optimizer.step()
        return loss

    def draw_and_step(number: int) -> Tensor:
        return step(lg.randint(0, len(given.labels), (options.batch_size,)))

    return model, train(draw_and_step, options.steps)


def gradient_norm(model: SmallCNN) -> Callable[..., Tensor]:
    """The norm of the gradient by all parameters, as a function of these, an image and a label."""

    def loss(parameters: dict[str, Tensor], image: Tensor, label: Tensor) -> Tensor:
        logits = func.functional_call(model, parameters, (image.unsqueeze(0),))
        return logits.cross_entropy(label.unsqueeze(0))

    def norm(parameters: dict[str, Tensor], image: Tensor, label: Tensor) -> Tensor:
        gradients = func.grad(loss)(parameters, image, label)
        return sum(gradient.square().sum() for gradient in gradients.values()).sqrt()

    return norm


def seconds(call: Callable[[], Tensor]) -> tuple[float, Tensor]:
    """How long a call takes once it is compiled, and what it returns."""
    call()
    best = float("inf")
    for _ in range(TIMES):
        start = time.perf_counter()
        found = call().realize()
        lg.synchronize()
        best = min(best, time.perf_counter() - start)
    return best, found


def found(options: Namespace) -> dict[str, float]:
    """Look for the wrong labels, and time both ways; returns what was seen."""
    manual_seed(options.seed)
    given = with_wrong_labels(options.wrong, options.seed)
    model, losses = trained(options, given)
    parameters = {name: parameter.detach() for name, parameter in model.named_parameters()}
    norm = gradient_norm(model)

    one, many = jit(norm), jit(func.vmap(norm, in_dims=(None, 0, 0)))
    images, labels = (values[:AT_ONCE].realize() for values in given[:2])
    pairs = list(zip(images.unbind(0), labels.unbind(0), strict=True))
    together, norms = seconds(lambda: many(parameters, images, labels))
    loop, same = seconds(lambda: lg.stack([one(parameters, *pair) for pair in pairs]))

    with no_grad():
        in_chunks = func.vmap(norm, in_dims=(None, 0, 0), chunk_size=AT_ONCE)
        all_norms = in_chunks(parameters, *given[:2])
        suspects = all_norms.argsort(descending=True)[: int(given.is_wrong.sum().item())]
        of_suspects = given.is_wrong[suspects].float()
    figures = {
        "wrong labels": len(suspects),
        "share of wrong ones where gradients are largest": of_suspects.mean().item(),
        f"milliseconds for {AT_ONCE} norms by vmap": 1e3 * together,
        f"milliseconds for {AT_ONCE} norms by a loop": 1e3 * loop,
        "largest difference of the norms": (norms - same).abs().max().item(),
    }
    for what, number in figures.items():
        print(f"  {what:>47}: {number:.4g}")
    if options.plot:
        draw(options.plot, given, all_norms, losses)
    return figures


def draw(file: str, given: Images, norms: Tensor, losses: list[float]) -> None:
    """The loss, the norms of right and wrong labels, and the images with the largest ones."""
    wrong, values = given.is_wrong.numpy(), norms.numpy()
    with picture(file, "Norms of the gradients of single images", 3) as (left, middle, right):
        draw_losses(left, losses)
        bins = np.logspace(np.log10(values.min() + 1e-3), np.log10(values.max()), 40)
        middle.hist(values[~wrong], bins, label="right labels", color="lightgray")
        middle.hist(values[wrong], bins, label="wrong labels", color="tab:red", alpha=0.7)
        middle.set_xscale("log")
        middle.set_xlabel("norm of the gradient")
        middle.legend()
        first = np.argsort(-values)[:16]
        framed = np.pad(given.images.numpy()[first, 0], ((0, 0), (1, 1), (1, 1)))
        grid = framed.reshape(4, 4, 10, 10).transpose(0, 2, 1, 3).reshape(40, 40)
        right.imshow(grid, cmap="gray_r")
        labels = given.labels.numpy()[first].reshape(4, 4).tolist()
        right.set_title("said to be " + ", ".join("".join(map(str, row)) for row in labels))
        right.set_axis_off()


def main(arguments: list[str] | None = None) -> int:
    """Run the command line; returns the exit status."""
    options = options_of(
        "per_sample", __doc__, arguments, files=("plot",),
        steps=150, batch_size=64, lr=2e-3, wrong=0.05, seed=0,
    )  # fmt: skip
    return run(found, options)


if __name__ == "__main__":
    sys.exit(guarded(main))
