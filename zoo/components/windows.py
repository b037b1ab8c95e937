"""How a layer that looks at several steps at a time changes their number, in closed form."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True, kw_only=True)
class Window:
    """A window that slides over the steps of a sequence, as of a convolution: what is under it becomes one step.

    Attributes:
        kernel: Number of steps under the window.
        stride: Number of steps by which it moves.
        dilation: Distance between two neighbouring steps under it.
        left: Number of steps that are filled in before the first.
        right: Number of steps that are filled in behind the last.

    Example:
        >>> zoo.Window(kernel=3, stride=2).count(8)
        3
    """

    kernel: int = 1
    stride: int = 1
    dilation: int = 1
    left: int = 0
    right: int = 0

    @property
    def reach(self) -> int:
        """Number of steps from the first under the window to the last."""
        return self.dilation * (self.kernel - 1) + 1

    @property
    def keeps(self) -> bool:
        """Whether there are as many steps behind it as before, however many these are."""
        return self.stride == 1 and self.left + self.right == self.reach - 1

    @property
    def not_streamable_reason(self) -> str | None:
        """Why a sequence cannot be cut between windows, at a multiple of the stride; None if it can.

        It can where n · stride steps give n, and none of these sees a step behind its own `stride` of them.
        """
        ahead = self.reach - self.left - self.stride
        if ahead > 0:
            return f"its window looks {ahead} step{'s' * (ahead > 1)} ahead"
        if self.left + self.right >= self.reach:
            return "its window gives more steps than its stride tells"
        return None

    def count(self, steps: Any) -> Any:
        """Number of steps behind the window.

        Args:
            steps: Number of steps before it, an integer or a tensor of them.

        Returns:
            Their number; at least 0 where `steps` is an integer.
        """
        found = (steps + (self.left + self.right - self.reach)) // self.stride + 1
        # A number may be one that torch only knows by name, while it exports.
        return found.clamp(min=0) if hasattr(found, "clamp") else max(found, 0)

    def least(self, steps: int) -> int:
        """The smallest number of steps before the window that gives so many behind it.

        Args:
            steps: Number of steps behind it.

        Returns:
            Their number, at least 1.
        """
        return max(1, (steps - 1) * self.stride + self.reach - self.left - self.right)


def count_steps(windows: Iterable[Window], steps: Any) -> Any:
    """Number of steps behind windows one after the other.

    Args:
        windows: In their order.
        steps: Number of steps before the first, an integer or a tensor of them.

    Returns:
        Their number.
    """
    for window in windows:
        steps = window.count(steps)
    return steps


def hop_of(windows: Iterable[Window]) -> int:
    """Number of steps before windows one after the other for each step behind them: the product of their strides."""
    return math.prod(window.stride for window in windows)


def least_steps(windows: Sequence[Window], steps: int = 1) -> int:
    """The smallest number of steps that gives so many behind windows one after the other."""
    for window in reversed(windows):
        steps = window.least(steps)
    return steps


def moving(windows: Iterable[Window]) -> tuple[Window, ...]:
    """Those windows that change the number of steps."""
    return tuple(window for window in windows if not window.keeps)
