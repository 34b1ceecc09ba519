"""What a whole run costs: over the time inside the implementation, and as implementations and
processes are added.

The first is measured in this process, without the start of an interpreter and its imports: the
properties one after another, with a clock on the guard, through which every call into user code
goes. The second is `dropspec check`, from outside.
"""

from __future__ import annotations

import gc
import subprocess
import sys
from time import perf_counter
from typing import Any

from table import head, row

from dropspec.core.guard import Guard
from dropspec.core.options import PROFILES, Options
from dropspec.core.records import Verdict
from dropspec.core.target import parse_target
from dropspec.families import all_families
from dropspec.frameworks import all_frameworks
from dropspec.properties.catalogue import properties_of
from dropspec.session.ambient import Ambient
from dropspec.session.record import judge_property
from dropspec.session.run import open_run

RIGHT = (Verdict.HOLDS, Verdict.DEPARTS, Verdict.NOT_CLAIMED)
OUTSIDE = 0.40  # of a run
SPEED_UP = 1.8  # of what comes after the imports
TARGET = "torch.nn:Dropout"
# that of this interpreter
COMMAND = (sys.executable, "-c", "import sys; from dropspec.cli import main; sys.exit(main())")


class Clock:
    """Times what passes in calls that a guard watches; nested ones count once."""

    def __init__(self) -> None:
        self.whole_s, self.inside_s, self.calls, self._depth = 0.0, 0.0, 0, 0

    def run(self, profile: str) -> None:
        """Judges the target by all of its properties, as a child of `dropspec check` does."""
        guarded, clock = Guard.call, self

        class Timed:
            """A guarded call, timed; a class, as it costs less than a function that yields, and
            what it costs is counted outside.
            """

            def __init__(self, guard: Guard, what: object) -> None:
                self._guarded = guarded(guard, what)

            def __enter__(self) -> None:
                self._guarded.__enter__()
                clock._depth += 1
                self._start = perf_counter()

            def __exit__(self, *error: Any) -> bool | None:
                clock._depth -= 1
                if not clock._depth:
                    clock.inside_s += perf_counter() - self._start
                    clock.calls += 1
                return self._guarded.__exit__(*error)

        timed: Any = lambda guard, what: Timed(guard, what)  # noqa: E731
        options = Options(profile=profile)
        ambient = Ambient(all_frameworks())
        judged = open_run(
            parse_target(TARGET), options, all_frameworks(), all_families(), ambient.restore
        )
        properties = properties_of(judged.family.tests)
        gc.collect()
        gc.freeze()  # as the template of all children does
        Guard.call = timed  # type: ignore[method-assign]
        start = perf_counter()
        try:
            for prop in properties:
                record = judge_property(judged, prop, options, ambient.restore)
                assert record.verdict in RIGHT, record
        finally:
            self.whole_s = perf_counter() - start
            Guard.call = guarded  # type: ignore[method-assign]


def _conformance_run(profile: str) -> Clock:
    clock = Clock()
    clock.run(profile)
    return clock


def over_the_implementation() -> None:
    """Prints the time of a run, and the share that passes outside the implementation; after
    another quick run, which does the imports.
    """
    head(
        f"A run over {TARGET}, imports and interpreter start apart",
        "whole",
        "inside",
        "calls",
        "outside",
    )
    _conformance_run("quick")
    for profile in ("quick", "standard"):
        clock = _conformance_run(profile)
        outside = 1 - clock.inside_s / clock.whole_s
        wanted = f"below {OUTSIDE:.0%}" if profile == "standard" else ""
        figures = (
            f"{clock.whole_s:.2f} s",
            f"{clock.inside_s:.2f} s",
            f"{clock.calls:,}",
            f"{outside:.0%}",
        )
        row(profile, *figures, wanted=wanted, met=outside < OUTSIDE)


def _check_s(targets: int, *options: str) -> float:
    """The time of `dropspec check` over the target so many times."""
    named = [f"{n}={TARGET}" for n in range(targets)]
    start = perf_counter()
    subprocess.run([*COMMAND, "check", *named, *options], check=True, stdout=subprocess.DEVNULL)
    return perf_counter() - start


def growth() -> None:
    """Prints the time of `dropspec check` over 1, 2, 4 and 8 implementations, what each further
    one takes, and the speed-up by -n 2.
    """
    head(
        "`dropspec check`, standard profile",
        "1 target",
        "2 targets",
        "4 targets",
        "8 targets",
        "8 by -n 2",
    )
    start_s = _check_s(1, "--clause", "edge-3")
    whole_s = {n: _check_s(n) for n in (1, 2, 4, 8)}
    both_s = _check_s(8, "-n", "2")
    row("whole", *(f"{s:.1f} s" for s in (*whole_s.values(), both_s)))
    row(
        f"less {start_s:.1f} s to start, a target",
        *(f"{(s - start_s) / n:.1f} s" for n, s in whole_s.items()),
    )
    # the first also pays for what is done once
    early_s, late_s = (whole_s[4] - whole_s[1]) / 3, (whole_s[8] - whole_s[4]) / 4
    slope = late_s / early_s
    row(
        "targets 5 to 8 over targets 2 to 4",
        "",
        "",
        "",
        f"{slope:.2f}",
        wanted="1 ± 0.15",
        met=abs(slope - 1) <= 0.15,
    )
    gain = (whole_s[8] - start_s) / (both_s - start_s)
    row(
        "speed-up by -n 2, the start apart",
        "",
        "",
        "",
        "",
        f"{gain:.2f}",
        wanted=f"{SPEED_UP} at least",
        met=gain >= SPEED_UP,
    )


def over_the_import() -> None:
    """Prints the time of `dropspec check` over the target, as a multiple of `import torch`."""
    head(f"`dropspec check {TARGET}` over `import torch`", "import torch", *PROFILES)
    start = perf_counter()
    subprocess.run([sys.executable, "-c", "import torch"], check=True)
    imported_s = perf_counter() - start
    ratios = (_check_s(1, "--profile", profile) / imported_s for profile in PROFILES)
    row("ratio", f"{imported_s:.1f} s", *(f"{ratio:.1f}" for ratio in ratios))
