"""Layers that raise what is hard to catch, to show or to bear."""

from __future__ import annotations

import pytest

from dropspec.core.errors import NotClaimed
from dropspec.core.guard import Interrupted

from .kinds import Hostile, Late, Wrong


class Recurses(Hostile):
    """Recurses without end."""

    says = "RecursionError"

    def act(self) -> None:
        self.act()


class RaisesKeyboardInterrupt(Hostile):
    """Raises what a Ctrl-C does."""

    says = "raised KeyboardInterrupt"

    def act(self) -> None:
        raise KeyboardInterrupt


class Odd(BaseException):
    """No Exception."""


class RaisesBaseException(Hostile):
    """Raises a BaseException."""

    says = "raised Odd"

    def act(self) -> None:
        raise Odd


class RaisesGeneratorExit(Hostile):
    """Raises what context managers treat specially."""

    says = "raised GeneratorExit|raised StopIteration"

    def act(self) -> None:
        raise GeneratorExit


class RaisesStopIteration(Hostile):
    """Raises what context managers treat specially."""

    says = "raised StopIteration"

    def act(self) -> None:
        raise StopIteration


class Mute(Exception):
    """Cannot be shown."""

    def __str__(self) -> str:
        raise RuntimeError("no text")

    __repr__ = __str__


class RaisesWhatCannotBeShown(Hostile):
    """Raises what cannot be shown."""

    says = "raised Mute"

    def act(self) -> None:
        raise Mute


class LateRaisesWhatCannotBeShown(Late):
    """The same after the first look."""

    says = "raised Mute"

    def act(self) -> None:
        raise Mute


class Endless(Exception):
    """Can never be shown to the end."""

    def __str__(self) -> str:
        while True:
            pass

    __repr__ = __str__


class RaisesWhatHangsWhenShown(Hostile):
    """Raises what takes for ever to show."""

    says = "raised Endless|did not return"

    def act(self) -> None:
        raise Endless


class LateRaisesWhatHangsWhenShown(Late):
    """The same after the first look."""

    says = "raised Endless|did not return"

    def act(self) -> None:
        raise Endless


class SkipsTheTest(Hostile):
    """Skips a test of pytest."""

    says = "raised Skipped"

    def act(self) -> None:
        pytest.skip("no")


class ExitsPytest(Hostile):
    """Ends pytest."""

    says = "raised Exit"

    def act(self) -> None:
        pytest.exit("done", 0)


class LateExitsPytest(Late):
    """The same after the first look."""

    says = "raised Exit"

    def act(self) -> None:
        pytest.exit("done", 0)


class RaisesNotClaimed(Wrong):
    """Raises an exception of dropspec's, to hide that it does not rescale."""

    says = "raised NotClaimed"
    is_late = True

    def act(self) -> None:
        raise NotClaimed("it is not claimed")


class RaisesDropspecsInterrupt(Hostile):
    """Raises what dropspec takes for the user's own Ctrl-C."""

    says = "raised Interrupted"

    def act(self) -> None:
        raise Interrupted


class LateRaisesDropspecsInterrupt(Late):
    """The same after the first look."""

    says = "raised Interrupted"

    def act(self) -> None:
        raise Interrupted


class RaisesSurrogates(Hostile):
    """Says what no encoding has a sign for, as a file name may."""

    says = r"raised ValueError: caf\\udce9"

    def act(self) -> None:
        raise ValueError("caf\udce9")


class RaisesEscapes(Hostile):
    """Says what a terminal obeys."""

    says = r"raised ValueError: \\x1b"

    def act(self) -> None:
        raise ValueError("\x1b[2J\x1b]0;owned\x07 [bold red]x[/] \x9b31m \u202e txet")


class RaisesCommands(Hostile):
    """Says what a CI service obeys, at whatever place a line is broken."""

    says = "raised ValueError"

    def act(self) -> None:
        raise ValueError("::warning::owned " * 60 + "\n::error::x")


class RaisesHugeText(Hostile):
    """Says 20 MB."""

    says = "raised ValueError: x+…"

    def act(self) -> None:
        raise ValueError("x" * 20_000_000)


class HasHugeRepr(Hostile):
    """Is 50 MB long when shown."""

    def __repr__(self) -> str:
        return "x" * 50_000_000
