"""The parts of `tools/bench.py`: workloads, frameworks, contenders, measuring, reporting."""
