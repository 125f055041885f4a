"""Compare lazygrad with PyTorch, JAX and tinygrad on the same cores, side by side in one run.

    python tools/bench.py [WORKLOAD ...] [--only lazygrad-cpu,torch] [--rounds N] [--json FILE]
    python tools/bench.py --list

Every contender has a process of its own, so that environment variables and thread pools do not
mix. The contenders take turns: in each round one is asked to run some steps while the others sit
blocked on a pipe. So a busy neighbour slows all of them alike, and the ratios, which are formed
within a round, mean more than the times. A contender that cannot run is listed with the reason.

Transforms of functions (`cnn_per_sample` to `odeint`) run in frameworks that have them; the first
two are compared with a gradient of the whole batch, too. `odeint` is not jitted in lazygrad, and
PyTorch has none; there, the steps of a scan are a loop of Python.

`first_steps` starts programs in new processes, with empty disk caches and again with the filled
ones, and times their first two steps. The `loop_` rows are training loops in which something
differs from step to step, each beside the same loop in which nothing does (`prepared`). Both are
written once, with PyTorch's names, and run in lazygrad and in PyTorch.

What the peers need, besides the extra `bench`:

- tinygrad on its CPU device (`DEV=CPU`) calls a `clang` command for everything it runs
  (Debian: `apt-get install clang`); `CC` may name another clang.
- tinygrad on OpenCL (`DEV=CL`) looks for an OpenCL loader in the system's library folders. Where
  there is none, the one that comes inside pyopencl's wheel serves: the bench imports pyopencl
  first, which also makes the loader find PoCL, and names the loaded library in `OPENCL_PATH`.
"""

import sys

from benchmarks.cli import main

if __name__ == "__main__":
    sys.exit(main())
