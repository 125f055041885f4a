"""Values that are defined by what they solve: linear systems, fixed points, roots, minima,
differential equations.

Whatever found them, their derivatives are those of the equation (the theorem of implicit functions,
``lazygrad.implicit.rule``; for differential equations ``flows``): in both modes, to any order,
mapped and jitted, with memory that does not grow with the iterations. They reach arguments, and all
tensors that functions read from outside: the parameters of modules get theirs by ``backward()``.

Solvers stop when they are done, jitted and mapped ones too, which stop when all samples are. They
raise ``ConvergenceError`` if they do not come to a solution; under jit and vmap, where nobody can
look at it, it is NaN then. What was solved once is not traced again: a solver is kept for all
equations of the same structure, whatever their tensors hold (``lazygrad.implicit.kept``).
"""

from lazygrad.implicit.fixed_points import fixed_point as fixed_point
from lazygrad.implicit.minima import argmin as argmin
from lazygrad.implicit.ode import odeint as odeint
from lazygrad.implicit.roots import root as root
from lazygrad.implicit.systems import cg as cg, gmres as gmres, linear_solve as linear_solve
