"""What masks have in common: axes along which all units share their fate, calls, rows, counts."""

from __future__ import annotations

from itertools import pairwise

import numpy as np

from dropspec.core.arrays import Array, Bits
from dropspec.core.notes import Notes
from dropspec.core.observations import Seen

FAR = 0.15  # a share from another: of 480 units and more, seven deviations of chance


def note_masks(
    rate: float, dropped: Bits, calls: int, notes: Notes, *, has_places: bool = True
) -> None:
    """Notes what the masks of several layers, `calls` of each, have in common at one rate.

    `dropped` has one axis for all calls, layer by layer, and then those of the input. What units
    share along an axis is noted where they have places in the input, as weights have not.
    """

    def note(kind: Seen, value: float, what: str = "") -> None:
        if value:
            notes.observe(kind, value, rate=rate, lens=what)

    rank, units = dropped.ndim - 1, dropped[0].size
    shares = dropped.reshape(len(dropped), -1).mean(1)
    if not 0 < shares.mean() < 1:
        return
    whole = float(((shares == 0) | (shares == 1)).mean())
    note(Seen.WHOLE_CALLS, whole if has_places else 0.0)
    by_layer = shares.reshape(-1, calls)
    note(Seen.FIRST_CALL_SPARED, float(by_layer[:, 0].max() == 0 < by_layer[:, 1:].min()))
    note(Seen.SAME_MASK, _same(dropped, calls))
    note(Seen.SAME_MASK_ANEW, float((dropped == dropped[0]).all()))
    layers = dropped.reshape(-1, calls, *dropped.shape[1:])
    follow = (layers == layers[0]).all() and not (layers[:, 1:] == layers[:, :1]).all()
    note(Seen.SAME_LAYERS, float(follow and whole == 0))
    if whole == 1:
        return
    counts = (shares * units).round()
    note(Seen.SAME_COUNT, float(np.ptp(counts) <= 1))  # a layer may draw the last unit's share
    of_rows = dropped.sum(-1)
    note(Seen.SAME_COUNT_OF_ROWS, float(np.ptp(of_rows) <= 1 < of_rows.max()))
    for axis in range(rank if has_places else 0):
        alike = dropped == dropped.take([0], axis=axis + 1)
        note(Seen.SHARED_ALONG, float(alike.all()), f"axis {axis} of {rank}")
    rows = dropped.reshape(len(dropped), -1, dropped.shape[-1])
    note(Seen.ROWS_XOR_COLUMNS, float(_is_xor(rows)))
    note(Seen.ROWS_OR_COLUMNS, float(_is_outer(rows) or _is_outer(~rows)))
    note(Seen.BLOCKS, _blocks(rows) if has_places else 0.0)
    note(Seen.STRATA, _strata(dropped.reshape(len(dropped), -1)))
    note(Seen.NEXT_ROW, _next_row(rows, calls))


def _same(dropped: Bits, calls: int) -> float:
    """The share of two calls of one layer that have the same mask; calls that drop all or nothing
    count only where all do.
    """
    layers = dropped.reshape(-1, calls, *dropped.shape[1:])
    pairs = [pair for layer in layers for pair in pairwise(layer)]
    mixed = [(a, b) for a, b in pairs if a.any() and not a.all()]
    return float(np.mean([(a == b).all() for a, b in mixed or pairs]))


def _blocks(rows: Bits) -> float:
    """How much more neighbours along the last axis are correlated than units half a row apart; 0
    where they are dropped in groups that begin at fixed places, or all together.
    """
    turns = (rows[..., :-1] != rows[..., 1:]).sum((0, 1))
    if not turns.all() or not rows.any() or rows.all():
        return 0.0
    return _correlation(rows, 1) - _correlation(rows, rows.shape[-1] // 2)


def _correlation(rows: Bits, apart: int) -> float:
    here, there = rows[..., :-apart].ravel(), rows[..., apart:].ravel()
    return float(np.corrcoef(here, there)[0, 1])


def _is_xor(rows: Bits) -> bool:
    """Whether each unit's fate is that of its row, exclusive-or that of its column."""
    corner: Bits = rows[:, :1, :1] ^ rows[:, :, :1] ^ rows[:, :1, :] ^ rows
    varies = not (rows == rows[:, :1]).all() and not (rows == rows[:, :, :1]).all()
    return varies and not corner.any()


def _is_outer(on: Bits) -> bool:
    """Whether a unit is on just where its row and its column have a unit that is on."""
    of_row: Bits = np.asarray(on.any(2))
    of_column: Bits = np.asarray(on.any(1))
    product = of_row[:, :, None] & of_column[:, None, :]
    is_full = bool(on.all(2).all() or on.all(1).all())
    varies = bool(on.any()) and not on.all() and not is_full
    return varies and _mixed(on) and bool((product == on).all())


def _mixed(on: Bits) -> bool:
    """Whether rows and columns both vary: else units merely share along an axis."""
    return not on.any(2).all() and not on.any(1).all()


def _strata(flat: Bits) -> float:
    """The smallest group of neighbours, of 2 to 20, in each of which equally many are dropped."""
    for size in (2, 3, 4, 5, 7, 8, 10, 14, 15, 16, 20):
        if flat.shape[1] % size == 0:
            counts = flat.reshape(len(flat), -1, size).sum(2)
            if counts.min() == counts.max() and 0 < counts.max() < size:
                return float(size)
    return 0.0


def _next_row(rows: Array, calls: int) -> float:
    """1 where each row of a call comes, in the next call of the layer, as another row."""
    layers = rows.reshape(-1, calls, *rows.shape[1:])
    for shift in (1, -1):
        pairs = [(a, b) for layer in layers for a, b in pairwise(layer)]
        cut = slice(1, None) if shift == 1 else slice(None, -1)
        other = slice(None, -1) if shift == 1 else slice(1, None)
        if rows.shape[1] > 2 and all((a[cut] == b[other]).all() for a, b in pairs):
            return 1.0
    return 0.0


def note_many_calls(rate: float, dropped: Bits, notes: Notes) -> None:
    """Notes whether the share that one layer drops changes over many calls, and whether it is
    another at the end of each, where units do not fill a vector.

    `dropped` has an axis for the calls and one for the units, whose number is odd.
    """
    fourth, units = len(dropped) // 4, dropped.shape[1]
    notes.observe(Seen.EARLY, float(dropped[:fourth].mean()), rate=rate)
    notes.observe(Seen.LATE, float(dropped[-fourth:].mean()), rate=rate)
    for width in (64, 32, 16, 8, 4):
        tail, body = dropped[:, units - units % width :], dropped[:, : units - units % width]
        if abs(tail.mean() - body.mean()) > FAR:
            notes.observe(Seen.TAIL, float(tail.mean()), rate=rate, lens=str(units % width))
