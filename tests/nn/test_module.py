"""Module: what belongs to it, its state, its modes, and how it prints."""

import copy

import numpy as np
import pytest

from lazygrad import Tensor, nn
from lazygrad.errors import AxisError, CheckpointError, GradError, LazygradError, ModuleError


class Block(nn.Module):
    def __init__(self):
        super().__init__()
        self.layers = nn.Sequential(nn.Linear(2, 3), nn.ReLU(), nn.Linear(3, 2))
        self.scale = nn.Parameter(Tensor([1.0, 2.0]))
        self.register_buffer("offset", Tensor([0.5, 0.5]))
        self.register_buffer("cache", Tensor([9.0]), persistent=False)

    def forward(self, x):
        return self.layers(x) * self.scale + self.offset


NAMES = ["scale", "layers.0.weight", "layers.0.bias", "layers.2.weight", "layers.2.bias"]


def test_names():
    block = Block()
    assert [name for name, _ in block.named_parameters()] == NAMES
    assert [name for name, _ in block.named_buffers()] == ["offset", "cache"]
    assert [name for name, _ in block.named_children()] == ["layers"]
    assert [name for name, _ in block.named_modules()] == [
        "", "layers", "layers.0", "layers.1", "layers.2"
    ]  # fmt: skip
    assert list(block.state_dict()) == [NAMES[0], "offset", *NAMES[1:]]
    assert list(block.state_dict(prefix="model.")) == [f"model.{n}" for n in block.state_dict()]
    assert block.get_submodule("layers.2") is block.layers[2]
    with pytest.raises(AttributeError, match=r"no module 'layers.9'; there are: layers, layers.0"):
        block.get_submodule("layers.9")


def test_parameters_are_tensors_that_require_a_gradient():
    for param in Block().parameters():
        assert isinstance(param, nn.Parameter)
        assert isinstance(param, Tensor)
        assert param.requires_grad


def test_plain_tensors_do_not_belong_to_a_module():
    module = nn.Module()
    module.constant = Tensor([1.0], requires_grad=True)
    assert list(module.parameters()) == []
    assert module.state_dict() == {}


def test_shared_members_come_once_but_keep_both_names():
    model = nn.Module()
    model.first = nn.Linear(2, 2)
    model.second = model.first
    model.tied = model.first.weight
    assert len(list(model.parameters())) == 2
    assert len(list(model.modules())) == 2
    assert sorted(model.state_dict()) == [
        "first.bias", "first.weight", "second.bias", "second.weight", "tied"
    ]  # fmt: skip


def test_a_parameter_cannot_be_replaced_by_a_tensor_unnoticed():
    layer = nn.Linear(2, 2)
    with pytest.raises(GradError, match=r"Linear\.weight is a Parameter.*assign"):
        layer.weight = Tensor.zeros(2, 2)
    layer.weight = nn.Parameter(Tensor.zeros(2, 2))
    layer.bias = None
    assert list(layer.state_dict()) == ["weight"]


def test_equal_parameters_get_gradients_of_their_own():
    first, second = (nn.Parameter(Tensor.zeros(2)) for _ in range(2))
    (first * 3.0 + second * 5.0).sum().backward()
    np.testing.assert_array_equal(first.grad.numpy(), [3.0, 3.0])
    np.testing.assert_array_equal(second.grad.numpy(), [5.0, 5.0])


@pytest.mark.parametrize("name", ["", "a.b", "forward"])
def test_names_that_cannot_be_members(name):
    with pytest.raises(LazygradError, match="cannot name a member"):
        nn.Module().register_buffer(name, Tensor([1.0]))


def test_forward_is_needed():
    with pytest.raises(NotImplementedError, match=r"Module does not define forward"):
        nn.Module()(1)


@pytest.mark.parametrize(
    "member",
    [
        lambda module: setattr(module, "layer", nn.Linear(1, 1)),
        lambda module: setattr(module, "weight", nn.Parameter([1.0])),
        lambda module: module.register_buffer("count", Tensor([0.0])),
        lambda module: module.add_module("layer", nn.ReLU()),
    ],
)
def test_a_member_before_super_init_is_an_error(member):
    class Forgetful(nn.Module):
        def __init__(self):
            member(self)

    with pytest.raises(
        ModuleError, match=r"Forgetful\.\w+ is set before .*call super\(\).__init__"
    ):
        Forgetful()


def test_train_and_eval_reach_all_modules():
    block = Block()
    assert block.eval() is block
    assert not any(module.training for module in block.modules())
    block.train()
    assert all(module.training for module in block.modules())


def test_apply_visits_children_first():
    seen = []
    Block().apply(lambda module: seen.append(type(module).__name__))
    assert seen == ["Linear", "ReLU", "Linear", "Sequential", "Block"]


def test_zero_grad_and_requires_grad():
    layer = nn.Linear(2, 1)
    layer(Tensor.ones(1, 2)).sum().backward()
    np.testing.assert_array_equal(layer.weight.grad.numpy(), [[1.0, 1.0]])
    layer.zero_grad(set_to_none=False)
    np.testing.assert_array_equal(layer.weight.grad.numpy(), [[0.0, 0.0]])
    layer.zero_grad()
    assert layer.weight.grad is None
    layer.requires_grad_(False)
    assert not any(param.requires_grad for param in layer.parameters())


def test_to_dtype_keeps_handles_and_integers():
    norm = nn.BatchNorm2d(3)
    weight = norm.weight
    assert norm.to("float64") is norm
    assert norm.weight is weight
    assert weight.requires_grad
    assert weight.dtype.name == norm.running_mean.dtype.name == "float64"
    assert norm.num_batches_tracked.dtype.name == "int64"
    (weight * 2.0).sum().backward()
    np.testing.assert_array_equal(weight.grad.numpy(), [2.0, 2.0, 2.0])


# -- state -----------------------------------------------------------------------------------


def values(module):
    return {name: tensor.numpy() for name, tensor in module.state_dict().items()}


def test_state_dict_round_trip():
    source, target = Block(), Block()
    report = target.load_state_dict(source.state_dict())
    assert report == ([], [])
    for name, value in values(source).items():
        np.testing.assert_array_equal(values(target)[name], value)


def test_state_dict_shows_the_tensors_or_is_them():
    block = Block()
    shown, own = block.state_dict(), block.state_dict(keep_vars=True)
    kept = copy.deepcopy(shown)
    block.scale.assign(Tensor([7.0, 7.0]))
    np.testing.assert_array_equal(shown["scale"].numpy(), [7.0, 7.0])
    np.testing.assert_array_equal(kept["scale"].numpy(), [1.0, 2.0])
    assert not shown["scale"].requires_grad
    assert own["scale"] is block.scale


def test_load_takes_arrays_and_brings_them_to_the_models_dtype():
    layer = nn.Linear(2, 1, bias=False)
    weight = layer.weight
    layer.load_state_dict({"weight": np.array([[1.0, 2.0]], np.float64)})
    assert layer.weight is weight
    assert weight.dtype.name == "float32"
    np.testing.assert_array_equal(weight.detach().numpy(), [[1.0, 2.0]])


def test_load_lists_everything_that_does_not_fit_and_changes_nothing():
    layer = nn.Linear(2, 1)
    before = values(layer)
    state = {"weight": np.zeros((3, 1)), "extra": np.zeros(1), "more": np.zeros(1)}
    with pytest.raises(CheckpointError) as error:
        layer.load_state_dict(state)
    message = str(error.value)
    assert "does not fit Linear" in message
    assert "size mismatch for weight: the checkpoint has (3, 1), the model (1, 2)" in message
    assert "missing: bias" in message
    assert "unexpected: extra, more" in message
    for name, value in before.items():
        np.testing.assert_array_equal(values(layer)[name], value)


def test_load_not_strict_reports_names_but_not_shapes():
    layer = nn.Linear(2, 1)
    report = layer.load_state_dict({"bias": np.zeros(1), "extra": np.zeros(1)}, strict=False)
    assert report == nn.LoadReport(missing_keys=["weight"], unexpected_keys=["extra"])
    with pytest.raises(CheckpointError, match="size mismatch for bias"):
        layer.load_state_dict({"bias": np.zeros(2)}, strict=False)


# -- containers and printing -----------------------------------------------------------------


def test_sequential_is_a_list():
    model = nn.Sequential(nn.Linear(1, 2), nn.ReLU())
    model.append(nn.Linear(2, 3)).insert(0, nn.Flatten())
    assert [type(module).__name__ for module in model] == ["Flatten", "Linear", "ReLU", "Linear"]
    assert len(model) == 4
    assert model[-1] is model[3]
    assert list(model[1:3].state_dict()) == ["1.weight", "1.bias"]
    del model[0]
    model[1] = nn.Tanh()
    assert list(model.state_dict()) == ["0.weight", "0.bias", "2.weight", "2.bias"]
    assert model(Tensor.ones(4, 1)).shape == (4, 3)
    with pytest.raises(AxisError, match="index 5 is out of range for 3 modules"):
        model[5]


def test_sequential_takes_names():
    model = nn.Sequential({"hidden": nn.Linear(1, 2), "act": nn.ReLU()})
    assert list(model.state_dict()) == ["hidden.weight", "hidden.bias"]
    assert model.hidden is model[0]


def test_module_list():
    layers = nn.ModuleList(nn.Linear(1, 1) for _ in range(3))
    layers.extend([nn.ReLU()])
    assert len(layers) == 4
    assert [name for name, _ in layers.named_parameters()][:2] == ["0.weight", "0.bias"]
    assert repr(layers) == (
        "ModuleList(\n"
        "  (0-2): 3 x Linear(in_features=1, out_features=1, bias=True)\n"
        "  (3): ReLU()\n"
        ")"
    )


def test_repr_nests():
    assert repr(Block()) == (
        "Block(\n"
        "  (layers): Sequential(\n"
        "    (0): Linear(in_features=2, out_features=3, bias=True)\n"
        "    (1): ReLU()\n"
        "    (2): Linear(in_features=3, out_features=2, bias=True)\n"
        "  )\n"
        ")"
    )


def test_repr_of_layers():
    shown = {
        "Conv2d(1, 32, kernel_size=(3, 3), stride=(1, 1))": nn.Conv2d(1, 32, 3),
        "Conv2d(2, 4, kernel_size=(3, 1), stride=(2, 2), padding=(1, 1), dilation=(2, 2), "
        "groups=2, bias=False)": nn.Conv2d(2, 4, (3, 1), 2, 1, 2, 2, False),
        "BatchNorm2d(3, eps=1e-05, momentum=0.1, affine=True, bias=True, track_running_stats=True)":
            nn.BatchNorm2d(3),
        "LayerNorm((4,), eps=1e-05, elementwise_affine=True, bias=True)": nn.LayerNorm(4),
        "Dropout(p=0.2, inplace=False)": nn.Dropout(0.2),
        "MaxPool2d(kernel_size=2, stride=2, padding=0, dilation=1, ceil_mode=False)":
            nn.MaxPool2d(2),
        "AvgPool2d(kernel_size=3, stride=1, padding=0)": nn.AvgPool2d(3, 1),
        "Embedding(5, 2, padding_idx=0)": nn.Embedding(5, 2, 0),
        "Flatten(start_dim=1, end_dim=-1)": nn.Flatten(),
        "Softmax(dim=1)": nn.Softmax(1),
        "Identity()": nn.Identity(),
    }  # fmt: skip
    for text, layer in shown.items():
        assert repr(layer) == text


def test_deepcopy_has_parameters_of_its_own():
    layer = nn.Linear(2, 1)
    layer(Tensor.ones(1, 2)).sum().backward()
    copied = copy.deepcopy(layer)
    assert isinstance(copied.weight, nn.Parameter)
    np.testing.assert_array_equal(copied.weight.grad.numpy(), [[1.0, 1.0]])
    np.testing.assert_array_equal(copied.weight.detach().numpy(), layer.weight.detach().numpy())
    copied.zero_grad()
    copied(Tensor.ones(1, 2) * 3.0).sum().backward()
    np.testing.assert_array_equal(copied.weight.grad.numpy(), [[3.0, 3.0]])
    np.testing.assert_array_equal(layer.weight.grad.numpy(), [[1.0, 1.0]])
    with pytest.raises(GradError, match="only leaves can be copied"):
        copy.deepcopy(layer.weight * 2.0)


class Scaled(nn.Module):
    def __init__(self):
        super().__init__()
        self.register_parameter("scale", nn.Parameter(Tensor([2.0])))
        self.register_parameter("bias", None)
        self.add_module("inner", nn.Linear(1, 1))
        self.register_module("other", self.inner)

    def extra_repr(self):
        return "scale=2"


def test_members_can_be_registered_by_name():
    module = Scaled()
    assert [name for name, _ in module.named_parameters()] == [
        "scale", "inner.weight", "inner.bias"
    ]  # fmt: skip
    assert module.bias is None
    assert list(module.children()) == [module.inner]  # two names, one module
    assert repr(module).startswith("Scaled(\n  scale=2\n")
    for register in (module.register_parameter, module.add_module, module.register_module):
        with pytest.raises(LazygradError, match=r"'forward' cannot name a member of Scaled"):
            register("forward", None)


def test_dtypes_and_devices_by_name(device):
    model = nn.Sequential(nn.Linear(2, 3), nn.BatchNorm1d(3)).to(device)
    for name, dtype in (("double", "float64"), ("half", "float16"), ("bfloat16", "bfloat16"),
                        ("float", "float32")):  # fmt: skip
        assert getattr(model, name)() is model
        assert {p.dtype.name for p in model.parameters()} == {dtype}
        assert model[1].num_batches_tracked.dtype.name == "int64"
    assert model.type("float64")[0].weight.dtype.name == "float64"
    assert model.cpu()[0].weight.device == "CPU"
    assert model.to(device, non_blocking=True)[1].running_mean.device == device
    assert model.share_memory() is model


def test_assign_takes_dtypes_over():
    model = nn.BatchNorm1d(2)
    state = nn.BatchNorm1d(2).double().state_dict()
    report = model.load_state_dict(state, assign=True)
    assert repr(report) == "<All keys matched successfully>"
    assert model.weight.dtype.name == model.running_var.dtype.name == "float64"
    assert model.num_batches_tracked.dtype.name == "int64"
    missing = model.load_state_dict({"other": Tensor.zeros(1)}, strict=False)
    assert missing.unexpected_keys == ["other"]
    assert "missing_keys=['weight'" in repr(missing)


def test_a_name_that_is_not_there():
    model = nn.Linear(2, 3)
    with pytest.raises(ModuleError, match=r"Linear has no attribute 'wieght'; did you mean weight"):
        _ = model.wieght
    with pytest.raises(ModuleError, match="read derivatives of what a module gives by"):
        model.register_full_backward_hook(print)
    with pytest.raises(AttributeError, match="Linear has no attribute 'quite_another_thing'$"):
        _ = model.quite_another_thing
    assert not hasattr(model, "hidden")
    assert getattr(model, "hidden", None) is None


@pytest.mark.parametrize("kind", [lambda *m: nn.Sequential(*m), lambda *m: nn.ModuleList(m)])
def test_containers_together(kind):
    first, second, third = nn.ReLU(), nn.Tanh(), nn.Linear(2, 3)
    model = kind(first, second)
    both = model + kind(third)
    assert type(both) is type(model)
    assert list(both) == [first, second, third]
    assert list(both.state_dict()) == ["2.weight", "2.bias"]
    both += [first]
    assert len(both) == 4
    assert both.pop(1) is second
    assert list(both.pop(slice(0, 1))) == [first]
    assert list(both) == [third, first]
    with pytest.raises(AxisError, match="out of range"):
        both.pop(5)
    with pytest.raises(TypeError, match="can hold Modules only"):
        _ = model + [len]
    if isinstance(model, nn.Sequential):
        assert list(model * 2) == list(2 * model) == [first, second] * 2
