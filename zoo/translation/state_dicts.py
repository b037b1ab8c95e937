"""Find recurrent modules of torch among the names of a state dict, and see that each is whole. No torch."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from zoo.errors import ZooError

_LEAF: Final = re.compile(r"(?:(?P<prefix>.*)\.)?(?P<leaf>[^.]+)", re.DOTALL)
_MODULE: Final = re.compile(
    r"(?P<what>weight_ih|weight_hh|weight_hr|bias_ih|bias_hh)_l(?P<layer>0|[1-9]\d{0,3})(?P<reverse>_reverse)?"
)
_CELL: Final = ("weight_ih", "weight_hh", "bias_ih", "bias_hh")
_OURS: Final = re.compile(r"(?:^|.*\.)layers\.\d+\.(?:cell|reverse_cell)")
GATES: Final[Mapping[int, str]] = {1: "RNN", 3: "GRU", 4: "LSTM"}
LAYERS: Final = 1000
SHOWN: Final = 6
_PARAMETRISED: Final = "holds parametrised weights: call torch.nn.utils.parametrize.remove_parametrizations, then save"


@dataclass(frozen=True, slots=True)
class Chosen:
    """One module. Attributes: names: As torch.nn names its parameters, by the name in the file.

    Attributes:
        notes: What is left.
    """

    names: Mapping[str, str]
    notes: tuple[str, ...]


def choose(names: Sequence[str], prefix: str | None = None) -> Chosen:
    """The one recurrent module in a state dict, or the one that is asked for.

    Args:
        names: Of all tensors, dotted.
        prefix: What stands before the module's own names, or the end of that.

    Raises:
        ZooError: There is none, or there are several and none is asked for; says which there are.
    """
    groups: dict[str, list[str]] = {}
    for name in names:
        match = _LEAF.fullmatch(name)
        if match:
            groups.setdefault(match["prefix"] or "", []).append(match["leaf"])
    found = [group for group, leaves in groups.items() if _is_module(leaves) or _is_cell(leaves)]
    ours = [group for group in groups if _OURS.fullmatch(group)]
    if ours and set(found) <= set(ours):
        raise ZooError(
            "is not the state dict of a torch.nn.RNN, LSTM or GRU alone, but that of a zoo model: give its spec, "
            "zoo convert SPEC --weights FILE"
        )
    if not found:
        raise ZooError(_nothing(names))
    group = _one(found, prefix)
    own = {f"{group}.{leaf}" if group else leaf: leaf for leaf in groups[group]}
    if not _is_module(groups[group]):
        own = {name: f"{leaf}_l0" for name, leaf in own.items()}
    if len(own) > 10 * LAYERS:
        raise ZooError(f"has {len(own):,} weights at {group or 'the top'}: at most {LAYERS} layers are read")
    if any(name.startswith(f"{group}.parametrizations." if group else "parametrizations.") for name in names):
        raise ZooError(_PARAMETRISED)
    left = [name for name in names if name not in own]
    notes = (f"converted: {group or 'the whole file'}; left out: {listed(left)}",) if left else ()
    return Chosen(own, notes)


def listed(names: Sequence[str]) -> str:
    """The first few names, in one line."""
    shown = [name if len(name) <= 80 else f"{name[:77]}..." for name in names[:SHOWN]]
    rest = len(names) - len(shown)
    return ", ".join(shown) + (f" and {rest:,} more" if rest else "") if names else "nothing"


def options(shapes: Mapping[str, tuple[int, ...]]) -> dict[str, Any]:
    """What the torch.nn module with these parameters is made with, as far as the shapes tell.

    Args:
        shapes: Of each parameter, by its name in the module.

    Returns:
        `kind` (RNN, GRU or LSTM), and its arguments by name.

    Raises:
        ZooError: A parameter is missing, is one too many, or has a shape that no such module has.
    """
    odd = sorted(name for name in shapes if not _MODULE.fullmatch(name))
    if odd:
        raise ZooError(f"has {listed(odd)} beside the weights of a recurrent module: torch.nn has no such parameter")
    for name in ("weight_ih_l0", "weight_hh_l0"):
        if name not in shapes:
            raise ZooError(f"{name} is missing")
        if len(shapes[name]) != 2 or 0 in shapes[name]:
            raise ZooError(f"{name} has the shape {shapes[name]}, not (gates * hidden_size, width)")
    rows, width = shapes["weight_ih_l0"]
    projected = "weight_hr_l0" in shapes
    hidden = (shapes["weight_hr_l0"] + (0, 0))[1] if projected else shapes["weight_hh_l0"][1]
    kind = GATES.get(rows // hidden) if hidden and rows % hidden == 0 else None
    if kind is None or (projected and kind != "LSTM"):
        raise ZooError(f"weight_ih_l0 has {rows} rows for {hidden} units: an RNN has 1, a GRU 3, an LSTM 4 for each")
    layers = 1 + max(int(match["layer"]) for name in shapes if (match := _MODULE.fullmatch(name)))
    if layers > LAYERS:
        raise ZooError(f"names layer {layers - 1}: at most {LAYERS} layers are read")
    made: dict[str, Any] = {
        "kind": kind,
        "input_size": width,
        "hidden_size": hidden,
        "num_layers": layers,
        "bias": "bias_ih_l0" in shapes,
        "bidirectional": "weight_ih_l0_reverse" in shapes,
    }
    if projected:
        made["proj_size"] = shapes["weight_hr_l0"][0]
    _same(shapes, _expected(made))
    return made


def _expected(made: Mapping[str, Any]) -> dict[str, tuple[int, ...]]:
    hidden = made["hidden_size"]
    rows = hidden * {kind: gates for gates, kind in GATES.items()}[made["kind"]]
    out = made.get("proj_size", hidden)
    suffixes = ("", "_reverse") if made["bidirectional"] else ("",)
    found: dict[str, tuple[int, ...]] = {}
    for layer in range(made["num_layers"]):
        width = made["input_size"] if layer == 0 else out * len(suffixes)
        for suffix in suffixes:
            end = f"_l{layer}{suffix}"
            found |= {f"weight_ih{end}": (rows, width), f"weight_hh{end}": (rows, out)}
            if made["bias"]:
                found |= {f"bias_ih{end}": (rows,), f"bias_hh{end}": (rows,)}
            if "proj_size" in made:
                found[f"weight_hr{end}"] = (out, hidden)
    return found


def _same(shapes: Mapping[str, tuple[int, ...]], expected: Mapping[str, tuple[int, ...]]) -> None:
    missing, more = (sorted(one.keys() - other.keys()) for one, other in ((expected, shapes), (shapes, expected)))
    if missing or more:
        said = [f"{listed(some)} {what}" for some, what in ((missing, "is missing"), (more, "is one too many")) if some]
        raise ZooError(" and ".join(said))
    for name, shape in expected.items():
        if tuple(shapes[name]) != shape:
            raise ZooError(f"{name} has the shape {tuple(shapes[name])}, not {shape}")


def _is_module(leaves: Sequence[str]) -> bool:
    return any(leaf in ("weight_ih_l0", "weight_hh_l0") for leaf in leaves)


def _is_cell(leaves: Sequence[str]) -> bool:
    """A torch.nn.LSTMCell, GRUCell or RNNCell: one layer. Other cells have more than these."""
    return {"weight_ih", "weight_hh"} <= set(leaves) <= set(_CELL)


def _one(found: Sequence[str], prefix: str | None) -> str:
    if prefix is None:
        if len(found) == 1:
            return found[0]
        named = listed([group or "'' (at the top)" for group in found])
        raise ZooError(f"holds {len(found)} recurrent modules: {named}; choose one with --prefix")
    wanted = prefix.strip(".")
    matches = [group for group in found if group == wanted] or [
        group for group in found if group.endswith(f".{wanted}")
    ]
    if len(matches) != 1:
        few = "no recurrent module" if not matches else "several recurrent modules"
        named = listed([group or "'' (at the top)" for group in matches or found])
        raise ZooError(
            f"has {few} at the prefix {prefix!r}: there {'is' if len(matches or found) == 1 else 'are'} {named}"
        )
    return matches[0]


def _nothing(names: Sequence[str]) -> str:
    if any(".parametrizations.weight_" in f".{name}" for name in names):
        return _PARAMETRISED
    return f"holds no torch.nn.RNN, LSTM or GRU (no weight_ih_l0), but {listed(names)}"
