"""What is promised of a wrong call: the error names what was called, and the argument."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import pytest

import lazygrad
from lazygrad import Tensor, grad, nn, optim
from lazygrad.arguments import LISTED, require_range
from lazygrad.data import DataLoader
from lazygrad.errors import ArgumentError, ShapeError, ValueRangeError
from lazygrad.public import public
from tests.tensor.test_budget import calls


class Wrong:
    """Of a kind that no function takes."""


def checked_parameters(function: Callable[..., Any]) -> Iterator[str]:
    for name, parameter in inspect.signature(function).parameters.items():
        open_ended = parameter.kind in (parameter.VAR_POSITIONAL, parameter.VAR_KEYWORD)
        if name != "self" and not open_ended and parameter.annotation != "Any":
            yield name


METHODS = [
    (method, name)
    for method, function in inspect.getmembers(Tensor, inspect.isfunction)
    if not method.startswith("_") and method != "realize"
    for name in checked_parameters(function)
]
CONSTRUCTORS = [
    (kind, name)
    for kind in [
        *(getattr(nn, name) for name in nn.__all__), optim.SGD, optim.Adam, optim.AdamW, DataLoader
    ]
    if inspect.isclass(kind) and kind.__init__ is not nn.Module.__init__
    and kind not in (nn.Module, nn.Sequential, nn.Identity)
    for name in checked_parameters(kind.__init__)
]  # fmt: skip


def test_most_methods_are_held_to_their_annotations() -> None:
    assert len(METHODS) > 480
    assert len(CONSTRUCTORS) > 380


@pytest.mark.parametrize(("method", "name"), METHODS)
def test_a_wrong_kind_is_named_by_every_method(method: str, name: str) -> None:
    function = getattr(Tensor, method)
    given: dict[str, Any] = {name: Wrong()}
    if not isinstance(inspect.getattr_static(Tensor, method), staticmethod):
        given = {next(iter(inspect.signature(function).parameters)): Tensor.zeros(2, 3), **given}
    with pytest.raises(ArgumentError, match=rf"^\[{method}\] {name} must be .*, got <.*\(Wrong\)"):
        function(**given)


@pytest.mark.parametrize(("kind", "name"), CONSTRUCTORS)
def test_a_wrong_kind_is_named_by_every_constructor(kind: type, name: str) -> None:
    expected = rf"^\[{kind.__name__}\] {name} must be .*, got <.*\(Wrong\)"
    with pytest.raises(ArgumentError, match=expected):
        kind(**{name: Wrong()})


# -- kinds ---------------------------------------------------------------------------------------


@public
def sample(
    count: int = 0, share: float = 0.0, flag: bool = False,
    sizes: int | Sequence[int] | None = None, x: Tensor | None = None, name: str = "",
    table: Mapping[str, int] | None = None, call: Callable[[], int] | None = None,
    xs: Sequence[Tensor] = (), free: Any = None,
) -> Any:  # fmt: skip
    return count, share, flag, sizes, x, name, table, call, xs, free


TAKEN: list[tuple[str, Any, Any]] = [
    ("count", 3, 3), ("count", np.int32(3), 3), ("count", Tensor(3), 3),
    ("share", np.float32(0.5), 0.5), ("share", 2, 2), ("flag", np.bool_(True), True),
    ("sizes", [1, np.int64(2)], (1, 2)),
    ("sizes", 4, 4), ("sizes", None, None), ("table", {}, {}), ("free", Wrong, Wrong),
    ("call", len, len),
]  # fmt: skip


@pytest.mark.parametrize(("name", "given", "taken"), TAKEN)
def test_what_is_taken(name: str, given: Any, taken: Any) -> None:
    place = list(inspect.signature(sample).parameters).index(name)
    by_name = sample(**{name: given})[place]
    assert by_name == taken
    assert type(by_name) is type(taken)
    by_place = sample(*sample()[:place], given)[place]
    assert type(by_place) is type(taken)


REFUSED: list[tuple[str, Any, str]] = [
    ("count", True, r"count must be an integer, got True \(bool\)"),
    ("count", 2.0, r"count must be an integer, got 2\.0 \(float\)"),
    ("count", Tensor([1, 2]), r"got a Tensor \(int64 \(2,\)\)"),
    ("share", "a", r"share must be a number, got 'a' \(str\)"),
    ("share", 1j, "must be a number"),
    ("flag", 1, r"flag must be True or False, got 1 \(int\)"),
    ("sizes", (1, 2.5), r"must be an integer, a sequence of integers or None, got \(1, 2\.5\)"),
    ("sizes", (1, True), "sizes must be"),
    ("x", [1.0], r"x must be a Tensor or None, got \[1\.0\] \(list\); convert it with Tensor\("),
    ("name", b"a", "name must be a string"),
    ("table", [1], "table must be a mapping or None"),
    ("call", 3, "call must be a function or None"),
    ("xs", Tensor([1.0]), r"xs must be a sequence of Tensors, got a Tensor \(float32 \(1,\)\)"),
]  # fmt: skip


@pytest.mark.parametrize(("name", "given", "message"), REFUSED)
def test_what_is_refused(name: str, given: Any, message: str) -> None:
    with pytest.raises(ArgumentError, match=message):
        sample(**{name: given})
    with pytest.raises(TypeError):
        sample(**{name: given})  # also when that type was seen before


def test_one_sequence_does_not_speak_for_others() -> None:
    sample(sizes=())
    sample(sizes=(1,))
    with pytest.raises(ArgumentError, match=r"sizes must be .* got \(1\.5,\)"):
        sample(sizes=(1.5,))


UNMET: list[tuple[Callable[[], Any], str]] = [
    (lambda: Tensor([1.0]).sum(axes=0), r"^\[sum\] got an unexpected keyword argument 'axes' "
     r"\(did you mean axis\?\); it takes input, dim, keepdim, dtype; given input: float32 \(1,\)"),
    (lambda: Tensor([1.0]).sum(keep_dim=True), r"'keep_dim' \(did you mean keepdim\?\)"),
    (lambda: Tensor([1.0]).exp(3), r"^\[exp\] too many positional arguments; it takes input; "),
    (lambda: Tensor([1.0]).sum(0, dim=0), r"^\[sum\] multiple values for argument 'dim'"),
    (lambda: lazygrad.cumsum(Tensor([1.0])), r"^\[cumsum\] missing a required argument: 'dim'"),
    (lambda: lazygrad.manual_seed(sed=1), r"^\[manual_seed\] got an unexpected keyword argument "
     r"'sed' \(did you mean seed\?\); it takes seed"),
    (lambda: nn.Linear(3), r"^\[Linear\] missing a required argument: 'out_features'; it "),
    (lambda: nn.Linear(3, 2)(), r"^\[Linear\] missing a required argument: 'input'"),
    (lambda: optim.Adam([Tensor([1.0])], bettas=(0, 0)), r"^\[Adam\] .*'bettas' \(did you mean"),
]  # fmt: skip


@pytest.mark.parametrize(("call", "message"), UNMET)
def test_a_signature_that_is_not_met(call: Callable[[], Any], message: str) -> None:
    with pytest.raises(ArgumentError, match=message) as caught:
        call()
    assert [entry.frame.code.name for entry in caught.traceback][-1] in ("checked", "__call__")


def test_an_error_of_what_is_called_is_its_own() -> None:
    def broken(module: nn.Module) -> None:
        raise TypeError("mine")

    with pytest.raises(TypeError, match="^mine$"):
        nn.ReLU().apply(broken)


def test_arrays_become_tensors_on_the_device_of_the_others(device: str) -> None:
    x = Tensor([[1.0, 2.0]], device=device)
    product = x.matmul(np.array([[3.0], [4.0]], np.float32))
    assert product.device == device
    assert product.tolist() == [[11.0]]
    loss = x.cross_entropy(np.array([1]))
    np.testing.assert_allclose(loss.item(), np.log1p(np.exp(-1.0)), rtol=1e-6)


# -- other names -----------------------------------------------------------------------------------


def test_a_tensor_of_one_element_is_no_number_where_tensors_are_allowed() -> None:
    one, several = lazygrad.tensor([2]), lazygrad.tensor([1, 5])
    assert lazygrad.bitwise_left_shift(lazygrad.tensor(1), one).shape == (1,)
    assert lazygrad.bitwise_right_shift(lazygrad.tensor(8), one).tolist() == [2]
    assert lazygrad.max(several, one).tolist() == [2, 5]
    assert lazygrad.min(several, one).tolist() == [1, 2]
    assert several.sum(lazygrad.tensor(0)).item() == 6  # where they are not, it is one


def test_numpys_names_are_taken_for_ours() -> None:
    x = Tensor([[1.0, 2.0], [3.0, 5.0]])
    assert x.sum(axis=0, keepdims=True).tolist() == [[4, 7]]
    assert lazygrad.sum(a=x, axis=1).tolist() == [3, 8]
    assert lazygrad.add(x1=x, x2=x).tolist() == [[2, 4], [6, 10]]
    assert lazygrad.sum(x, axis=1, out=None).tolist() == [3, 8]
    with pytest.raises(ArgumentError, match=r"^\[sum\] dim is given twice, as axis as well"):
        x.sum(dim=0, axis=1)
    with pytest.raises(ArgumentError, match=r"^\[sum\] out= is not supported; .* copy_\(\)"):
        x.sum(out=x)
    with pytest.raises(ArgumentError, match=r"^\[sum\] dim must be .*, got 'a'"):
        x.sum(axis="a")


def test_what_is_listed_can_be_given_by_name() -> None:
    x = Tensor([[1.0, 2.0], [3.0, 5.0]])
    assert x.flip(dims=(0, 1)).tolist() == [[5, 3], [2, 1]]
    assert lazygrad.permute(input=x, dims=[1, 0]).tolist() == [[1, 3], [2, 5]]
    assert lazygrad.zeros(size=(1, 2)).tolist() == [[0, 0]]
    with pytest.raises(ArgumentError, match=r"\[flip\] got an unexpected keyword argument 'sizes'"):
        x.flip(sizes=(0,))


def test_tensors_are_taken_in_a_list_or_one_by_one() -> None:
    x, y = Tensor([1.0]), Tensor([2.0])
    for made in (Tensor.cat([x, y]), Tensor.cat(x, y), x.cat(y, dim=0), lazygrad.cat((x, y), 0)):
        assert made.tolist() == [1, 2]
    assert lazygrad.stack(x, y, dim=1).tolist() == lazygrad.stack([x, y], 1).tolist() == [[1, 2]]
    with pytest.raises(ArgumentError, match=r"^\[hstack\] tensors must be Tensors, .* got 3"):
        lazygrad.hstack(x, 3)
    with pytest.raises(ShapeError, match=r"^\[vstack\] .*given tensors: float32 \(1,\)"):
        lazygrad.vstack(x, Tensor([1.0, 2.0]))


def test_a_right_call_by_other_names_costs_no_more_calls_than_it_must() -> None:
    x = Tensor.zeros(2, 3)
    x.sum(axis=0)
    made = calls(lambda: x.sum(0))
    assert "_renamed" not in made
    assert calls(lambda: x.sum(axis=0)).count("_renamed") == 1


# -- errors from below -----------------------------------------------------------------------------


def test_the_error_leads_to_the_call_and_no_further() -> None:
    with pytest.raises(ShapeError) as caught:
        Tensor.zeros(2, 3).view(7)
    frames = [entry.frame.code.name for entry in caught.traceback]
    assert frames == ["test_the_error_leads_to_the_call_and_no_further", "checked"]
    assert caught.value.__cause__ is None
    assert caught.value.__suppress_context__


def test_the_outermost_function_is_named_with_what_it_was_given() -> None:
    with pytest.raises(ShapeError) as caught:
        Tensor.zeros(2, 3).allclose(Tensor.zeros(4))
    assert str(caught.value) == (
        "[allclose] shapes (2, 3) and (4,) do not broadcast: sizes [3, 4] differ at dim -1; "
        "reshape or expand one of them; given input: float32 (2, 3), other: float32 (4,)"
    )


def test_of_many_tensors_the_first_are_told() -> None:
    many = [Tensor.zeros(2)] * LISTED + [Tensor.zeros(3), Tensor.zeros(1, 1)]
    with pytest.raises(ShapeError, match=r"given tensors: (float32 \(2,\), ){4}\.\.\. 6 in all$"):
        Tensor.stack(many)


def test_a_range_says_what_it_is() -> None:
    require_range("f", 0, 1, p=0.5)
    for bounds, value, message in [
        ((0, 1), 2, r"\[f\] p must be from 0 to 1, got 2"), ((0,), -1, "at least 0, got -1"),
        ((), np.inf, "must be finite, got inf"), ((0,), np.nan, "at least 0, got nan"),
        ((0,), np.inf, "got inf"),
    ]:  # fmt: skip
        with pytest.raises(ValueRangeError, match=message):
            require_range("f", *bounds, p=value)
    with pytest.raises(ArgumentError, match=r"\[f\] p must be a number, got 'a'"):
        require_range("f", p="a")


def test_a_right_call_costs_one_call() -> None:
    x = Tensor.zeros(2, 3)
    x.sum(0, keepdim=True)
    made = calls(lambda: x.sum(0, keepdim=True))
    assert made.count("checked") == 1
    assert "fitted" not in made


def test_grad_takes_tensors_only() -> None:
    with pytest.raises(ArgumentError, match=r"\[grad\] outputs must be a Tensor or a sequence"):
        grad(3.0, Tensor([1.0]))  # type: ignore[arg-type]
    with pytest.raises(ArgumentError, match=r"\[grad\] outputs must be .*, got \[3\] \(list\)"):
        grad([3], Tensor([1.0]))  # type: ignore[list-item]


def test_losses_take_what_told_their_reduction_before() -> None:
    x, y = Tensor([1.0, 2.0]), Tensor([0.0, 0.0])
    assert x.mse_loss(y, size_average=False).item() == 5
    assert x.mse_loss(y, size_average=True).item() == 2.5
    assert x.mse_loss(y, reduce=False).tolist() == [1, 4]
    assert x.mse_loss(y, size_average=None, reduce=None).item() == 2.5
    assert nn.L1Loss(size_average=False)(x, y).item() == 3
    with pytest.raises(TypeError, match="size_average"):
        x.relu(size_average=False)


@pytest.mark.parametrize(
    ("call", "said"),
    [
        (lambda x: x.sum(dims=0), "'dims' (did you mean dim?)"),
        (lambda x: x.softmax(dm=0), "'dm' (did you mean dim?)"),
        (lambda x: nn.Linear(3, 4, biass=True), "'biass' (did you mean bias?)"),
        (lambda x: optim.Adam([x], l_r=1), "'l_r' (did you mean lr?)"),
        (lambda x: Tensor([1.0], devce="CPU"), "'devce' (did you mean device?); it takes data,"),
        (lambda x: lazygrad.zeros(3, dtyp="float32"), "'dtyp' (did you mean dtype?)"),
    ],
)
def test_an_argument_of_an_unknown_name_says_which_was_meant(
    call: Callable[[Tensor], object], said: str
) -> None:
    with pytest.raises(ArgumentError) as caught:
        call(Tensor([1.0], requires_grad=True))
    assert said in str(caught.value)
    assert caught.value.__suppress_context__
