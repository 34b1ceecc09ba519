"""What a report format is."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence

from dropspec.core.options import Options
from dropspec.core.records import Answer


class Format(ABC):
    """A format of reports. Found in this package, or by an entry point of `dropspec.reports`."""

    name: str

    @abstractmethod
    def text(self, answers: Sequence[Answer], options: Options) -> str:
        """The report as a text."""
