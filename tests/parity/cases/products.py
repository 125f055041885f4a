"""Products of vectors, matrices, and tensors of named dims."""

from tests.parity.case import Case, exactly, integers, normal

A, B, SQUARE = normal(3, 4), normal(4, 5), normal(2, 3, 3)
U, V = normal(3), normal(4)

EQUATIONS = [
    ("ij,jk->ik", (3, 4), (4, 5)), ("bij,bjk->bik", (2, 3, 4), (2, 4, 5)),
    ("ij,jk", (3, 4), (4, 5)), ("ii->i", (4, 4)), ("ii", (4, 4)), ("ij->ji", (3, 4)),
    ("ij->", (3, 4)), ("ij->j", (3, 4)),
    ("i,j->ij", (3,), (4,)), ("i,i", (3,), (3,)), ("...ij,...jk->...ik", (2, 1, 3, 4), (5, 4, 2)),
    ("...i,...i->...", (2, 3), (2, 3)), ("bhqd,bhkd->bhqk", (2, 3, 4, 5), (2, 3, 6, 5)),
    ("b h q k, b h k d -> b h q d", (2, 3, 4, 5), (2, 3, 5, 6)),
    ("ijk,jil->kl", (2, 3, 4), (3, 2, 5)), ("ab,bc,cd->ad", (2, 3), (3, 4), (4, 5)),
    ("i,ij,j->", (3,), (3, 4), (4,)),
    ("iij,jk->ik", (3, 3, 4), (4, 2)), ("ij,kj->ik", (1, 4), (3, 1)), ("i...->...i", (2, 3, 4)),
    ("Ab,bC->AC", (2, 3), (3, 4)), ("a,b,c->abc", (2,), (3,), (4,)), ("iijj->ij", (2, 2, 3, 3)),
    ("bn,anm,bm->ba", (2, 3), (4, 3, 5), (2, 5)), ("...ab,cb", (2, 3, 4), (5, 4)),
]  # fmt: skip

CASES = [
    *[Case(f"einsum {equation}", lambda T, *xs, e=equation: T.einsum(e, *xs),
           [normal(*shape) for shape in shapes]) for equation, *shapes in EQUATIONS],
    Case("einsum, lists", lambda T, x, y: [T.einsum("ij,jk", [x, y]),
                                           T.einsum(x, [0, 1], y, [1, 7], [7, 0]),
                                           T.einsum(x, [0, ...], y, [0, ...])],
         [normal(3, 3), normal(3, 3)]),
    *[Case(f"tensordot {dims}", lambda T, x, y, d=dims: T.tensordot(x, y, d), shapes)
      for dims, shapes in [(0, [A, U]), (1, [A, B]), (2, [normal(2, 3, 4), normal(3, 4, 5)]),
                           (([0, 1], [1, 0]), [A, normal(4, 3)]), (([1], [0]), [A, B])]],
    Case("matmul", lambda T, x, y, v: [T.matmul(x, y), T.mm(x, y), T.mv(x, v), x @ v], [A, B, V]),
    Case("bmm", lambda T, x, y: [T.bmm(x, y), x.bmm(y)], [SQUARE, normal(2, 3, 4)]),
    Case("dot", lambda T, x, y: [T.dot(x, y), T.vdot(x, y), T.inner(x, y), T.outer(x, y),
                                 x.ger(y), x.vdot(y)], [U, normal(3)]),
    Case("inner", lambda T, x, y: [T.inner(x, y), x.inner(y), T.inner(x, T.sum(y))],
         [A, normal(2, 4)]),
    Case("kron", lambda T, x, y, s: [T.kron(x, y), x.kron(y[0]), T.kron(s, y)],
         [normal(2, 3), normal(3, 2), normal()]),
    Case("cross", lambda T, x, y: [T.cross(x, y, dim=1), x.cross(y, dim=-1)],
         [normal(2, 3), normal(2, 3)]),
    *[Case(f"matrix_power {n}", lambda T, x, n=n: [T.matrix_power(x, n), x.matrix_power(n)],
           [SQUARE]) for n in (0, 1, 2, 5)],
    Case("chain_matmul", lambda T, x, y, z: T.chain_matmul(x, y, z), [A, B, normal(5, 2)]),
    Case("vander", lambda T, x: [T.vander(x), T.vander(x, 3, increasing=True)], [U], order=0),
    Case("addmm", lambda T, c, x, y: [T.addmm(c, x, y), c.addmm(x, y, beta=2, alpha=0.5),
                                      T.addmm(c[0], x, y, beta=0)], [normal(3, 5), A, B]),
    Case("addmm, NaN", lambda T, c, x, y: T.addmm(c, x, y, beta=0),
         [exactly([float("nan")] * 5), A, B], order=0),
    Case("addmv", lambda T, c, x, v: [T.addmv(c, x, v), c.addmv(x, v, beta=2, alpha=0.5)],
         [U, A, V]),
    Case("addr", lambda T, c, u, v: [T.addr(c, u, v), c.addr(u, v, beta=2, alpha=0.5)], [A, U, V]),
    Case("baddbmm", lambda T, c, x, y: [T.baddbmm(c, x, y), c.baddbmm(x, y, beta=2, alpha=0.5)],
         [normal(2, 3, 4), SQUARE, normal(2, 3, 4)]),
    Case("addbmm", lambda T, c, x, y: [T.addbmm(c, x, y), c.addbmm(x, y, beta=2, alpha=0.5)],
         [A, SQUARE, normal(2, 3, 4)]),
    Case("linear", lambda T, x, w: T.nn.functional.linear(x, w), [A, normal(2, 4)]),
    Case("integers",
         lambda T, x: [T.kron(x, x), T.cross(x, x + 1, dim=1), T.einsum("ij,kj->ik", x, x)],
         [integers(-9, 9, 2, 3)]),
]  # fmt: skip
