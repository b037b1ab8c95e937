"""torchinfo behind one adapter, which undoes its side effects and leaves out its wrong figures.

torchinfo 1.8 resets modes, moves models, caches by class name, can leave hooks behind, and counts multiply-adds and
shared parameters wrongly; so it is given data and a device, everything is put back, and only its rows are kept.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import torch
import torchinfo
from torch import nn
from torch.utils import _pytree
from torchinfo import torchinfo as internals

_lock = threading.RLock()


def rows(model: nn.Module, given: Mapping[str, Any], *, depth: int) -> str:
    """torchinfo's table of a model's modules, their output shapes and parameters.

    Args:
        model: left exactly as it is: modes, device and hooks.
        given: keyword arguments of a call, on its device.
        depth: how many levels of modules to show.
    """
    # torchinfo keeps what it found in the module itself, for all threads; it draws nothing where it is given its input.
    with _lock, untouched(model), torch.no_grad():
        try:
            statistics = torchinfo.summary(
                model,
                input_data=dict(given),
                device=next(t for t in _pytree.tree_leaves(dict(given)) if isinstance(t, torch.Tensor)).device,
                mode="eval",  # a run in training could change running statistics
                depth=depth,
                verbose=0,
                cache_forward_pass=False,
                col_names=("output_size", "num_params"),
                row_settings=("depth", "var_names", "hide_recursive_layers"),
            )
        except RuntimeError as error:
            raise error.__cause__ or error from None  # torchinfo's own text hides what went wrong
        finally:
            internals.clear_cached_forward_pass()
    lines = str(statistics).splitlines()
    # The rows end at the third double rule; what follows are totals, which are ours to give.
    rules = [index for index, line in enumerate(lines) if line and not line.strip("=")]
    return "\n".join(line.rstrip() for line in lines[: rules[2] + 1])


@contextmanager
def untouched(model: nn.Module) -> Iterator[None]:
    """Put back what looking at a model may change: each module's mode and hooks."""
    modes = {module: module.training for module in model.modules()}
    hooks = {module: (dict(module._forward_hooks), dict(module._forward_pre_hooks)) for module in model.modules()}
    try:
        yield
    finally:
        for module, mode in modes.items():
            module.training = mode
        for module, (after, before) in hooks.items():
            _restore(module._forward_hooks, after)
            _restore(module._forward_pre_hooks, before)


def _restore(current: dict[int, Any], before: dict[int, Any]) -> None:
    for key in [key for key in current if key not in before]:
        del current[key]
