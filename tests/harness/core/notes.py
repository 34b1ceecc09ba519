"""What a property finds beyond its verdict."""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass, field

from dropspec.core.observations import Observation, Seen


@dataclass(frozen=True)
class Telling:
    """What shows a fault of chance: so many units in calls of one layer, and what is counted there.

    `lens` names what is counted, and `lag` is the distance of an echo; the seed of the calls
    derives from `purpose`.
    """

    lens: str
    rate: float
    dtype: str
    shape: tuple[int, ...]
    columns: int
    units: int
    differentiable: bool
    purpose: str
    lag: int = 0


@dataclass
class Notes:
    """The certificate that a property earned, what it measured for the diagnosis, and what shows a
    fault of chance.
    """

    certificate: str = ""
    telling: Telling | None = None
    measured: dict[Hashable, Observation] = field(default_factory=dict)

    def observe(
        self,
        kind: Seen,
        value: float,
        *,
        rate: float | None = None,
        dtype: str = "",
        lens: str = "",
    ) -> None:
        """Keeps a measurement in place of an earlier one of the same kind, rate, dtype and lens."""
        made = Observation(kind, float(value), rate, dtype, lens)
        self.measured[made.key] = made

    @property
    def observations(self) -> tuple[Observation, ...]:
        """What was measured, in the order of first measurements."""
        return tuple(self.measured.values())
