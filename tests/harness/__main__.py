"""`python -m dropspec` is the command `dropspec`."""

import sys

from dropspec.cli import main

sys.exit(main())
