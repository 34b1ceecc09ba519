"""What a property finds beyond its verdict."""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass, field

from dropspec.core.observations import Observation, Seen


@dataclass
class Notes:
    """The certificate that a property earned, and what it measured for the diagnosis."""

    certificate: str = ""
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
