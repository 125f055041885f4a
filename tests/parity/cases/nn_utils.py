"""nn.utils, containers, names in state dicts, and what a model of several parts makes of them."""

from __future__ import annotations

from typing import Any

from tests.parity.case import Case, distinct, normal, ripples, uniform


def _filled(T: Any, module: Any) -> Any:
    """With parameters that are the same with both."""
    with T.no_grad():
        for number, parameter in enumerate(module.parameters()):
            parameter.copy_(ripples(T, parameter, number) * 0.4)
    return module


def _net(T: Any) -> Any:
    nn = T.nn
    return _filled(T, nn.Sequential(nn.Linear(3, 4), nn.Tanh(), nn.Linear(4, 2)))


def _clipped(how: str, *arguments: Any, **options: Any) -> Any:
    def call(T: Any, x: Any) -> Any:
        model = _net(T)
        model(x).square().sum().backward()
        found = getattr(T.nn.utils, how)(model.parameters(), *arguments, **options)
        return [found, [p.grad for p in model.parameters()]]

    return call


def _total(T: Any, x: Any) -> Any:
    utils, model = T.nn.utils, _net(T)
    model(x).square().sum().backward()
    grads = [p.grad for p in model.parameters()]
    total = utils.get_total_norm(grads, 1.0)
    utils.clip_grads_with_norm_(model.parameters(), 0.5, total)
    return [total, grads, utils.clip_grad_norm_(model[0].weight, 0.1), utils.get_total_norm([])]


def _vectors(T: Any, x: Any) -> Any:
    utils, model = T.nn.utils, _net(T)
    vector = utils.parameters_to_vector(model.parameters())
    utils.vector_to_parameters(vector * 2, model.parameters())
    return [vector, model(x), list(model.parameters())]


def _fused(T: Any, x: Any) -> Any:
    nn, utils = T.nn, T.nn.utils
    found = []
    images = x[:, :, None, None].expand(4, 3, 5, 4)
    for conv, norm, transposed, given in [
        (nn.Conv2d(3, 4, 2), nn.BatchNorm2d(4), False, images),
        (nn.Conv2d(3, 4, 2, bias=False), nn.BatchNorm2d(4, affine=False), False, images),
        (nn.ConvTranspose2d(3, 4, 2), nn.BatchNorm2d(4), True, images),
    ]:
        both = _filled(T, nn.Sequential(conv, norm))
        both(given * 3)  # moves the running statistics
        both.eval()
        found += [both(given), utils.fuse_conv_bn_eval(conv, norm, transposed)(given)]
    both = _filled(T, nn.Sequential(nn.Linear(3, 4), nn.BatchNorm1d(4)))
    both(x)
    both.eval()
    return [*found, both(x), utils.fuse_linear_bn_eval(both[0], both[1])(x)]


def _weight_norm(T: Any, x: Any) -> Any:
    nn, utils = T.nn, T.nn.utils
    found = []
    for layer, given, options in [
        (nn.Linear(3, 4), x, {}), (nn.Linear(3, 4), x, {"dim": None}),
        (nn.Conv1d(3, 2, 2), x[:, :, None].expand(4, 3, 3), {"dim": 1}),
    ]:  # fmt: skip
        with T.no_grad():
            _filled(T, layer)
        layer = utils.weight_norm(layer, **options)
        result = layer(given)
        grads = T.autograd.grad((result * ripples(T, result, 1)).sum(), list(layer.parameters()))
        named = dict(zip([n for n, _ in layer.named_parameters()], grads, strict=True))
        names = [sorted(layer.state_dict()), sorted(utils.remove_weight_norm(layer).state_dict())]
        found.append([result, [named[name] for name in sorted(named)], str(names), layer(given)])
    return found


def _spectral_norm(T: Any, x: Any) -> Any:
    nn, utils = T.nn, T.nn.utils
    found = []
    for layer, given in [(nn.Linear(3, 4), x), (nn.ConvTranspose1d(3, 2, 2), x[:, :, None])]:
        layer = utils.spectral_norm(_filled(T, layer), n_power_iterations=2)
        with T.no_grad():
            layer.weight_orig.copy_(ripples(T, layer.weight_orig, 3))
            layer.weight_u.copy_(ripples(T, layer.weight_u, 1))
            layer.weight_v.copy_(ripples(T, layer.weight_v, 2))
        result = layer(given)
        (grad,) = T.autograd.grad((result * ripples(T, result, 1)).sum(), [layer.weight_orig])
        found += [result, grad, layer.weight_u, layer.weight_v, layer.eval()(given)]
        found.append(str(sorted(layer.state_dict())))
        found.append(utils.remove_spectral_norm(layer)(given))
    return found


def _names(T: Any) -> Any:
    """Keys of state dicts, their order and shapes."""
    nn = T.nn

    class Block(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.conv1 = nn.Conv2d(2, 3, 3, bias=False)
            self.bn1 = nn.BatchNorm2d(3)
            self.relu = nn.ReLU(inplace=True)
            self.downsample = nn.Sequential(nn.Conv2d(2, 3, 1), nn.GroupNorm(1, 3))
            self.named = nn.ModuleDict({"b": nn.PReLU(), "a": nn.Embedding(3, 2)})
            self.many = nn.ModuleList([nn.LSTM(2, 3, 2, bidirectional=True), nn.GRU(2, 3)])
            self.scales = nn.ParameterList([nn.Parameter(T.zeros(2)), nn.Parameter(T.zeros(3))])
            self.others = nn.ParameterDict({"x": nn.Parameter(T.zeros(1))})
            self.attention = nn.MultiheadAttention(4, 2, kdim=3, add_bias_kv=True)
            self.layer = nn.TransformerDecoderLayer(4, 2, 3)
            self.register_buffer("kept", T.zeros(1))
            self.register_buffer("not_kept", T.zeros(1), persistent=False)

    model = Block()
    found = {name: list(value.shape) for name, value in model.state_dict().items()}
    return str(list(found)), found, str([n for n, _ in model.named_parameters()])


def _models(T: Any, x: Any) -> Any:
    """A residual block and a small U-Net, as people write them."""
    nn, F = T.nn, T.nn.functional

    class Basic(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.conv1 = nn.Conv2d(3, 3, 3, padding=1, bias=False)
            self.bn1 = nn.BatchNorm2d(3)
            self.relu = nn.ReLU(inplace=True)
            self.up = nn.ConvTranspose2d(3, 2, 2, 2)

        def forward(self, x: Any) -> Any:
            out = self.relu(self.bn1(self.conv1(x)))
            out = self.relu(out + x)
            wide = F.interpolate(out, scale_factor=2, mode="bilinear", align_corners=True)
            return T.cat([self.up(F.leaky_relu(out, 0.1)), wide], 1)

    model = _filled(T, Basic())
    result = model(x)
    grads = T.autograd.grad((result * ripples(T, result, 1)).sum(), list(model.parameters()))
    return [result, grads, model.bn1.running_var]


CASES = [
    Case("clip_grad_norm_", _clipped("clip_grad_norm_", 0.5), [normal(4, 3)], 0),
    Case("clip_grad_norm_, inf", _clipped("clip_grad_norm_", 0.5, norm_type=float("inf")),
         [normal(4, 3)], 0),
    Case("clip_grad_norm_, small", _clipped("clip_grad_norm_", 1e6), [normal(4, 3)], 0),
    Case("clip_grad_value_", _clipped("clip_grad_value_", 0.3), [normal(4, 3)], 0),
    Case("get_total_norm", _total, [normal(4, 3)], 0),
    Case("vectors", _vectors, [normal(4, 3)], 0),
    Case("fusion", _fused, [normal(4, 3)], 0, atol=1e-5),
    Case("weight_norm", _weight_norm, [normal(4, 3)], 0, atol=1e-5),
    Case("spectral_norm", _spectral_norm, [uniform(0.5, 1, 4, 3)], 0, atol=1e-5),
    Case("names", _names, [], 0),
    Case("models", _models, [distinct(2, 3, 4, 4)], 0, rtol=1e-4, atol=1e-4),
]  # fmt: skip
