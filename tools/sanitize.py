"""Run GPU schedules under Oclgrind, which simulates a device and watches every access.

    make sanitize
    python tools/sanitize.py [PROGRAM ...] [--list]

Oclgrind reports data races, accesses outside of memory, and work-items that miss a barrier. It is a
driver that pip installs (`pip install pyopencl[oclgrind]`) and that pyopencl finds by itself; where
it is installed it is a device of every OpenCL program, so `make sanitize` gives it an environment
of its own. Kernels are scheduled as for a GPU (LAZYGRAD_OPENCL_TYPE) and compiled without
optimisation, which would remove the accesses that are to be watched.

Silence means something only if a fault would have been heard: some programs have one put in, and
fail unless it is found.
"""

import sys

from sanitizer.cli import main

if __name__ == "__main__":
    sys.exit(main())
