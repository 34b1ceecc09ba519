"""One file a framework, imported only when a target needs it."""

from .base import Adapter, Claims, Layer, Run

__all__ = ["Adapter", "Claims", "Layer", "Run"]
