"""What a user can choose: profiles, and one table of options for shell, pytest and children."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

from dropspec.core.risk import MISS

SHORTEST_S, LONGEST_S = 0.01, 86_400.0  # that a time limit can be: a day is endless enough


@dataclass(frozen=True)
class Profile:
    """How much a run looks at.

    `tolerance` multiplies the standard tolerances of rates; `small_calls` is the number of small
    calls a campaign, `examples` the number of cases of an exact property.
    """

    name: str
    tolerance: float
    small_calls: int
    examples: int

    @property
    def share_found(self) -> float:
        """The share of cases in which a property must fail, to be missed with probability MISS."""
        return float(1 - MISS ** (1 / self.examples))


PROFILES = {
    "quick": Profile("quick", 2.0, 300, 12),
    "standard": Profile("standard", 1.0, 1500, 40),
    "deep": Profile("deep", 0.5, 6000, 200),
}


@dataclass(frozen=True)
class Options:
    """What the user asked for."""

    targets: tuple[str, ...] = ()
    profile: str = "standard"
    seed: int = 0
    clauses: tuple[str, ...] = ()
    family: str = ""
    claims: tuple[str, ...] = ()
    build: str = ""
    call: str = ""
    strict: bool = False
    known: str = ""
    reports: tuple[str, ...] = ()
    json: str = ""
    timeout_s: float = 10.0
    import_timeout_s: float = 60.0

    def check(self) -> None:
        """Raises ValueError, a sentence, for a time limit outside its bounds, and for two forms."""
        if self.build and self.call:
            raise ValueError(
                "--build and --call are given both: give --build for a layer that is built at each"
                " rate, or --call for a function"
            )
        for option in TABLE:
            value = getattr(self, option.field)
            if option.kind is float and not SHORTEST_S <= value <= LONGEST_S:
                raise ValueError(
                    f"--{option.name} is {value:g} seconds, but must be from {SHORTEST_S:g} to"
                    f" {LONGEST_S:,.0f}"
                )


@dataclass(frozen=True)
class Option:
    """One option: its name after the dashes, the field of Options that it fills, its help."""

    name: str
    field: str
    help: str
    kind: type = str
    metavar: str | None = None
    choices: tuple[str, ...] | None = None

    @property
    def repeats(self) -> bool:
        """Whether it may be given several times."""
        return isinstance(getattr(Options, self.field), tuple)

    def argument(self) -> dict[str, Any]:
        """The keywords of argparse's add_argument, and of pytest's addoption."""
        default = getattr(Options, self.field)
        if self.kind is bool:
            return {"action": "store_true", "help": self.help}
        if self.repeats:
            return {"action": "append", "default": [], "metavar": self.metavar, "help": self.help}
        told = f" (default: {default:g})" if self.kind is float else f" (default: {default})"
        shown: dict[str, Any] = {"help": self.help + (told if default != "" else "")}
        if self.choices:
            shown["choices"] = self.choices
        else:
            shown |= {"type": self.kind, "metavar": self.metavar}
        return {"default": default, **shown}


TABLE = (
    Option("profile", "profile", "how much to look at", choices=tuple(PROFILES)),
    Option("seed", "seed", "another seed explores; the same gives the same verdicts", int, "N"),
    Option(
        "clause",
        "clauses",
        "judge only this clause, such as scale-1, or this chapter, such as scale, in any case; "
        "may be repeated",
        metavar="ID",
    ),
    Option(
        "family",
        "family",
        "judge as this family, where the target does not tell it",
        metavar="NAME",
    ),
    Option(
        "claim",
        "claims",
        "what the layer claims, as if it stood in its claims, such as always_active or"
        " dtypes=float32,float64; may be repeated",
        metavar="NAME[=VALUE]",
    ),
    Option(
        "build",
        "build",
        "how a layer is built, in Python, with the names of the target's module and `rate` or"
        " `keep` (and in_features, out_features, seed, rng, generator), such as"
        " 'Layer(Config(p=rate))'",
        metavar="EXPRESSION",
    ),
    Option(
        "call",
        "call",
        "how a function is called, in Python, with the names of the target's module, `x` and `rate`"
        " or `keep` (and training, seed, rng, generator, weight, bias), such as 'f(rng, rate, x)'",
        metavar="EXPRESSION",
    ),
    Option("strict", "strict", "a departure from a SHOULD does not conform, either", bool),
    Option(
        "known",
        "known",
        "TOML with declared failures: [[known]] with clause, reason and, if need be, target",
        metavar="FILE",
    ),
    Option(
        "report",
        "reports",
        "write a report of a format, such as json, to a file; may be repeated",
        metavar="FORMAT=PATH",
    ),
    Option("json", "json", "the same as --report json=PATH", metavar="PATH"),
    Option("timeout", "timeout_s", "how long one call of the layer may take", float, "SECONDS"),
    Option(
        "import-timeout",
        "import_timeout_s",
        "how long the import of a target may take",
        float,
        "SECONDS",
    ),
)


def add_options(add: Callable[..., Any], prefix: str, names: Sequence[str] = ()) -> None:
    """Adds the options of these names, or all, `prefix` before each, to a parser's add_argument or
    addoption.
    """
    for option in TABLE:
        if not names or option.name in names:
            add(f"{prefix}{option.name}", **option.argument())


def options_from(
    namespace: Any, prefix: str, targets: tuple[str, ...], names: Sequence[str] = ()
) -> Options:
    """The options that a parser found, in its attributes of that prefix; of these names, or all."""
    found: dict[str, Any] = {
        o.field: getattr(namespace, prefix + o.name.replace("-", "_"))
        for o in TABLE
        if not names or o.name in names
    }
    fields: dict[str, Any] = {
        field: tuple(value) if isinstance(value, list) else value for field, value in found.items()
    }
    return replace(Options(targets), **fields)
