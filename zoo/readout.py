"""A head in one go: ridge regression on what the layers give, which is how reservoirs are trained."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

from zoo.errors import InputError
from zoo.model.base import AnyState, Model


def fit_readout(
    model: Model,
    x: Tensor,
    targets: Tensor,
    *,
    ridge: float = 1e-6,
    washout: int = 0,
    lengths: Tensor | Sequence[int] | None = None,
    state: AnyState | None = None,
    dt: Tensor | None = None,
    observed: Tensor | None = None,
    reset: Tensor | None = None,
) -> Model:
    """Set a model's head to the least squared error on these sequences, with a penalty on its weights.

    The layers stay as they are, and so do the modes of all modules. The head must have
    `fit(features (N, D), targets (N, size), *, ridge)`, as `linear` has.

    Args:
        model: A model with a head.
        x: Input as the model reads it, shape (B, T, ...).
        targets: What the head should return, shape (B, T, size), or (B, size) behind a pool.
        ridge: Penalty on squared weights, at least 0.
        washout: Number of first steps of each sequence to leave out, in which a reservoir still depends on its initial
            state.
        lengths: As in a call.
        state: As in a call.
        dt: As in a call.
        observed: As in a call.
        reset: As in a call.

    Returns:
        The model.

    Raises:
        InputError: If the model has no such head, a call would refuse the input, the targets do not fit, or no step is
            left.

    Example:
        >>> head = {"kind": "linear", "size": 3}
        >>> spec = {"schema": 1, "name": "a", "input": 3, "cell": "esn", "hidden_size": 50, "head": head}
        >>> model = zoo.build(spec, seed=0)
        >>> x = torch.randn(2, 50, 3, generator=torch.Generator().manual_seed(0))
        >>> model = zoo.fit_readout(model, x, targets=x, washout=10)
        >>> bool((model(x) - x).square().mean() < 0.1)
        True
    """
    if not isinstance(x, Tensor):
        raise InputError(f"x must be a tensor, with lengths beside it, not {type(x).__name__}")
    head: Any = model.head
    if head is None:
        raise InputError("a model without a head has no readout to fit: give the spec one, head: {kind: linear, ...}")
    if not callable(getattr(head, "fit", None)):
        raise InputError(f"the head {type(head).__name__} cannot be fitted in closed form; 'linear' can")
    if not ridge >= 0:
        raise InputError(f"ridge must be at least 0, not {ridge}")
    if washout < 0 or (washout and model.pool is not None):
        raise InputError(f"washout must be at least 0, and 0 after a pool, which gives no steps, not {washout}")
    seen: list[Tensor] = []
    hook = head.register_forward_pre_hook(lambda module, given: seen.append(given[0].detach()))
    modes = {module: module.training for module in model.modules()}
    try:
        with torch.no_grad():
            output = model.eval()(x, state, lengths=lengths, dt=dt, observed=observed, reset=reset)
    finally:
        hook.remove()
        for module, mode in modes.items():
            module.training = mode
    if tuple(targets.shape) != tuple(output.shape):
        raise InputError(f"targets must be {tuple(output.shape)}, as the head's output, not {tuple(targets.shape)}")
    features = seen[0]
    if model.pool is None:
        used = _used(features, lengths, washout)
        features, targets = features[used], targets.to(features.device)[used]
    if not len(features):
        raise InputError(f"no step is left: washout {washout} is as long as the longest sequence")
    if not bool(torch.isfinite(features).all() and torch.isfinite(targets).all()):
        raise InputError("the head's inputs or the targets have numbers that are not finite")
    head.fit(features, targets, ridge=ridge)
    return model


def _used(features: Tensor, lengths: Tensor | Sequence[int] | None, washout: int) -> Tensor:
    """Which steps count, (B, T)."""
    batch, steps = features.shape[:2]
    step = torch.arange(steps, device=features.device).expand(batch, steps)
    ends = torch.full((batch,), steps) if lengths is None else torch.as_tensor(lengths)
    return (step >= washout) & (step < ends.to(features.device).unsqueeze(1))
