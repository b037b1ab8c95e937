"""Bugs in what a spec says of layers beside their numbers: that one is frozen, or what it is called."""

from __future__ import annotations

from typing import Any

import torch
from torch import nn

import zoo.engine.layers
import zoo.model.build
from zoo.engine.layers import LayerList
from zoo.model.base import Model

from .patching import Patch, around, edit
from .suite import mutant


@mutant("frozen", "frozen")
def what_is_frozen_is_trained(patch: Patch) -> None:
    edit(patch, zoo.model.build, "build", "module.requires_grad_(False)", "module.requires_grad_(True)")


@mutant("frozen", "frozen")
def one_direction_of_a_frozen_cell_is_trained(patch: Patch) -> None:
    right = 'getattr(module, "frozen", False)'
    edit(
        patch, zoo.model.build, "build", right, f'{right} and module is not getattr(model.layers[1], "reverse_cell", 0)'
    )


@mutant("frozen", "frozen")
def everything_is_frozen(patch: Patch) -> None:
    edit(patch, zoo.model.build, "build", "module.requires_grad_(False)", "model.requires_grad_(False)")


@mutant("frozen", "frozen")
def a_gradient_of_zero_still_decays(patch: Patch) -> None:
    wrong = "[one.register_hook(lambda gradient: 0 * gradient) for one in module.parameters()]"
    edit(patch, zoo.model.build, "build", "module.requires_grad_(False)", wrong)


@mutant("frozen", "frozen")
def statistics_of_a_frozen_norm_move(patch: Patch) -> None:
    patch.setattr(Model, "train", nn.Module.train)


@mutant("joined", "names")
def keys_by_the_names_of_layers(patch: Patch) -> None:
    def wrong(right: Any, spec: Any) -> Any:
        model = right(spec)
        for one in [one for one in model.modules() if isinstance(one, LayerList)]:
            one._modules = {getattr(own, "called", None) or key: own for key, own in one._modules.items()}
        return model

    around(patch, zoo.model.build, "assemble", wrong)


@mutant("joined", "names")
def a_join_in_the_order_of_names(patch: Patch) -> None:
    edit(patch, zoo.engine.layers, "_read", "for name in layer.reads", "for name in sorted(layer.reads)")


@mutant("joined", "names")
def a_layer_drawn_by_its_name(patch: Patch) -> None:
    def wrong(right: Any, spec: Any) -> Any:
        model = right(spec)
        with torch.no_grad():
            for one in model.layers:
                for parameter in one.parameters():
                    parameter.add_(len(one.called or ""))
        return model

    around(patch, zoo.model.build, "assemble", wrong)


@mutant("named", "names")
def a_head_that_reads_its_layers_in_the_order_of_names(patch: Patch) -> None:
    edit(patch, zoo.engine.layers.Asked, "read", "for name in names]", "for name in sorted(names)]")
