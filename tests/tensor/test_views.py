"""Views write through: a write to one tensor is seen by all that show the same memory."""

from __future__ import annotations

import itertools
from collections.abc import Callable

import numpy as np
import pytest

from lazygrad import Tensor, jit, nn, no_grad
from lazygrad.errors import GradError, WriteError

# Each view, made by NumPy as well, whose views write through.
VIEWS: dict[str, tuple[Callable[[Tensor], Tensor], Callable[[np.ndarray], np.ndarray]]] = {
    "row": (lambda x: x[0], lambda a: a[0]),
    "slice": (lambda x: x[1:, ::2], lambda a: a[1:, ::2]),
    "backwards": (lambda x: x[:, ::-1], lambda a: a[:, ::-1]),
    "new dim": (lambda x: x[None], lambda a: a[None]),
    "iteration": (lambda x: next(iter(x)), lambda a: next(iter(a))),
    "reshape": (lambda x: x.reshape(3, 2), lambda a: a.reshape(3, 2)),
    "view": (lambda x: x.view(-1), lambda a: a.reshape(-1)),
    "view_as": (lambda x: x.view_as(Tensor.zeros(6)), lambda a: a.reshape(-1)),
    "permute": (lambda x: x.permute(1, 0), lambda a: a.T),
    "transpose": (lambda x: x.transpose(0, 1), lambda a: a.T),
    "swapaxes": (lambda x: x.swapaxes(0, 1), lambda a: a.T),
    "t": (lambda x: x.t(), lambda a: a.T),
    "T": (lambda x: x.T, lambda a: a.T),
    "mT": (lambda x: x.mT, lambda a: a.T),
    "movedim": (lambda x: x.movedim(0, 1), lambda a: a.T),
    "squeeze": (lambda x: x[:1].squeeze(), lambda a: a[0]),
    "unsqueeze": (lambda x: x.unsqueeze(0), lambda a: a[None]),
    "flatten": (lambda x: x.flatten(), lambda a: a.reshape(-1)),
    "ravel": (lambda x: x.ravel(), lambda a: a.reshape(-1)),
    "unflatten": (lambda x: x.unflatten(0, (1, 2)), lambda a: a[None]),
    "narrow": (lambda x: x.narrow(1, 1, 2), lambda a: a[:, 1:3]),
    "select": (lambda x: x.select(0, 1), lambda a: a[1]),
    "split": (lambda x: x.split(1)[1], lambda a: a[1:]),
    "chunk": (lambda x: x.chunk(2)[1], lambda a: a[1:]),
    "unbind": (lambda x: x.unbind(1)[2], lambda a: a[:, 2]),
    "detach": (lambda x: x.detach(), lambda a: a),
    "data": (lambda x: x.data, lambda a: a),
    "contiguous": (lambda x: x.contiguous(), lambda a: a),
    "view of a view": (lambda x: x.t()[0].unsqueeze(1), lambda a: a[:, :1]),
}
WRITES: dict[str, tuple[Callable[[Tensor], object], Callable[[np.ndarray], object]]] = {
    "add_": (lambda v: v.add_(1), lambda a: a.__iadd__(1)),
    "zero_": (lambda v: v.zero_(), lambda a: a.fill(0)),
    "copy_": (lambda v: v.copy_(2), lambda a: a.fill(2)),
    "assign": (lambda v: v.assign(v * 3), lambda a: a.__imul__(3)),
    "item": (lambda v: v.__setitem__(0, 7), lambda a: a.__setitem__(0, 7)),
}


def six() -> np.ndarray:
    return np.arange(1, 7, dtype=np.float32).reshape(2, 3)


@pytest.mark.parametrize("jitted", [False, True], ids=["eager", "jitted"])
@pytest.mark.parametrize("write", WRITES)
@pytest.mark.parametrize("view", VIEWS)
def test_a_write_to_a_view(view: str, write: str, jitted: bool) -> None:
    (make, make_array), (change, change_array) = VIEWS[view], WRITES[write]
    x, a = Tensor(six()), six()
    other, other_array = x.t(), a.T
    step = jit(lambda: change(make(x))) if jitted else lambda: change(make(x))
    for _ in range(2):
        step()
        change_array(make_array(a))
    assert x.tolist() == a.tolist()
    assert other.tolist() == other_array.tolist()


@pytest.mark.parametrize("view", VIEWS)
def test_a_write_to_what_is_viewed(view: str, device: str) -> None:
    make, make_array = VIEWS[view]
    x, a = Tensor(six(), device=device), six()
    shown, realised = make(x), make(x).realize()
    for _ in range(3):  # the third time, the first write was computed already
        x.add_(1)
        a += 1
    assert shown.tolist() == realised.tolist() == make_array(a).tolist()
    assert x.tolist() == a.tolist()


def test_views_of_what_is_gone(device: str) -> None:
    left, right, again = (lambda x: (*x.chunk(2, 1), x[0]))(
        Tensor(np.zeros((2, 4), "f"), device=device)
    )
    left.fill_(1)
    again.add_(1)
    assert left.tolist() == [[2, 2], [1, 1]]
    assert right.tolist() == [[1, 1], [0, 0]]
    assert again.tolist() == [2, 2, 1, 1]


def test_augmented_assignment_to_an_item(device: str) -> None:
    x = Tensor(six(), device=device)
    x[0] += 1
    x[:, 1] *= 2
    assert x.tolist() == [[2, 6, 4], [4, 10, 6]]


def test_overlapping_elements_are_refused() -> None:
    x = Tensor(six())
    for view in (x.expand(2, 2, 3), x.broadcast_to(4, 2, 3), x[:1].expand(5, 3)):
        with pytest.raises(WriteError, match=r"\[add_\].*several times.*clone"):
            view.add_(1)
    assert x.tolist() == six().tolist()
    shown = x[:1].expand(2, 3)
    x.add_(1)  # they see it all the same
    assert shown.tolist() == [[2, 3, 4], [2, 3, 4]]


def test_copies_are_apart() -> None:
    x = Tensor(np.zeros((2, 3), np.float32))
    copies = [
        x.clone(), x[Tensor([0])], x.t().contiguous(), x.flip(0), x + 0, x.double(),
        x.t().reshape(-1), x.t().flatten(), x[:, :2].reshape(-1), x[x == 0],
    ]  # fmt: skip
    for copy in copies:
        assert (copy.add_(1).numpy() == 1).all()
    assert (x.numpy() == 0).all()


# -- layout ----------------------------------------------------------------------------------------


def layouts() -> dict[str, tuple[Tensor, np.ndarray]]:
    x, a = Tensor(np.zeros((4, 6, 2), np.float32)), np.zeros((4, 6, 2), np.float32)
    return {
        "whole": (x, a),
        "transposed": (x.transpose(0, 2), a.transpose(2, 1, 0)),
        "rows": (x[1:3], a[1:3]),
        "row": (x[2], a[2]),
        "columns": (x[:, 2:5], a[:, 2:5]),
        "every other": (x[:, ::2], a[:, ::2]),
        "split": (x.reshape(2, 2, 6, 2)[1], a.reshape(2, 2, 6, 2)[1]),
        "merged": (x.reshape(4, 12)[:, 3:7], a.reshape(4, 12)[:, 3:7]),
        "split columns": (x[:, 2:4].unflatten(0, (2, 2)), a.reshape(2, 2, 6, 2)[:, :, 2:4]),
        "last": (x[..., 1], a[..., 1]),
        "expanded": (x[:1].expand(3, 6, 2), np.broadcast_to(a[:1], (3, 6, 2))),
    }


@pytest.mark.parametrize("name", layouts())
def test_layouts(name: str) -> None:
    x, a = layouts()[name]
    strides = tuple(s // 4 for s in a.strides)
    sized = [i for i, n in enumerate(a.shape) if n != 1]
    assert [x.stride(i) for i in sized] == [strides[i] for i in sized]
    assert x.stride() == tuple(x.stride(i) for i in range(x.ndim))
    assert x.is_contiguous() == a.flags.c_contiguous
    base = layouts()["whole"][1]
    if a.base is not None:
        root = a
        while root.base is not None:
            root = root.base
        assert x.storage_offset() * 4 == a.ctypes.data - root.ctypes.data
    assert base.size == 48


def test_contiguous_gives_back_what_is() -> None:
    x = Tensor(six())
    assert x.contiguous() is x
    assert not x.t().is_contiguous()
    assert x.t().contiguous().is_contiguous()


def test_what_pytorch_gives_back_as_it_is_is_the_same_tensor() -> None:
    x = Tensor(np.zeros(3, np.float32))
    same = [x.to("CPU"), x.float(), x.cast("float32"), x.type_as(x), x.to(dtype="float32")]
    assert all(tensor is x for tensor in same)


# -- derivatives -----------------------------------------------------------------------------------


def test_derivatives_through_a_written_view(device: str) -> None:
    w = Tensor(six(), device=device, requires_grad=True)
    factor = Tensor([2.0, 3.0, 4.0], device=device, requires_grad=True)
    x = w * 1
    x[0].mul_(factor)
    x[1, 2] = factor[0]
    x.sum().backward()
    assert w.grad is not None and factor.grad is not None
    assert w.grad.tolist() == [[2, 3, 4], [1, 1, 0]]
    assert factor.grad.tolist() == [2, 2, 3]


def test_writes_to_data_have_no_derivative(device: str) -> None:
    w = Tensor(six(), device=device, requires_grad=True)
    x = w * 2
    x.data.mul_(10)
    x.detach()[0].add_(1)
    assert x.tolist() == [[21, 41, 61], [80, 100, 120]]
    x.sum().backward()
    assert w.grad is not None
    assert w.grad.tolist() == [[2, 2, 2], [2, 2, 2]]
    w.data[1] = 0
    assert w.tolist() == [[1, 2, 3], [0, 0, 0]]
    assert w.is_leaf and w.requires_grad


def test_views_of_a_leaf_that_requires_a_gradient() -> None:
    w = Tensor(six(), requires_grad=True)
    for write in (lambda: w[0].fill_(0), lambda: w.__setitem__(0, 0), lambda: w.add_(1)):
        with pytest.raises(GradError, match="leaf that requires a gradient"):
            write()
    with no_grad():
        w[0].fill_(0)
        w[1] = 1
    assert w.tolist() == [[0, 0, 0], [1, 1, 1]]
    assert w.is_leaf and w.requires_grad


def test_a_leaf_made_of_a_detached_view() -> None:
    x = Tensor([1.0, 2.0])
    leaf = x.detach().requires_grad_()
    x.add_(1)
    (leaf * leaf).sum().backward()
    assert leaf.grad is not None
    assert leaf.grad.tolist() == [4, 6]


# -- modules ---------------------------------------------------------------------------------------


def test_entries_of_a_state_dict_write_through() -> None:
    layer = nn.Linear(2, 2)
    state = layer.state_dict()
    state["weight"].copy_(3)
    assert layer.weight.tolist() == [[3, 3], [3, 3]]
    with no_grad():
        layer.weight.zero_()
    assert state["weight"].tolist() == [[0, 0], [0, 0]]


def test_views_from_outside_see_what_a_replay_writes() -> None:
    x = Tensor(np.zeros(3, np.float32))
    step = jit(lambda: x[1:].add_(1))
    before = x[1]
    step()
    step()
    after = x[2]
    step()
    assert [before.item(), after.item()] == [3, 3]
    assert x.tolist() == [0, 3, 3]


def test_views_that_come_and_go_leave_nothing() -> None:
    x = Tensor(np.zeros(3, np.float32))
    for i in itertools.islice(itertools.cycle(range(3)), 1000):
        x[i]
    assert x._alias is not None
    assert len(x._alias.storage._handles) < 20


# -- views in place --------------------------------------------------------------------------------


def test_a_tensor_becomes_another_view_of_its_memory(device: str) -> None:
    x = Tensor(six(), device=device)
    first = x[0]
    assert x.t_() is x
    assert x.unsqueeze_(1).shape == (3, 1, 2)
    assert x.transpose_(0, 2).shape == (2, 1, 3)
    assert x.squeeze_(1).shape == (2, 3)
    assert x.swapaxes_(0, 1).swapdims_(0, 1).shape == (2, 3)
    x[0, 1].fill_(9)
    assert x.tolist() == [[1, 9, 3], [4, 5, 6]]
    assert first.tolist() == [1, 9, 3]
    first.zero_()
    assert x.tolist() == [[0, 0, 0], [4, 5, 6]]


def test_detach_in_place(device: str) -> None:
    w = Tensor(six(), device=device, requires_grad=True)
    x = w * 2
    assert x.detach_() is x
    assert not x.requires_grad
    assert x.is_leaf
    with pytest.raises(GradError, match=r"\[t_\] a leaf that requires a gradient"):
        w.t_()
