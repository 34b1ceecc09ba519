"""What a property finds beyond its verdict."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass
class Notes:
    """The certificate that a property earned, and numbers that a diagnosis may want."""

    certificate: str = ""
    observations: dict[str, float] = field(default_factory=dict)

    def observe(self, name: str, value: float) -> None:
        """Keeps a number by name."""
        self.observations[name] = float(value)
