"""The parts of `tools/sanitize.py`: what runs, how, and what is read from the log."""
