"""The CNN example's parts that need no training."""

import json

import pytest

from lazygrad import Tensor
from lazygrad.errors import DataError
from lazygrad.examples.curve import check_picture, plot_curve, smoothed
from lazygrad.examples.history import History
from lazygrad.examples.model import SmallCNN
from lazygrad.examples.options import DEFAULTS, given, parse_options
from lazygrad.examples.progress import make_progress
from lazygrad.examples.training import STEPS_BETWEEN_READS, Totals


def two_epochs():
    history = History()
    history.add_epoch([2.0, 1.5], 0.25, 0.5)
    history.add_epoch([1.0, 0.5], 0.75, 0.875)
    return history


def test_history():
    history = two_epochs()
    assert history.epochs == 2
    assert history.losses == [2.0, 1.5, 1.0, 0.5]
    assert history.steps == [2, 4]
    assert History.from_json(history.to_json()) == history
    assert json.loads(history.to_json())["test_accuracy"] == [0.5, 0.875]


class Value:
    """Stands for a Tensor, and notes that it was read."""

    def __init__(self, value, log):
        self.value, self.log = value, log

    def item(self):
        self.log.append(self.value)
        return self.value


def test_results_are_read_late_and_all_of_them():
    log = []
    totals = Totals()
    for step in range(STEPS_BETWEEN_READS):
        assert not totals.add(Value(float(step), log), Value(1, []), 2)
    assert log == []
    assert totals.add(Value(100.0, log), Value(1, []), 2)
    # the newest may still be on its way
    assert log == [float(step) for step in range(STEPS_BETWEEN_READS)]
    totals.read()
    assert log[-1] == 100.0
    assert totals.losses == log
    assert totals.loss == sum(log) / len(log)
    assert totals.accuracy == 0.5


def test_smoothed():
    assert smoothed([3.0, 3.0, 3.0]) == pytest.approx([3, 3, 3])
    assert smoothed([1.0, 2.0], keep=0.5) == pytest.approx([1, 2.5 / 1.5])
    assert smoothed([]) == []


def test_options():
    options = parse_options(["--dataset", "mnist", "--lr", "0.5"])
    assert given(options) == {"dataset": "mnist", "lr": 0.5}
    assert set(given(options)) < set(DEFAULTS)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--dataset", "imagenet"], "invalid choice: 'imagenet'"),
        (["--epochs", "0"], "must be 1 or more, not 0"),
        (["--batch-size", "many"], "invalid _positive value: 'many'"),
    ],
)
def test_wrong_options(arguments, words, capsys):
    with pytest.raises(SystemExit):
        parse_options(arguments)
    assert words in capsys.readouterr().err


@pytest.mark.parametrize(
    ("image", "features"),
    [((1, 28, 28), 64 * 5 * 5), ((3, 32, 32), 64 * 6 * 6), ((1, 8, 8), 64 * 2 * 2)],
)
def test_the_model_fits_its_images(image, features):
    model = SmallCNN(*image, 10)
    assert tuple(model.hidden.weight.shape) == (128, features)
    assert tuple(model(Tensor.zeros(3, *image)).shape) == (3, 10)


def test_picture(tmp_path):
    path = tmp_path / "curve.png"
    check_picture(path)
    plot_curve(two_epochs(), path, "two epochs")
    assert path.read_bytes().startswith(b"\x89PNG")


def test_picture_of_no_format(tmp_path):
    with pytest.raises(DataError, match=r"curve.txt by its ending; known endings: .*png"):
        check_picture(tmp_path / "curve.txt")


def test_lines_are_rare(capsys, monkeypatch):
    now = [0.0]
    monkeypatch.setattr("time.monotonic", lambda: now[0])
    progress = make_progress("epoch 1", 1000)
    for _ in range(5):
        now[0] += 2
        progress.advance(100)
        progress.show(loss=0.5, accuracy=0.25)
    progress.close()
    assert capsys.readouterr().out == (
        "epoch 1: 300 of 1,000 images, loss 0.5000, accuracy 0.2500, 50 images/s\n"
    )
