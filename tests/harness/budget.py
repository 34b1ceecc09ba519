"""What a run promises and how much it looks at, in one place: error chances, and the profiles that a user chooses from."""

from __future__ import annotations

from dataclasses import dataclass
from math import log

ALPHA_RUN = 1e-9  # the chance that a whole run accuses one right implementation of anything
BETA = 1e-6  # the chance that a certificate is wrong
MISS = 0.001  # the chance to miss a fault of the size that a report states
COINCIDENCE = (
    1e-18  # exact clauses may rest on chances below this (two masks alike, no survivor among many); 10^8 of them fit a tenth of the budget
)


def require_far_fetched(log_chance: float) -> None:
    """Asserts that what an exact clause takes for impossible has a chance below COINCIDENCE; `log_chance` is its natural logarithm."""
    assert log_chance < log(COINCIDENCE), f"a right implementation does this with chance e^{log_chance:.1f}: too often to accuse anyone"


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
