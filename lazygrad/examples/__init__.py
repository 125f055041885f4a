"""Programs to run and to read: ``python -m lazygrad.examples.cnn``."""
