"""What one pytest session knows: its targets, its options, and the runs made so far."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from dropspec.core.errors import BadTarget
from dropspec.core.framework import Framework
from dropspec.core.guard import Guard
from dropspec.core.options import PROFILES, Options
from dropspec.core.target import Target, parse_target
from dropspec.families.base import Family
from dropspec.session.ambient import Ambient
from dropspec.session.run import Run
from dropspec.targets.inspect import inspect
from dropspec.targets.locate import load


class Session:
    """The targets by label, a run for each, and those that cannot be used, with the reason."""

    def __init__(
        self, options: Options, frameworks: Sequence[Framework], families: Sequence[Family]
    ) -> None:
        self.options, self.frameworks, self.families = options, frameworks, families
        self.targets: dict[str, Target] = {}
        self.unusable: dict[str, tuple[str, str]] = {}
        self.runs: dict[str, Run] = {}
        self.ambient = Ambient(frameworks)

    def load(self, announce: Callable[[str], None]) -> None:
        """Loads every target, and announces each before it is tried.

        A target that cannot be loaded is noted, and the others go on.
        """
        for text in self.options.targets:
            announce(text)
            label = text
            try:
                target = parse_target(text)
                label = target.label
                if self._is_taken(label):
                    raise BadTarget(
                        f"two targets have the label {label!r}: give each its own by label=target"
                    )
                self.runs[label] = self._run_over(target)
                self.targets[label] = target
            except BadTarget as error:
                label = text if self._is_taken(label) else label
                while self._is_taken(label):
                    label += " again"
                self.unusable[label] = (text.rpartition("=")[2], str(error))
            finally:
                self.ambient.restore()

    def _run_over(self, target: Target) -> Run:
        options = self.options
        thing = load(target, self.frameworks)
        guard = Guard(options.timeout_s)
        impl = inspect(target, thing, guard, self.frameworks, self.families, options.family)
        family = next(f for f in self.families if f.name == impl.facts.family)
        return Run(impl, family, PROFILES[options.profile], options.seed)

    def _is_taken(self, label: str) -> bool:
        return label in self.targets or label in self.unusable

    @property
    def labels(self) -> dict[str, tuple[str, str]]:
        """For each label the target as the user would type it, and its family."""
        return {
            label: (target.text, self.runs[label].family.name)
            for label, target in self.targets.items()
        }
