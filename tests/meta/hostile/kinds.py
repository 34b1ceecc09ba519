"""What hostile layers share: a right layer that does something else first, or a wrong one."""

from __future__ import annotations

from torch import Tensor, nn

FIRST_LOOKS = (1, 8, 16, 48, 96, 192, 256)  # units of the calls by which a target is inspected


class Hostile(nn.Dropout):
    """Right, except for what it does before each call. `says` is what the report must say of it."""

    says = ""
    is_late = False
    may_conform = True

    def act(self) -> None:
        """What it does."""

    def forward(self, x: Tensor) -> Tensor:
        """Dropout, after what it does; late, it behaves while it is inspected."""
        if not (self.is_late and x.numel() in FIRST_LOOKS):
            self.act()
        return super().forward(x)


class Wrong(Hostile):
    """Does not rescale. `may_conform` where it cheats in the process that judges it."""

    may_conform = False

    def forward(self, x: Tensor) -> Tensor:
        """Dropout without its scale."""
        y = super().forward(x)
        return y * (1 - self.p) if self.training else y


class Late(Hostile):
    """Does it only after the calls by which a target is inspected."""

    is_late = True
