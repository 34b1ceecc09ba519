"""From what the user types, `[label=]module:attr` or `[label=]path/file.py:attr`, to an adapter that drives it."""

from __future__ import annotations

import importlib
import importlib.util
import inspect
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from zlib import crc32

import numpy as np

from .adapters import Adapter, Claims
from .adapters.base import read_claims
from .adapters.connect import ConnectAdapter
from .adapters.linear_signature import is_linear, read_linear_signature
from .adapters.numpy import NumpyAdapter
from .adapters.numpy_connect import NumpyConnect
from .adapters.signature import flag_of_call, read_signature
from .adapters.streams import is_clear
from .arrays import DTYPES
from .guard import Guard, describe
from .outcomes import BadReply, BadTarget, Hung, ImplementationError

IMPORT_LIMIT_S = 60.0


@dataclass(frozen=True)
class Target:
    """What one `--dropspec` names: a label for the report, a module or a file, and an attribute in it."""

    label: str
    where: str
    attr: str

    @property
    def text(self) -> str:
        """As the user would type it, without the label."""
        return f"{self.where}:{self.attr}"

    @property
    def is_file(self) -> bool:
        """Whether it names a file, not a module."""
        return self.where.endswith(".py")

    @property
    def import_line(self) -> str:
        """Python that makes `name` mean the target."""
        if self.is_file:
            folder = str(Path(self.where).parent)
            beside = "" if folder == "." else f"import sys; sys.path.insert(0, {folder!r}); "
            return f"{beside}import runpy; {self.name} = runpy.run_path({self.where!r})[{self.attr.split('.')[0]!r}]" + self._rest()
        head = self.attr.split(".")[0]
        return f"from {self.where} import {head}" + (f"; {self.name} = {self.attr}" if "." in self.attr else "")

    def _rest(self) -> str:
        return "".join("." + part for part in self.attr.split(".")[1:])

    @property
    def name(self) -> str:
        """The last part of the attribute: how a snippet calls it."""
        return self.attr.split(".")[-1]


def parse_target(text: str) -> Target:
    """Reads one target. Raises BadTarget with the form that was expected."""
    label, equals, rest = text.partition("=")
    spec = rest if equals else text
    where, colon, attr = spec.rpartition(":")
    if not (colon and where and attr):
        raise BadTarget(
            f"{text!r} is no target: give [label=]module:attribute or [label=]path/file.py:attribute, for instance torch.nn:Dropout"
        )
    return Target(label if equals else spec, where, attr)


def load(target: Target) -> Any:
    """Imports what the target names. Raises BadTarget where that fails, with the reason."""
    if (here := str(Path.cwd())) not in sys.path:
        sys.path.insert(0, here)  # as `python -m` would: a user's package lies where the command is run
    guard = Guard(IMPORT_LIMIT_S)
    try:
        with guard.call(f"importing {target.where}"):
            found: Any = _run_file(Path(target.where)) if target.is_file else importlib.import_module(target.where)
    except ImplementationError as error:
        raise BadTarget(f"{target.text} cannot be loaded: {error}") from error.__cause__
    except Hung as error:
        raise BadTarget(f"{target.text} cannot be loaded: {error}") from error
    for part in target.attr.split("."):
        if not hasattr(found, part):
            offered = [n for n in dir(found) if not n.startswith("_") and callable(getattr(found, n, None))][:8]
            raise BadTarget(f"{target.where} has no attribute {part!r}" + (f"; it has {', '.join(offered)}" if offered else ""))
        found = getattr(found, part)
    return found


def _run_file(path: Path) -> Any:
    if not path.is_file():
        raise FileNotFoundError(f"there is no file {path}")
    name = f"dropspec_target_{path.stem}_{crc32(str(path.resolve()).encode()):08x}"
    if name in sys.modules:
        return sys.modules[name]
    spec = importlib.util.spec_from_file_location(name, path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module  # so that what the file defines can be pickled
    folder = str(path.resolve().parent)
    sys.path.insert(0, folder)  # as `python path/file.py` would
    try:
        spec.loader.exec_module(module)
    except BaseException:
        del sys.modules[name]
        raise
    finally:
        if folder in sys.path:
            sys.path.remove(folder)
        if folder not in sys.path:
            sys.path.append(folder)  # for what it imports later; what other targets import comes first
    return module


def adapt(target: Target, limit_s: float, family: str = "") -> Adapter:
    """Loads the target and finds the adapter for its kind; `family` where it is not to be told from the target.

    Raises BadTarget, whatever went wrong: one target must not take the others down.
    """
    try:
        return _adapter(target, load(target), Guard(limit_s), family)
    except BadTarget:
        raise
    except (ImplementationError, Hung) as error:
        raise BadTarget(f"{target.text} cannot be driven: {error}") from error
    except Exception as error:
        raise BadTarget(f"{target.text} cannot be driven: dropspec met {describe(error)} when it looked at it") from error


def _adapter(target: Target, thing: Any, guard: Guard, family: str) -> Adapter:
    if _speaks_protocol(thing):
        from .adapters.protocol_connect import protocol_adapter

        adapter: Adapter = protocol_adapter(target.text, _instance(target, thing, guard), guard)
        if isinstance(adapter, ConnectAdapter):
            adapter.find_facts()
        return adapter
    claims = read_claims(target.text, getattr(thing, "claims", {}))[0]
    claims.family = family or claims.family or ("dropconnect" if claims.masked_weight or _is_linear(thing) else "dropout")
    if not callable(thing) or _is_module(type(thing)):
        raise BadTarget(
            f"{target.text} is an instance of {type(thing).__name__}: dropspec builds layers at many rates, so give the class or a function"
        )
    of_kind = _of_class if inspect.isclass(thing) else _of_function
    adapter = of_kind(target, thing, guard, claims)
    _find_dtypes(adapter)
    if isinstance(adapter, ConnectAdapter):
        adapter.find_facts()
    return adapter


def _speaks_protocol(thing: Any) -> bool:
    """Whether it is an object, or a class of objects, with the protocol's own methods; never a module, whose `train` is of another kind."""
    is_module = _is_module(thing if inspect.isclass(thing) else type(thing))
    return not is_module and all(hasattr(thing, name) for name in ("claims", "train", "evaluate"))


def _instance(target: Target, thing: Any, guard: Guard) -> Any:
    """The object that speaks the protocol: what is given, or one of its class."""
    if not inspect.isclass(thing):
        return thing
    try:
        with guard.call(f"{target.name}()"):
            return thing()
    except ImplementationError as error:
        raise BadTarget(
            f"{target.text} is a class of the protocol, which dropspec builds without arguments, but {error}: give an instance of it"
        ) from error


def _is_linear(thing: Any) -> bool:
    return is_linear(thing) or (inspect.isclass(thing) and _is_module(thing) and issubclass(thing, sys.modules["torch"].nn.Linear))


def _is_module(kind: type) -> bool:
    return "torch" in sys.modules and issubclass(kind, sys.modules["torch"].nn.Module)


def _of_class(target: Target, thing: type, guard: Guard, claims: Claims) -> Adapter:
    if not _is_module(thing):
        raise BadTarget(
            f"{target.text} is a class, but no torch.nn.Module: give a module class whose constructor takes the rate, a function of "
            f"(x, rate), or an object with `claims`, `train(x, rate, seed)` and `evaluate(x, rate)`"
        )
    if claims.family == "dropconnect":
        return _of_linear_class(target, thing, guard, claims)
    from .adapters.torch import TorchModuleAdapter, functional_form
    from .adapters.torch_stream import stream_of_class

    claims.functional = claims.functional or functional_form(thing)
    signature = read_signature(target.text, thing, inputs=0)
    claims.rate_is_keep = claims.rate_is_keep or signature.rate_is_keep
    adapter = TorchModuleAdapter(target.text, target.name, thing, signature, guard, claims)
    adapter.stream, adapter.flag = stream_of_class(signature), flag_of_call(thing)
    return adapter


def _of_linear_class(target: Target, thing: type, guard: Guard, claims: Claims) -> Adapter:
    from .adapters.stored import StoredAdapter
    from .adapters.torch_connect import TorchConnectModule

    signature = read_linear_signature(target.text, thing)
    claims.rate_is_keep = claims.rate_is_keep or signature.rate_is_keep
    kind = StoredAdapter if claims.masked_weight else TorchConnectModule
    adapter = kind(target.text, target.name, thing, signature, guard, claims)
    try:
        adapter.find_parameters()
    except (ImplementationError, Hung) as error:
        raise BadTarget(f"{target.text} cannot be built: {error}") from error
    return adapter


def _of_function(target: Target, thing: Any, guard: Guard, claims: Claims) -> Adapter:
    """torch or NumPy: the first of the two whose arrays it takes and returns; the one that its module imports is tried first.

    Raises BadTarget where it takes neither, and a random stream of which nothing says what it is.
    """
    linear = claims.family == "dropconnect"
    signature = read_linear_signature(target.text, thing) if linear else read_signature(target.text, thing, inputs=1)
    claims.rate_is_keep = claims.rate_is_keep or signature.rate_is_keep
    kinds: list[Any] = [NumpyConnect if linear else NumpyAdapter]
    if "torch" in sys.modules:
        from .adapters.torch import TorchFunctionAdapter
        from .adapters.torch_connect import TorchConnectFunction

        names = getattr(inspect.unwrap(getattr(thing, "func", thing)), "__globals__", {})
        of_torch = target.where.startswith("torch") or any(_is_of_torch(v) for v in names.values())
        kinds.insert(0 if of_torch else 1, TorchConnectFunction if linear else TorchFunctionAdapter)
    adapters = [kind(target.text, target.name, thing, signature, guard, claims) for kind in kinds]
    refused: list[BaseException] = []
    for adapter in adapters:
        try:
            adapter.train(np.ones(8, np.float32), 0.5, seed=0)
            if isinstance(adapter, NumpyAdapter):
                adapter.find_seedable()
        except (ImplementationError, Hung) as error:
            refused.append(error)
            continue
        return adapter  # type: ignore[no-any-return]
    if signature.stream and not is_clear(signature):
        raise BadTarget(
            f"{target.text} takes {signature.stream!r}, and it is not clear what that should be, for {refused[0]}: annotate it as "
            f"int, numpy.random.Generator, numpy.random.RandomState or torch.Generator"
        )
    return adapters[0]  # type: ignore[no-any-return]


def _is_of_torch(thing: Any) -> bool:
    """Whether it is torch, or something that is defined in it."""
    return any(str(getattr(thing, name, "")).split(".")[0] == "torch" for name in ("__name__", "__module__"))


def _find_dtypes(adapter: Adapter) -> None:
    """Claims the dtypes that the implementation takes; where it takes none, all of them, so that each clause reports the error.

    NumPy has no bfloat16 of its own: a NumPy function that does not take ml_dtypes' is not accused of it.
    """
    taken, refused = [], {}
    for name in adapter.claims.dtypes:
        x = np.ones(8, DTYPES[name])
        try:
            kept = adapter.train(x, 0.5, seed=0).output.dtype == x.dtype
        except BadReply:
            kept = True
        except ImplementationError as error:
            refused[name] = str(error)
            continue
        except Hung:
            return
        if kept or adapter.framework != "numpy" or name != "bfloat16":
            taken.append(name)
    if taken:
        adapter.claims.dtypes = tuple(taken)
        adapter.claims.refused = {k: v for k, v in refused.items() if adapter.framework != "numpy" or k != "bfloat16"}
