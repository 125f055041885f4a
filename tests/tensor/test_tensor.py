"""The handle: construction, facts, values on the host, dtypes and devices."""

import gc

import numpy as np
import pytest

import lazygrad
from lazygrad import Tensor, config, jit
from lazygrad.errors import AxisError, DeviceError, DtypeError, ShapeError, ValueRangeError

# -- construction --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("data", "dtype", "shape"),
    [
        (3, "int64", ()), (2.5, "float32", ()), (True, "bool", ()),
        ([1, 2], "int64", (2,)), ([[1.0, 2], [3, 4]], "float32", (2, 2)), ([], "float32", (0,)),
        ([True, False], "bool", (2,)), (range(3), "int64", (3,)), ([[], []], "float32", (2, 0)),
        (np.zeros((2, 3)), "float64", (2, 3)), (np.float64(2), "float64", ()),
        (np.arange(3, dtype=np.uint8), "uint8", (3,)),
        (np.zeros((0, 2), np.int32), "int32", (0, 2)),
        (np.arange(6, dtype=">i2").reshape(2, 3)[:, ::2], "int16", (2, 2)),
    ],
)  # fmt: skip
def test_data(data: object, dtype: str, shape: tuple[int, ...]) -> None:
    tensor = Tensor(data)
    assert (tensor.dtype.name, tensor.shape) == (dtype, shape)
    np.testing.assert_array_equal(tensor.numpy(), np.asarray(data).reshape(shape))


def test_array_is_copied() -> None:
    array = np.ones(3, np.float32)
    tensor = Tensor(array)
    array[0] = 5
    np.testing.assert_array_equal(tensor.numpy(), [1, 1, 1])
    tensor.numpy()[0] = 7
    np.testing.assert_array_equal(tensor.numpy(), [1, 1, 1])


def test_dtype_is_chosen() -> None:
    np.testing.assert_array_equal(Tensor([1.7, -1.7], dtype="int32").numpy(), [1, -1])
    assert Tensor(Tensor([1, 2]), dtype=lazygrad.float16).dtype is lazygrad.float16


def test_bfloat16_rounds_to_even() -> None:
    values = Tensor([1.0, 1.00390625, 1.01171875, 3.3961775e38, float("nan")], dtype="bfloat16")
    expected = [1.0, 1.0, 1.015625, float("inf"), float("nan")]
    np.testing.assert_array_equal(values.float().numpy(), expected)


@pytest.mark.parametrize("data", ["text", [1, "2"], None, 1j, [object()], np.array(["a"])])
def test_data_that_is_no_numbers(data: object) -> None:
    with pytest.raises(DtypeError, match=r"\[Tensor\]"):
        Tensor(data)


def test_ragged_data() -> None:
    with pytest.raises(ShapeError, match="equal lengths"):
        Tensor([[1, 2], [3]])


def test_unknown_device_and_dtype() -> None:
    with pytest.raises(DeviceError, match=r"unknown backend 'TPU'.*CPU"):
        Tensor([1], device="TPU")
    with pytest.raises(DtypeError, match="'float31' is not a dtype"):
        Tensor.zeros(2, dtype="float31")


@pytest.mark.parametrize("size", [(2, 3), ((2, 3),), ([2, 3],)])
def test_sizes(size: tuple[object, ...]) -> None:
    for make in (Tensor.zeros, Tensor.ones, Tensor.rand, Tensor.empty, Tensor.randn):
        assert make(*size).shape == (2, 3)


def test_creation_errors() -> None:
    with pytest.raises(ShapeError, match="negative"):
        Tensor.zeros(-1)
    with pytest.raises(ValueRangeError, match=r"\[arange\] step"):
        Tensor.arange(0, 5, 0)
    with pytest.raises(ValueRangeError, match="leads from 0 away from 5"):
        Tensor.arange(0, 5, -1)


# -- facts ---------------------------------------------------------------------------------------


def test_facts() -> None:
    x = Tensor.zeros(2, 3, dtype="float16")
    assert (x.ndim, x.dim(), x.numel(), x.size(), x.size(-1)) == (2, 2, 6, (2, 3), 3)
    assert (len(x), x.element_size(), x.nbytes, x.is_floating_point()) == (2, 2, 12, True)
    with pytest.raises(AxisError, match=r"\[size\]"):
        x.size(2)
    with pytest.raises(ShapeError, match="len"):
        len(Tensor(1))


def test_repr_computes_nothing_inside_a_trace(device: str) -> None:
    seen = []

    @jit
    def double(x: Tensor) -> Tensor:
        y = x * 2
        seen.append(repr(y))
        return y

    x = Tensor([1.0, 2.0], device=device)
    np.testing.assert_array_equal(double(x).numpy(), [2, 4])
    assert len(seen) == 1 and seen[0].startswith("Tensor(lazy, shape=(2,)")


def test_repr_of_what_cannot_be_computed_says_lazy(device: str) -> None:
    singular = Tensor([[1.0, 1.0], [1.0, 1.0]], device=device).inverse()
    assert repr(singular).startswith("Tensor(lazy, shape=(2, 2)")


def test_repr_shows_values_or_says_lazy() -> None:
    x = Tensor([[1.0, 2.5]])
    assert repr(x) == "Tensor([[1. , 2.5]])"
    lazy = x + 1
    with config(repr="lazy"):
        assert repr(lazy) == "Tensor(lazy, shape=(1, 2), dtype=float32); realize() computes it"
    assert lazy._node.value is None, "repr must not compute"
    assert repr(lazy) == "Tensor([[2. , 3.5]])"
    assert repr((lazy * 2).realize()) == "Tensor([[4., 7.]])"
    large = Tensor.ones(1001) + 1
    assert repr(large) == "Tensor(lazy, shape=(1001,), dtype=float32); realize() computes it"
    assert str(Tensor([1.0], requires_grad=True) * 3) == "Tensor([3.], requires_grad=True)"
    assert repr(Tensor([1], dtype="int8", requires_grad=False)) == "Tensor([1], dtype=int8)"
    assert repr(Tensor([1.0], requires_grad=True)) == "Tensor([1.], requires_grad=True)"
    assert "shape=(0, 3)" in repr(Tensor.zeros(0, 3).realize())


# -- values --------------------------------------------------------------------------------------


def test_item_and_lists() -> None:
    assert Tensor([[2.5]]).item() == 2.5
    assert isinstance(Tensor(True).item(), bool)
    assert Tensor([[1, 2], [3, 4]]).tolist() == [[1, 2], [3, 4]]
    assert (float(Tensor(2)), int(Tensor(2.9)), bool(Tensor([0.0]))) == (2.0, 2, False)
    assert [10, 20, 30][Tensor(1)] == 20
    with pytest.raises(ShapeError, match=r"\[item\] needs a tensor with one element.*\(3,\)"):
        Tensor([1, 2, 3]).item()
    with pytest.raises(ShapeError, match=r"\[bool\] .*ambiguous"):
        bool(Tensor([1, 2]))
    with pytest.raises(DtypeError, match="is not an integer"):
        [1][Tensor(0.0)]


def test_iteration() -> None:
    rows = list(Tensor([[1, 2], [3, 4]]))
    assert [row.tolist() for row in rows] == [[1, 2], [3, 4]]
    assert 3 in Tensor([1, 3])
    assert 4 not in Tensor([1, 3])
    with pytest.raises(ShapeError, match="cannot iterate"):
        iter(Tensor(1))


def test_numpy_meets_tensor() -> None:
    x = Tensor([1.0, 2.0])
    np.testing.assert_array_equal(np.asarray(x), [1, 2])
    assert isinstance(np.float32(2) * x, Tensor)
    assert isinstance(np.ones(2, np.float32) + x, Tensor)
    assert (x * np.float64(2)).dtype is lazygrad.float32
    np.testing.assert_array_equal((np.array([3.0, 4.0], np.float32) - x).numpy(), [2, 2])
    with pytest.raises(TypeError):
        x + "text"


def test_hash_and_equality() -> None:
    x = Tensor([1, 2])
    assert {x: 1}[x] == 1
    assert (x == Tensor([1, 3])).tolist() == [True, False]
    assert (x != 1).tolist() == [False, True]


# -- dtype and device ----------------------------------------------------------------------------


def test_result_dtypes() -> None:
    half, whole = Tensor([1.0], dtype="float16"), Tensor([1], dtype="uint8")
    scalar = Tensor(2.0, dtype="float64")
    assert (half * 2.5).dtype is lazygrad.float16
    assert (whole + 1).dtype is lazygrad.uint8
    assert (whole * 1.5).dtype is lazygrad.float32
    assert (whole / 2).dtype is lazygrad.float32
    assert (half * scalar).dtype is lazygrad.float16, "a 0-d tensor does not widen"
    assert (whole * scalar).dtype is lazygrad.float64
    assert (Tensor([True]) + True).dtype is lazygrad.bool_
    assert (Tensor([True]) + 1).dtype is lazygrad.int64
    assert Tensor([1, 2]).sum().dtype is lazygrad.int64
    assert (half < 1).dtype is lazygrad.bool_


@pytest.mark.parametrize(
    "name", ["bool", "byte", "short", "int", "long", "half", "bfloat16", "float", "double"]
)
def test_casts_by_name(name: str) -> None:
    names = {"byte": "uint8", "short": "int16", "bool": "bool_"}
    wanted = getattr(lazygrad, names.get(name, name), None) or lazygrad.element_types.of(name)
    assert getattr(Tensor([1.0, 0.0]), name)().dtype is wanted


def test_to() -> None:
    x = Tensor([1.5])
    assert x.to("CPU") is x
    assert x.to(lazygrad.float16).dtype is lazygrad.float16
    assert x.to("int64").tolist() == [1]
    assert x.to(Tensor([1], dtype="int8")).dtype is lazygrad.int8
    with pytest.raises(DeviceError, match="NOWHERE"):
        x.to("NOWHERE")


def test_bool_has_no_minus() -> None:
    mask = Tensor([True, False])
    for wrong in (lambda: -mask, lambda: mask - mask, lambda: mask.abs()):
        with pytest.raises(DtypeError, match="not defined for bool"):
            wrong()


# -- memory --------------------------------------------------------------------------------------


def test_interned_nodes_go_with_their_handles() -> None:
    gc.collect()
    before = lazygrad.graph.interned_count()
    x = Tensor.rand(4, 4)
    y = (x @ x + 1).relu()
    assert lazygrad.graph.interned_count() > before
    y.realize()
    del x, y
    gc.collect()
    assert lazygrad.graph.interned_count() <= before


@pytest.mark.parametrize("dtype", ["float16", "bfloat16"])
def test_a_fraction_of_half_precision_is_below_1(device: str, dtype: str) -> None:
    """Also of a quotient in the same kernel, which has not been rounded yet."""
    x = Tensor(np.full(33, 28288.0), dtype=dtype, device=device).realize()
    for found in ((x / 6).frac(), (x / -6).frac()):
        assert np.all(np.abs(found.float().numpy()) < 1)


@pytest.mark.parametrize("dtype", ["float16", "bfloat16"])
@pytest.mark.parametrize("stored", [True, False])
def test_halves_computed_again_equal_what_was_stored(device: str, dtype: str, stored: bool) -> None:
    """A kernel carries them in float32, so that none of them was the largest."""
    x = Tensor(np.linspace(-1, 1, 33), dtype=dtype, device=device).realize()
    weight = Tensor(0.3, dtype=dtype, device=device, requires_grad=True)
    y = x * weight / 7
    largest = y.amax()
    if stored:
        largest.realize()
    assert (y == largest).sum().item() == 1
    assert (y >= largest).sum().item() == 1
    assert y.argmax().item() == 32
    largest.backward()
    np.testing.assert_allclose(weight.grad.float().item(), 1 / 7, rtol=0.01)


def test_a_kernel_of_constants_alone(device: str) -> None:
    """Compilers leave open what functions make of a NaN that they know."""
    nothing = Tensor.zeros(0, 7, device=device).mean(None, True)
    assert np.isnan((nothing.cumsum(-2) - 1.5).logsumexp(1).numpy()).all()
    row = Tensor.full((1,), np.nan, device=device).cumsum(0)
    assert np.isnan((row - 1).exp().log().sin().numpy()).all()
