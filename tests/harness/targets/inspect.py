"""From a target to an adapter that drives it: a class or a function, of torch or NumPy, elementwise or linear, or the protocol."""

from __future__ import annotations

import inspect
import re
import sys
from typing import Any

import numpy as np

from dropspec.core.arrays import DTYPES
from dropspec.core.errors import BadReply, BadTarget, Hung, ImplementationError
from dropspec.core.guard import Guard, describe
from dropspec.frameworks.base import Adapter, Claims, read_claims
from dropspec.frameworks.connect import ConnectAdapter
from dropspec.frameworks.linear_signature import is_linear, read_linear_signature
from dropspec.frameworks.numpy import NumpyAdapter
from dropspec.frameworks.numpy_connect import NumpyConnect
from dropspec.frameworks.streams import is_clear
from dropspec.targets.callables import annotation_of, built_class, is_readable, unwrapped
from dropspec.targets.locate import Target, load, parse_target
from dropspec.targets.signature import flag_of_call, read_signature

__all__ = ["Target", "adapt", "parse_target"]


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
        from dropspec.frameworks.protocol_connect import protocol_adapter

        adapter: Adapter = protocol_adapter(target.text, _instance(target, thing, guard), guard)
        if isinstance(adapter, ConnectAdapter):
            adapter.find_facts()
        return adapter
    claims = read_claims(target.text, getattr(thing, "claims", getattr(unwrapped(thing), "claims", {})))[0]
    claims.family = family or claims.family or ("dropconnect" if claims.masked_weight or _is_linear(thing) else "dropout")
    if not callable(thing) or _is_module(type(thing)):
        raise BadTarget(
            f"{target.text} is an instance of {type(thing).__name__}: dropspec builds layers at many rates, so give the class or a function"
        )
    kind = built_class(thing)
    adapter = _of_class(target, thing, kind, guard, claims) if kind else _of_function(target, thing, guard, claims)
    _find_dtypes(adapter)
    if isinstance(adapter, ConnectAdapter):
        adapter.find_facts()
    return adapter


def _speaks_protocol(thing: Any) -> bool:
    """Whether it is an object, or a class of objects, with the protocol's own methods; never a module, whose `train` is of another kind."""
    kind = built_class(thing)
    return not _is_module(kind or type(thing)) and all(hasattr(kind or thing, name) for name in ("claims", "train", "evaluate"))


def _instance(target: Target, thing: Any, guard: Guard) -> Any:
    """The object that speaks the protocol: what is given, or one of its class."""
    if not built_class(thing):
        return thing
    try:
        with guard.call(f"{target.name}()"):
            return thing()
    except ImplementationError as error:
        raise BadTarget(
            f"{target.text} is a class of the protocol, which dropspec builds without arguments, but {error}: give an instance of it"
        ) from error


def _is_linear(thing: Any) -> bool:
    kind = built_class(thing)
    return is_linear(thing) or (kind is not None and _is_module(kind) and issubclass(kind, sys.modules["torch"].nn.Linear))


def _is_module(kind: type) -> bool:
    return "torch" in sys.modules and issubclass(kind, sys.modules["torch"].nn.Module)


def _of_class(target: Target, thing: Any, kind: type, guard: Guard, claims: Claims) -> Adapter:
    """`thing` is what builds: the class `kind`, or a functools.partial of it."""
    if not _is_module(kind):
        raise BadTarget(
            f"{target.text} is a class, but no torch.nn.Module: give a module class whose constructor takes the rate, a function of "
            f"(x, rate), or an object with `claims`, `train(x, rate, seed)` and `evaluate(x, rate)`"
        )
    if claims.family == "dropconnect":
        return _of_linear_class(target, thing, guard, claims)
    from dropspec.frameworks.torch import TorchModuleAdapter, functional_form
    from dropspec.frameworks.torch_stream import stream_of_class

    claims.functional = claims.functional or functional_form(kind)
    signature = read_signature(target.text, thing, inputs=0)
    claims.rate_is_keep = claims.rate_is_keep or signature.rate_is_keep
    adapter = TorchModuleAdapter(target.text, target.name, thing, signature, guard, claims)
    adapter.stream, adapter.flag = stream_of_class(signature), flag_of_call(kind)
    return adapter


def _of_linear_class(target: Target, thing: Any, guard: Guard, claims: Claims) -> Adapter:
    from dropspec.frameworks.stored import StoredAdapter
    from dropspec.frameworks.torch_connect import TorchConnectModule

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
    """torch or NumPy: the first of the two whose arrays it takes and returns.

    NumPy for one that takes both, where only NumPy's seed replays it: its module may import torch for something else. Raises BadTarget
    where it takes neither, and nothing says what its arguments, or its random stream, are.
    """
    linear = claims.family == "dropconnect"
    signature = read_linear_signature(target.text, thing) if linear else read_signature(target.text, thing, inputs=1)
    claims.rate_is_keep = claims.rate_is_keep or signature.rate_is_keep
    adapters: list[Adapter] = [kind(target.text, target.name, thing, signature, guard, claims) for kind in _kinds(target, thing, linear)]
    refused: list[BaseException] = []
    driven = (adapter for adapter in adapters if _takes(adapter, refused))
    if found := next(driven, None):
        if found.framework == "torch" and not _annotated(thing) and not _replays(found):
            other = next(driven, None)
            found = other if other and _replays(other) else found
        return found
    if not is_readable(thing):
        raise BadTarget(
            f"{target.text} has no signature that Python can read, and {refused[0]}: wrap it in a function of (x, rate, training)"
        )
    if signature.stream and not is_clear(signature):
        raise BadTarget(
            f"{target.text} takes {signature.stream!r}, and it is not clear what that should be, for {refused[0]}: annotate it as "
            f"int, numpy.random.Generator, numpy.random.RandomState or torch.Generator"
        )
    return adapters[0]


def _kinds(target: Target, thing: Any, linear: bool) -> list[Any]:
    """The adapters to try: the one that the input is annotated for comes first, or else torch's where the module imports torch."""
    of_numpy = NumpyConnect if linear else NumpyAdapter
    if "torch" not in sys.modules:
        return [of_numpy]
    from dropspec.frameworks.torch import TorchFunctionAdapter
    from dropspec.frameworks.torch_connect import TorchConnectFunction

    of_torch = TorchConnectFunction if linear else TorchFunctionAdapter
    names = getattr(inspect.unwrap(unwrapped(thing)), "__globals__", {})
    framework = _annotated(thing)
    torch_first = not framework and (target.where.startswith("torch") or any(_is_of_torch(v) for v in names.values()))
    return [of_torch, of_numpy] if torch_first or framework == "torch" else [of_numpy, of_torch]


def _annotated(thing: Any) -> str:
    """The framework whose arrays the input is annotated as; empty where it is not annotated, or as either."""
    said = annotation_of(thing, 0)
    of_torch, of_numpy = "Tensor" in said, re.search("ndarray|NDArray|ArrayLike|numpy", said) is not None
    return "" if of_torch == of_numpy else "torch" if of_torch else "numpy"


def _takes(adapter: Adapter, refused: list[BaseException]) -> bool:
    """Whether a first call succeeds; why not is added to `refused`."""
    try:
        adapter.train(np.ones(8, np.float32), 0.5, seed=0)
        if isinstance(adapter, NumpyAdapter):
            adapter.find_seedable()
    except (ImplementationError, Hung) as error:
        refused.append(error)
        return False
    return True


def _replays(adapter: Adapter) -> bool:
    """Whether one seed gives one output, in calls that want a gradient where there are any: NumPy takes no tensor that does."""
    x = np.ones(256, np.float32)
    try:
        first, second = (adapter.train(x, 0.5, seed=1, differentiable=True).output for _ in range(2))
    except (ImplementationError, Hung):
        return False
    return np.array_equal(first, second)


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
