"""The transformer: a grammar whose entropy is known, and two ways of sampling that agree."""

import random
from argparse import Namespace

import pytest

import lazygrad as lg
from lazygrad.config import config
from lazygrad.examples.gpt import GPT, lines, main, sentences, trained
from lazygrad.examples.grammar import LETTERS, entropy, is_right, written


def test_the_grammar_reads_what_it_writes() -> None:
    draw = random.Random(0)
    found = [written("<sentence>", draw) for _ in range(2000)]
    assert all(is_right(text) for text, _ in found)
    assert set("".join(text for text, _ in found)) == set(LETTERS)
    measured = sum(nats for _, nats in found) / sum(len(text) for text, _ in found)
    assert entropy() == pytest.approx(measured, rel=0.02)


@pytest.mark.parametrize(
    ("sentence", "right"),
    [
        ("the cats that chase the dog sleep. ", True),
        ("the cats that chase the dog sleeps. ", False),
        ("the cat sleeps", False),
        ("the cat. ", False),
    ],
)
def test_sentences(sentence: str, right: bool) -> None:
    assert is_right(sentence) == right


def test_only_whole_sentences_are_counted() -> None:
    text, whole, information = lines(3, 40, random.Random(0))
    for codes, counted in zip(text.tolist(), whole.tolist(), strict=True):
        letters = "".join(LETTERS[code] for code in codes)
        end = letters.rindex(". ") + 2
        assert counted == [1.0] * end + [0.0] * (40 - end)
    assert 0 < information < 1


def test_the_cache_changes_nothing(device: str) -> None:
    with config(backend=device):
        lg.manual_seed(0)
        texts, _ = sentences(GPT(len(LETTERS), length=12, width=8, heads=4, depth=2), 12, rows=3)
        assert [len(text) for text in texts] == [13] * 3


def test_it_learns(device: str) -> None:
    options = Namespace(steps=25, batch_size=8, lr=1e-2, length=16, width=16, seed=0)
    with config(backend=device):
        _, losses = trained(options)
    assert losses[0] > 2.5
    assert losses[-1] < 2.0


def test_the_command_line(tmp_path, capsys: pytest.CaptureFixture[str]) -> None:
    picture, weights = tmp_path / "new" / "gpt.png", tmp_path / "gpt.safetensors"
    small = ["--steps", "1", "--length", "16", "--width", "8", "--batch-size", "2"]
    with config(backend="CPU"):
        assert main([*small, "--plot", str(picture), "--save", str(weights)]) == 0
    printed = capsys.readouterr().out
    assert "the entropy of the grammar: 0.2592" in printed
    assert f"written: {weights}\nwritten: {picture}\n" in printed
    assert picture.read_bytes().startswith(b"\x89PNG")
    assert "blocks.1.joined.weight" in lg.load_state(weights)[0]
