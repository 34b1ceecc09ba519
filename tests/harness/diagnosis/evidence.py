"""What is known of one target when its causes are looked for: what failed, and what was
measured.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property

from dropspec.core.clauses import Clause
from dropspec.core.observations import Observation, Seen


@dataclass(frozen=True)
class Evidence:
    """The clauses that failed, and each measurement with the id of the clause that made it."""

    failed: tuple[Clause, ...]
    measured: tuple[tuple[str, Observation], ...] = ()

    @cached_property
    def topics(self) -> frozenset[str]:
        """What the failed clauses are about."""
        return frozenset(clause.topic for clause in self.failed)

    @cached_property
    def _kept(self) -> dict[object, tuple[str, Observation]]:
        """The last measurement of each thing; an effect is that of one clause, others the
        layer's.
        """
        kept: dict[object, tuple[str, Observation]] = {}
        for clause, one in self.measured:
            kept[one.key, clause if one.kind is Seen.EFFECT else ""] = (clause, one)
        return kept

    def has(self, kind: Seen) -> bool:
        """Whether anything of this kind was measured."""
        return any(one.kind is kind for _, one in self._kept.values())

    def value(self, kind: Seen, default: float) -> float:
        """The measurement of a kind that is made once."""
        return next((one.value for _, one in self._kept.values() if one.kind is kind), default)

    def at_rates(self, kind: Seen, dtype: str = "") -> dict[float, float]:
        """The measurements of a kind by rate, in one dtype or in any."""
        return {
            one.rate: one.value
            for _, one in self._kept.values()
            if one.kind is kind and one.rate is not None and dtype in ("", one.dtype)
        }

    def always(self, kind: Seen) -> bool:
        """Whether the examination saw a fact at every rate where some units, not all, were
        dropped.
        """
        shares = self.at_rates(Seen.DROPPED)
        telling = [rate for rate, share in shares.items() if 0 < share < 1]
        facts = self.at_rates(kind)
        return bool(telling) and all(facts.get(rate, 0) > 0 for rate in telling)

    def named(self, kind: Seen) -> frozenset[str]:
        """The names under which a fact was seen at every rate at which it was looked for."""
        seen = [one for _, one in self._kept.values() if one.kind is kind and one.value]
        times = Counter(one.lens for one in seen)
        return frozenset(name for name, n in times.items() if n == max(times.values()))

    def named_values(self, kind: Seen) -> dict[str, float]:
        """The measurements of a kind by the name that they were given."""
        return {one.lens: one.value for _, one in self._kept.values() if one.kind is kind}

    @property
    def dropped_none(self) -> bool:
        """Whether the examination saw next to no zeros at any rate."""
        shares = self.at_rates(Seen.DROPPED)
        return bool(shares) and max(shares.values()) < 0.01

    @property
    def drops_as_asked(self) -> bool:
        """Whether the examination saw as many exact zeros as the rate asks for."""
        shares = self.at_rates(Seen.DROPPED)
        return bool(shares) and all(abs(s - r) < NEAR_A_SHARE for r, s in shares.items())

    @property
    def shares(self) -> dict[float, float]:
        """The shares dropped at all rates: those of the examination, of new layers, or else of
        campaigns.
        """
        return self.at_rates(Seen.DROP_RATE) | self.at_rates(Seen.DROPPED)

    def follows_to(self, end: float) -> bool:
        """Whether as many units were dropped at this end of the rate as at rates next to it, and
        not as many as asked for: what is wrong there is what is wrong between.
        """
        at_end, shares = self.at_rates(Seen.AT_AN_END).get(end), self.shares
        if at_end is None or abs(at_end - end) < NEAR_A_SHARE or not shares:
            return False
        nearest = min(shares, key=lambda r: abs(r - end))
        return abs(at_end - shares[nearest]) < NEAR_A_SHARE + abs(nearest - end)

    @property
    def has_own_backward(self) -> bool:
        """Whether gradients are not the upstream times what the outputs were multiplied by.

        Nothing is known where outputs are more than their inputs, masked and rescaled.
        """
        if self.topics & {"zeros", "one scale"} or self.dropped_none:
            return False
        return max(self.at_rates(Seen.PASSED_OTHERWISE).values(), default=0) > 0

    def effects(self, clause: Clause) -> Iterator[tuple[str, float]]:
        """The lenses that found a clause to fail, with the size of the fault."""
        for judging, one in self._kept.values():
            if one.kind is Seen.EFFECT and judging == clause.id:
                yield one.lens, one.value


NEAR_A_SHARE = 0.02  # of 30,240 units, six deviations of chance


def follows(values: Mapping[float, float], law: Callable[[float], float]) -> float | None:
    """The rate at which the law shows best, if all values obey it and the specification's own
    law does not; else None.
    """
    telling = {r: v for r, v in values.items() if 0.05 < r < 0.95 and abs(r - 0.5) > 0.05}
    if not telling or any(abs(v - law(r)) > 0.02 * abs(law(r)) for r, v in telling.items()):
        return None
    return min(telling, key=lambda r: abs(r - 0.1))
