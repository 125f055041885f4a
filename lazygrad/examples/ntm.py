"""A neural Turing machine that copies sequences longer than those it trained on.

A controller sees one vector of bits at a time, and has a memory of its own: a matrix whose rows it
writes and reads through soft addresses, found by content and moved by location. Nobody tells it to
store its input row by row and to read it in the same order; training finds that program, and since
it is a program, it also runs on sequences longer than any it was trained on.

After A. Graves, G. Wayne and I. Danihelka, *Neural Turing Machines* (2014).

    python -m lazygrad.examples.ntm --plot ntm.png
"""

from __future__ import annotations

import sys
from argparse import Namespace
from typing import NamedTuple

import lazygrad as lg
from lazygrad import Tensor, func, jit, manual_seed, nn, no_grad, optim
from lazygrad.examples.program import described, draw_losses, options_of, picture, run, save, train
from lazygrad.interrupts import guarded

F = nn.functional
SHIFTS = (-1, 0, 1)


class State(NamedTuple):
    """What the machine carries from step to step, of B sequences.

    ``memory`` is ``(B, slots, size)``, ``reading`` the last row that was read ``(B, size)``; an
    address says how much of each slot is meant ``(B, slots)``.
    """

    memory: Tensor
    reading: Tensor
    written: Tensor
    read: Tensor


class Head(nn.Module):
    """Turns what the controller says into an address of the memory."""

    def __init__(self, hidden: int, size: int) -> None:
        super().__init__()
        self.parts = [size, 1, 1, len(SHIFTS), 1]
        self.linear = nn.Linear(hidden, sum(self.parts))

    def forward(self, hidden: Tensor, memory: Tensor, last: Tensor) -> Tensor:
        """The address ``(B, slots)`` that follows the ``last`` one."""
        key, strength, gate, shifts, sharpness = self.linear(hidden).split(self.parts, 1)
        # by content: the slots that are most like the key,
        likeness = F.cosine_similarity(memory, key.tanh().unsqueeze(1), 2, eps=1e-4)
        content = (F.softplus(strength) * likeness).softmax(1)
        # or by location: from where the head was, a slot back, on, or neither,
        address = lg.lerp(last, content, (gate - 2).sigmoid())
        moves = shifts.softmax(1).split(1, 1)
        address = sum(move * address.roll(by, 1) for move, by in zip(moves, SHIFTS, strict=True))
        # and sharpened, because each shift blurs
        address = (address + 1e-6) ** (1 + F.softplus(sharpness + 2))
        return address / address.sum(1, keepdim=True)


class NeuralTuringMachine(nn.Module):
    """Logits ``(T, B, width)`` for inputs ``(T, B, width + 1)``, the last of which ends a sequence.

    Args:
        width: bits of a vector.
        slots: rows of the memory.
        size: numbers in a row.
        hidden: units of the controller.
    """

    def __init__(self, width: int, slots: int, size: int, hidden: int) -> None:
        super().__init__()
        self.slots = slots
        self.controller = nn.Linear(width + 1 + size, hidden)
        self.writes, self.reads = Head(hidden, size), Head(hidden, size)
        self.erase, self.add = nn.Linear(hidden, size), nn.Linear(hidden, size)
        self.output = nn.Linear(hidden + size, width)
        self.blank = nn.Parameter(lg.full((size,), 1e-2))

    def start(self, batch: int) -> State:
        """A blank memory, and both heads at its first slot."""
        memory = self.blank.expand(batch, self.slots, -1)
        first = (lg.arange(self.slots) == 0).float().expand(batch, -1)
        return State(memory, lg.zeros_like(memory[:, 0]), first, first)

    def step(self, state: State, x: Tensor) -> tuple[State, tuple[Tensor, Tensor, Tensor]]:
        """One vector of bits in; logits of one, and where the heads are, out."""
        hidden = self.controller(lg.cat([x, state.reading], 1)).tanh()
        written = self.writes(hidden, state.memory, state.written)
        kept = 1 - written.unsqueeze(2) * self.erase(hidden).sigmoid().unsqueeze(1)
        added = written.unsqueeze(2) * self.add(hidden).tanh().unsqueeze(1)
        memory = state.memory * kept + added
        read = self.reads(hidden, memory, state.read)
        reading = (read.unsqueeze(1) @ memory).squeeze(1)
        logits = self.output(lg.cat([hidden, reading], 1))
        return State(memory, reading, written, read), (logits, written, read)

    def run(self, xs: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Logits, and the addresses ``(T, B, slots)`` that were written to and read from."""
        return func.scan(self.step, self.start(xs.shape[1]), xs)[1]

    def forward(self, xs: Tensor) -> Tensor:
        return self.run(xs)[0]


class Task(NamedTuple):
    """Sequences to copy: ``inputs (T, B, width + 1)``, ``targets (T, B, width)``, and a ``mask
    (T, B, 1)`` that is 1 where the machine must speak."""

    inputs: Tensor
    targets: Tensor
    mask: Tensor


def copy_task(shortest: int, longest: int, batch: int, width: int) -> Task:
    """Random bits, and then a sign, as long as it lasts, that they are to be repeated."""
    time = lg.arange(2 * longest + 1).reshape(-1, 1, 1)
    length = lg.randint(shortest, longest + 1, (1, batch, 1))
    bits = lg.randint(0, 2, (len(time), batch, width)).float()
    inputs = lg.cat([bits * (time < length), (time >= length).float().expand(-1, batch, 1)], 2)
    since = (time - length - 1).clamp(min=0).expand(-1, -1, width)
    mask = ((time > length) & (time <= 2 * length)).float()
    return Task(inputs, bits.gather(0, since), mask)


def loss_of(logits: Tensor, task: Task) -> Tensor:
    """The cross entropy of a bit that is to be repeated."""
    each = F.binary_cross_entropy_with_logits(logits, task.targets, reduction="none")
    return (each * task.mask).sum() / (task.mask.sum() * logits.shape[-1])


def wrong_bits(model: NeuralTuringMachine, length: int, batch: int, width: int) -> float:
    """The share of bits that are repeated wrong, in new sequences of one length."""
    with no_grad():
        task = copy_task(length, length, batch, width)
        wrong = ((model(task.inputs) > 0) != (task.targets > 0.5)).float() * task.mask
        return float((wrong.sum() / (task.mask.sum() * width)).item())


def trained(options: Namespace) -> tuple[NeuralTuringMachine, list[float]]:
    """A machine that has learned to copy, and its losses."""
    manual_seed(options.seed)
    model = NeuralTuringMachine(options.width, options.slots, size=12, hidden=32)
    print(described(model), flush=True)
    optimizer = optim.Adam(model.parameters(), lr=options.lr)
    schedule = optim.lr_scheduler.CosineAnnealingLR(optimizer, max(options.steps, 1))

    @jit
    def learn() -> Tensor:
        optimizer.zero_grad()
        task = copy_task(1, options.longest, options.batch_size, options.width)
        loss = loss_of(model(task.inputs), task)
        loss.backward()
        nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        return loss

    def step(number: int) -> Tensor:
        loss = learn()
        schedule.step()
        return loss

    return model, train(step, options.steps)


def show(options: Namespace) -> None:
    """Train a machine, and have it copy what is longer than all that it has seen."""
    model, losses = trained(options)
    for length in (options.longest, options.slots * 5 // 6):
        share = wrong_bits(model, length, 64, options.width)
        print(
            f"sequences of {length}, trained on up to {options.longest}: {share:.2%} of bits wrong"
        )
    save(model, options.save)
    if options.plot:
        draw(model, losses, options)


def draw(model: NeuralTuringMachine, losses: list[float], options: Namespace) -> None:
    """A long sequence as it is copied, and where the machine writes and reads meanwhile."""
    with no_grad():
        length = options.slots * 5 // 6
        task = copy_task(length, length, 1, options.width)
        logits, written, read = (found[:, 0] for found in model.run(task.inputs))
        panels = {
            "copied (above) from below": lg.cat([
                task.targets[length + 1 :, 0], lg.ones(length, 1) * 0.5,
                logits[length + 1 :].sigmoid(),
            ], 1).T,
            "where it writes": written.T,
            "where it reads": read.T,
        }  # fmt: skip
    with picture(options.plot, f"Copying {length} after training on {options.longest}", 4) as axes:
        draw_losses(axes[0], losses)
        for axis, (title, values) in zip(axes[1:], panels.items(), strict=True):
            axis.imshow(values.numpy(), aspect="auto", origin="lower", cmap="gray")
            axis.set_title(title)
            axis.set_xlabel("step")


def main(arguments: list[str] | None = None) -> int:
    """Run the command line; returns the exit status."""
    options = options_of(
        "ntm", __doc__, arguments, files=("plot", "save"),
        steps=400, batch_size=32, lr=5e-3, longest=8, slots=24, width=6, seed=0,
    )  # fmt: skip
    return run(show, options)


if __name__ == "__main__":
    sys.exit(guarded(main))
