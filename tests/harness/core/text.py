"""Text from outside (an exception, a label, a path, a repr) is cleaned once, where it enters."""

from __future__ import annotations

import re
import shlex
import unicodedata

LENGTH = 2000  # signs of any one text that are kept
# what a terminal obeys or a reader cannot see: controls, formats (bidirectional marks among them),
# lone surrogates, and what ends a line
UNSEEN = frozenset({"Cc", "Cf", "Cs", "Zl", "Zp"})
COMMAND = re.compile(r"^(\s*):(?=:)|##(?=\[)", re.MULTILINE)


def clean(text: str, length: int = LENGTH) -> str:
    """The text in one line that can be printed anywhere, and no longer than that many signs.

    White space becomes single spaces; what cannot be seen is written as its escape.
    """
    words = " ".join(text[: 2 * length].split())
    if not words.isprintable():
        words = "".join(c if c.isprintable() or c == " " else _escaped(c) for c in words)
    return words if len(words) <= length else words[: length - 1] + "…"


def _escaped(sign: str) -> str:
    is_seen = unicodedata.category(sign) not in UNSEEN
    return sign if is_seen else sign.encode("unicode_escape").decode()


def shown(error: BaseException, length: int = LENGTH) -> str:
    """What an exception says, cleaned; nothing where it cannot say it."""
    try:
        return clean(str(error), length)
    except Exception:
        return ""


def quoted(text: str) -> str:
    """The text as one word of a shell: as it is, or, with what cannot be seen, in $'…'."""
    if text.isprintable():
        return shlex.quote(text)
    raw = text.encode("utf-8", "surrogateescape")
    signs = (chr(b) if 32 <= b < 127 and chr(b) not in "'\\" else f"\\x{b:02x}" for b in raw)
    return f"$'{''.join(signs)}'"


def no_commands(text: str) -> str:
    """The text without what a CI service takes for a command: `::` that begins a line, `##[`."""
    return COMMAND.sub(lambda m: f"{m[1]}: " if m[1] is not None else "## ", text)
