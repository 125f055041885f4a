"""A tour of differentiable programming in ten steps, each checked against a closed form.

Every step prints what it computes with this library and, next to it, what is known by hand. The
chapters of the same names in docs/pages/tour explain them.

    python -m lazygrad.examples.autodiff_tour --plot tour.png
"""

from __future__ import annotations

import math
import sys
import warnings
from argparse import Namespace
from collections.abc import Iterator

import lazygrad as lg
from lazygrad import Tensor, func, implicit, inspect, nn, ops
from lazygrad.autodiff import batch, rules
from lazygrad.bridge import read, wrap
from lazygrad.errors import PlanWarning
from lazygrad.examples.facts import Fact, check
from lazygrad.examples.program import options_of, picture, run
from lazygrad.graph import node
from lazygrad.interrupts import guarded


def composition() -> Iterator[Fact]:
    """Functions and their composition: a derivative is a function again"""
    wave = func.grad(lambda x: (x * x).sin())
    yield Fact("d/dx sin(x²) = 2x cos(x²)", wave(lg.tensor(1.5)), 3 * math.cos(1.5**2))
    third = func.grad(func.grad(func.grad(lambda x: x**3)))
    yield Fact("the third derivative of x³ = 6", third(lg.tensor(2.0)), 6)
    nested = func.grad(lambda x: x * func.grad(lambda y: x + y)(x))
    yield Fact("d/dx [x · d/dy (x + y)] = 1, not 2", nested(lg.tensor(3.0)), 1)


def to_plane(p: Tensor) -> Tensor:
    """From polar coordinates."""
    return p[0] * lg.stack([p[1].cos(), p[1].sin()])


RADIUS, ANGLE = 2.0, 0.5
COS, SIN = math.cos(ANGLE), math.sin(ANGLE)
JACOBIAN = [[COS, -RADIUS * SIN], [SIN, RADIUS * COS]]  # of to_plane


def jacobians() -> Iterator[Fact]:
    """Jacobians: composition of functions is their product"""
    p = lg.tensor([RADIUS, ANGLE])
    jacobian = func.jacrev(to_plane)(p)
    yield Fact("of polar coordinates", jacobian, JACOBIAN)
    both = func.jacrev(lambda p: to_plane(p).square())(p)
    outer = func.jacrev(lg.square)(to_plane(p))
    yield Fact("of its square = J(square) J(to_plane)", both, outer @ jacobian)
    form = lg.tensor([[2.0, 1.0], [1.0, 3.0]])
    yield Fact("the Hessian of ½ xᵀAx = A", func.hessian(lambda x: x @ form @ x / 2)(p), form)


def products() -> Iterator[Fact]:
    """JVP and VJP: a column or a row of a Jacobian that nobody writes down"""
    p, v, w = lg.tensor([RADIUS, ANGLE]), lg.tensor([0.0, 1.0]), lg.tensor([1.0, 0.0])
    _, pushed = func.jvp(to_plane, (p,), (v,))
    (pulled,) = func.vjp(to_plane, p)[1](w)
    yield Fact("J v, forward", pushed, [row[1] for row in JACOBIAN])
    yield Fact("wᵀ J, in reverse", pulled, JACOBIAN[0])
    yield Fact("⟨w, J v⟩ = ⟨Jᵀ w, v⟩", w @ pushed, pulled @ v)


def modes() -> Iterator[Fact]:
    """Forward and reverse mode: one pass for each input, or one for each output"""
    n = 1000
    x, weights = lg.ones(n), lg.linspace(0.1, 1.0, n)
    slope = func.grad(lambda x: (weights * x**4).sum())
    t = lg.tensor(0.3)
    _, speeds = func.jvp(lambda t: (weights * t).exp(), (t,), (lg.tensor(1.0),))
    yield Fact(f"{n} outputs of an input, one pass forward", speeds, weights * (weights * t).exp())
    yield Fact(f"{n} inputs of an output, one pass in reverse", slope(x), 4 * weights)
    _, product = func.jvp(slope, (x,), (x,))
    kernels = len(inspect.kernels(product))  # before it is looked at: then there are none to run
    yield Fact("forward over reverse: a Hessian times a vector", product, 12 * weights)
    yield Fact("and that is one kernel, in which there is no Hessian", kernels, 1)


def primitives() -> Iterator[Fact]:
    """Primitives and their rules: what every derivative is made of, from the library's own table"""
    x, y = 0.7, 1.9
    partials = {
        ops.EXP: (math.exp(x),), ops.LOG: (1 / x,), ops.SIN: (math.cos(x),),
        ops.SQRT: (0.5 / math.sqrt(x),), ops.ADD: (1, 1), ops.MUL: (y, x),
        ops.DIV: (1 / y, -x / y**2), ops.MAX: (0, 1),
    }  # fmt: skip
    operands, one = [read(lg.tensor(value)) for value in (x, y)], read(lg.tensor(1.0))
    for op, known in partials.items():
        result, rule = node(op, tuple(operands[: len(known)])), rules.RULES[op]
        pushed = [wrap(rule.jvp(one, result, index)) for index in range(len(known))]
        kind = type(rule).__name__
        yield Fact(f"{op.name:4} is {kind}: ∂ by each operand", lg.stack(pushed), list(known))
    rule, result = rules.RULES[ops.SUM], node(ops.SUM, (read(lg.ones(3)),), (0,))
    pulled = wrap(rule.vjp(read(lg.tensor([5.0])), result, 0))
    yield Fact(f"SUM  is {type(rule).__name__}: its transpose repeats", pulled, [5, 5, 5])
    missing = [op.name for op in rules.RULES if op not in batch.RULES]
    yield Fact(f"{len(rules.RULES)} ops have such a rule; without one for vmap", len(missing), 0)


def graph_and_kernels() -> Iterator[Fact]:
    """The graph and its kernels: what is written as many operations runs as few loops"""
    x = lg.linspace(-3, 3, 12).reshape(3, 4).realize()
    spread = (x.exp() / x.exp().sum(1, keepdim=True)).log()
    yield Fact("kernels of a log-softmax that is written out", len(inspect.kernels(spread)), 1)

    def chain(x: Tensor) -> Tensor:
        for _ in range(3):
            x = (x * 1.1).tanh()
        return x.sum()

    slope = func.grad(chain)(x)
    yield Fact("kernels of the gradient of a chain of six", len(inspect.kernels(slope)), 1)
    known = lg.ones(3, 4)
    for _ in range(3):
        x = (x * 1.1).tanh()
        known = known * 1.1 * (1 - x**2)
    yield Fact("and its values, by the chain rule", slope, known)


def a_pure_module() -> Iterator[Fact]:
    """A module made pure: its state goes in and comes out, and nothing else happens"""
    norm = nn.BatchNorm1d(1)
    pure = func.purify(norm)
    x = lg.tensor([[1.0], [2.0], [6.0]])
    _, after = pure(pure.state(), x)
    yield Fact("the running mean that comes out = 0.9 · 0 + 0.1 · 3", after["running_mean"], [0.3])
    yield Fact("the module's own is still", norm.running_mean, [0.0])
    line = nn.Linear(1, 1)

    def loss(parameters: dict[str, Tensor]) -> Tensor:
        return (func.functional_call(line, parameters, (x,)) - 2 * x).square().mean()

    slope = func.grad(loss)({"weight": lg.zeros(1, 1), "bias": lg.zeros(1)})
    yield Fact("∂ by the weight = −4 mean(x²)", slope["weight"], [[-4 * 41 / 3]])
    yield Fact("∂ by the bias = −4 mean(x)", slope["bias"], [-12.0])


def mapping() -> Iterator[Fact]:
    """vmap: a function of one sample becomes one of many"""
    lg.manual_seed(0)
    w, x, y = lg.randn(3), lg.randn(5, 3), lg.randn(5)
    slope = func.grad(lambda w, x, y: (w @ x - y).square())
    each = func.vmap(slope, in_dims=(None, 0, 0))(w, x, y)
    known = 2 * (x @ w - y).unsqueeze(1) * x
    yield Fact("a gradient for each sample = 2 (wᵀx − y) x", each, known)
    a, b = lg.randn(4, 2, 3).realize(), lg.randn(4, 3, 2).realize()
    product = func.vmap(lg.matmul)(a, b)
    yield Fact("kernels of a matrix product, mapped", len(inspect.kernels(product)), 1)
    yield Fact("and its values", product, lg.einsum("bij,bjk->bik", a, b))


def total(ratio: Tensor, terms: int) -> Tensor:
    """1 + ratio + ratio² + ..., as a loop."""

    def step(carry: Tensor, nothing: None) -> tuple[Tensor, None]:
        return 1 + ratio * carry, None

    return func.scan(step, lg.tensor(0.0), length=terms)[0]


def loops() -> Iterator[Fact]:
    """Loops: a body that is compiled once, and differentiated as a loop"""
    half = lg.tensor(0.5)
    yield Fact("1 + r + r² + ... = 1 / (1 − r)", total(half, 60), 2)
    yield Fact("d/dr = 1 / (1 − r)²", func.grad(total)(half, 60), 4)
    yield Fact("d²/dr² = 2 / (1 − r)³", func.grad(func.grad(total))(half, 60), 16)
    few, many = (len(inspect.kernels(func.grad(total)(half, terms))) for terms in (60, 600))
    yield Fact("kernels of the gradient of 600 terms = those of 60", many, few)


def settled(w: Tensor) -> Tensor:
    """The z with z = cos(w z)."""
    return implicit.fixed_point(lambda z: (w * z).cos(), lg.tensor(0.5))


def implicit_layers() -> Iterator[Fact]:
    """Implicit layers: a value given by what it solves, its derivative by the same equation"""
    root = func.grad_and_value(lambda a: implicit.root(lambda x: x**3 - a, lg.tensor(1.0)))
    slope, value = root(lg.tensor(8.0))
    yield Fact("the root of x³ = 8", value, 2)
    yield Fact("its derivative by 8 = 1 / (3 x²)", slope, 1 / 12)
    w = lg.tensor(0.8)
    z = settled(w)
    known = -z * (w * z).sin() / (1 + w * (w * z).sin())
    yield Fact("z = cos(w z), dz/dw = −z sin(wz) / (1 + w sin(wz))", func.grad(settled)(w), known)
    times = lg.tensor([0.0, math.pi / 2, math.pi])
    x, _ = implicit.odeint(lambda t, s: (s[1], -s[0]), (lg.tensor(1.0), lg.tensor(0.0)), times)
    yield Fact("a spring, x″ = −x, after 0, π/2 and π", x, [1, 0, -1])
    low = implicit.argmin(lambda x: ((x - 3) ** 2 + x**2).sum(), lg.zeros(1))
    yield Fact("where (x − 3)² + x² is smallest", low, [1.5])


STEPS = (
    composition, jacobians, products, modes, primitives, graph_and_kernels, a_pure_module, mapping,
    loops, implicit_layers,
)  # fmt: skip


def tour(options: Namespace) -> int:
    """Walk through all steps; returns how many facts were checked.

    Raises:
        LazygradError: if one of them is wrong.
    """
    count = 0
    for number, step in enumerate(STEPS, 1):
        print(f"\n{number}. {step.__doc__}")
        for fact in step():
            check(fact)
            count += 1
    print(f"\n{count} facts, all as they have to be")
    if options.plot:
        draw(options.plot)
    return count


def draw(path: str) -> None:
    """A function with derivatives of derivatives, and one that is given by an equation."""
    x = lg.linspace(-3, 3, 200)
    with picture(path, "Derivatives are functions", 2) as (left, right):
        derivative = lg.tanh
        for name in ("tanh", "first derivative", "second", "third"):
            left.plot(x.numpy(), func.vmap(derivative)(x).numpy(), label=name)
            derivative = func.grad(derivative)
        left.legend()
        w = lg.linspace(0, 1.2, 50)
        right.plot(w.numpy(), func.vmap(settled)(w).numpy(), color="black", label="z = cos(w z)")
        for at in lg.tensor([0.2, 0.6, 1.0]):
            near = at + lg.tensor([-0.15, 0.15])
            tangent = settled(at) + func.grad(settled)(at) * (near - at)
            right.plot(near.numpy(), tangent.numpy(), linewidth=3, alpha=0.6)
        right.legend()


def main(arguments: list[str] | None = None) -> int:
    """Run the command line; returns the exit status."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", PlanWarning)  # each fact is a program of its own
        return run(tour, options_of("autodiff_tour", __doc__, arguments, files=("plot",)))


if __name__ == "__main__":
    sys.exit(guarded(main))
