"""Transforms of functions, as torch.func and JAX have them: gradients of each sample, products with
Hessians, Jacobians, loops, and a differential equation."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np

from ..frameworks import Framework, Step, Tensor
from ..workload import FLOAT, Workload, conv_flops
from . import cnn
from .weights import count, initial, labels, linear, normal

BATCH = 128  # images

# -- the small CNN --------------------------------------------------------------------------------


def _loss(fw: Framework) -> Callable[..., Tensor]:
    def loss(model: Any, x: Tensor, y: Tensor) -> Tensor:
        """Of a batch, or of one image with its label."""
        images, classes = x.reshape(-1, 1, 28, 28), y.reshape(-1)
        return fw.cross_entropy(model(images), classes)

    return loss


def _images(fw: Framework) -> tuple[Tensor, Tensor]:
    return fw.tensor(normal(BATCH, 1, 28, 28)), fw.tensor(labels(BATCH, 10))


def gradient(fw: Framework) -> Step:
    """What others are compared with."""
    parameters, loss = fw.pure(cnn.model(fw), _loss(fw))
    return fw.transformed(fw.func.grad(loss), parameters, *_images(fw))


def per_sample(fw: Framework) -> Step:
    parameters, loss = fw.pure(cnn.model(fw), _loss(fw))
    each = fw.func.vmap(fw.func.grad(loss), (None, 0, 0))
    return fw.transformed(each, parameters, *_images(fw))


def hessian_product(fw: Framework) -> Step:
    """Of the Hessian and the parameters themselves: a change of the gradient."""
    parameters, loss = fw.pure(cnn.model(fw), _loss(fw))

    def product(parameters: Any, vector: Any, x: Tensor, y: Tensor) -> Any:
        slope = lambda parameters: fw.func.grad(loss)(parameters, x, y)  # noqa: E731
        return fw.func.jvp(slope, (parameters,), (vector,))[1]

    return fw.transformed(product, parameters, parameters, *_images(fw))


# -- Jacobians of a small network -----------------------------------------------------------------

SAMPLES, SIDE, WIDTH = 32, 64, 256
MLP = {**linear("fc1", SIDE, WIDTH), **linear("fc2", WIDTH, WIDTH), **linear("fc3", WIDTH, SIDE)}


def jacobian(name: str) -> Callable[[Framework], Step]:
    def build(fw: Framework) -> Step:
        class Network(fw.Module):  # type: ignore[name-defined]
            def __init__(self) -> None:
                super().__init__()
                self.fc1 = fw.nn.Linear(SIDE, WIDTH)
                self.fc2 = fw.nn.Linear(WIDTH, WIDTH)
                self.fc3 = fw.nn.Linear(WIDTH, SIDE)

            def forward(self, x: Tensor) -> Tensor:
                return self.fc3(self.fc2(self.fc1(x).tanh()).tanh())

        network = fw.load(Network(), initial(MLP))
        parameters, function = fw.pure(network, lambda network, x: network(x))
        of_one = getattr(fw.func, name)(function, 1)
        each = fw.func.vmap(of_one, (None, 0))
        return fw.transformed(each, parameters, fw.tensor(normal(SAMPLES, SIDE)))

    return build


# -- a loop ---------------------------------------------------------------------------------------

SEQUENCES, LENGTH, INPUTS, HIDDEN = 32, 784, 28, 128
GRU = {**linear("inward", INPUTS, 3 * HIDDEN), **linear("across", HIDDEN, 3 * HIDDEN)}


def recurrent(fw: Framework) -> Any:
    class Recurrent(fw.Module):  # type: ignore[name-defined]
        def __init__(self) -> None:
            super().__init__()
            self.inward = fw.nn.Linear(INPUTS, 3 * HIDDEN)
            self.across = fw.nn.Linear(HIDDEN, 3 * HIDDEN)

        def cell(self, state: Tensor, x: Tensor) -> Tensor:
            reset, update, new = self.inward(x).split(HIDDEN, 1)
            reset_, update_, new_ = self.across(state).split(HIDDEN, 1)
            update = (update + update_).sigmoid()
            new = (new + (reset + reset_).sigmoid() * new_).tanh()
            return new + update * (state - new)

        def forward(self, xs: Tensor, start: Tensor) -> Tensor:
            return fw.scan(self.cell, start, xs)

    return fw.load(Recurrent(), initial(GRU))


def _sequences(fw: Framework) -> tuple[Tensor, Tensor]:
    start = np.zeros((SEQUENCES, HIDDEN), np.float32)
    return fw.tensor(normal(LENGTH, SEQUENCES, INPUTS)), fw.tensor(start)


def loop(fw: Framework) -> Step:
    return fw.function(recurrent(fw), *_sequences(fw))


def loop_gradient(fw: Framework) -> Step:
    def loss(model: Any, xs: Tensor, start: Tensor) -> Tensor:
        last = model(xs, start)
        return (last * last).mean()

    parameters, function = fw.pure(recurrent(fw), loss)
    return fw.transformed(fw.func.grad(function), parameters, *_sequences(fw))


# -- a differential equation ----------------------------------------------------------------------

STATES, TIMES = 64, 20
FIELD = {**linear("fc1", 2, 50), **linear("fc2", 50, 2)}


def solution(fw: Framework) -> Step:
    class Field(fw.Module):  # type: ignore[name-defined]
        def __init__(self) -> None:
            super().__init__()
            self.fc1, self.fc2 = fw.nn.Linear(2, 50), fw.nn.Linear(50, 2)

        def forward(self, y: Tensor) -> Tensor:
            return self.fc2(self.fc1(y).tanh())

    field = fw.load(Field(), initial(FIELD))
    times = np.linspace(0, 10, TIMES, dtype=np.float32)
    return fw.odeint(field, fw.tensor(normal(STATES, 2)), fw.tensor(times), 1e-4, 1e-6)


# -- the table ------------------------------------------------------------------------------------

GRADIENT = "-gradient"  # of the names of gradients that others are measured beside


def _image_bytes(results: float) -> float:
    return FLOAT * (BATCH * cnn.IMAGE + (1 + results) * count(cnn.SHAPES))


def _cnn_flops(first: float, rest: float) -> float:
    """So many products of the first layer, which takes images, and of the others."""
    one = conv_flops(BATCH, 1, 32, 26, 3)
    return first * one + rest * (cnn.flops(BATCH, training=False) - one)


JACOBIAN_FLOPS = 2.0 * SAMPLES * SIDE * (2 * SIDE * WIDTH + WIDTH * WIDTH)
JACOBIAN_BYTES = FLOAT * (count(MLP) + SAMPLES * SIDE * (SIDE + 1))
LOOP_FLOPS = 2.0 * SEQUENCES * LENGTH * 3 * HIDDEN * (INPUTS + HIDDEN)
LOOP_BYTES = FLOAT * (LENGTH * SEQUENCES * INPUTS + count(GRU))

TRANSFORMS = (
    Workload(
        "cnn_per_sample",
        "small CNN, gradients of each of 128 images: vmap(grad)",
        per_sample,
        flops=_cnn_flops(2, 3),
        bytes=_image_bytes(BATCH),
        images=True,
        transforms=True,
        beside=GRADIENT,
    ),
    Workload(
        "cnn_hvp",
        "small CNN, batch 128, a Hessian-vector product: jvp(grad)",
        hessian_product,
        flops=_cnn_flops(3, 8),
        bytes=_image_bytes(2),
        images=True,
        transforms=True,
        beside=GRADIENT,
    ),
    *(
        Workload(
            name,
            f"MLP 64-256-256-64, Jacobians at 32 points: vmap({name})",
            jacobian(name),
            flops=JACOBIAN_FLOPS,
            bytes=JACOBIAN_BYTES,
            tolerance=1e-2,
            transforms=True,
        )
        for name in ("jacfwd", "jacrev")
    ),
    Workload(
        "gru_scan",
        "GRU (width 128), 32 sequences of 784 steps, forward: scan",
        loop,
        flops=LOOP_FLOPS,
        bytes=LOOP_BYTES,
        transforms=True,
    ),
    Workload(
        "gru_scan_gradient",
        "the same GRU, gradients of its parameters: grad of scan",
        loop_gradient,
        flops=3 * LOOP_FLOPS,
        bytes=LOOP_BYTES,
        transforms=True,
    ),
    Workload(
        "odeint",
        "neural differential equation (2-50-2), 64 states at 20 times: odeint",
        solution,
        transforms=True,
    ),
)
BESIDE = [
    replace(row, build=gradient, flops=_cnn_flops(2, 3), bytes=_image_bytes(1), beside="")
    for row in TRANSFORMS
    if row.beside
]
