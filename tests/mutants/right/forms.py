"""Dropouts that are right, and come in forms of which nothing has to be said."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
from torch import Tensor, nn

from dropspec.reference.dropout import Array, apply_mask, check_rate, gradient
from dropspec.reference.layers import Dropout
from dropspec.tests.mutants.right.calling import numpy_generator, numpy_global, torch_function

Cache = tuple[Array, float]


@dataclass
class _Config:
    dropout: float = 0.1
    width: int = 4


class FromConfig(Dropout):
    """Is built from a configuration, which is annotated."""

    def __init__(self, config: _Config) -> None:
        super().__init__(config.dropout)


class FromAttributes(Dropout):
    """Is built from anything with the attribute that it reads."""

    def __init__(self, cfg: Any) -> None:
        super().__init__(cfg.hidden_dropout_prob)


class FromDictionary(Dropout):
    """Is built from a dictionary."""

    def __init__(self, options: Mapping[str, float]) -> None:
        super().__init__(options["drop_rate"])


def generator_first(rng: np.random.Generator, rate: float, x: Array) -> Array:
    """Takes its input last, as libraries of pure functions do; it has no evaluation mode."""
    return numpy_generator(x, rate, rng)


def rate_first(p: float, x: Tensor, training: bool = True) -> Tensor:
    """Takes its rate before its input."""
    return torch_function(x, p, training)


def keywords_only(*, inputs: Tensor, drop_prob: float, training: bool) -> Tensor:
    """Takes nothing by place."""
    return torch_function(inputs, drop_prob, training)


def keyword_seed(x: Array, rate: float, *, seed: int, training: bool = True) -> Array:
    """Takes its seed by keyword alone."""
    return numpy_generator(x, rate, np.random.default_rng(seed), training)


def from_dictionary(x: Array, options: Mapping[str, Any]) -> Array:
    """Takes its rate and its mode in a dictionary."""
    training = options.get("mode", "train") != "test"
    return numpy_generator(x, options["p"], np.random.default_rng(options["seed"]), training)


def dropout_forward(x: Array, dropout_param: Mapping[str, Any]) -> tuple[Array, Cache]:
    """Keeps each unit with probability p, as a course has it, and returns a cache for the backward
    beside it.
    """
    rate = check_rate(1 - dropout_param["p"])
    if x.dtype.kind != "f":
        raise TypeError(f"dropout needs floating input, not {x.dtype}")
    if dropout_param["mode"] == "test" or rate == 0:
        return x.copy(order="K"), (np.ones(x.shape, bool), 0.0)
    mask = np.asarray(np.random.random_sample(x.shape) >= rate)
    return apply_mask(x, mask, rate), (mask, rate)


def _dropout_backward(dout: Array, cache: Cache) -> Array:
    return gradient(dout, *cache)


dropout_backward = partial(_dropout_backward)


class _Built(Dropout):
    """What stands here as an instance."""


an_instance = _Built(0.3)


class _Plain:
    """A plain class over NumPy, of which an instance stands here."""

    def __init__(self, ratio: float) -> None:
        self.ratio = check_rate(ratio)

    def __call__(self, x: Array, train: bool = True) -> Array:
        return numpy_global(x, self.ratio, train)


a_plain_instance = _Plain(0.3)


class RateByKeyword(nn.Module):
    """Takes its rate by keyword alone, and other options with defaults."""

    def __init__(self, width: int = 8, *, dropout_prob: float = 0.1, name: str = "drop") -> None:
        super().__init__()
        self.p, self.width, self.name = check_rate(dropout_prob), width, name

    def forward(self, x: Tensor) -> Tensor:
        return torch_function(x, self.p, self.training)

    def extra_repr(self) -> str:
        return f"p={self.p}"


class InferenceFlag:
    """A plain class whose calls are told that they do not train."""

    def __init__(self, keep_prob: float = 0.5) -> None:
        self.rate = check_rate(1 - keep_prob)

    def forward(self, x: Array, deterministic: bool = False) -> Array:
        """A masked copy, or a copy."""
        return numpy_global(x, self.rate, not deterministic)


a_lambda = lambda x, p, training=True: torch_function(x, p, training)  # noqa: E731
