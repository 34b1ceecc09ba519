"""What torch classes and functions share: random streams, threads, and ways to call a module."""

from __future__ import annotations

import inspect
from abc import abstractmethod
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from typing import Any

import torch
from torch import Tensor, nn
from torch.utils.checkpoint import checkpoint

from dropspec.core.arrays import Array, Bits
from dropspec.core.calls import Call
from dropspec.core.driver import Driver, refuse
from dropspec.core.errors import ImplementationError
from dropspec.core.facts import Facts, Kind
from dropspec.core.framework import Framework
from dropspec.core.guard import Guard
from dropspec.core.networks import Networks
from dropspec.core.recorded import Recorded
from dropspec.core.signature import SEEDS, Signature
from dropspec.core.site import Site
from dropspec.frameworks.recording import check_reply
from dropspec.frameworks.spelling import spelled_values
from dropspec.frameworks.streams import Stream, said_for_call, stream_for
from dropspec.frameworks.torch.modes import masks_by_mode, on_views
from dropspec.frameworks.torch.networks import TorchNetworks
from dropspec.frameworks.torch.tape import (
    CheckpointedTape,
    InPlaceTape,
    TorchTape,
    to_numpy,
    to_torch,
)

# the wrapper of checkpoint keeps torch.compile out, and imports it for that, which takes a second
CHECKPOINT = inspect.unwrap(checkpoint)


class TorchGenerator(Stream):
    """One torch.Generator for all calls."""

    name = "generator"

    def seed(self, seed: int) -> None:
        """A generator of this seed."""
        self._generator = torch.Generator().manual_seed(seed)

    def next(self) -> torch.Generator:
        """The generator, where it is."""
        return self._generator

    def state(self) -> bytes:
        """Its state, as bytes."""
        return self._generator.get_state().numpy().tobytes()

    def restore(self, state: bytes) -> None:
        """The same generator in that state."""
        self._generator.set_state(torch.frombuffer(bytearray(state), dtype=torch.uint8))

    def spelled(self, seed: int) -> str:
        """Its construction."""
        return f"generator = torch.Generator().manual_seed({seed})"


def stream_of_function(signature: Signature) -> Stream | None:
    """The stream that a function is given; None where it can draw from the global generator."""
    return None if signature.stream_is_optional else stream_for(signature, TorchGenerator)


def stream_of_class(signature: Signature) -> Stream | None:
    """The stream that a constructor gets: a seed if it takes one, a generator if it needs one."""
    if signature.stream in SEEDS:
        return stream_for(signature, TorchGenerator)
    return stream_of_function(signature)


class TorchDriver(Driver):
    """A target of torch: it draws from torch's global generator, or from a stream it is given."""

    framework: Framework
    site: Site
    stream: Stream | None = None

    def __init__(self, facts: Facts, guard: Guard, framework: Framework, site: Site) -> None:
        super().__init__(facts, guard)
        self.framework, self.site = framework, site

    @abstractmethod
    def module(self, rate: Any, **options: Any) -> nn.Module:
        """A module that drops out: of the class, or around the function."""

    # random streams

    def reseed(self, seed: int) -> None:
        """As torch.manual_seed does for the CPU, without the 2 ms that it spends elsewhere."""
        self.last_seed = seed
        torch.default_generator.manual_seed(seed)
        if self.stream:
            self.stream.seed(seed)

    def seed_lines(self, seed: int) -> list[str]:
        """By torch.manual_seed, and the stream where it takes one."""
        return [
            f"torch.manual_seed({seed})",
            *([self.stream.spelled(seed)] if self.stream else []),
        ]

    def find_seedable(self, replays: Callable[[], bool]) -> bool:
        """torch layers claim seeding: by the global generator, if not by an argument."""
        return True

    @property
    def zero_seeds(self) -> tuple[int, ...]:
        """Of torch's generator for the processor, since 24 bits make a uniform of it."""
        return (2313,)

    def state(self) -> Any:
        """The state of the stream, or of torch's global generator."""
        return self.stream.state() if self.stream else torch.get_rng_state().numpy().tobytes()

    def restore(self, state: Any) -> None:
        """Puts back what `state` gave."""
        if self.stream:
            self.stream.restore(state)
        else:
            torch.set_rng_state(torch.frombuffer(bytearray(state), dtype=torch.uint8))

    @property
    def global_generators(self) -> dict[str, tuple[Callable[[int], Any], Callable[[], Any]]]:
        """torch's as well."""
        own = {"torch's": (torch.manual_seed, lambda: torch.rand(4).tolist())}
        return super().global_generators | own

    def global_seed(self) -> int:
        """By torch.initial_seed."""
        return torch.initial_seed()

    # modes

    @contextmanager
    def threads(self, count: int) -> Iterator[None]:
        """Runs with that many of torch's own threads."""
        before = torch.get_num_threads()
        torch.set_num_threads(count)
        try:
            yield
        finally:
            torch.set_num_threads(before)

    def one_thread(self) -> AbstractContextManager[None]:
        """Runs with one of torch's own threads."""
        return self.threads(1)

    def masks_by_mode(self, rate: float, units: int) -> Iterator[tuple[str, Bits]]:
        """With gradients and without, under no_grad and inference_mode, in each dtype."""
        self.require_elementwise()
        name = self.spelled(rate, "training")
        return masks_by_mode(self.module(rate), name, self.guard, units, self.facts.dtypes[1:])

    def on_views(self, rate: float, seed: int) -> Iterator[tuple[str, Array, Array]]:
        """Slices of one tensor."""
        self.require_elementwise()
        module = self.module(rate)
        self.reseed(seed)
        return on_views(module, self.spelled(rate, "training"), self.guard)

    # other ways to call it

    def require_elementwise(self) -> None:
        """Raises NotClaimed where a call needs more arrays than its input."""
        if self.site.parameters:
            refuse("it is not an elementwise layer")

    def checkpointed(self, x: Array, rate: float, seed: int) -> Recorded:
        """By torch.utils.checkpoint, reentrant: the backward pass computes the layer again."""
        self.require_elementwise()
        if self.stream:
            refuse(
                "its random stream is an argument, and torch's recomputation restores the "
                "global one only"
            )
        self.reseed(seed)
        module = self.module(rate)
        module.train()  # whose own result may be None
        what = f"the checkpointed forward of {self.spelled(rate, 'training')}"
        tensor = to_torch(x).requires_grad_()
        with self.guard.call(what):
            y = self.framework.output_of(CHECKPOINT(module, tensor, use_reentrant=True), what)
            return self.recorded(CheckpointedTape(tensor, {}, y), what)

    def in_place(self, x: Array, rate: float, seed: int) -> tuple[Recorded, bool]:
        """With `inplace=True`, on a tensor that is not a leaf, so that it has a gradient."""
        if "inplace" not in self.facts.signature.names:
            refuse("it offers no in-place mode (no parameter `inplace`)")
        self.reseed(seed)
        what = f"the in-place forward of {self.spelled(rate, 'training')}"
        leaf = to_torch(x).requires_grad_()
        tensor = leaf * 1
        try:
            module = self.module(rate, inplace=True)
            with self.guard.call(what):
                module.train()
                y = self.framework.output_of(module(tensor), what)
                recorded = self.recorded(InPlaceTape(leaf, y, tensor), what)
        except ImplementationError as error:
            if isinstance(error.__cause__, NotImplementedError):
                refuse(f"it offers no in-place mode: {error}")
            raise
        return recorded, y.data_ptr() == tensor.data_ptr()

    def recorded(self, tape: TorchTape, what: object) -> Recorded:
        """A record of a call that was not made through a layer. Raises BadReply."""
        output, x = to_numpy(tape.y), to_numpy(tape.x)
        check_reply(output, x, x.shape, what)
        return Recorded(output, tape, self.guard, what)

    def networks(self) -> Networks:
        """Around the module."""
        self.require_elementwise()
        return TorchNetworks(self)

    def own_module(self, rate: Any) -> nn.Module:
        """A module of the target's own class. Raises NotClaimed for a function."""
        refuse("it is not a torch module")

    def plain_linear(self, x: Array, weight: Array, bias: Array | None) -> Array:
        """By torch.nn.functional.linear."""
        added = None if bias is None else to_torch(bias)
        return to_numpy(nn.functional.linear(to_torch(x), to_torch(weight), added))

    def relu(self) -> Callable[[Tensor], Tensor]:
        """torch.relu."""
        return torch.relu

    # lines to paste

    def lines(self, call: Call, also: str = "") -> list[str]:
        """The call with torch's own tensors, and its backward pass where one was made."""
        from dropspec.frameworks.torch.spelling import lines

        return lines(self, call, also)

    def drawing(
        self, rate: float, dtype: str, shape: tuple[int, ...], seed: int, differentiable: bool
    ) -> tuple[list[str], str] | None:
        """Torch's own tensors."""
        if self.site.parameters:
            return None
        made, called = self.spelled(rate), self.spelled(rate, "training")
        before = ["import numpy as np, torch", self.facts.target.import_line]
        before += self.seed_lines(seed)
        if self.facts.kind is Kind.CLASS:
            before.append(f"layer = {made}")
            called = f"layer{called.removeprefix(made)}"
        else:
            called = said_for_call(called, self.stream, seed)
        before.append(f"x = torch.tensor({spelled_values(shape)}, dtype=torch.{dtype})")
        before += ["x.requires_grad_()"] if differentiable else []
        return before, f"({called} != 0).numpy()"

    def lines_before(self, call: Call, tensors: Mapping[str, str]) -> list[str]:
        """Python that comes before the expression of the call: the parameters as tensors."""
        return [f"{name} = {tensor}" for name, tensor in tensors.items()]
