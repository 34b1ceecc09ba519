"""dropspec: points at a dropout layer and says, clause by clause, whether it keeps the
specification.
"""

from importlib.metadata import PackageNotFoundError, version

try:
    __version__ = version("dropspec")
except PackageNotFoundError:  # a bare clone, not installed
    __version__ = "0+clone"
