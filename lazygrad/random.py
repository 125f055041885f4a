"""The names of torch.random: the default stream of random numbers."""

from lazygrad.generator import (
    default_generator as default_generator,
    fork_rng as fork_rng,
    get_rng_state as get_rng_state,
    initial_seed as initial_seed,
    manual_seed as manual_seed,
    seed as seed,
    set_rng_state as set_rng_state,
)
from lazygrad.names import lookup

__getattr__ = lookup("random", "torch.random", globals())
