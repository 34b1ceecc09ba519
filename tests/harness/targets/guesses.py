"""Reads off a function or a constructor in which expression it would be called, where it takes more
than an input and a rate, or takes them in another order.

A dictionary or a configuration is known by what the source reads of it: the keys or attributes.
"""

from __future__ import annotations

import ast
import inspect
import textwrap
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from dropspec.core.callables import built_class, parameters_of
from dropspec.core.signature import GENERATORS, INFERENCE, KEEPS, RATES, SEEDS, TRAINING
from dropspec.targets.expressions import BUILD, CALL

INPUTS = ("x", "input", "inputs", "data", "tensor", "xs", "features", "activations", "h", "a")
MODES = ("mode", "phase")
TRAINS = ("train", "training")
RESTS = ("test", "eval", "evaluation", "inference", "valid")
UNKNOWN = "..."
WORDS = (
    *((RATES, "rate"), (KEEPS, "keep"), (TRAINING, "training"), (INFERENCE, "not training")),
    *((GENERATORS, "generator"), (SEEDS, "seed")),
)
SPACE = '__import__("types").SimpleNamespace'
VARIADIC = (inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD)


@dataclass(frozen=True)
class Guess:
    """An expression, whether it builds or calls, and whether all that it gives is known."""

    form: str
    said: str

    @property
    def is_whole(self) -> bool:
        """Whether nothing is left for the user to fill in."""
        return UNKNOWN not in self.said

    @property
    def option(self) -> str:
        """As it is given on the command line."""
        return f"--{self.form} {_quoted(self.said)}"


def guess(name: str, thing: Callable[..., Any], names: Mapping[str, Any]) -> Guess | None:
    """How a target of that name would be built or called; None where nothing says what its rate is.

    `names` are those of its module.
    """
    is_class = built_class(thing) is not None
    parameters = [p for p in parameters_of(thing) if p.kind not in VARIADIC]
    reading = _Reading(_source(thing), names)
    values = dict(_values(parameters, reading, is_class))
    said = " ".join(values.values())
    if not any(word in said for word in ("rate", "keep")) or not (is_class or "x" in said):
        return None
    return Guess(BUILD if is_class else CALL, f"{name}({', '.join(_given(parameters, values))})")


def is_unusual(thing: Callable[..., Any], names: Mapping[str, Any]) -> bool:
    """Whether a function takes its input by name or elsewhere than first, or either takes its rate
    in a dictionary or a configuration.
    """
    parameters = [p for p in parameters_of(thing) if p.kind not in VARIADIC]
    if built_class(thing) is not None:
        first = next((p for p in parameters if p.default is p.empty), None)
    elif len(parameters) < 2:
        return False
    elif _word_of(parameters[0].name) or parameters[0].kind is parameters[0].KEYWORD_ONLY:
        return any(p.name.lower() in INPUTS for p in parameters)
    else:
        first = parameters[1]
    if first is None or _word_of(first.name):
        return False
    return UNKNOWN not in _Reading(_source(thing), names).value_of(first)


def _values(
    parameters: Sequence[inspect.Parameter], reading: _Reading, is_class: bool
) -> Iterator[tuple[str, str]]:
    """What each parameter is given, by name; nothing for one whose default will do."""
    by_name = [p for p in parameters if p.name.lower() in INPUTS]
    others = [p for p in parameters if not _word_of(p.name) and p.default is p.empty]
    array = next(iter([*by_name, *others]), None)
    for parameter in parameters:
        if parameter is array and not is_class:
            yield parameter.name, "x"
        elif word := _word_of(parameter.name):
            yield parameter.name, word
        elif parameter.default is parameter.empty:
            yield parameter.name, reading.value_of(parameter)


def _given(parameters: Sequence[inspect.Parameter], values: Mapping[str, str]) -> Iterator[str]:
    """The arguments: by place as long as none is left out."""
    by_place = True
    for parameter in parameters:
        value = values.get(parameter.name)
        by_place = by_place and value is not None and parameter.kind is not parameter.KEYWORD_ONLY
        if value is not None:
            yield value if by_place else f"{parameter.name}={value}"


def _word_of(name: str) -> str:
    """What dropspec gives for a parameter, a key or an attribute of this name; empty if nothing."""
    low = name.lower()
    found = next((word for names, word in WORDS if low in names), "")
    # hidden_dropout_prob of a configuration
    return found or ("rate" if low.endswith(("_dropout", "_dropout_prob", "_drop_rate")) else "")


@dataclass(frozen=True)
class _Reading:
    """The source of a function, and the names of its module."""

    source: ast.AST
    names: Mapping[str, Any]

    def value_of(self, parameter: inspect.Parameter) -> str:
        """A dictionary, a configuration, or what is for the user to fill in."""
        if keys := self.keys_of(parameter.name):
            given = [f'"{key}": {self._word(key)}' for key in keys]
            return f"{{{', '.join(given)}}}"
        if made := self._configuration(parameter):
            return made
        if attributes := self.attributes_of(parameter.name):
            given = [f"{name}={self._word(name)}" for name in attributes]
            return f"{SPACE}({', '.join(given)})"
        return UNKNOWN

    def _word(self, key: str) -> str:
        """What a key or an attribute is given."""
        if key in MODES and (modes := self._modes()):
            return f'"{modes[0]}" if training else "{modes[1]}"'
        word = _word_of(key)
        return "keep" if word == "rate" and self._says_keep() else word or UNKNOWN

    def keys_of(self, name: str) -> list[str]:
        """The keys that the source reads of a parameter."""
        found: dict[str, None] = {}
        for node in ast.walk(self.source):
            if isinstance(node, ast.Subscript) and _is(node.value, name):
                found |= _text(node.slice)
            elif isinstance(node, ast.Compare) and any(_is(one, name) for one in node.comparators):
                found |= _text(node.left)
            elif isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
                is_read = node.func.attr in ("get", "pop", "setdefault")
                if is_read and _is(node.func.value, name) and node.args:
                    found |= _text(node.args[0])
        return list(found)

    def attributes_of(self, name: str) -> list[str]:
        """The attributes that the source reads of a parameter."""
        nodes = (n for n in ast.walk(self.source) if isinstance(n, ast.Attribute))
        return list(dict.fromkeys(n.attr for n in nodes if _is(n.value, name)))

    def _configuration(self, parameter: inspect.Parameter) -> str:
        """A construction of the class that a parameter is annotated as, where that takes a rate."""
        said = parameter.annotation
        named = said if isinstance(said, str) else getattr(said, "__name__", "")
        kind = self.names.get(named.strip("'\""))
        if not isinstance(kind, type) or kind.__module__ == "builtins":
            return ""
        fields = [p for p in parameters_of(kind) if p.kind not in VARIADIC]
        rates = [p.name for p in fields if _word_of(p.name) in ("rate", "keep")]
        given = [f"{name}={_word_of(name)}" for name in rates]
        wanted = (p.name for p in fields if p.default is p.empty and p.name not in rates)
        given += [f"{name}={UNKNOWN}" for name in wanted]
        return f"{kind.__name__}({', '.join(given)})" if rates else ""

    def _texts(self) -> set[str]:
        nodes = (n for n in ast.walk(self.source) if isinstance(n, ast.Constant))
        return {n.value for n in nodes if isinstance(n.value, str)}

    def _modes(self) -> tuple[str, str] | None:
        """The words for training and for the other mode that the source compares with."""
        texts = self._texts()
        trains = next((word for word in TRAINS if word in texts), "train")
        rests = next((word for word in RESTS if word in texts), None)
        return (trains, rests) if rests else None

    def _says_keep(self) -> bool:
        """Whether the documentation in the source says that the rate is that of keeping."""
        documented = (
            ast.get_docstring(node) or ""
            for node in ast.walk(self.source)
            if isinstance(node, (ast.FunctionDef, ast.ClassDef))
        )
        return any(word in text.lower() for text in documented for word in ("keep", "retain"))


def _source(function: Callable[..., Any]) -> ast.AST:
    """The source of a function, or of a class's constructor; empty where it cannot be read."""
    built = built_class(function)
    try:
        code = inspect.getsource(built.__init__ if built else function)  # type: ignore[misc]
        return ast.parse(textwrap.dedent(code))
    except (OSError, TypeError, SyntaxError, ValueError):
        return ast.Module([], [])


def _is(node: ast.AST, name: str) -> bool:
    return isinstance(node, ast.Name) and node.id == name


def _text(node: ast.AST) -> dict[str, None]:
    """A constant text, as a key."""
    is_text = isinstance(node, ast.Constant) and isinstance(node.value, str)
    return {node.value: None} if is_text else {}  # type: ignore[attr-defined]


def _quoted(said: str) -> str:
    return f"'{said}'" if "'" not in said else f'"{said}"'
