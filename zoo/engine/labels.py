"""What errors call a module by: where it stands in its spec, and its class."""

from __future__ import annotations

from typing import Final, NoReturn

from torch import nn

from zoo.errors import DeclarationError

_LABEL: Final = "_zoo_label"


def name(module: nn.Module, label: str) -> None:
    """Have errors call a module by where it stands in its spec, as in "layers.0: cell 'lstm'"."""
    vars(module)[_LABEL] = label


def label(module: nn.Module) -> str:
    """What `name` gave it, or nothing, for a module that is built by hand."""
    found: str = vars(module).get(_LABEL, "")
    return found


def wrong(module: nn.Module, what: str) -> NoReturn:
    """Raise the mistake of a module's author. what: begins behind the class's name, as in ".step gives None"."""
    raise DeclarationError(said_by(module, what))


def said_by(module: nn.Module, what: str) -> str:
    """What is said of a module: where it stands, its class, and what. Arguments as for `wrong`."""
    where = label(module)
    return f"{where}: {type(module).__name__}{what}" if where else f"{type(module).__name__}{what}"
