"""Values that are defined by what they solve: linear systems, fixed points, roots, minima,
differential equations.

Whatever found them, their derivatives are those of the equation (the theorem of implicit functions,
``lazygrad.implicit.rule``; for differential equations ``flows``): in both modes, to any order,
mapped and jitted, with memory that does not grow with the iterations. They reach arguments, and all
tensors that functions read from outside: the parameters of modules get theirs by ``backward()``.

Where values can be looked at, solvers stop when they are done, and raise ``ConvergenceError`` if
they do not come to a solution. Under jit and vmap all iterations that there may be are one loop,
and the solution is NaN then.
"""

from lazygrad.implicit.fixed_points import fixed_point as fixed_point
from lazygrad.implicit.minima import argmin as argmin
from lazygrad.implicit.ode import odeint as odeint
from lazygrad.implicit.roots import root as root
from lazygrad.implicit.systems import cg as cg, gmres as gmres, linear_solve as linear_solve
