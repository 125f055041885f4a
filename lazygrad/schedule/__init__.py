"""Graph -> kernels: simplify, decide what is written to memory, lower, plan memory."""
