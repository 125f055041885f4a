"""Densities, entropies and divergences of distributions."""

from __future__ import annotations

from typing import Any

from tests.parity.case import Case, Input, booleans, exactly, integers, normal, uniform


def on(kind: str, *names: str) -> Any:
    """Calls that read moments, entropy and log_prob of a distribution made of the last inputs."""

    def call(T: Any, value: Any, *parameters: Any) -> Any:
        made = getattr(T.distributions, kind)(**dict(zip(names, parameters, strict=True)))
        return made.log_prob(value), made.entropy(), made.batch_shape

    return call


def moments(kind: str, *names: str) -> Any:
    def call(T: Any, *parameters: Any) -> Any:
        made = getattr(T.distributions, kind)(**dict(zip(names, parameters, strict=True)))
        return made.mean, made.variance, made.stddev, made.perplexity()

    return call


def divergence(kind: str, *names: str) -> Any:
    def call(T: Any, *parameters: Any) -> Any:
        half = len(parameters) // 2
        made = [
            getattr(T.distributions, kind)(**dict(zip(names, part, strict=True)))
            for part in (parameters[:half], parameters[half:])
        ]
        return T.distributions.kl_divergence(*made)

    return call


LOC, SCALE = normal(3, 1), uniform(0.3, 2, 4)
LOW, HIGH = uniform(-2, -1, 3, 1), uniform(1, 3, 4)
PROBS, LOGITS = uniform(0.05, 0.95, 3, 4), normal(3, 4)
CLASSES, BITS = integers(0, 4, 2, 3), Input(booleans(3, 4).make, dtype="float32")

CASES = [
    Case("Normal", on("Normal", "loc", "scale"), [normal(2, 3, 4), LOC, SCALE]),
    Case("Normal, moments", moments("Normal", "loc", "scale"), [LOC, SCALE]),
    Case(
        "Normal, cdf",
        lambda T, v, m, s: T.distributions.Normal(m, s).cdf(v),
        [normal(3, 4), LOC, SCALE],
    ),
    Case("Normal, numbers", lambda T, v: T.distributions.Normal(1, 2.0).log_prob(v), [normal(3)]),
    Case("Normal, divergence", divergence("Normal", "loc", "scale"), [LOC, SCALE, LOC, SCALE]),
    Case("Uniform", on("Uniform", "low", "high"), [uniform(-0.9, 0.9, 3, 4), LOW, HIGH]),
    Case("Uniform, moments", moments("Uniform", "low", "high"), [LOW, HIGH]),
    Case(
        "Uniform, outside",
        lambda T, v: (
            T.distributions.Uniform(0.0, 2.0, validate_args=False).log_prob(v),
            T.distributions.Uniform(0.0, 2.0, validate_args=False).cdf(v),
            T.distributions.Uniform(0.0, 2.0).icdf(v.abs() / 10),
        ),
        [exactly([-1.0, 0.0, 1.5, 2.0, 3.0])],
        order=0,
    ),
    Case(
        "Uniform, divergence",
        divergence("Uniform", "low", "high"),
        [uniform(-0.5, 0, 3), uniform(0.5, 1, 3), uniform(-3, -1, 3), uniform(0.7, 3, 3)],
        order=1,
    ),
    Case("Bernoulli", on("Bernoulli", "probs"), [BITS, PROBS]),
    Case("Bernoulli, logits", on("Bernoulli", "logits"), [BITS, LOGITS]),
    Case("Bernoulli, moments", moments("Bernoulli", "probs"), [PROBS]),
    Case(
        "Bernoulli, ends", on("Bernoulli", "probs"), [exactly([1.0, 0.0]), exactly([1.0, 0.0])], 0
    ),
    Case("Bernoulli, divergence", divergence("Bernoulli", "logits"), [LOGITS, LOGITS]),
    Case("Categorical", on("Categorical", "logits"), [CLASSES, LOGITS]),
    Case("Categorical, probs", on("Categorical", "probs"), [CLASSES, PROBS]),
    Case(
        "Categorical, parameters",
        lambda T, p: [getattr(T.distributions.Categorical(p), n) for n in ("probs", "logits")],
        [PROBS],
    ),
    Case("Categorical, mode", lambda T, p: T.distributions.Categorical(logits=p).mode, [LOGITS]),
    Case("Categorical, divergence", divergence("Categorical", "logits"), [LOGITS, LOGITS]),
]
