"""Other kinds of dropout, each known by what its masks and outputs have in common.

A layer of another kind may be right for what it is: so it is named first, and gets no advice that
would make elementwise dropout of it.
"""

from __future__ import annotations

from statistics import mean

from dropspec.core.observations import Seen
from dropspec.diagnosis.evidence import Evidence

UNDECLARED = (
    "If that is meant, it is not wrong but another kind, which this specification does not judge."
)
SLIDING = 0.15  # a correlation of neighbours that is no chance


def whole_calls(e: Evidence) -> str:
    """The whole call is one unit: LayerDrop."""
    calls = e.at_rates(Seen.WHOLE_CALLS)
    if not calls or min(calls.values()) < 1:
        return ""
    alike = min(e.at_rates(Seen.SAME_MASK).values(), default=0) == 1
    also = ", and always alike: a layer does at every call what it did before" if alike else ""
    return (
        f"The whole call is dropped or kept at once{also}. That is layer dropout (LayerDrop), not"
        f" elementwise dropout. {UNDECLARED}"
    )


def noise_shape(e: Evidence) -> str:
    """One decision for all units along some axes: locked, spatial and path dropout."""
    shared = e.named(Seen.SHARED_ALONG)
    for rank in (3, 4):
        axes = tuple(a for a in range(rank) if f"axis {a} of {rank}" in shared)
        if axes and len(axes) < rank:
            return f"{_SHARED.get((rank, axes)) or _any_axes(rank, axes)} {UNDECLARED}"
    return ""


_PATH = (
    "Whole samples are dropped: all units of one index of the first axis share their fate. That is"
    " stochastic depth (DropPath), not elementwise dropout."
)
_CHANNELS = (
    "Whole channels are dropped: all units behind the first two axes share their fate. That is"
    " spatial (channel) dropout, not elementwise dropout."
)
_SHARED = {
    (3, (1, 2)): _PATH,
    (4, (1, 2, 3)): _PATH,
    (4, (2, 3)): _CHANNELS,
    (3, (0,)): (
        "One mask serves all of the first axis, as for all time steps of (time, batch, features),"
        " or for a whole batch. That is locked (variational) dropout, with a noise shape, not"
        " elementwise dropout."
    ),
    (3, (1,)): (
        "One mask serves all of the second axis, as for all time steps of (batch, time, features)."
        " That is locked (variational) dropout, with a noise shape, not elementwise dropout."
    ),
    (3, (2,)): (
        "Whole rows are dropped: all units along the last axis share their fate, as those of a"
        " token, or of a channel of (batch, channels, length). That is token or channel dropout,"
        " with a noise shape, not elementwise dropout."
    ),
    (3, (0, 2)): (
        "Whole tokens are dropped, for all samples at once: a fate is shared along the first and"
        " last axes, and drawn for each index of the second. That is dropout with a noise shape, as"
        " a DropPath whose axis is wrong; one that drops samples draws for the first axis."
    ),
}


def _any_axes(rank: int, axes: tuple[int, ...]) -> str:
    which = " and ".join(str(axis) for axis in axes)
    return (
        f"Units share their fate along {'axis' if len(axes) == 1 else 'axes'} {which} of {rank}"
        " (counted from 0). That is dropout with a noise shape, not elementwise dropout."
    )


def another_number(e: Evidence) -> str:
    """Dropped units become one number that is not 0: alpha dropout."""
    shares = e.at_rates(Seen.ONE_NUMBER)
    if not e.dropped_none or not shares or min(shares.values()) == 0:
        return ""
    rate = min(shares, key=lambda r: abs(r - 0.5))
    return (
        f"Dropped units do not become 0 but one other number ({shares[rate]:.2g} of the outputs at"
        f" rate {rate:g}), whatever the input. That is alpha dropout, or a fill value, not"
        f" elementwise dropout. {UNDECLARED}"
    )


def added_noise(e: Evidence) -> str:
    """Noise is added, and nothing dropped."""
    ratios = e.at_rates(Seen.ADDED)
    if not e.dropped_none or not _varies(e) or not all(0.8 < r < 1.25 for r in ratios.values()):
        return ""
    return (
        "Nothing is dropped: noise is added to every unit, as large at small inputs as at large"
        f" ones. That is Gaussian noise, not dropout. {UNDECLARED}"
    )


def multiplied_noise(e: Evidence) -> str:
    """Every unit is multiplied by noise: Gaussian dropout."""
    ratios = e.at_rates(Seen.ADDED)
    if not e.dropped_none or not _varies(e) or not ratios or mean(ratios.values()) > 0.6:
        return ""
    return (
        "Nothing is dropped; every element is changed by a random amount of its own, in proportion"
        f" to it. That is Gaussian dropout, not elementwise dropout. {UNDECLARED}"
    )


def shorter(e: Evidence) -> str:
    """Units are removed: token dropping, as PatchDropout."""
    if not e.has(Seen.SHORTER):
        return ""
    return (
        "The output has fewer elements than the input: units are removed, and not set to 0. That is"
        f" token dropping (PatchDropout), not elementwise dropout. {UNDECLARED}"
    )


def _varies(e: Evidence) -> bool:
    spreads = e.at_rates(Seen.SCALE_VARIES)
    return bool(spreads) and min(spreads.values()) > 0.05


def blocks(e: Evidence) -> str:
    """Runs of neighbours that begin anywhere are dropped together: DropBlock."""
    sliding = e.at_rates(Seen.BLOCKS)
    if not sliding or max(sliding.values()) < SLIDING:
        return ""
    turned = max(e.at_rates(Seen.TURNED).values(), default=0)
    also = "; where blocks overlap, values change their sign" if 0 < turned < 0.45 else ""
    return (
        f"Neighbours are dropped together, in blocks that begin anywhere{also}. That is block"
        f" dropout (DropBlock), not elementwise dropout. {UNDECLARED}"
    )


def fixed_count(e: Evidence) -> str:
    """Exactly so many units in each call, or in each group of neighbours."""
    if "one mask" in e.topics or e.always(Seen.SAME_MASK):
        return ""
    if e.always(Seen.STRATA):
        sizes = e.at_rates(Seen.STRATA)
        size = int(max(sizes.values()))
        return (
            f"Of every {size} neighbours equally many are dropped, as from stratified numbers:"
            " units depend on each other. Draw every unit on its own."
        )
    where = "row" if e.always(Seen.SAME_COUNT_OF_ROWS) else "call"
    if where == "call" and not e.always(Seen.SAME_COUNT):
        return ""
    return (
        f"Exactly so many units are dropped in every {where}: a fixed number, chosen anew, where"
        " each unit should be dropped or kept on its own. That is dropout of a fixed count."
        " If that is meant, it is another kind; else draw every unit on its own."
    )
