"""Devices and execution: backends, memory, plans, launch lists, jit."""
