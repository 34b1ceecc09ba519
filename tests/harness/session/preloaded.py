"""Makes the process that imports it a template: see `template`. Imported by nothing else.

What cannot be imported is left to the child, which says so of the target that wanted it.
"""

from __future__ import annotations

import gc
import importlib
import json
import os
import signal
from contextlib import suppress

from dropspec.frameworks import all_frameworks
from dropspec.session import child  # noqa: F401  # what its children run
from dropspec.session.processes import TOLD, die_with_parent, fall_silent
from dropspec.targets.mentions import preloaded

told = json.loads(os.environ.pop(TOLD))
die_with_parent()
if os.getppid() != told["parent"]:
    os._exit(0)  # it has ended meanwhile
for number in (signal.SIGTERM, getattr(signal, "SIGHUP", signal.SIGTERM)):
    signal.signal(number, signal.SIG_IGN)  # a layer may send it to its parent

for name in (told["module"], *preloaded(told["targets"], all_frameworks())):
    with suppress(Exception):
        importlib.import_module(name)
fall_silent()  # multiprocessing's own complaints about its children are not the user's
gc.freeze()  # or every child would copy the pages of all that was imported
