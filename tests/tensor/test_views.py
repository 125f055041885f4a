"""Writes to views: until they write through, they are refused, never lost."""

from collections.abc import Callable

import numpy as np
import pytest

from lazygrad import Tensor, jit, nn, no_grad
from lazygrad.errors import WriteError

VIEWS: dict[str, Callable[[Tensor], Tensor]] = {
    "row": lambda x: x[0],
    "slice": lambda x: x[1:, ::2],
    "new dim": lambda x: x[None],
    "iteration": lambda x: next(iter(x)),
    "reshape": lambda x: x.reshape(3, 2),
    "view": lambda x: x.view(-1),
    "view_as": lambda x: x.view_as(Tensor.zeros(6)),
    "permute": lambda x: x.permute(1, 0),
    "transpose": lambda x: x.transpose(0, 1),
    "swapaxes": lambda x: x.swapaxes(0, 1),
    "t": lambda x: x.t(),
    "T": lambda x: x.T,
    "mT": lambda x: x.mT,
    "movedim": lambda x: x.movedim(0, 1),
    "expand": lambda x: x.expand(2, 2, 3),
    "expand_as": lambda x: x.expand_as(Tensor.zeros(4, 2, 3)),
    "broadcast_to": lambda x: x.broadcast_to(4, 2, 3),
    "squeeze": lambda x: x.squeeze(),
    "unsqueeze": lambda x: x.unsqueeze(0),
    "flatten": lambda x: x.flatten(),
    "ravel": lambda x: x.ravel(),
    "unflatten": lambda x: x.unflatten(0, (1, 2)),
    "narrow": lambda x: x.narrow(1, 1, 2),
    "select": lambda x: x.select(0, 1),
    "split": lambda x: x.split(1)[1],
    "chunk": lambda x: x.chunk(2)[1],
    "unbind": lambda x: x.unbind(1)[2],
    "detach": lambda x: x.detach(),
    "contiguous": lambda x: x.contiguous(),
    "view of a view": lambda x: x.t()[0],
}
WRITES: dict[str, Callable[[Tensor], object]] = {
    "add_": lambda v: v.add_(1),
    "zero_": lambda v: v.zero_(),
    "copy_": lambda v: v.copy_(2),
    "normal_": lambda v: v.normal_(),
    "assign": lambda v: v.assign(v + 1),
}


@pytest.mark.parametrize("made", VIEWS.values(), ids=VIEWS)
def test_a_write_to_a_view_is_refused(made: Callable[[Tensor], Tensor]) -> None:
    x = Tensor(np.arange(6, dtype=np.float32).reshape(2, 3))
    view = made(x)
    with pytest.raises(WriteError, match=r"\[add_\] this tensor of shape .* is a view of one of"):
        view.add_(1)
    np.testing.assert_array_equal(x.numpy(), np.arange(6).reshape(2, 3))


@pytest.mark.parametrize("write", WRITES.values(), ids=WRITES)
def test_every_write_is_refused(write: Callable[[Tensor], object]) -> None:
    x = Tensor(np.zeros((2, 3), np.float32))
    view = x[0]
    with pytest.raises(WriteError):
        write(view)
    view.realize()  # then it is memory of its own, but still shows x
    with pytest.raises(WriteError):
        write(view)


def test_augmented_assignment_to_an_item_is_refused() -> None:
    x = Tensor(np.zeros((2, 3), np.float32))
    with pytest.raises(WriteError):
        x[0] += 1


def test_a_view_of_what_is_gone_can_be_written() -> None:
    grid = Tensor(np.arange(6, dtype=np.float32)).reshape(2, 3)  # nobody holds the vector
    assert grid.add_(1).tolist() == [[1, 2, 3], [4, 5, 6]]


def test_copies_can_be_written() -> None:
    x = Tensor(np.zeros((2, 3), np.float32))
    copies = [x.clone(), x[Tensor([0])], x.t().contiguous(), x.flip(0), x + 0, x.double()]
    for copy in copies:
        assert (copy.add_(1).numpy() == 1).all()
    assert (x.numpy() == 0).all()


def test_what_pytorch_gives_back_as_it_is_is_the_same_tensor() -> None:
    x = Tensor(np.zeros(3, np.float32))
    same = [x.to("CPU"), x.float(), x.cast("float32"), x.type_as(x), x.to(dtype="float32")]
    assert all(tensor is x for tensor in same)


def test_entries_of_a_state_dict_are_views() -> None:
    layer = nn.Linear(2, 2)
    with pytest.raises(WriteError), no_grad():
        layer.state_dict()["weight"].copy_(0)


def test_a_traced_write_to_a_view_is_refused() -> None:
    x = Tensor(np.zeros(3, np.float32))
    with pytest.raises(WriteError):
        jit(lambda: x[0].add_(1))()
