"""What went wrong around a property, as data: an error of the layer, a hang, a death, or ours."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class FaultKind(StrEnum):
    """What happened."""

    RAISED = "raised"
    HUNG = "hung"
    DIED = "died"
    OURS = "ours"


@dataclass(frozen=True)
class Fault:
    """One fault: of an error its type, the last line of the user's code, and all in one line."""

    kind: FaultKind
    type: str = ""
    where: str = ""
    text: str = ""
