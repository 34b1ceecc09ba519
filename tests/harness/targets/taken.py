"""What a target takes, found out by calls: numbers of axes, and dtypes."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

import numpy as np

from dropspec.core.arrays import DTYPES
from dropspec.core.errors import BadReply, Hung, ImplementationError
from dropspec.core.implementation import Implementation
from dropspec.core.recorded import Recorded

SHAPES = {1: (8,), 2: (2, 8), 3: (2, 3, 8), 4: (2, 3, 4, 4), 5: (2, 3, 2, 4, 4), 0: ()}  # by axes


def first_call(impl: Implementation, dtype: str = "float32") -> Recorded:
    """One plain call in training, of the first number of axes that it takes.

    Raises what the first call of all raised, where it takes none; at once BadReply and Hung.
    """
    failed: list[ImplementationError] = []
    for shape in SHAPES.values():
        try:
            return impl.train(np.ones(shape, DTYPES[dtype]), 0.5, seed=0)
        except BadReply:
            raise
        except ImplementationError as error:
            failed.append(error)
    raise failed[0]


def ranks_refused(impl: Implementation) -> dict[int, str]:
    """The numbers of axes on which it raises, or gives more numbers than it got, as where a mask of
    more axes was broadcast, each with the error; empty where that is all or none, or if it hangs.
    """
    for dtype in impl.dtypes:
        refused: dict[int, str] = {}
        for rank, shape in SHAPES.items():
            try:
                impl.train(np.ones(shape, DTYPES[dtype]), 0.5, seed=0)
            except BadReply as error:
                if error.excess > 0:
                    refused[rank] = str(error)
            except ImplementationError as error:
                refused[rank] = str(error)
            except Hung:
                return {}
        if len(refused) < len(SHAPES):
            return refused
    return {}


@dataclass(frozen=True)
class Dtypes:
    """The dtypes that it takes; those on which it raises, with the error; and those that came back
    as another one, with its name.
    """

    taken: tuple[str, ...] = ()
    refused: dict[str, str] = field(default_factory=dict)
    cast: dict[str, str] = field(default_factory=dict)


def dtypes_of(impl: Implementation, offered: Iterable[str]) -> Dtypes:
    """What it does with each of these dtypes; nothing is known where it hangs.

    A reply of a wrong kind is judged.
    """
    taken, refused, cast = list[str](), dict[str, str](), dict[str, str]()
    for name in offered:
        try:
            got = first_call(impl, name).output.dtype
        except BadReply:
            got = DTYPES[name]
        except ImplementationError as error:
            refused[name] = str(error)
            continue
        except Hung:
            return Dtypes()
        if got == DTYPES[name]:
            taken.append(name)
        else:
            cast[name] = got.name
    return Dtypes(tuple(taken), refused, cast)
