"""Programs on a device, in the ways in which a user may run them."""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

import lazygrad
from lazygrad import Tensor
from tests.fuzz.program import Program, Step, stored
from tests.fuzz.values import FLOATS, Array, Value, rounded

PLAIN, PARTIAL, UNFUSED, JIT, VMAP, GRADIENT, BACKWARD, VMAP_GRADIENT = (
    "plain", "partial", "unfused", "jit", "vmap", "gradient", "backward", "vmap gradient",
)  # fmt: skip
MODES = {PLAIN: 5, PARTIAL: 1.5, UNFUSED: 1, JIT: 1.5, VMAP: 1.5}
SMOOTH_MODES = {GRADIENT: 3, BACKWARD: 1, VMAP_GRADIENT: 1}
TRACED = {JIT: PLAIN, VMAP: PLAIN, VMAP_GRADIENT: GRADIENT}  # and how it runs what needs values


class Got(NamedTuple):
    """A computed value and its dtype."""

    array: Array
    dtype: str


Env = dict[str, Any]


def leaf(value: Value, device: str, tracked: bool = False) -> Tensor:
    return Tensor(stored(value), dtype=value.dtype, device=device, requires_grad=tracked)


def _namespace(device: str) -> Env:
    return {"Tensor": Tensor, "np": np, "D": device, "inf": np.inf, "nan": np.nan}


def run_step(step: Step, env: Env) -> None:
    exec(compile(step.source(), "<program>", "exec"), env)


def lines(
    program: Program,
    device: str,
    leaves: dict[int, Tensor],
    after: Callable[[Step, Env], None] | None = None,
) -> Env:
    env = _namespace(device)
    env.update({f"v{i}": x for i, x in leaves.items()})
    for step in program.steps:
        run_step(step, env)
        if after is not None:
            after(step, env)
    return env


def weights(program: Program, values: dict[int, Value], seed: int) -> dict[int, Array]:
    """The derivative of the final result by each output."""
    n = np.random.default_rng(seed)
    return {i: rounded(n.integers(1, 9, values[i].shape) / 4, values[i].dtype)
            for i in program.outputs if values[i].dtype in FLOATS}  # fmt: skip


def build(
    program: Program, mode: str, device: str, seed: int, given: dict[int, Array]
) -> dict[int, Any]:
    """The tensors to compare, by id, not computed yet (except in modes that compute at once);
    in gradient modes the derivatives of the inputs."""
    leaves = {i: leaf(v, device, i in program.inputs) for i, v in program.leaves.items()}
    if mode == JIT:
        return _jitted(program, device, leaves)
    if mode in (VMAP, VMAP_GRADIENT) and program.leaves:
        return _mapped(program, device, seed, given if mode == VMAP_GRADIENT else None)
    if mode == PARTIAL:
        r = random.Random(seed)

        def after(step: Step, env: Env) -> None:
            if r.random() < 0.5:
                env[f"v{step.ids[0]}"].realize()

        env = lines(program, device, leaves, after)
    else:
        env = lines(program, device, leaves)
    if mode not in SMOOTH_MODES:
        found = {i: env[f"v{i}"] for i in program.outputs}
        if mode == UNFUSED and found:
            with lazygrad.config(fuse=False):
                first, *rest = found.values()
                first.realize(*rest)
        return found
    if mode == BACKWARD:
        for x, w in _weighted(program, env, given, device):
            x.backward(w)
        return {i: leaves[i].grad for i in program.inputs}
    return _gradients(program, env, [leaves[i] for i in program.inputs], given, device)


def _weighted(
    program: Program, env: Env, given: dict[int, Array], device: str
) -> list[tuple[Tensor, Tensor]]:
    """Outputs that have derivatives, and that of the final result by each."""
    outputs = [(env[f"v{i}"], given[i]) for i in program.outputs if env[f"v{i}"].requires_grad]
    return [
        (x, Tensor(np.asarray(w, np.float64), dtype=x.dtype, device=device)) for x, w in outputs
    ]


def _gradients(
    program: Program, env: Env, inputs: list[Tensor], given: dict[int, Array], device: str
) -> dict[int, Any]:
    pairs = _weighted(program, env, given, device)
    if not pairs:
        return dict.fromkeys(program.inputs)
    parts = lazygrad.grad([x for x, _ in pairs], inputs, [w for _, w in pairs], allow_unused=True)
    return dict(zip(program.inputs, parts, strict=True))


def _jitted(program: Program, device: str, leaves: dict[int, Tensor]) -> dict[int, Any]:
    """Traced with the elements of all leaves in reverse order, replayed with the right ones."""

    @lazygrad.jit
    def function(*given: Tensor) -> tuple[Tensor, ...]:
        env = lines(program, device, dict(zip(leaves, given, strict=True)))
        return tuple(env[f"v{i}"] for i in program.outputs)

    function(*(leaf(_turned(v), device) for v in program.leaves.values()))
    function(*leaves.values())
    found = function(*leaves.values())
    return dict(zip(program.outputs, found, strict=True))


def _turned(value: Value) -> Value:
    """The same elements in reverse order."""
    return Value(np.asarray(value.array.reshape(-1)[::-1].reshape(value.shape)), value.dtype)


def _mapped(
    program: Program, device: str, seed: int, given: dict[int, Array] | None
) -> dict[int, Any]:
    """The second of two samples, of which the first has its leaves turned; some leaves are the same
    for both. With weights ``given`` the derivatives, which are taken inside. Some programs are
    mapped twice, and some are jitted, too."""
    r = random.Random(seed)
    known: list[int] = [] if given is not None else list(program.outputs)

    def function(*listed: Tensor) -> list[Tensor]:
        own = dict(zip(program.leaves, [x.clone() for x in listed], strict=True))
        for i in program.inputs if given is not None else ():
            own[i] = own[i].detach().requires_grad_()
        env = lines(program, device, own)
        if given is None:
            return [env[f"v{i}"] for i in program.outputs]
        parts = _gradients(program, env, [own[i] for i in program.inputs], given, device)
        known.extend(i for i, part in parts.items() if part is not None)
        return [parts[i] for i in known]

    mapped: Callable[..., list[Tensor]] = function
    samples = list(program.leaves.values())
    levels = r.choice((1, 1, 2))
    for _ in range(levels):
        first = r.randrange(len(samples))
        own = [n == first or r.random() < 0.7 for n in range(len(samples))]
        mapped = lazygrad.vmap(mapped, tuple(0 if b else None for b in own))
        samples = [_beside(_turned(v), v) if b else v for v, b in zip(samples, own, strict=True)]
    if r.random() < 0.3:
        mapped = lazygrad.jit(mapped)
    found = mapped(*[leaf(v, device) for v in samples])
    results = {i: x[(1,) * levels] for i, x in zip(known, found, strict=True)}
    return results if given is None else dict.fromkeys(program.inputs) | results


def _beside(first: Value, second: Value) -> Value:
    return Value(np.stack([first.array, second.array]), second.dtype)


def read(tensors: dict[int, Any], program: Program) -> dict[int, Got]:
    """The values, and the facts that every tensor states of itself."""
    got = {}
    for i, x in tensors.items():
        if x is None:  # no derivative: nothing depends on it
            got[i] = Got(np.zeros(program.leaves[i].shape), program.leaves[i].dtype)
            continue
        array = x.numpy()
        facts = (x.shape, x.ndim, x.dim(), x.numel(), x.nelement(), x.nbytes, tuple(x.size()))
        size, item = array.size, x.dtype.itemsize
        stated = (array.shape, array.ndim, array.ndim, size, size, size * item, array.shape)
        if facts != stated or x.element_size() != item or (x.ndim and len(x) != array.shape[0]):
            raise AssertionError(f"facts {facts}, values say {stated}")
        got[i] = Got(array, x.dtype.name)
    return got
