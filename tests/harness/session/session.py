"""What one pytest session knows: its targets, its options, and the runs made so far."""

from __future__ import annotations

from collections.abc import Sequence

from dropspec.core.errors import BadTarget
from dropspec.core.framework import Framework
from dropspec.core.options import Options
from dropspec.core.records import About
from dropspec.core.target import Target, Unreadable, read_targets
from dropspec.core.text import clean
from dropspec.families.base import Family
from dropspec.session.ambient import Ambient
from dropspec.session.run import Run, open_run


class Session:
    """The targets by label, a run for each, and those that cannot be used, with the reason."""

    def __init__(
        self, options: Options, frameworks: Sequence[Framework], families: Sequence[Family]
    ) -> None:
        self.options = options
        self.runs: dict[str, Run] = {}
        self.ambient = Ambient(frameworks)
        self.targets: dict[str, Target] = {}
        self.unusable: dict[str, tuple[str, str]] = {}
        for label, read in read_targets(options.targets).items():
            try:
                if isinstance(read, Unreadable):
                    raise BadTarget(read.why)
                self.runs[label] = open_run(
                    read, options, frameworks, families, self.ambient.restore
                )
                self.targets[label] = read
            except BadTarget as error:
                self.unusable[label] = (read.text, clean(str(error)))
            finally:
                self.ambient.restore()

    @property
    def labels(self) -> dict[str, About]:
        """What is judged, by label."""
        return {
            label: About(target.text, run.family.name, run.impl.facts.target.driven)
            for label, target in self.targets.items()
            for run in (self.runs[label],)
        }
