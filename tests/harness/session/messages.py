"""How a child tells the supervisor what it found: a line of JSON a message, through a pipe.

Each line carries a nonce that stands nowhere in the child's command line or environment. What
comes without it, or is no line of JSON, was written by somebody else, and is passed over.
"""

from __future__ import annotations

import os

# a layer may replace what these names mean: the child speaks by what they meant at first
from json import dumps, loads
from multiprocessing.connection import Connection
from os import _exit, getpid, write
from typing import Any

LONGEST = 8 << 20  # bytes of a line that is listened to
AT_ONCE = 1 << 20


class Sender:
    """A child's end."""

    def __init__(self, channel: Connection, nonce: str) -> None:
        self._channel, self._nonce, self._pid = channel, nonce, getpid()
        self._descriptor = channel.fileno()

    def send(self, kind: str, **fields: Any) -> None:
        """Sends one message; ends the process where nobody listens any more.

        A process that the layer forked is ended as well: its twin speaks for both.
        """
        if getpid() != self._pid:
            _exit(0)
        line = dumps({"nonce": self._nonce, "kind": kind, **fields})
        left = f"\n{line}\n".encode()
        try:
            if os.name == "nt":
                self._channel.send_bytes(left)
                return
            while left:
                left = left[write(self._descriptor, left) :]
        except OSError:
            _exit(UNHEARD)


UNHEARD = 74  # the exit code of a child whose pipe is closed


class Receiver:
    """The supervisor's end."""

    def __init__(self, channel: Connection, nonce: str) -> None:
        self.channel, self._nonce = channel, nonce
        self.is_closed, self._rest = False, b""

    def receive(self) -> list[dict[str, Any]]:
        """The messages that have come in full; the channel must be ready to be read."""
        try:
            windows = os.name == "nt"
            came = self.channel.recv_bytes() if windows else os.read(self.channel.fileno(), AT_ONCE)
        except (OSError, EOFError):
            came = b""
        self.is_closed = not came
        *lines, self._rest = (self._rest + came).split(b"\n")
        self._rest = self._rest[-LONGEST:]
        return [message for line in lines if (message := self._read(line))]

    def _read(self, line: bytes) -> dict[str, Any] | None:
        if self._nonce.encode() not in line:
            return None
        try:
            message = loads(line)
        except (ValueError, RecursionError):
            return None
        is_ours = isinstance(message, dict) and message.get("nonce") == self._nonce
        return message if is_ours else None
