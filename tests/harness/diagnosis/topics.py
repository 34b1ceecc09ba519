"""What a failed clause can be about, the more basic topics first, and what else fails with each."""

from __future__ import annotations

from dropspec.core.clauses import ANY_CALL, Clause

# Of several topics that failed, the first one is looked at first. Beside each stand the kinds of
# fault that it is: clauses that are an echo of one of these fail because of it.
TOPICS: dict[str, tuple[str, ...]] = {
    "generators": ("masks", "replay"),
    "form": (ANY_CALL,),
    "inputs": ("inputs",),
    "zeros": ("zeros", "scale"),
    "one scale": ("scale",),
    "scale": ("scale",),
    "values": ("scale",),
    "single weights": ("masks",),
    "bias": ("scale",),
    "rate": ("masks",),
    "places": ("masks",),
    "fate by value": ("masks",),
    "rate by kind": ("masks",),
    "neighbours": ("masks",),
    "one mask": ("masks",),
    "rows": ("masks",),
    "sharing": ("masks",),
    "calls": ("masks", "replay"),
    "count": ("masks",),
    "lag": ("masks",),
    "repeats": ("masks", "replay"),
    "seeds": ("masks",),
    "seed": ("replay",),
    "streams": ("masks", "replay"),
    "state": ("replay",),
    "product": ("scale",),
    "moments": (),
    "strides": (ANY_CALL,),
    "dtypes": ("dtypes",),
    "range": (),
    "subnormals": (),
    "backward mask": ("gradients",),
    "second backward": ("gradients",),
    "backward scale": ("gradients",),
    "dropped gradient": ("gradients",),
    "zero inputs": ("gradients",),
    "double backward": ("gradients",),
    "weight gradient": ("gradients",),
    "gradient": ("gradients",),
    "rate 0": ("ends of the rate",),
    "identity": ("evaluation",),
    "evaluation": ("evaluation",),
    "rate 1": ("ends of the rate",),
    "other": (),
}
# Topics that chance decides: of these the one that is furthest off comes first.
OF_CHANCE = frozenset(
    (
        *("rate", "places", "fate by value", "rate by kind", "neighbours", "one mask", "rows"),
        *("sharing", "calls", "count", "lag", "repeats"),
    )
)
# Kinds that spoil whatever is looked at, and the topics of either end of the rate.
BEFORE_ALL = frozenset((ANY_CALL, "inputs", "dtypes"))
ENDS = {"rate 0": 0.0, "rate 1": 1.0}
ORDER = {topic: place for place, topic in enumerate(TOPICS)}
KINDS = frozenset(kind for kinds in TOPICS.values() for kind in kinds)


def check_topic(clause: Clause) -> None:
    """Raises ValueError for a clause whose page names a topic or a kind of fault unknown here."""
    if clause.topic not in TOPICS:
        known = ", ".join(TOPICS)
        raise ValueError(f"clause {clause.id} has the topic {clause.topic!r}: there are {known}")
    for kind in sorted(clause.echoes - KINDS):
        known = ", ".join(sorted(KINDS))
        raise ValueError(f"clause {clause.id} is an echo of {kind!r}: there are {known}")


def explains(cause: Clause, other: Clause) -> bool:
    """Whether another clause fails because of what this one shows."""
    return cause.id != other.id and not other.echoes.isdisjoint(TOPICS[cause.topic])


def place_of(clause: Clause) -> tuple[int, str]:
    """The place of a clause among those that failed; topics of chance share one."""
    first_of_chance = ORDER["rate"]
    place = first_of_chance if clause.topic in OF_CHANCE else ORDER[clause.topic]
    return place, clause.id
