"""Where helpers run: the one rule for all of them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from zoo.testing import asked

if TYPE_CHECKING:
    import torch


def place(device: str | None = None) -> torch.device:
    """pytest's `--zoo-device`, else the device given, else `ZOO_DEVICE`, else the one available."""
    from zoo.checks.subject import as_device, default_device

    named = asked.current.device or device
    return default_device() if named is None else as_device(named)
