"""DataLoader: what it yields, in which order, and how many."""

from itertools import chain

import numpy as np
import pytest

from lazygrad import manual_seed
from lazygrad.data import DataLoader, ImageDataset, TensorDataset, default_collate, digits, load
from lazygrad.data.sampler import shuffled
from lazygrad.errors import ArgumentError, DataError, DtypeError, LazygradError, ShapeError
from lazygrad.tensor_class import Tensor

# NumPy keeps these for ever: a change here would break resuming an older run.
GOLDEN = (
    [7, 3, 0, 1, 8, 6, 9, 4, 5, 2],
    [0, 2, 8, 5, 4, 1, 3, 9, 7, 6],
)


def numbered(count=10):
    """Images whose only pixel, and label, is their number."""
    values = np.arange(count)
    images = values.astype(np.uint8).reshape(count, 1, 1, 1)
    return ImageDataset("numbers", images, values, tuple(map(str, values)))


def labels_of(loader):
    return [y.numpy().tolist() for _, y in loader]


def test_what_a_batch_is():
    train, _ = digits()
    x, y = next(iter(DataLoader(train, 64)))
    assert isinstance(x, Tensor)
    assert tuple(x.shape) == (64, 1, 8, 8)
    assert x.numpy().dtype == np.float32
    assert y.numpy().dtype == np.int64
    np.testing.assert_array_equal(x.numpy(), train.images[:64].astype(np.float32) / 16)
    np.testing.assert_array_equal(y.numpy(), train.labels[:64])


@pytest.mark.parametrize(
    ("batch_size", "drop_last", "sizes"),
    [
        (4, False, [4, 4, 2]),
        (4, True, [4, 4]),
        (5, False, [5, 5]),
        (5, True, [5, 5]),
        (20, False, [10]),
        (20, True, []),
    ],
)
def test_sizes(batch_size, drop_last, sizes):
    loader = DataLoader(numbered(), batch_size, drop_last=drop_last)
    assert [len(labels) for labels in labels_of(loader)] == sizes
    assert len(loader) == len(sizes)


def test_without_shuffle_the_order_is_that_of_the_set():
    loader = DataLoader(numbered(), 4)
    assert labels_of(loader) == [[0, 1, 2, 3], [4, 5, 6, 7], [8, 9]]
    assert labels_of(loader) == [[0, 1, 2, 3], [4, 5, 6, 7], [8, 9]]


def test_every_epoch_is_a_new_permutation():
    loader = DataLoader(numbered(), 4, shuffle=True)
    epochs = [list(chain(*labels_of(loader))) for _ in range(3)]
    assert all(sorted(epoch) == list(range(10)) for epoch in epochs)
    assert len({tuple(epoch) for epoch in epochs}) == 3


def test_images_go_with_their_labels():
    for x, y in DataLoader(numbered(), 3, shuffle=True):
        np.testing.assert_array_equal(np.rint(x.numpy().ravel() * 255), y.numpy())


def test_the_same_seed_gives_the_same_epochs():
    first, second = (DataLoader(numbered(), 4, shuffle=True, seed=3) for _ in range(2))
    assert [labels_of(first) for _ in range(2)] == [labels_of(second) for _ in range(2)]
    assert labels_of(first) != labels_of(DataLoader(numbered(), 4, shuffle=True, seed=4))


def test_without_a_seed_it_is_that_of_manual_seed():
    manual_seed(3)
    found = labels_of(DataLoader(numbered(), 4, shuffle=True))
    assert found == labels_of(DataLoader(numbered(), 4, shuffle=True, seed=3))
    manual_seed(-1)
    assert sorted(chain(*labels_of(DataLoader(numbered(), 4, shuffle=True)))) == list(range(10))


def test_set_epoch_goes_on_where_another_loader_stopped():
    first, second = (DataLoader(numbered(), 4, shuffle=True) for _ in range(2))
    epochs = [labels_of(first) for _ in range(3)]
    second.set_epoch(2)
    assert labels_of(second) == epochs[2]
    assert second.epoch == 3


def test_an_iteration_takes_its_epoch_when_it_starts():
    loader = DataLoader(numbered(), 10, shuffle=True)
    early = iter(loader)
    late = iter(loader)
    (_, second), (_, first) = next(late), next(early)
    np.testing.assert_array_equal(first.numpy(), shuffled(10, 0, 0))
    np.testing.assert_array_equal(second.numpy(), shuffled(10, 0, 1))


def test_orders_are_the_same_on_every_machine():
    assert shuffled(10, 0, 0).tolist() == GOLDEN[0]
    assert shuffled(10, 1 << 40, 7).tolist() == GOLDEN[1]


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"batch_size": 0}, "batch_size must be at least 1, got 0"),
        ({"batch_size": 1, "seed": -1}, "seed must be at least 0, got -1"),
        ({"batch_size": 1.5}, r"\[DataLoader\] batch_size must be an integer or None, got 1\.5"),
        ({"batch_size": "a"}, "batch_size must be an integer or None, got 'a'"),
        ({"batch_size": True}, "batch_size must be an integer or None, got True"),
        ({"shuffle": "no"}, "shuffle must be True or False"),
        ({"collate_fn": 3}, "collate_fn must be a function or None"),
        ({"device": "nowhere"}, "unknown backend 'nowhere'"),
    ],
)
def test_wrong_arguments(arguments, words):
    with pytest.raises(LazygradError, match=words):
        DataLoader(numbered(), **arguments)


def test_what_is_no_data_set():
    with pytest.raises(ArgumentError, match=r"\[DataLoader\] dataset must have a length .* got 3"):
        DataLoader(3)
    with pytest.raises(DtypeError, match=r"\[TensorDataset\] takes Tensors or arrays, got 'a'"):
        TensorDataset("a")
    with pytest.raises(DataError, match="different kinds: number and str"):
        next(iter(DataLoader([1, "b"], batch_size=2)))
    with pytest.raises(ArgumentError, match=r"\[load\] name must be a string, got \['digits'\]"):
        load(["digits"])


def test_wrong_epoch():
    with pytest.raises(LazygradError, match=r"\[set_epoch\] epoch must be at least 0, got -1"):
        DataLoader(numbered()).set_epoch(-1)


class Pairs:
    """A data set of PyTorch's kind: one sample at a time."""

    def __len__(self):
        return 5

    def __getitem__(self, index):
        return {"point": (np.full(2, index, np.float32), float(index)), "name": f"no {index}"}


def test_any_map_style_data_set():
    batches = list(DataLoader(Pairs(), 3))
    point, height = batches[1]["point"]
    np.testing.assert_array_equal(point.numpy(), [[3, 3], [4, 4]])
    assert (point.numpy().dtype, height.numpy().dtype) == (np.float32, np.float64)
    np.testing.assert_array_equal(height.numpy(), [3, 4])
    assert batches[1]["name"] == ["no 3", "no 4"]


def test_collate_fn_gets_the_samples():
    loader = DataLoader(Pairs(), 2, collate_fn=lambda samples: [s["name"] for s in samples])
    assert list(loader) == [["no 0", "no 1"], ["no 2", "no 3"], ["no 4"]]


def test_tensor_dataset():
    x = Tensor(np.arange(12, dtype=np.float32).reshape(6, 2))
    ds = TensorDataset(x, np.arange(6))
    assert len(ds) == 6
    assert ds.tensors[0] is x
    row, label = ds[4]
    np.testing.assert_array_equal(row.numpy(), [8, 9])
    assert label.item() == 4
    batches = [(a.numpy(), b.numpy()) for a, b in DataLoader(ds, 4, shuffle=True)]
    assert [len(b) for _, b in batches] == [4, 2]
    for a, b in batches:
        np.testing.assert_array_equal(a, np.stack([2 * b, 2 * b + 1], 1))
    assert sorted(np.concatenate([b for _, b in batches])) == list(range(6))


@pytest.mark.parametrize(
    ("arrays", "words"),
    [
        ([], r"needs Tensors with a first axis; got \[\]"),
        ([np.zeros(3), np.float32(1)], r"needs Tensors with a first axis; got \[\(3,\), \(\)\]"),
        ([np.zeros(3), np.zeros((4, 1))], r"the first axes differ: \[\(3,\), \(4, 1\)\]"),
    ],
)
def test_tensors_that_are_no_data_set(arrays, words):
    with pytest.raises(ShapeError, match=words):
        TensorDataset(*arrays)


@pytest.mark.parametrize(
    ("samples", "dtype", "values"),
    [
        ([1, 2], np.int64, [1, 2]),
        ([True, False], np.bool_, [True, False]),
        ([1.5, 2.5], np.float64, [1.5, 2.5]),
        ([1, 2.5], np.float64, [1, 2.5]),
        ([np.float16(1), np.float16(2)], np.float16, [1, 2]),
    ],
)
def test_collated_numbers(samples, dtype, values):
    batch = default_collate(samples).numpy()
    assert batch.dtype == dtype
    np.testing.assert_array_equal(batch, values)


def test_collated_tensors():
    batch = default_collate([Tensor([1.0, 2.0]), Tensor([3.0, 4.0])])
    np.testing.assert_array_equal(batch.numpy(), [[1, 2], [3, 4]])


@pytest.mark.parametrize(
    ("samples", "words"),
    [
        ([np.zeros(2), np.zeros(3)], r"2 samples .* different shapes: \(2,\) and \(3,\)"),
        ([(1, 2), (1,)], "different lengths: 2 and 1"),
        ([{"a": 1}, {"b": 1}], r"different keys: \['a'\] and \['b'\]"),
    ],
)
def test_samples_that_do_not_fit(samples, words):
    with pytest.raises(DataError, match=words):
        default_collate(samples)
