"""A few lines of the framework alone that draw masks as a campaign did, and print what was asked
and what was seen.
"""

from __future__ import annotations

from math import ceil, prod

from dropspec.core.implementation import Implementation
from dropspec.core.notes import Telling
from dropspec.core.ranks import shape_taken
from dropspec.frameworks.spelling import spelled_values

MOST = 1 << 22  # units that are drawn, in seconds at most
AGREE = "print('{what} agree', (a == b).mean(), 'of the time, where {same:.6g} is chance')"
OTHERS = (
    "print('asked to drop {rate:g}, dropped where {what} was', b[a].mean(),"
    " 'and else', b[~a].mean())"
)
# by lens: Python that prints what speaks for itself, of `d`, the units that were dropped, by call
MEASURES = {
    "rate": "print('asked to drop {rate:g}, dropped', d.mean())",
    "unit": (
        "p = d.reshape(-1, {columns}).mean(0);"
        " print('asked to drop {rate:g}, dropped by place from', p.min(), 'to', p.max())"
    ),
    "value": (
        "w = {values}; print('asked to drop {rate:g}, dropped by value',"
        " {{float(v): float(d[:, w == v].mean()) for v in np.unique(w)}})"
    ),
    "left": "r = d.reshape(-1, {columns}); a, b = r[:, :-1], r[:, 1:]; {others}",
    "above": "r = d.reshape(-1, {columns}); a, b = r[:-1], r[1:]; {others}",
    "example": "r = d.reshape(len(d), {first}, -1); a, b = r[:, :-1], r[:, 1:]; {others}",
    "call": "a, b = d[:-1], d[1:]; {others}",
    "sum of row": "n = d.reshape(-1, {columns}).sum(1); {variance}",
    "sum of call": "n = d.reshape(len(d), -1).sum(1); {variance}",
    "echo": "f = d.reshape(-1); a, b = f[:-{lag}], f[{lag}:]; {agree}",
    "twins": (
        "m = np.packbits(d.reshape(-1, {columns}), axis=1);"
        " print(len(np.unique(m, axis=0)), 'different masks of {columns:,} units among', len(m))"
    ),
}
WHOM = {
    "left": "the left neighbour",
    "above": "the unit above",
    "example": "the same unit of the example before",
    "call": "the same unit of the call before",
}


def masks_shown(impl: Implementation, telling: Telling, seed: int) -> str:
    """The lines in one, joined by semicolons; empty where they cannot be said."""
    said = impl.driver.drawing(
        telling.rate, telling.dtype, telling.shape, seed, telling.differentiable
    )
    lens = "left" if telling.lens == "beside" else telling.lens
    is_refused = shape_taken(telling.shape, impl.facts.ranks_refused) != telling.shape
    if said is None or is_refused or lens not in MEASURES:
        return ""
    before, survivors = said
    calls = max(2, ceil(min(telling.units, MOST) / prod(telling.shape)))
    drawn = f"d = ~np.stack([{survivors} for i in range({calls})])"
    return "; ".join([*before, drawn, _measure(telling, lens)])


def _measure(telling: Telling, lens: str) -> str:
    rate = telling.rate
    units = telling.columns if lens == "sum of row" else prod(telling.shape)
    words = {
        "rate": rate,
        "columns": telling.columns,
        "first": telling.shape[0],
        "lag": telling.lag,
        "values": spelled_values(telling.shape),
        "others": OTHERS.format(rate=rate, what=WHOM.get(lens, "")),
        "agree": AGREE.format(what=f"units {telling.lag:,} apart", same=rate**2 + (1 - rate) ** 2),
        "variance": (
            "print('variance of the number dropped', n.var(), 'where"
            f" {units * rate * (1 - rate):.6g} is right')"
        ),
    }
    return MEASURES[lens].format(**words)
