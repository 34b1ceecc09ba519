"""Makes the process that imports it a template: see `template`. Imported by nothing else.

What cannot be imported is left to the child, which says so of the target that wanted it.
"""

from __future__ import annotations

import gc
import importlib
import os
import signal
from contextlib import suppress

from dropspec.session.processes import MODULES, die_with_parent

parent, *modules = os.environ.pop(MODULES, "").split(",")
die_with_parent()
if str(os.getppid()) != parent:
    os._exit(0)  # it has ended meanwhile
for number in (signal.SIGTERM, getattr(signal, "SIGHUP", signal.SIGTERM)):
    signal.signal(number, signal.SIG_IGN)  # a layer may send it to its parent
for name in modules:
    with suppress(Exception):
        importlib.import_module(name)
with open(os.devnull, "r+b") as nothing:  # what its children do is none of the user's lines
    for number in range(3):
        os.dup2(nothing.fileno(), number)
gc.freeze()  # or every child would copy the pages of all that was imported
