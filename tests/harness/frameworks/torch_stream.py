"""What all adapters for torch share: random streams and threads."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Any

import torch
from torch import Tensor

from dropspec.frameworks.base import Adapter
from dropspec.frameworks.streams import Stream, stream_for
from dropspec.targets.signature import SEEDS, Signature


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
    """What a function of tensors gets for its stream; None where it can do without: then it draws from torch's global generator."""
    return None if signature.stream_is_optional else stream_for(signature, TorchGenerator)


def stream_of_class(signature: Signature) -> Stream | None:
    """What a constructor gets: a seed if it takes one, a generator if it needs one."""
    return stream_for(signature, TorchGenerator) if signature.stream in SEEDS else stream_of_function(signature)


class TorchStream(Adapter):
    """The global generator, a stream that is given as an argument, and the threads. The rate may be a keep probability."""

    framework = "torch"
    last_seed: int | None = None
    stream: Stream | None = None

    def reseed(self, seed: int) -> None:
        """Seeds torch's global generator, as torch.manual_seed does for the CPU, without the 2 ms it spends on other devices."""
        self.last_seed = seed
        torch.default_generator.manual_seed(seed)
        if self.stream:
            self.stream.seed(seed)

    def seeded(self, seed: int) -> list[str]:
        """By torch.manual_seed, and the stream where it takes one."""
        return [f"torch.manual_seed({seed})", *([self.stream.spelled(seed)] if self.stream else [])]

    def require_seedable(self) -> None:
        """torch layers claim seeding, through the global generator if not by an argument."""

    def state(self) -> Any:
        """The state of torch's global generator, or of the stream."""
        return self.stream.state() if self.stream else torch.get_rng_state()

    def restore(self, state: Any) -> None:
        """Puts back what `state` gave."""
        if self.stream:
            self.stream.restore(state)
        else:
            torch.set_rng_state(state)

    def same_state(self, a: Any, b: Any) -> bool:
        """Whether two states are equal, byte for byte."""
        return torch.equal(a, b) if isinstance(a, Tensor) else bool(a == b)

    @property
    def global_generators(self) -> dict[str, tuple[Callable[[int], Any], Callable[[], Any]]]:
        """Torch's as well."""
        return super().global_generators | {"torch's": (torch.manual_seed, lambda: torch.rand(4).tolist())}

    def global_seed(self) -> int:
        """By torch.initial_seed."""
        return torch.initial_seed()

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
