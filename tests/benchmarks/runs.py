"""What a whole run costs: over the time inside the implementation, and as implementations and
processes are added.

The first is measured in this process, without the start of an interpreter and its imports: the
conformance tests run by pytest, with a clock on the guard, through which every call into user
code goes. The second is `dropspec check`, from outside.
"""

from __future__ import annotations

import gc
import subprocess
import sys
import tempfile
from collections.abc import Generator
from contextlib import redirect_stdout
from io import StringIO
from pathlib import Path
from time import perf_counter
from typing import Any

import pytest
from table import head, row

from dropspec.core.guard import Guard
from dropspec.session.supervise import QUIETLY

OUTSIDE = 0.40  # of a run
SPEED_UP = 1.7
TARGET = "torch.nn:Dropout"
# that of this interpreter
COMMAND = (sys.executable, "-c", "import sys; from dropspec.cli import main; sys.exit(main())")


class Clock:
    """A pytest plugin that times the loop over the tests, and what of it passes in calls that a
    guard watches; nested ones count once.
    """

    def __init__(self) -> None:
        self.whole_s, self.inside_s, self.calls, self._depth = 0.0, 0.0, 0, 0

    @pytest.hookimpl(wrapper=True)
    def pytest_runtestloop(self) -> Generator[None, object, object]:
        """Times the loop."""
        guarded = Guard.call
        clock = self

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
        Guard.call = timed  # type: ignore[method-assign]
        start = perf_counter()
        try:
            return (yield)
        finally:
            self.whole_s = perf_counter() - start
            Guard.call = guarded  # type: ignore[method-assign]


def _conformance_run(profile: str) -> Clock:
    clock = Clock()
    with (
        tempfile.TemporaryDirectory(prefix="dropspec-") as folder,
        redirect_stdout(StringIO()) as printed,
    ):
        ini = Path(folder, "pytest.ini")
        ini.write_text("[pytest]\n", "utf-8")
        gc.collect()
        gc.freeze()  # as the child of `dropspec check` does
        arguments = [*QUIETLY, "-c", str(ini), "--rootdir", folder]
        arguments += [
            "--pyargs",
            "dropspec.tests.conformance",
            "--dropspec",
            TARGET,
            "--dropspec-profile",
            profile,
        ]
        code = pytest.main(arguments, plugins=[clock])
    if code != pytest.ExitCode.OK:
        raise SystemExit(printed.getvalue())
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
    gain = whole_s[8] / both_s
    row(
        "speed-up by -n 2",
        "",
        "",
        "",
        "",
        f"{gain:.2f}",
        wanted=f"{SPEED_UP} at least",
        met=gain >= SPEED_UP,
    )
