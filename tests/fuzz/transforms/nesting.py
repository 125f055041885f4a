"""Lines of programs that transform functions."""

from __future__ import annotations

import numpy as np

from tests.fuzz.transforms.write import LARGEST, Block, Line, Shape, Var, Writer

SMALL = 9  # elements of a Jacobian's input


def size(shape: Shape) -> int:
    return int(np.prod(shape))


def arguments(w: Writer, block: Block, most: int = LARGEST) -> list[Var]:
    return [w.pick(block, lambda s: size(s) <= most) for _ in range(w.r.choice((1, 1, 2)))]


def listed(args: list[Var]) -> str:
    return ", ".join(v.name for v in args)


def gradient(w: Writer, block: Block) -> None:
    args = arguments(w, block)
    f, _ = w.function(block, [v.shape for v in args], ())
    number = w.r.randrange(len(args))
    shape = args[number].shape
    several = f"tuple(range({len(args)}))"
    text = w.r.choice((
        f"grad({f}, {number})({listed(args)})",
        f"grad({f}, {number})({listed(args)})",
        f"grad({f}, {several})({listed(args)})[{number}]",
        f"grad_and_value({f}, {number})({listed(args)})[0]",
        f"value_and_grad({f}, {several})({listed(args)})[1][{number}]",
        f"grad(lambda *a: ({f}(*a), 0.5), {number}, has_aux=True)({listed(args)})[0]",
        f"grad(jit({f}), {number})({listed(args)})",
        f"jit(grad({f}, {number}))({listed(args)})",
    ))  # fmt: skip
    w.bounded(block, text, shape)


def by_autograd(w: Writer, block: Block) -> None:
    x = w.pick(block)
    f, _ = w.function(block, [x.shape], ())
    w.bounded(block, f"autograd({f})({x.name})", x.shape)


def jacobian(w: Writer, block: Block) -> None:
    args = arguments(w, block, SMALL)
    f, shape = w.function(block, [v.shape for v in args])
    number = w.r.randrange(len(args))
    total = (*shape, *args[number].shape)
    name = w.r.choice(("jacfwd", "jacrev"))
    text = w.r.choice((
        f"{name}({f}, {number})({listed(args)})",
        f"{name}({f}, tuple(range({len(args)})))({listed(args)})[{number}]",
        f"{name}(lambda *a: ({f}(*a), 0.5), {number}, has_aux=True)({listed(args)})[0]",
        f"{name}(lambda *a: dict(k={f}(*a)), {number})({listed(args)})['k']",
        f"jacrev({f}, {number}, chunk_size=2)({listed(args)})",
    ))  # fmt: skip
    reduced(w, block, text, total)


def hessian(w: Writer, block: Block) -> None:
    x = w.pick(block, lambda shape: size(shape) <= 4)
    f, _ = w.function(block, [x.shape], ())
    reduced(w, block, f"hessian({f})({x.name})", (*x.shape, *x.shape))


def reduced(w: Writer, block: Block, text: str, shape: Shape) -> None:
    """What has too many dims or elements is made smaller."""
    if len(shape) > 3 or size(shape) > LARGEST:
        rows = shape[0] if shape else 1
        text, shape = f"total(reshape({text}, ({rows}, {size(shape) // rows})), 1)", (rows,)
    w.bounded(block, text, shape)


def forward(w: Writer, block: Block) -> None:
    args = arguments(w, block)
    f, shape = w.function(block, [v.shape for v in args])
    tangents = [w.exactly(block, v.shape) for v in args]
    pair = f"({listed(args)},), ({listed(tangents)},)"
    text = w.r.choice((
        f"jvp({f}, {pair})[1]", f"jvp({f}, {pair})[0]", f"linearized({f}, {pair})",
        f"linearized({f}, {pair})",
    ))  # fmt: skip
    w.bounded(block, text, shape)


def reverse(w: Writer, block: Block) -> None:
    args = arguments(w, block)
    f, shape = w.function(block, [v.shape for v in args])
    cotangent = w.exactly(block, shape)
    number = w.r.randrange(len(args))
    text = f"vjp({f}, ({listed(args)},), {cotangent.name})[{number}]"
    w.bounded(block, text, args[number].shape)


def mapped(w: Writer, block: Block) -> None:
    first = w.pick(block, lambda shape: len(shape) > 0)
    dim = w.r.randrange(len(first.shape))
    count = first.shape[dim]
    args, dims = [first], [dim]
    if w.r.random() < 0.6:
        other = w.pick(block)
        places = [d for d, n in enumerate(other.shape) if n == count]
        args.append(other)
        dims.append(w.r.choice([*places, None]))  # type: ignore[arg-type]
    shapes = [
        v.shape if d is None else v.shape[:d] + v.shape[d + 1 :]
        for v, d in zip(args, dims, strict=True)
    ]
    f, shape = w.function(block, shapes)
    out = w.r.randint(0, len(shape))
    options = w.r.choice(("", "", ", chunk_size=2"))
    in_dims = f"({', '.join(map(str, dims))},)"
    function = w.r.choice((f, f, f, f"jit({f})", f"checkpoint({f})"))
    text = f"vmap({function}, {in_dims}, {out}{options})({listed(args)})"
    total = (*shape[:out], count, *shape[out:])
    if size(total) > LARGEST or len(total) > 3:
        reduced(w, block, text, total)
    else:
        w.add(block, text, total)


def of_memory(w: Writer, block: Block) -> None:
    """What changes nothing: checkpoint and jit."""
    args = arguments(w, block)
    f, shape = w.function(block, [v.shape for v in args])
    text = w.r.choice(("checkpoint({})", "checkpoint({})", "jit({})", "jit(checkpoint({}))"))
    w.add(block, f"{text.format(f)}({listed(args)})", shape)


def scanned(w: Writer, block: Block) -> None:
    carry = w.pick(block, lambda shape: size(shape) <= SMALL)
    xs = w.pick(block, lambda shape: len(shape) > 0)
    own = [carry.shape, xs.shape[1:]]
    output: list[Shape] = []

    def results(w: Writer, inner: Block) -> str:
        y = w.pick(inner, lambda shape: size(shape) * xs.shape[0] <= LARGEST)
        output.append(y.shape)
        after = w.shaped(inner, w.latest(inner), carry.shape)
        return f"(sin({after.name}), {y.name})"

    f, _ = w.function(block, own, results=results)
    reverse = w.r.choice(("", ", reverse=True"))
    number = w.r.randrange(2)
    shape = (carry.shape, (xs.shape[0], *output[0]))[number]
    text = f"scan({f}, {carry.name}, {xs.name}{reverse})[{number}]"
    reduced(w, block, text, shape)


def counted(w: Writer, block: Block) -> None:
    """A loop over numbers, or while something holds."""
    carry = w.pick(block, lambda shape: size(shape) <= SMALL)
    if w.r.random() < 0.5:
        f = numbered(w, block, carry)
        low = w.r.choice((0, 1))
        text = f"fori_loop({low}, {low + w.r.choice((0, 1, 2, 3))}, {f}, {carry.name})"
    else:
        f, _ = w.function(block, [carry.shape], carry.shape)
        limit = w.r.choice((-1.0, 0.3, 0.8))
        going = f"lambda c: gt({limit}, total(c))"
        step = f"lambda c: add(mul(c, 0.5), add(sin({f}(c)), 0.2))"
        text = f"while_loop({going}, {step}, {carry.name}, {w.r.choice((1, 3))})"
    w.add(block, text, carry.shape)


def numbered(w: Writer, around: Block, carry: Var) -> str:
    """A function of a number and a carry."""
    number, own = Var(w.name("i"), ()), Var(w.name("a"), carry.shape)
    inner = Block([*around.scope, own], [own], around.depth + 1)
    for _ in range(w.r.choice((1, 2))):
        w.statement(inner)
    found = w.shaped(inner, w.latest(inner), carry.shape)
    text = f"sin(add({found.name}, mul(num({number.name}, {own.name}), 0.3)))"
    name = w.name("f")
    around.lines += w.function_lines(name, [number, own], inner, text)
    return name


def associated(w: Writer, block: Block) -> None:
    x = w.pick(block, lambda shape: len(shape) > 0)
    f = w.r.choice(("mul", "add", "maximum", "lambda a, b: add(mul(a, b), add(a, b))"))
    w.add(block, f"associative_scan({f}, sin({x.name}))", x.shape)


def chosen(w: Writer, block: Block) -> None:
    x = w.pick(block)
    f, shape = w.function(block, [x.shape])
    g, _ = w.function(block, [x.shape], shape)
    by = w.pick(block)
    text = f"cond(gt(total(sin({by.name})), {w.r.choice((-0.4, 0.1, 0.5))}), {f}, {g}, {x.name})"
    w.add(block, text, shape)


TRANSFORMS: list[Line] = [
    *[gradient] * 4, by_autograd, *[jacobian] * 2, hessian, *[forward] * 3, *[reverse] * 3,
    *[mapped] * 4, *[of_memory] * 2, *[scanned] * 2, counted, associated, chosen,
]  # fmt: skip
