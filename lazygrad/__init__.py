"""lazygrad: a small lazy tensor library with pluggable backends."""
