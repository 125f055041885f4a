"""Lines of programs that are no transforms."""

from __future__ import annotations

import numpy as np

from tests.fuzz.transforms.write import LARGEST, Block, Line, Shape, Var, Writer, fits

UNARY = (
    "sin({x})", "cos({x})", "tanh({x})", "sigmoid({x})", "exp(sin({x}))", "exp(neg(square({x})))",
    "log(add(square({x}), 1.0))", "sqrt(add(square({x}), 0.5))", "mul({x}, 0.7)", "sub(1.5, {x})",
    "relu({x})", "abs({x})", "div(1.0, add(square({x}), 1.0))", "stop({x})",
)  # fmt: skip
BINARY = (
    "add({x}, {y})", "sub({x}, {y})", "mul({x}, {y})", "mul({x}, sin({y}))", "maximum({x}, {y})",
    "minimum({x}, {y})", "div({x}, add(square({y}), 1.0))", "where(gt({x}, {y}), {x}, sin({y}))",
    "where(gt({x}, 0.2), mul({x}, {y}), {y})",
)  # fmt: skip


def unary(w: Writer, block: Block) -> None:
    x = w.pick(block)
    w.add(block, w.r.choice(UNARY).format(x=x.name), x.shape)


def binary(w: Writer, block: Block) -> None:
    def meets(shape: Shape) -> bool:
        try:
            return np.prod(np.broadcast_shapes(x.shape, shape)) <= LARGEST
        except ValueError:
            return False

    x = w.pick(block)
    y = w.pick(block, meets)
    shape = np.broadcast_shapes(x.shape, y.shape)
    w.add(block, w.r.choice(BINARY).format(x=x.name, y=y.name), shape)


def product(w: Writer, block: Block) -> None:
    x = w.pick(block, lambda shape: len(shape) > 0)
    y = w.pick(block, lambda s: len(s) > 0 and s[0 if len(s) < 3 else -2] == x.shape[-1])
    shape = np.matmul(np.zeros(x.shape), np.zeros(y.shape)).shape
    w.add(block, f"mul(matmul({x.name}, {y.name}), 0.6)", shape)


def solved(w: Writer, block: Block) -> None:
    x = w.pick(block, lambda shape: len(shape) == 2 and shape[0] == shape[1])
    y = w.pick(block, lambda shape: len(shape) in (1, 2) and shape[0] == x.shape[0])
    w.add(block, f"solve({x.name}, {y.name})", y.shape)


def along_a_dim(w: Writer, block: Block) -> None:
    x = w.pick(block, lambda shape: len(shape) > 0)
    axis = w.r.randrange(len(x.shape))
    kind = w.r.choice(("total", "largest", "softmax", "running", "flip", "product", "part"))
    gone = kind in ("total", "largest", "product", "part")
    shape = x.shape[:axis] + x.shape[axis + 1 :] if gone else x.shape
    number = f"{w.r.randrange(x.shape[axis])}, " if kind == "part" else ""
    w.add(block, f"{kind}({x.name}, {number}{axis})", shape)


def moved(w: Writer, block: Block) -> None:
    x = w.pick(block)
    size = int(np.prod(x.shape))
    kind = w.r.choice(("mean", "total", "reshape", "turned", "pad", "ordered"))
    if kind in ("mean", "total"):
        w.add(block, f"{kind}({x.name})", ())
    elif kind == "reshape":
        w.add(block, f"reshape({x.name}, ({size},))", (size,))
    elif kind == "ordered" and x.shape:
        w.add(block, f"ordered({x.name})", x.shape)
    elif kind == "pad" and size <= LARGEST // 2 and x.shape:
        w.add(block, f"pad({x.name})", tuple(n + 1 for n in x.shape))
    else:
        w.add(block, f"turned({x.name})", x.shape[::-1])


def beside(w: Writer, block: Block) -> None:
    x = w.pick(block, lambda shape: int(np.prod(shape)) <= LARGEST // 2)
    y = w.exactly(block, x.shape)
    if x.shape and w.r.random() < 0.5:
        shape = (x.shape[0] + y.shape[0], *x.shape[1:])
        w.add(block, f"join({x.name}, {y.name})", shape)
        return
    axis = w.r.randint(0, len(x.shape))
    shape = (*x.shape[:axis], 2, *x.shape[axis:])
    w.add(block, f"stack({x.name}, {y.name}, {axis})", shape)


def indexed(w: Writer, block: Block) -> None:
    x = w.pick(block, lambda shape: len(shape) > 0)
    if w.r.random() < 0.5:
        axis = w.r.randrange(len(x.shape))
        index = [w.r.randrange(x.shape[axis]) for _ in range(w.r.choice((2, 3)))]
        shape = (*x.shape[:axis], len(index), *x.shape[axis + 1 :])
        w.add(block, f"take({x.name}, {index}, {axis})", shape)
        return
    count = w.r.choice((2, 3))
    index = [w.r.randrange(count) for _ in range(x.shape[0])]
    w.add(block, f"scatter({x.name}, {index}, {count})", (count, *x.shape[1:]))


def written(w: Writer, block: Block) -> None:
    """In place, on a copy."""
    x = w.pick(block, lambda shape: len(shape) > 0)
    kind = w.r.choice(("put", "put_view", "times_in_place"))
    inside = x.shape if kind == "times_in_place" else x.shape[1:]
    y = w.pick(block, lambda shape: fits(shape, inside))
    number = "" if kind == "times_in_place" else f"{w.r.randrange(x.shape[0])}, "
    w.add(block, f"{kind}({x.name}, {number}{y.name})", x.shape)


def ruled(w: Writer, block: Block) -> None:
    """A call of a function with a rule of its own, or of a pure one."""
    if w.pure and (not w.rules or w.r.random() < 0.4):
        pure, state, given, output = w.r.choice(w.pure)
        s, x = w.exactly(block, state), w.exactly(block, given)
        number = w.r.randrange(2)
        w.add(block, f"{pure}({s.name}, {x.name})[{number}]", (state, output)[number])
    elif w.rules:
        name, count = w.r.choice(w.rules)
        args: list[Var] = [w.pick(block)]
        args += [w.exactly(block, args[0].shape) for _ in range(count - 1)]
        w.add(block, f"{name}({', '.join(v.name for v in args)})", args[0].shape)
    else:
        unary(w, block)


OPERATIONS: list[Line] = [
    *[unary] * 4, *[binary] * 5, *[product] * 2, solved, *[along_a_dim] * 2, *[moved] * 2, beside,
    indexed, *[written] * 2, *[ruled] * 3,
]  # fmt: skip
