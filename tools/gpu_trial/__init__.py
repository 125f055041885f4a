"""The parts of `tools/on_gpu.py`, and what runs and shows them."""
