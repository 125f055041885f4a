"""A DCGAN: generator and discriminator, an optimizer each, in the loop of PyTorch's tutorial."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

from ..frameworks import Framework, Step, Tensor
from ..workload import Workload
from .unet import doubled
from .weights import initial_of, normal

BATCH, NOISE, WIDTH = 32, 100, 32  # images of 3x64x64
RISING = (WIDTH, 2 * WIDTH, 4 * WIDTH, 8 * WIDTH)


def generator(fw: Framework) -> Any:
    nn = fw.nn

    class Generator(fw.Module):  # type: ignore[name-defined]
        def __init__(self) -> None:
            super().__init__()
            falling = RISING[::-1]
            steps = list(pairwise(falling))
            self.enter = nn.Linear(NOISE, falling[0] * 4 * 4)
            self.convs = nn.ModuleList(
                [nn.Conv2d(a, b, 3, padding=1, bias=False) for a, b in steps]
            )
            self.norms = nn.ModuleList([nn.BatchNorm2d(b) for _, b in steps])
            self.leave = nn.Conv2d(falling[-1], 3, 3, padding=1)

        def forward(self, noise: Tensor) -> Tensor:
            x = self.enter(noise).reshape(-1, RISING[-1], 4, 4).relu()
            for conv, norm in zip(self.convs, self.norms, strict=True):
                x = norm(conv(doubled(x))).relu()
            return self.leave(doubled(x)).tanh()

    made = Generator()
    return fw.load(made, initial_of(made))


def discriminator(fw: Framework) -> Any:
    nn, leaky_relu = fw.nn, fw.torch.nn.functional.leaky_relu

    class Discriminator(fw.Module):  # type: ignore[name-defined]
        def __init__(self) -> None:
            super().__init__()
            steps = list(pairwise((3, *RISING)))
            self.convs = nn.ModuleList(
                [nn.Conv2d(a, b, 4, stride=2, padding=1, bias=False) for a, b in steps]
            )
            self.norms = nn.ModuleList([nn.BatchNorm2d(b) for _, b in steps[1:]])
            self.leave = nn.Linear(RISING[-1] * 4 * 4, 1)

        def forward(self, x: Tensor) -> Tensor:
            first, *others = self.convs
            x = leaky_relu(first(x), 0.2)
            for conv, norm in zip(others, self.norms, strict=True):
                x = leaky_relu(norm(conv(x)), 0.2)
            return self.leave(x.flatten(1)).flatten()

    made = Discriminator()
    return fw.load(made, initial_of(made))


def train(fw: Framework) -> Step:
    torch, binary = fw.torch, fw.torch.nn.functional.binary_cross_entropy_with_logits
    make, judge = fw.compiled(generator(fw)), fw.compiled(discriminator(fw))
    rates = {"lr": 2e-4, "betas": (0.5, 0.999)}
    make_optimizer = torch.optim.Adam(make.parameters(), **rates)
    judge_optimizer = torch.optim.Adam(judge.parameters(), **rates)
    real_label, fake_label = torch.ones(BATCH), torch.zeros(BATCH)

    def step(real: Tensor) -> Tensor:
        judge_optimizer.zero_grad()
        binary(judge(real), real_label).backward()
        fake = make(torch.randn(BATCH, NOISE))
        binary(judge(fake.detach()), fake_label).backward()
        judge_optimizer.step()
        make_optimizer.zero_grad()
        loss = binary(judge(fake), real_label)
        loss.backward()
        make_optimizer.step()
        return loss

    real, quick = fw.tensor(normal(BATCH, 3, 64, 64)), fw.jitted(step)

    def printed() -> Tensor:
        loss = quick(real)
        loss.item()
        return loss

    return printed


PROGRAMS = (
    Workload(
        "dcgan",
        "DCGAN (32 to 256 channels), step of both networks, 32x3x64x64",
        train,
        tolerance=0.5,  # each draws other noise
        images=True,
        torch_names=True,
    ),
)
