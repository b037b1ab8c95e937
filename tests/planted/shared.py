"""Bugs of what cells have in common: parameters of both directions, and bounds learned over all layers of a stack."""

from __future__ import annotations

from typing import Any

from torch import nn

import zoo.model.assembling
from zoo.cells.linear import hgrn
from zoo.engine import sharing

from .patching import Patch, around, edit
from .suite import mutant


@mutant("shared", "parameters")
def the_backward_direction_has_a_copy_of_what_is_shared(patch: Patch) -> None:
    def wrong(owner: nn.Module, user: nn.Module, names: Any) -> None:
        user.load_state_dict(owner.state_dict())

    patch.setattr(zoo.model.assembling, "share", wrong)


@mutant("shared", "gradcheck")
def the_backward_direction_gives_what_is_shared_no_gradient(patch: Patch) -> None:
    patch.setattr(
        sharing, "_looked_up", lambda name: property(lambda module: getattr(module._lender[0], name).detach())
    )
    patch.setattr(sharing, "_reading", sharing._reading.__wrapped__)  # whose cache would keep the bug


@mutant("risen", "reference")
def the_first_layer_has_a_bound_too(patch: Patch) -> None:
    edit(patch, hgrn, "risen", "shares[cell.peer] - shares[0]", "shares[cell.peer]")


@mutant("risen", "reference")
def every_layer_has_the_bound_of_the_last(patch: Patch) -> None:
    edit(patch, hgrn, "risen", "shares[cell.peer] - shares[0]", "shares[-1] - shares[0]")


@mutant("risen", "gradient_flow")
def no_cell_is_told_of_the_others(patch: Patch) -> None:
    patch.setattr(zoo.model.assembling, "_introduce", lambda model, paths: None)


@mutant("risen", "gradient_flow")
def the_bounds_have_no_gradient(patch: Patch) -> None:
    around(patch, hgrn, "risen", lambda risen, cell: risen(cell).detach())
