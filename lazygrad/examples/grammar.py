"""A small grammar of English: it writes text, says how much information is in it, and reads it.

Verbs agree with their subjects, however many clauses stand between them: "the cats that chase the
dog sleep." Each sentence can be written in one way only, so its probability is that of the choices
that lead to it.
"""

from __future__ import annotations

import math
import random
from collections.abc import Iterator
from typing import Any

END = ". "
# What a symbol becomes, and how often; what is no symbol stands for itself.
GRAMMAR: dict[str, tuple[tuple[Any, ...], ...]] = {
    "<sentence>": ((0.5, "<one>", " ", "<does>", END), (0.5, "<many>", " ", "<do>", END)),
    "<one>": ((0.7, "the ", "<animal>"), (0.3, "the ", "<animal>", " that ", "<does>")),
    "<many>": ((0.7, "the ", "<animal>", "s"), (0.3, "the ", "<animal>", "s that ", "<do>")),
    "<does>": ((0.6, "<rest>", "s"), (0.4, "<act>", "s ", "<object>")),
    "<do>": ((0.6, "<rest>"), (0.4, "<act>", " ", "<object>")),
    "<object>": ((0.5, "<one>"), (0.5, "<many>")),
    "<animal>": ((0.4, "cat"), (0.3, "dog"), (0.2, "owl"), (0.1, "hen")),
    "<rest>": ((0.5, "sleep"), (0.25, "sing"), (0.25, "hide")),
    "<act>": ((0.5, "chase"), (0.25, "see"), (0.25, "like")),
}
WORDS = {part for rules in GRAMMAR.values() for _, *parts in rules for part in parts} - {*GRAMMAR}
LETTERS = "".join(sorted(set("".join(WORDS))))


def written(symbol: str, draw: random.Random) -> tuple[str, float]:
    """A text that the symbol becomes, and its information in nats: -log of its probability."""
    if symbol not in GRAMMAR:
        return symbol, 0.0
    share, *parts = draw.choices(GRAMMAR[symbol], [rule[0] for rule in GRAMMAR[symbol]])[0]
    texts, nats = zip(*(written(part, draw) for part in parts), strict=True)
    return "".join(texts), sum(nats) - math.log(share)


def entropy() -> float:
    """Nats a character, of an endless text: of a sentence, divided by its mean length.

    Each choice adds its own entropy, and what its parts are expected to have: a fixed point.
    """
    nats, letters = dict.fromkeys(GRAMMAR, 0.0), dict.fromkeys(GRAMMAR, 0.0)
    for _ in range(200):
        for symbol, rules in GRAMMAR.items():
            nats[symbol] = sum(
                share * (sum(nats.get(part, 0) for part in parts) - math.log(share))
                for share, *parts in rules
            )
            letters[symbol] = sum(
                share * sum(letters.get(part, len(part)) for part in parts)
                for share, *parts in rules
            )
    return nats["<sentence>"] / letters["<sentence>"]


def ends(symbol: str, text: str, start: int = 0) -> Iterator[int]:
    """Where a text from ``start`` on that the symbol can become may end."""
    if symbol not in GRAMMAR:
        if text.startswith(symbol, start):
            yield start + len(symbol)
        return
    for _, *parts in GRAMMAR[symbol]:
        places = {start}
        for part in parts:
            places = {end for place in places for end in ends(part, text, place)}
        yield from places


def is_right(sentence: str) -> bool:
    """Whether the grammar has such a sentence."""
    return len(sentence) in ends("<sentence>", sentence)
