"""How the benchmarks print: one line a figure, with what is wanted beside it."""

from __future__ import annotations


def head(title: str, *columns: str) -> None:
    """Prints the title of a table, and the names of its columns."""
    print(f"\n{title}\n{'':34}" + "".join(f"{c:>12}" for c in columns))


def row(name: str, *cells: str, wanted: str = "", met: bool = True) -> None:
    """Prints one line; what is wanted of its figures stands at the end, and whether they do not
    meet it.
    """
    said = f"   wanted: {wanted}" + ("" if met else "  MISSED") if wanted else ""
    print(f"{name:34}" + "".join(f"{c:>12}" for c in cells) + said, flush=True)
