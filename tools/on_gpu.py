"""Try lazygrad on a GPU that nobody prepared: does it compute the right thing, and how fast?

    python tools/on_gpu.py [--minutes 8] [--json FILE] [--device NAME] [--type GPU] [--only PARTS]

It needs Python with NumPy, pyopencl and a GPU's driver. Where only the driver's library lies, and
nothing tells OpenCL about it (in containers, say), the library is looked for. lazygrad itself need
not be installed: this tree is what runs. With PyTorch for CUDA it compares the two.

The parts, each in processes of its own, so that none can hang or crash another one:

    facts        what the device is, and what lazygrad makes of it
    limits       how fast it copies memory and multiplies matrices
    losses       a small CNN trains as it does on the CPU
    kernels      the times of the kernels of its training step
    conformance  every op, forward and backward, against float64 on the host
    rows         the bench's workloads against PyTorch, in turns
    compiled     some of them against torch.compile

Everything goes to standard output as text, and to a JSON file, which is whole at any time. The time
that one part leaves goes to the others. `--type GPU` schedules as for a GPU on any device, which
rehearses all of it with PoCL. The exit status is 1 if something failed.
"""

import sys

from gpu_trial.cli import main

if __name__ == "__main__":
    sys.exit(main())
