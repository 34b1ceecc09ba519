"""What one pytest session knows: the targets, the options, and the runs made so far."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from dropspec.core.errors import BadTarget
from dropspec.core.options import PROFILES, Options
from dropspec.session.ambient import Ambient
from dropspec.session.run import Run
from dropspec.targets.inspect import adapt
from dropspec.targets.locate import Target, parse_target


@dataclass
class Session:
    """The targets by label, those that cannot be used with the reason, and a run for each of the others."""

    options: Options
    targets: dict[str, Target] = field(default_factory=dict)
    unusable: dict[str, tuple[str, str]] = field(default_factory=dict)
    runs: dict[str, Run] = field(default_factory=dict)
    ambient: Ambient = field(default_factory=Ambient)

    def load(self, announce: Callable[[str], None]) -> None:
        """Loads every target; what cannot be loaded is noted, and the others go on. Announces each before it is tried."""
        for text in self.options.targets:
            announce(text)
            label = text
            try:
                target = parse_target(text)
                label = target.label
                if self._is_taken(label):
                    raise BadTarget(f"two targets have the label {label!r}: give each its own by label=target")
                adapter = adapt(target, self.options.timeout_s, self.options.family)
                self.runs[label] = Run(adapter, PROFILES[self.options.profile], self.options.seed)
                self.targets[label] = target
            except BadTarget as error:
                label = text if self._is_taken(label) else label
                while self._is_taken(label):
                    label += " again"
                self.unusable[label] = (text.rpartition("=")[2], str(error))
            finally:
                self.ambient.restore()

    def _is_taken(self, label: str) -> bool:
        return label in self.targets or label in self.unusable

    @property
    def labels(self) -> dict[str, tuple[str, str]]:
        """For each label the target as the user would type it, and its family."""
        return {label: (target.text, self.runs[label].adapter.family) for label, target in self.targets.items()}

    def run(self, label: str) -> Run:
        """The run over the implementation of that label."""
        return self.runs[label]
