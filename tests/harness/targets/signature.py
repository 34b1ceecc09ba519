"""Finds, by name and place, which parameters of a layer or function are the rate, the training flag and the seed."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from dropspec.core.errors import BadTarget

RATES = (
    "p",
    "rate",
    "drop_rate",
    "dropout_rate",
    "drop_prob",
    "dropout_prob",
    "dropout",
    "dropout_p",
    "prob",
    "probability",
    "ratio",
    "drop_p",
)
KEEPS = ("keep_prob", "keep", "p_keep", "keep_rate", "keep_p")
TRAINING = ("training", "train", "is_training", "training_mode", "is_train")
INFERENCE = ("inference", "deterministic", "eval", "evaluate", "is_test")
GENERATORS = ("rng", "generator", "gen")
SEEDS = ("seed", "random_state", "random_seed")


@dataclass(frozen=True)
class Signature:
    """The names of the parameters that the suite fills; `rate` is None where it goes by place, `names` are all of them."""

    names: tuple[str, ...]
    rate: str | None
    rate_is_keep: bool = False
    training: str | None = None
    training_is_inverted: bool = False
    stream: str | None = None
    stream_annotation: str = ""
    stream_is_optional: bool = False
    works_in_place: bool = False

    def bind(self, constructor: Callable[..., Any], rate: Any, stream: Any = None, **options: Any) -> Any:
        """Calls a constructor with the rate, and the stream where it has one."""
        options = self._fixed() | options
        if self.stream and stream is not None:
            options[self.stream] = stream
        return constructor(rate, **options) if self.rate is None else constructor(**{self.rate: rate}, **options)

    def _fixed(self) -> dict[str, Any]:
        """What is always given: that nothing is asked for in place, where that would be so by default."""
        return {"inplace": False} if self.works_in_place else {}

    def call(self, function: Callable[..., Any], x: Any, rate: Any, training: bool, stream: Any = None, **options: Any) -> Any:
        """Calls a function with the input, the rate, and the flag and stream where it has them."""
        options = self._fixed() | options
        if self.training:
            options[self.training] = training != self.training_is_inverted
        if self.stream:
            options[self.stream] = stream
        return function(x, rate, **options) if self.rate is None else function(x, **{self.rate: rate}, **options)

    def spelled_rate(self, rate: Any, stream: str = "") -> str:
        """The rate as an argument in Python, and what goes with it."""
        arguments = [self.value(rate) if self.rate is None else f"{self.rate}={self.value(rate)}"]
        arguments += [f"{name}={value}" for name, value in self._fixed().items()]
        return ", ".join([*arguments, f"{self.stream}={stream}"] if self.stream and stream else arguments)

    @staticmethod
    def value(rate: Any) -> str:
        """A number in Python."""
        return f"float({str(rate)!r})" if isinstance(rate, float) and repr(rate).strip("-") in ("nan", "inf") else repr(rate)

    def spelled(self, name: str, rate: Any, mode: str, stream: str = "") -> str:
        """A call of the function on `x`, in Python."""
        arguments = ["x", self.spelled_rate(rate, stream)]
        if self.training and mode:
            arguments.insert(2, f"{self.training}={(mode == 'training') != self.training_is_inverted}")
        return f"{name}({', '.join(arguments)})"


def of_stream(parameter: inspect.Parameter | None) -> tuple[str | None, str, bool]:
    """The name and the annotation of the parameter for the random stream, and whether it may be None."""
    if parameter is None:
        return None, "", False
    annotated = "" if parameter.annotation is parameter.empty else str(parameter.annotation)
    return parameter.name, annotated, parameter.default is None


def read_signature(target: str, thing: Callable[..., Any], *, inputs: int) -> Signature:
    """Reads the signature of a constructor (no inputs) or a function (one input, then the rate).

    Raises BadTarget, with what it wants and what to do, where other arguments are required.
    """
    try:
        parameters = [p for p in inspect.signature(thing).parameters.values() if p.kind not in (p.VAR_POSITIONAL, p.VAR_KEYWORD)]
    except (TypeError, ValueError):  # compiled functions have no signature; they are called by place
        return Signature((), None)
    names = tuple(p.name for p in parameters)
    rest = parameters[inputs:]
    rate = next((p for p in rest if p.name.lower() in RATES + KEEPS), None)
    if rate is None and rest and rest[0].name not in TRAINING + INFERENCE + GENERATORS + SEEDS:
        rate = rest[0]
    training = next((n for n in names[inputs:] if n in TRAINING + INFERENCE), None)
    stream = next((p for p in rest if p.name in GENERATORS + SEEDS), None)
    filled = {p for p in (rate and rate.name, training, stream and stream.name) if p}
    missing = [p.name for p in rest if p.default is p.empty and p.name not in filled]
    offered = "(rate)" if inputs == 0 else "(x, rate)"
    if rate is None:
        raise BadTarget(
            f"{target} takes no rate: its arguments are ({', '.join(names)}), but dropspec calls it as {offered}, at many rates"
            + (". Of a function that builds layers, give the class" if inputs and len(names) == 1 else "")
        )
    if missing:
        raise BadTarget(
            f"{target} wants the arguments ({', '.join(names)}), but dropspec can only call it as {offered}: "
            f"give a class or function that fills in {', '.join(missing)}, for instance by functools.partial or a subclass"
        )
    by_place = rest[0] is rate and rate.kind is not rate.KEYWORD_ONLY
    return Signature(
        names,
        None if by_place else rate.name,
        rate.name.lower() in KEEPS,
        training,
        training in INFERENCE,
        *of_stream(stream),
        works_in_place=any(p.name == "inplace" and p.default is True for p in rest),
    )


def flag_of_call(kind: type) -> tuple[str, bool] | None:
    """The training flag that a layer takes at each call, as Keras layers do, and whether True means evaluation; None without one."""
    for method in (m for name in ("forward", "call") if callable(m := getattr(kind, name, None))):
        parameters = inspect.signature(method).parameters
        if flag := next((name for name in parameters if name in TRAINING + INFERENCE), None):
            return flag, flag in INFERENCE
    return None
