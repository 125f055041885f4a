"""A causal transformer learns a language whose grammar, and so whose entropy, is known.

A small grammar writes the text (``lazygrad.examples.grammar``). No model can predict it better than
the grammar does, and how well that is can be computed; the transformer comes close to it, one
character at a time. Then it writes sentences of its own, with a cache of keys and values, and the
grammar says how many of them are right.

    python -m lazygrad.examples.gpt --plot gpt.png
"""

from __future__ import annotations

import random
import sys
import time
from argparse import Namespace

import numpy as np

import lazygrad as lg
from lazygrad import Tensor, func, jit, manual_seed, nn, no_grad, optim
from lazygrad.errors import LazygradError
from lazygrad.examples.grammar import END, LETTERS, entropy, is_right, written
from lazygrad.examples.program import described, draw_losses, options_of, picture, run, save, train
from lazygrad.interrupts import guarded

F = nn.functional
Past = tuple[tuple[Tensor, Tensor], ...]  # keys and values (B, heads, T, size) of each block


def lines(count: int, length: int, draw: random.Random) -> tuple[Tensor, Tensor, float]:
    """Text, from the start of a sentence on.

    Returns:
        The letters int64 ``(count, length)``; float32 of that shape, which of them are in
        sentences that are whole; and the mean information of those, in nats.
    """
    codes = np.zeros((count, length), np.int64)
    whole = np.zeros((count, length), np.float32)
    total = 0.0
    for row in range(count):
        text = ""
        while len(text) < length:
            sentence, nats = written("<sentence>", draw)
            text += sentence
            if len(text) <= length:
                whole[row, : len(text)] = 1
                total += nats
        codes[row] = [LETTERS.index(letter) for letter in text[:length]]
    return lg.tensor(codes), lg.tensor(whole), total / max(whole.sum(), 1)


class Block(nn.Module):
    """Attention, then a network at each position; both are added to what was there."""

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.norm1, self.norm2 = nn.LayerNorm(width), nn.LayerNorm(width)
        self.queries_keys_values = nn.Linear(width, 3 * width)
        self.joined = nn.Linear(width, width)
        self.mlp = nn.Sequential(
            nn.Linear(width, 4 * width), nn.GELU(), nn.Linear(4 * width, width)
        )

    def attend(self, x: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Queries, keys and values ``(B, heads, T, size)``."""
        parts = self.queries_keys_values(self.norm1(x)).unflatten(2, (3, self.heads, -1))
        return parts.permute(2, 0, 3, 1, 4).unbind()

    def after(self, x: Tensor, attended: Tensor) -> Tensor:
        x = x + self.joined(attended.transpose(1, 2).flatten(2))
        return x + self.mlp(self.norm2(x))

    def forward(self, x: Tensor) -> Tensor:
        return self.after(x, F.scaled_dot_product_attention(*self.attend(x), is_causal=True))

    def step(self, x: Tensor, at: Tensor, past: tuple[Tensor, Tensor]) -> tuple[Tensor, ...]:
        """The same at one position, and the keys and values with those of this position."""
        query, *new = self.attend(x)
        places = lg.arange(past[0].shape[2])
        here = (places == at).unsqueeze(1)
        keys, values = (lg.where(here, one, old) for one, old in zip(new, past, strict=True))
        mask = (places <= at).unsqueeze(0)
        attended = F.scaled_dot_product_attention(query, keys, values, mask)
        return self.after(x, attended), keys, values


class GPT(nn.Module):
    """Logits ``(B, T, letters)`` of the letter that follows each of int64 ``(B, T)``."""

    def __init__(self, letters: int, length: int, width: int, heads: int, depth: int) -> None:
        super().__init__()
        self.letter, self.place = nn.Embedding(letters, width), nn.Embedding(length, width)
        for table in (self.letter, self.place):
            nn.init.normal_(table.weight, std=0.1)
        self.heads = heads
        self.blocks = nn.ModuleList(Block(width, heads) for _ in range(depth))
        self.norm, self.output = nn.LayerNorm(width), nn.Linear(width, letters)

    def forward(self, text: Tensor) -> Tensor:
        x = self.letter(text) + self.place(lg.arange(text.shape[1]))
        for block in self.blocks:
            x = block(x)
        return self.output(self.norm(x))

    def step(self, letter: Tensor, at: Tensor, past: Past) -> tuple[Tensor, Past]:
        """Logits ``(B, letters)`` after int64 ``(B,)`` at one place, and what is to be kept."""
        x = (self.letter(letter) + self.place(at)).unsqueeze(1)
        kept = []
        for block, old in zip(self.blocks, past, strict=True):
            assert isinstance(block, Block)
            x, keys, values = block.step(x, at, old)
            kept.append((keys, values))
        return self.output(self.norm(x)).squeeze(1), tuple(kept)

    def nothing_past(self, batch: int) -> Past:
        length, width = self.place.weight.shape
        empty = lg.zeros(batch, self.heads, length, width // self.heads)
        return tuple((empty, empty) for _ in self.blocks)


# Drawing from a softmax is taking the largest of the logits after Gumbel's noise is added to them.
# The noise (T, B, letters) is drawn before, so that both ways of sampling draw the same.


def sampled(model: GPT, first: Tensor, noise: Tensor) -> Tensor:
    """Text int64 ``(B, T)`` after letters ``(B,)``: each step computes one position."""

    def step(carry: tuple[Tensor, Past], given: tuple[Tensor, Tensor]) -> tuple:
        letter, past = carry
        at, drawn = given
        logits, past = model.step(letter, at, past)
        letter = (logits + drawn).argmax(1)
        return (letter, past), letter

    start = (first, model.nothing_past(len(first)))
    return func.scan(step, start, (lg.arange(len(noise)), noise))[1].T


def sampled_without_cache(model: GPT, first: Tensor, noise: Tensor) -> Tensor:
    """The same text; each step computes all positions again."""
    places = lg.arange(len(noise))

    def step(text: Tensor, given: tuple[Tensor, Tensor]) -> tuple[Tensor, Tensor]:
        at, drawn = given
        logits = model(text)[:, at]
        letter = (logits + drawn).argmax(1)
        return lg.where(places == at + 1, letter.unsqueeze(1), text), letter

    start = lg.where(places == 0, first.unsqueeze(1), 0)
    return func.scan(step, start, (places, noise))[1].T


def trained(options: Namespace) -> tuple[GPT, list[float]]:
    """A model that has read what the grammar wrote, and its losses in nats a letter."""
    manual_seed(options.seed)
    model = GPT(len(LETTERS), options.length, options.width, heads=4, depth=2)
    print(described(model), flush=True)
    optimizer = optim.AdamW(model.parameters(), lr=options.lr, betas=(0.9, 0.98), weight_decay=0.01)
    schedule = optim.lr_scheduler.OneCycleLR(
        optimizer, options.lr, options.steps + 1, pct_start=0.1
    )
    draw = random.Random(options.seed)

    @jit
    def learn(text: Tensor) -> Tensor:
        optimizer.zero_grad()
        loss = model(text[:, :-1]).flatten(0, 1).cross_entropy(text[:, 1:].flatten())
        loss.backward()
        optimizer.step()
        return loss.detach()

    def step(number: int) -> Tensor:
        loss = learn(lines(options.batch_size, options.length + 1, draw)[0])
        schedule.step()
        return loss

    return model, train(step, options.steps)


def measured(model: GPT, length: int, rows: int = 256) -> tuple[float, float]:
    """What whole sentences of new text cost the model, and the grammar: nats a letter."""
    text, whole, information = lines(rows, length, random.Random("a new text"))
    with no_grad():
        # the first letter is always the same: it costs nothing
        each = F.cross_entropy(model(text[:, :-1]).transpose(1, 2), text[:, 1:], reduction="none")
        return float(((each * whole[:, 1:]).sum() / whole.sum()).item()), information


def sentences(model: GPT, length: int, rows: int = 64) -> tuple[list[str], dict[str, float]]:
    """Text that the model writes, and the seconds that each way of sampling takes.

    Raises:
        LazygradError: if the two ways do not write the same.
    """
    first = lg.full((rows,), LETTERS.index("t"), dtype=lg.int64)
    noise = -(-lg.rand(length, rows, len(LETTERS)).log()).log()
    noise.realize()
    found, seconds = [], {}
    for sampler in (sampled, sampled_without_cache):
        write = jit(no_grad()(lambda noise, sampler=sampler: sampler(model, first, noise)))
        for _ in range(2):  # the first time compiles
            start = time.perf_counter()
            letters = write(noise).numpy()
            seconds[sampler.__name__] = time.perf_counter() - start
        found.append(["t" + "".join(LETTERS[code] for code in row) for row in letters])
    if found[0] != found[1]:
        raise LazygradError("[gpt] the same noise gave another text without the cache")
    return found[0], seconds


def show(options: Namespace) -> None:
    """Train, compare with the grammar, and write."""
    model, losses = trained(options)
    loss, information = measured(model, options.length)
    print(f"new sentences: {loss:.4f} nats a letter, and {information:.4f} are in them; "
          f"the entropy of the grammar: {entropy():.4f}")  # fmt: skip
    texts, seconds = sentences(model, options.length)
    whole = [one + END for text in texts for one in text.split(END)[:-1]]
    print(f"written: {texts[0]!r}, {texts[1]!r}, ...")
    print(f"of {len(whole)} whole sentences {sum(map(is_right, whole))} are right")
    cached, plain = seconds.values()
    print(f"{options.length} letters of {len(texts)} texts take {cached:.2f} s with a cache, "
          f"{plain:.2f} s without, and are the same")  # fmt: skip
    save(model, options.save)
    if options.plot:
        with picture(options.plot, "A transformer and the grammar that it learns") as (axes,):
            draw_losses(axes, losses, "transformer")
            axes.axhline(entropy(), color="black", linestyle="--", label="entropy of the grammar")
            axes.set_ylim(0, 1)
            axes.set_ylabel("nats a letter")
            axes.legend()


def main(arguments: list[str] | None = None) -> int:
    """Run the command line; returns the exit status."""
    options = options_of(
        "gpt", __doc__, arguments, files=("plot", "save"),
        steps=500, batch_size=32, lr=6e-3, length=64, width=64, seed=0,
    )  # fmt: skip
    return run(show, options)


if __name__ == "__main__":
    sys.exit(guarded(main))
