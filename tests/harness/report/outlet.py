"""Where the terminal's report goes: a stream that may be closed, full, or of few signs."""

from __future__ import annotations

import os
import sys
from contextlib import suppress
from typing import TextIO

from dropspec.core.text import no_commands


class Outlet:
    """Standard output, as rich writes to it. Nothing that happens to it ends the run.

    `error` is why nothing more can be written, except a reader who has seen enough, as `head`.
    """

    def __init__(self) -> None:
        self._stream: TextIO | None = sys.stdout
        self.error = ""
        with suppress(AttributeError, OSError, ValueError):
            sys.stdout.reconfigure(errors="backslashreplace")  # type: ignore[union-attr]

    @property
    def encoding(self) -> str:
        """The encoding of the stream, by which rich chooses its signs."""
        return getattr(self._stream, "encoding", None) or "utf-8"

    def isatty(self) -> bool:
        """Whether a person reads it."""
        with suppress(ValueError, OSError):
            return bool(self._stream and self._stream.isatty())
        return False

    def fileno(self) -> int:
        """The descriptor of the stream, by which rich finds out the width. Raises OSError."""
        if self._stream is None:
            raise OSError("standard output is closed")
        return self._stream.fileno()

    def write(self, text: str) -> int:
        """Writes what a CI service does not take for a command."""
        self._try(lambda stream: stream.write(no_commands(text)))
        return len(text)

    def flush(self) -> None:
        """Sends on what was written."""
        self._try(lambda stream: stream.flush())

    def _try(self, do: object) -> None:
        if self._stream is None or not callable(do):
            return
        try:
            do(self._stream)
        except BrokenPipeError:
            self._close()
        except (OSError, ValueError) as error:
            self.error = getattr(error, "strerror", None) or str(error)
            self._close()

    def _close(self) -> None:
        """Gives up the stream; what Python still holds of it goes nowhere, when it ends."""
        stream, self._stream = self._stream, None
        with suppress(OSError, ValueError, AttributeError), open(os.devnull, "wb") as nothing:
            os.dup2(nothing.fileno(), stream.fileno())  # type: ignore[union-attr]
