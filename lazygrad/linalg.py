"""Linear algebra under the names of torch.linalg, of stacks of real matrices.

What is no loop nest (a decomposition, an inverse, a solution) is computed on the host by NumPy, as
a step of a plan: lazily, jitted or not, with derivatives of any order. A matrix that has no such
result raises ``LinAlgError`` when it is computed.
"""

from lazygrad.errors import LinAlgError as LinAlgError
from lazygrad.functional.decompositions import (
    cholesky as cholesky,
    cholesky_ex as cholesky_ex,
    eigh as eigh,
    eigvalsh as eigvalsh,
    lu as lu,
    lu_factor as lu_factor,
    lu_factor_ex as lu_factor_ex,
    qr as qr,
    svd as svd,
    svdvals as svdvals,
)
from lazygrad.functional.linalg import matmul as matmul, matrix_power as matrix_power
from lazygrad.functional.products import (
    cross as cross,
    diagonal as diagonal,
    multi_dot as multi_dot,
    vander as vander,
)
from lazygrad.functional.solving import (
    det as det,
    inv as inv,
    inv_ex as inv_ex,
    lstsq as lstsq,
    lu_solve as lu_solve,
    pinv as pinv,
    slogdet as slogdet,
    solve as solve,
    solve_ex as solve_ex,
    solve_triangular as solve_triangular,
    tensorinv as tensorinv,
    tensorsolve as tensorsolve,
)
from lazygrad.functional.spectra import (
    cond as cond,
    matrix_exp as matrix_exp,
    matrix_norm as matrix_norm,
    matrix_rank as matrix_rank,
    norm as norm,
    vecdot as vecdot,
    vector_norm as vector_norm,
)
from lazygrad.names import lookup

__getattr__ = lookup("linalg", "torch.linalg", globals())
