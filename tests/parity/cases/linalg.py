"""Linear algebra. What is determined up to a sign only is compared in forms that are."""

import numpy as np

from tests.parity.case import FLOATS, Case, exactly, normal

SQUARE, STACK = normal(3, 3), normal(2, 3, 3)
TALL, WIDE = normal(2, 4, 3), normal(2, 3, 4)
NOTHING = exactly(np.zeros((0, 3, 3)))
FLAT = exactly(np.zeros((2, 0, 0)))
SINGULAR = exactly([[1.0, 2.0, 3.0], [2.0, 4.0, 6.0], [0.5, -1.0, 2.0]])

# Each operand is brought to where the function is smooth.


def spd(x):
    return x @ x.mT + 0.5 * (x * 0 + 1).tril().triu()


def regular(x):
    return x + 3.0 * (x * 0 + 1).tril().triu()


def symmetric(x):
    return x + x.mT


def squares(*results):
    return [result * result for result in results]


def every(name, call, *inputs, order=2, **tolerance):
    """A function of stacks of square matrices: of one, of several, of none, of empty ones."""
    return [
        Case(name, call, [SQUARE, *inputs], order, FLOATS, **tolerance),
        Case(f"{name}, stack", call, [normal(2, 2, 3, 3), *inputs], order, **tolerance),
        Case(f"{name}, no matrices", call, [NOTHING, *inputs], 1),
        Case(f"{name}, empty matrices", call, [FLAT, *inputs], 0) if not inputs else None,
    ]


LOOSE = {"rtol": 2e-4, "atol": 2e-4}  # derivatives of inverses, in float32

CASES = [case for case in [
    # determinants and inverses
    *every("linalg.det", lambda T, x: T.linalg.det(x), **LOOSE),
    *every("det", lambda T, x: T.det(x) + x.det(), **LOOSE),
    Case("linalg.det, singular", lambda T, x: T.linalg.det(x), [SINGULAR], 1, atol=1e-5),
    *every("linalg.slogdet", lambda T, x: T.linalg.slogdet(regular(x)), **LOOSE),
    Case("slogdet", lambda T, x: T.slogdet(x).logabsdet + x.slogdet()[1], [STACK], **LOOSE),
    Case("slogdet, singular", lambda T, x: T.slogdet(x), [exactly(np.zeros((2, 2)))], 0),
    *every("logdet", lambda T, x: T.logdet(spd(x)) + spd(x).logdet(), **LOOSE),
    Case("logdet, negative", lambda T, x: T.logdet(x), [exactly([[0.0, 1.0], [1.0, 0.0]])], 0),
    *every("linalg.inv", lambda T, x: T.linalg.inv(regular(x)), **LOOSE),
    Case("inverse", lambda T, x: T.inverse(regular(x)) + regular(x).inverse(), [STACK], **LOOSE),
    Case("linalg.inv_ex", lambda T, x: T.linalg.inv_ex(regular(x)), [STACK], **LOOSE),
    Case("linalg.inv_ex, info", lambda T, x: T.linalg.inv_ex(x).info > 0, [SINGULAR], 0),
    # equations
    *[
        Case(f"linalg.solve, {name}", lambda T, a, b: T.linalg.solve(regular(a), b),
             [normal(*first), normal(*second)], 2, FLOATS, **LOOSE)
        for name, first, second in [
            ("matrix", (3, 3), (3, 2)), ("vector", (3, 3), (3,)), ("stack", (2, 3, 3), (2, 3, 4)),
            ("broadcast", (2, 1, 3, 3), (4, 3, 2)), ("vectors", (4, 3, 3), (4, 3)),
            ("one for a stack", (3, 3), (2, 4, 3, 2)), ("one for none", (3, 3), (0, 3, 2)),
            ("none", (0, 3, 3), (0, 3, 2)), ("no columns", (2, 3, 3), (2, 3, 0)),
        ]
    ],
    Case("linalg.solve, right", lambda T, a, b: T.linalg.solve(regular(a), b, left=False),
         [normal(2, 3, 3), normal(2, 4, 3)], **LOOSE),
    Case("linalg.solve_ex", lambda T, a, b: T.linalg.solve_ex(regular(a), b),
         [normal(2, 3, 3), normal(2, 3, 4)], **LOOSE),
    *[
        Case(f"linalg.solve_triangular, upper={upper}, left={left}, unitriangular={unit}",
             lambda T, a, b, options=(upper, left, unit): T.linalg.solve_triangular(
                 regular(a), b, upper=options[0], left=options[1], unitriangular=options[2]),
             [normal(2, 3, 3, scale=0.7), normal(2, 3, 3)], **LOOSE)
        for upper in (False, True) for left in (False, True) for unit in (False, True)
    ],
    Case("linalg.solve_triangular, one for a stack",
         lambda T, a, b: T.linalg.solve_triangular(regular(a), b, upper=True, left=False),
         [normal(3, 3, scale=0.7), normal(4, 2, 3)], **LOOSE),
    Case("linalg.solve_triangular, zero on the diagonal",
         lambda T, a, b: T.linalg.solve_triangular(a, b, upper=False),
         [exactly([[0.0, 0.0], [1.0, 2.0]]), exactly([[1.0], [2.0]])], 0),
    Case("triangular_solve", lambda T, b, a: T.triangular_solve(b, regular(a), transpose=True),
         [normal(2, 3, 2), normal(2, 3, 3, scale=0.7)], **LOOSE),
    Case("cholesky_solve", lambda T, b, a: T.cholesky_solve(b, regular(a).tril()),
         [normal(2, 3, 2), normal(2, 3, 3, scale=0.7)], **LOOSE),
    Case("cholesky_solve, upper", lambda T, b, a: b.cholesky_solve(regular(a).triu(), True),
         [normal(2, 3, 2), normal(2, 3, 3, scale=0.7)], **LOOSE),
    Case("cholesky_inverse", lambda T, a: T.cholesky_inverse(regular(a).tril()),
         [normal(2, 3, 3, scale=0.7)], **LOOSE),
    *[
        Case(f"linalg.lstsq, {name}", lambda T, a, b: T.linalg.lstsq(a, b).solution,
             [normal(*first), normal(*second)], 1, FLOATS, **LOOSE)
        for name, first, second in [
            ("tall", (2, 5, 3), (2, 5, 2)), ("wide", (2, 3, 5), (2, 3, 2)),
            ("one", (5, 3), (5, 2)), ("none", (0, 5, 3), (0, 5, 2)),
        ]
    ],
    Case("linalg.lstsq, the rest", lambda T, a, b: list(T.linalg.lstsq(a, b))[1:],
         [normal(2, 5, 3), normal(2, 5, 2)], 0),
    *[
        Case(f"linalg.pinv, {name}", lambda T, x: T.linalg.pinv(x), [normal(*shape)], 2, FLOATS,
             **LOOSE)
        for name, shape in [("tall", (2, 5, 3)), ("wide", (3, 5)), ("none", (0, 5, 3))]
    ],
    Case("linalg.pinv, empty", lambda T, x: T.linalg.pinv(x), [exactly(np.zeros((2, 3, 0)))], 0),
    Case("linalg.pinv, singular", lambda T, x: T.linalg.pinv(x, rtol=1e-5), [SINGULAR], 0,
         **LOOSE),
    Case("pinverse", lambda T, x: T.pinverse(x) + x.pinverse(), [TALL], **LOOSE),
    Case("linalg.tensorinv", lambda T, x: T.linalg.tensorinv(x), [normal(2, 3, 6)], 1, **LOOSE),
    Case("linalg.tensorsolve", lambda T, a, b: T.linalg.tensorsolve(a, b),
         [normal(2, 3, 6), normal(2, 3)], 1, **LOOSE),
    Case("linalg.tensorsolve, dims", lambda T, a, b: T.linalg.tensorsolve(a, b, dims=(0, 2)),
         [normal(2, 6, 3), normal(6)], 1, **LOOSE),
    # factors
    *every("linalg.cholesky", lambda T, x: T.linalg.cholesky(spd(x)), **LOOSE),
    Case("linalg.cholesky, upper", lambda T, x: T.linalg.cholesky(spd(x), upper=True), [STACK],
         **LOOSE),
    Case("cholesky", lambda T, x: T.cholesky(spd(x), True) + spd(x).cholesky(), [STACK], **LOOSE),
    *[
        Case(f"linalg.qr, {name}", lambda T, x, m=mode: T.linalg.qr(x, m), [normal(*shape)], order,
             FLOATS, **LOOSE)
        for name, shape, mode, order in [
            ("tall", (2, 4, 3), "reduced", 2), ("wide", (2, 3, 4), "reduced", 2),
            ("square", (3, 3), "complete", 2), ("complete, tall", (2, 4, 3), "complete", 0),
            ("complete, wide", (3, 4), "complete", 1), ("r", (2, 4, 3), "r", 0),
            ("none", (0, 4, 3), "reduced", 1), ("empty", (2, 3, 0), "complete", 0),
        ]
    ],
    Case("qr", lambda T, x: [*T.qr(x), *x.qr(some=False)], [SQUARE], **LOOSE),
    *every("linalg.eigh", lambda T, x: squares(*T.linalg.eigh(symmetric(x))), **LOOSE),
    Case("linalg.eigh, product", lambda T, x: rebuilt(*T.linalg.eigh(symmetric(x), "U")), [STACK],
         **LOOSE),
    *every("linalg.eigvalsh", lambda T, x: T.linalg.eigvalsh(symmetric(x)), **LOOSE),
    Case("linalg.eigvalsh, one triangle", lambda T, x: [T.linalg.eigvalsh(x, u) for u in "LU"],
         [STACK], 0),
    *[
        Case(f"linalg.svd, {name}", lambda T, x, f=full: squares(*T.linalg.svd(x, f)),
             [normal(*shape)], order, FLOATS, **LOOSE)
        for name, shape, full, order in [
            ("tall", (2, 4, 3), False, 2), ("wide", (2, 3, 4), False, 2),
            ("square", (3, 3), True, 2), ("none", (0, 4, 3), False, 1),
        ]
    ],
    Case("linalg.svd, full, tall", lambda T, x: projections(*T.linalg.svd(x)), [TALL], 0),
    Case("linalg.svd, empty", lambda T, x: T.linalg.svd(x), [exactly(np.zeros((2, 3, 0)))], 0),
    Case("svd", lambda T, x: [*squares(*T.svd(x)), x.svd(compute_uv=False).S], [WIDE], **LOOSE),
    Case("svd, no vectors", lambda T, x: T.svd(x, compute_uv=False), [WIDE], 0),
    Case("linalg.svdvals", lambda T, x: T.linalg.svdvals(x), [TALL], 2, FLOATS, **LOOSE),
    Case("linalg.svdvals, none", lambda T, x: T.linalg.svdvals(x),
         [exactly(np.zeros((0, 4, 3)))], 1),
    *every("linalg.lu", lambda T, x: T.linalg.lu(regular(x)), **LOOSE),
    *[
        Case(f"linalg.lu, {name}", lambda T, x: [*T.linalg.lu(x), *T.linalg.lu_factor(x)],
             [normal(*shape)], 2, FLOATS, **LOOSE)
        for name, shape in [("tall", (2, 5, 3)), ("wide", (2, 3, 5)), ("pivots", (2, 4, 4))]
    ],
    Case("lu_unpack", lambda T, x: T.lu_unpack(*T.linalg.lu_factor(x)), [normal(2, 5, 3)], 1,
         **LOOSE),
    *[
        Case(f"linalg.lu_solve, left={left}, adjoint={adjoint}",
             lambda T, a, b, options=(left, adjoint): T.linalg.lu_solve(
                 *T.linalg.lu_factor(a), b, left=options[0], adjoint=options[1]),
             [normal(2, 3, 3), normal(2, 3, 3)], 1, **LOOSE)
        for left in (False, True) for adjoint in (False, True)
    ],
    Case("lu_solve", lambda T, a, b: T.lu_solve(b, *T.linalg.lu_factor(a)),
         [normal(2, 3, 3), normal(2, 3, 3)], 0, **LOOSE),
    Case("linalg.cholesky_ex", lambda T, x: T.linalg.cholesky_ex(spd(x)), [STACK], **LOOSE),
    Case("linalg.cholesky_ex, not definite",
         lambda T, x: [T.linalg.cholesky_ex(x).info, T.linalg.cholesky_ex(x, upper=True).info],
         [exactly([[[1.0, 2.0], [2.0, 1.0]], [[2.0, 0.0], [0.0, 1.0]], [[-1.0, 0.0], [0.0, 1.0]]])],
         0),
    Case("linalg.lu_factor_ex", lambda T, x: T.linalg.lu_factor_ex(x), [STACK], 1, **LOOSE),
    Case("linalg.lu_factor_ex, singular", lambda T, x: T.linalg.lu_factor_ex(x).info,
         [exactly([[1.0, 2.0], [2.0, 4.0]])], 0),
    Case("lu", lambda T, x: [*T.lu(x), *x.lu(get_infos=True)], [STACK], 0),
    Case("svd_lowrank", lambda T, x: [T.svd_lowrank(x, 3)[1], T.pca_lowrank(x)[1]], [TALL], 0,
         **LOOSE),
    Case("pca_lowrank, not centred", lambda T, x: T.pca_lowrank(x, 3, center=False)[1], [TALL], 0,
         **LOOSE),
    # norms and what else singular values tell
    *[
        Case(f"linalg.matrix_norm, {order}", lambda T, x, o=order: T.linalg.matrix_norm(x, o),
             [TALL], 2, FLOATS, **LOOSE)
        for order in ("fro", "nuc", np.inf, -np.inf, 1, -1, 2, -2)
    ],
    Case("linalg.matrix_norm, dims", lambda T, x: [
        T.linalg.matrix_norm(x, o, (2, 0), keepdim) for o in ("fro", 2, 1, "nuc")
        for keepdim in (False, True)], [normal(2, 4, 3)], 1, **LOOSE),
    Case("linalg.matrix_norm, half", lambda T, x: [T.linalg.matrix_norm(x, o) for o in (1, "fro")],
         [normal(3, 4)], 0, ("float16",)),
    Case("linalg.norm", lambda T, x: [
        T.linalg.norm(x), T.linalg.norm(x, dim=1), T.linalg.norm(x, 3, -1, True),
        T.linalg.norm(x, "nuc", (0, 1)), T.linalg.norm(x[0], 1), T.linalg.norm(x[0, 0], np.inf),
        T.linalg.norm(x, dtype=T.float64)], [TALL], 1, **LOOSE),
    Case("norm, nuc", lambda T, x: [T.norm(x, "nuc", (1, 2)), x[0].norm("nuc", keepdim=True)],
         [TALL], 1, **LOOSE),
    *[
        Case(f"linalg.vector_norm, {order}",
             lambda T, x, o=order: [T.linalg.vector_norm(x, o), T.linalg.vector_norm(x, o, 1)],
             [TALL], 2 if order in (2, 3) else 1, **LOOSE)
        for order in (0, 0.5, 1, 2, 3, np.inf, -np.inf, -1)
    ],
    *[
        Case(f"linalg.cond, {order}", lambda T, x, o=order: T.linalg.cond(x, o), [STACK],
             1 if order in (None, 2, -2) else 0, FLOATS, rtol=2e-3, atol=2e-3)
        for order in (None, 2, -2, "fro", "nuc", np.inf, -np.inf, 1, -1)
    ],
    Case("linalg.cond, singular", lambda T, x: T.linalg.cond(x, 1), [SINGULAR], 0),
    Case("linalg.cond, tall", lambda T, x: T.linalg.cond(x), [TALL], 0, **LOOSE),
    Case("linalg.matrix_rank", lambda T, x: T.linalg.matrix_rank(x), [TALL], 0, FLOATS),
    Case("linalg.matrix_rank, singular",
         lambda T, x: [T.linalg.matrix_rank(x), T.linalg.matrix_rank(x, rtol=0.5),
                       T.linalg.matrix_rank(x, atol=1.0), T.linalg.matrix_rank(symmetric(x),
                                                                               hermitian=True)],
         [SINGULAR], 0, FLOATS),
    Case("linalg.matrix_rank, tolerances",
         lambda T, x, t: T.linalg.matrix_rank(x, atol=t), [TALL, exactly([0.1, 2.0])], 0),
    Case("linalg.matrix_rank, empty", lambda T, x: T.linalg.matrix_rank(x),
         [exactly(np.zeros((2, 3, 0)))], 0),
    *every("linalg.matrix_exp", lambda T, x: T.linalg.matrix_exp(x), **LOOSE),
    Case("matrix_exp", lambda T, x: T.matrix_exp(x) + x.matrix_exp(),
         [normal(2, 4, 4, scale=4.0)], 1, FLOATS, rtol=2e-3),
    Case("linalg.vecdot", lambda T, x, y: T.linalg.vecdot(x, y), [normal(2, 1, 3), normal(4, 3)]),
    Case("linalg.vecdot, dim", lambda T, x, y: T.linalg.vecdot(x, y, dim=0),
         [normal(3, 2), normal(3, 2)]),
    *every("linalg.matrix_power", lambda T, x: T.linalg.matrix_power(regular(x), 3), **LOOSE),
    *every("linalg.matrix_power, negative", lambda T, x: T.linalg.matrix_power(regular(x), -2),
           **LOOSE),
    Case("matrix_power", lambda T, x: T.matrix_power(x, 0) + x.matrix_power(1), [STACK]),
    Case("linalg.cross", lambda T, x, y: T.linalg.cross(x, y), [normal(2, 1, 3), normal(1, 3, 3)]),
    Case("linalg.cross, dim", lambda T, x, y: T.linalg.cross(x, y, dim=0),
         [normal(3, 2), normal(3, 2)]),
    Case("linalg.diagonal", lambda T, x: [T.linalg.diagonal(x), T.linalg.diagonal(x, offset=1),
                                          T.linalg.diagonal(x, offset=-2, dim1=0, dim2=2)], [TALL]),
    *[
        Case(f"linalg.multi_dot, {name}", lambda T, *x: T.linalg.multi_dot(x),
             [normal(*shape) for shape in shapes], 1)
        for name, shapes in [("matrices", [(2, 5), (5, 3), (3, 4)]), ("vectors", [(5,), (5, 3), (3,)]),
                             ("two", [(2, 3), (3, 4)]), ("row", [(3,), (3, 4)])]
    ],
    Case("linalg.vander", lambda T, x: [T.linalg.vander(x), T.linalg.vander(x, N=2)],
         [normal(2, 4)], 1),
    Case("linalg.matmul", lambda T, x, y: T.linalg.matmul(x, y), [TALL, normal(2, 3, 2)]),
] if case is not None]  # fmt: skip


def rebuilt(values, vectors):
    return (vectors * values.unsqueeze(-2)) @ vectors.mT


def projections(u, s, vh):
    """Onto the further columns as well, which can be any."""
    return u[..., : s.shape[-1]] ** 2, s, vh**2, u @ u.mT
