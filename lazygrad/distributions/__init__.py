"""Probability distributions under torch.distributions' names: draws, densities, entropies."""

from lazygrad.distributions.bernoulli import Bernoulli as Bernoulli
from lazygrad.distributions.categorical import Categorical as Categorical
from lazygrad.distributions.distribution import Distribution as Distribution
from lazygrad.distributions.divergence import kl_divergence as kl_divergence
from lazygrad.distributions.normal import Normal as Normal
from lazygrad.distributions.uniform import Uniform as Uniform
from lazygrad.names import lookup

__all__ = ["Bernoulli", "Categorical", "Distribution", "Normal", "Uniform", "kl_divergence"]

__getattr__ = lookup("distributions", "torch.distributions", globals())
