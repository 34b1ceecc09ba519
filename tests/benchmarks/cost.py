"""What the suite costs, in one run: looking over drawing, samples over Wald's bound, a whole run
over its implementation, and growth.

    # with dropspec installed, on two cores; about two minutes
    python tests/benchmarks/cost.py

Each figure stands beside what is wanted of it. Times depend on the machine and on what else it
does; samples do not.
"""

from __future__ import annotations

import os

from dropspec.core.options import PROFILES
from dropspec.families import all_families

os.environ["OMP_NUM_THREADS"] = "1"  # as `dropspec check` does; before NumPy and torch read it

import looking
import runs
import samples

if __name__ == "__main__":
    plan = all_families()[0].plan(PROFILES["standard"])
    load = f"load {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores"
    print(
        f"{plan.decisions} decisions a run, each a false alarm with probability"
        f" {plan.alpha:.2g} at most; {load}"
    )
    looking.by_lens(plan, looking.by_dtype(plan))
    runs.over_the_import()
    runs.over_the_implementation()
    samples.over_wald(plan.alpha)
    samples.growth_with_tolerance(plan.alpha)
    runs.growth()
