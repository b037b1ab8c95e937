"""What holds one of our models to a package: the package's own modules, called as a proof calls a source."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

from proving import Case, Renamed
from torch import Tensor, nn


@dataclass(frozen=True)
class Held:
    """A model of ours and the package that it is held to.

    Attributes:
        model: The name of the spec, with its variant.
        package: The name of the distribution.
        what: Which part of it, for a reader.
        case: The comparison.
    """

    model: str
    package: str
    what: str
    case: Case


class Called(nn.Module):
    """A module of a package, called as a proof does: from (1, T, ...) to (1, T, ...), or (1, ...) behind a pool."""

    def __init__(self, module: nn.Module, call: Callable[[Any, Tensor], Tensor]) -> None:
        super().__init__()
        self.module, self.call = module, call

    def forward(self, x: Tensor) -> Tensor:
        return self.call(self.module, x)


def of(
    restated: Case,
    module: Callable[[], nn.Module],
    call: Callable[[Any, Tensor], Tensor],
    *rules: tuple[str, str],
    **changes: Any,
) -> Case:
    """The comparison with a restatement, made with the package's module in its place.

    rules: from the package's names of parameters to the restatement's, for `re.sub`, one after the other.
    """
    return replace(
        restated,
        theirs=lambda: Called(module(), call),
        ours=lambda theirs: restated.ours(Renamed(theirs, (r"^module\.", ""), *rules)),
        **changes,
    )
