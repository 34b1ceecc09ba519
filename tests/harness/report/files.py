"""The reports that are written to files: opened before the run, and whole at any time."""

from __future__ import annotations

import os
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from dropspec.core.options import Options
from dropspec.core.records import Answer
from dropspec.core.text import clean
from dropspec.report.format import Format


class Report:
    """One report. A file is written to the side and moved into place, so it is never half of one.

    Raises ValueError, a sentence, where it cannot be written. An old report is removed: it must
    not look like that of a run that failed.
    """

    def __init__(self, option: str, form: Format, path: Path) -> None:
        self._said, self._form = clean(f"{option}{path}"), form
        self._is_stream = _is_stream(path)
        # what a link points to is replaced, not the link
        self._path = path if self._is_stream else Path(os.path.realpath(path))
        self._side = self._path.with_name(f".{self._path.name[:80]}.{os.getpid()}")
        try:
            if self._path.is_dir():
                raise ValueError(f"{self._said}: that is a folder; give a file to write to")
            if not self._path.parent.is_dir():
                raise ValueError(f"{self._said}: there is no folder {clean(str(path.parent))}")
            if self._is_stream:
                os.close(os.open(self._path, os.O_WRONLY | getattr(os, "O_NONBLOCK", 0)))
            else:
                os.close(os.open(self._path, os.O_WRONLY | os.O_CREAT, 0o666))
                self._side.write_bytes(b"")
                self._path.unlink()
        except OSError as error:
            raise ValueError(f"{self._said} cannot be written: {error.strerror}") from error

    def write(self, answers: Sequence[Answer], options: Options, is_last: bool) -> None:
        """Writes the answers so far; a device or a pipe gets only the last. Raises OSError."""
        if self._is_stream and not is_last:
            return
        try:
            text = self._form.text(answers, options)
            data = text.encode("utf-8", "backslashreplace")
            if self._is_stream:
                with self._path.open("ab", buffering=0) as stream:
                    stream.write(data)
                return
            self._path.parent.mkdir(parents=True, exist_ok=True)  # a layer may have removed it
            self._side.write_bytes(data)
            os.replace(self._side, self._path)
        except OSError as error:
            raise OSError(f"{self._said} cannot be written: {error.strerror}") from error

    def close(self) -> None:
        """Leaves nothing at the side."""
        with suppress(OSError):
            self._side.unlink()


def _is_stream(path: Path) -> bool:
    """Whether it is no file of its own: a device, a pipe, or what the terminal's report goes to."""
    try:
        if not path.is_file():
            return path.exists() and not path.is_dir()
        return any(os.path.samestat(path.stat(), os.fstat(number)) for number in (1, 2))
    except OSError:
        return False  # whoever opens it says what is wrong with it
