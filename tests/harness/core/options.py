"""What a run promises and how much it looks at, in one place: error chances, and the profiles that a user chooses from."""

from __future__ import annotations

from dataclasses import dataclass

from dropspec.core.risk import MISS


@dataclass(frozen=True)
class Profile:
    """How much a run looks at: tolerances of rates as multiples of the standard ones, small calls a campaign, examples an exact clause."""

    name: str
    tolerance: float
    small_calls: int
    examples: int

    @property
    def share_found(self) -> float:
        """The share of its cases in which an exact property must fail, to be missed with chance MISS."""
        return float(1 - MISS ** (1 / self.examples))


PROFILES = {
    "quick": Profile("quick", 2.0, 300, 12),
    "standard": Profile("standard", 1.0, 1500, 40),
    "deep": Profile("deep", 0.5, 6000, 200),
}

DEFAULT_TARGETS = (
    "torch.nn:Dropout",
    "dropspec.reference:Dropout",
    "numpy-reference=dropspec.reference.dropout:dropout",
    "dropspec.reference:DropConnect",
    "numpy-dropconnect=dropspec.reference.dropconnect:dropconnect",
)


@dataclass(frozen=True)
class Options:
    """What the user asked for."""

    targets: tuple[str, ...] = DEFAULT_TARGETS
    profile: str = "standard"
    seed: int = 0
    strict: bool = False
    timeout_s: float = 10.0
    clauses: tuple[str, ...] = ()
    known: str = ""
    family: str = ""
