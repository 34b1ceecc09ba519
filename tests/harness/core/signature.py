"""How a target is called: which of its parameters are the arrays, rate, flag and seed."""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

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
TRAINING = (
    *("training", "train", "is_training", "training_mode", "is_train"),
    *("train_flg", "train_flag", "train_mode", "istrain"),
)
INFERENCE = ("inference", "deterministic", "eval", "evaluate", "is_test")
GENERATORS = ("rng", "generator", "gen")
SEEDS = ("seed", "random_state", "random_seed")


@dataclass(frozen=True)
class Signature:
    """The names of the parameters that dropspec fills.

    `names` are all of them. `rate` is None where the rate goes by place; `rate_of_call` names it
    where a layer takes it at each call, and its constructor takes none. `sizes` are the names of
    the sizes that a constructor takes before its rate, empty where they go by place. `arrays` is
    how many arrays a function takes before its rate, by place; `required` names those of them that
    may not be None.
    """

    names: tuple[str, ...]
    rate: str | None
    rate_is_keep: bool = False
    rate_of_call: str | None = None
    training: str | None = None
    training_is_inverted: bool = False
    stream: str | None = None
    stream_annotation: str = ""
    stream_is_optional: bool = False
    works_in_place: bool = False
    sizes: tuple[str, ...] = ()
    arrays: tuple[str, ...] = ("x",)
    required: frozenset[str] = frozenset()

    @property
    def stream_is_clear(self) -> bool:
        """Whether the annotation of the stream says what it is."""
        return re.search(r"RandomState|Generator|\bint\b", self.stream_annotation) is not None

    def construct(
        self,
        constructor: Callable[..., Any],
        sizes: Sequence[int],
        rate: Any,
        stream: Any = None,
        **options: Any,
    ) -> Any:
        """Calls a constructor with the sizes, the rate, and the stream where one is given."""
        by_place, by_name = self._arguments(sizes, rate)
        by_name |= self._fixed() | options
        if self.stream and stream is not None:
            by_name[self.stream] = stream
        return constructor(*by_place, **by_name)

    def call(
        self,
        function: Callable[..., Any],
        arrays: Sequence[Any],
        rate: Any,
        training: bool,
        stream: Any = None,
        **options: Any,
    ) -> Any:
        """Calls a function with the arrays, the rate, and the flag and stream where it has them."""
        by_place, by_name = self._arguments((), rate)
        by_name |= self._fixed() | options
        if self.training:
            by_name[self.training] = training != self.training_is_inverted
        if self.stream:
            by_name[self.stream] = stream
        return function(*arrays, *by_place, **by_name)

    def spelled_construction(
        self,
        name: str,
        sizes: Sequence[int],
        rate: Any,
        options: Mapping[str, Any],
        stream: str = "",
    ) -> str:
        """A construction in Python: `Dropout(0.5)`."""
        by_place, by_name = self._arguments(sizes, rate)
        named = {**by_name, **self._fixed(), **options}
        given = [spelled(v) for v in by_place] + [f"{n}={spelled(v)}" for n, v in named.items()]
        given += [f"{self.stream}={stream}"] if self.stream and stream else []
        return f"{name}({', '.join(given)})"

    def spelled_call(self, name: str, rate: Any, mode: str, stream: str = "") -> str:
        """A call of the function on its arrays, in Python: `dropout(x, 0.5, training=True)`."""
        by_place, by_name = self._arguments((), rate)
        given = [*self.arrays, *(spelled(v) for v in by_place)]
        given += [f"{n}={spelled(v)}" for n, v in by_name.items()]
        if self.training and mode:
            given.append(f"{self.training}={(mode == 'training') != self.training_is_inverted}")
        given += [f"{n}={v}" for n, v in self._fixed().items()]
        given += [f"{self.stream}={stream}"] if self.stream and stream else []
        return f"{name}({', '.join(given)})"

    def _arguments(self, sizes: Sequence[int], rate: Any) -> tuple[list[Any], dict[str, Any]]:
        by_name: dict[str, Any] = dict(zip(self.sizes, sizes, strict=True)) if self.sizes else {}
        by_place: list[Any] = [] if self.sizes else list(sizes)
        if self.rate_of_call:
            return by_place, by_name
        if self.rate is None:
            by_place.append(rate)
        else:
            by_name[self.rate] = rate
        return by_place, by_name

    def _fixed(self) -> dict[str, Any]:
        """Where a layer works in place by default, every call asks it not to."""
        return {"inplace": False} if self.works_in_place else {}


def spelled(value: Any) -> str:
    """A value in Python: NaN and infinities have no literal of their own."""
    if isinstance(value, float) and repr(value).strip("-") in ("nan", "inf"):
        return f"float({str(value)!r})"
    return repr(value)


def flag_of_call(layer: type) -> tuple[str, bool] | None:
    """The training flag that a layer takes at each call, and whether True means evaluation.

    None where its calls take no flag.
    """
    for method in (m for name in ("forward", "call") if callable(m := getattr(layer, name, None))):
        parameters = inspect.signature(method).parameters
        if flag := next((name for name in parameters if name in TRAINING + INFERENCE), None):
            return flag, flag in INFERENCE
    return None
