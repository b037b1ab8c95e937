"""torchrecurrent's cells: those whose equations are their papers', one step at a time.

Where a cell of theirs has two biases that are added and ours has one, theirs are a third and the rest of it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

import torch
from torch import Tensor, nn

from oracles.copied import Copied, Numbers, Oracle, loaded, stepped

Weights = Mapping[str, Tensor]


def module_of(name: str, given: Copied, weights: Weights, **options: Any) -> nn.Module:
    """Their cell with these weights; biases that are not among them are zero."""
    import torchrecurrent

    module: nn.Module = getattr(torchrecurrent, name)(given.x.shape[2], given.hidden, **options)
    biases = {key: torch.zeros_like(value) for key, value in module.state_dict().items() if key.startswith("bias")}
    return loaded(module, {**biases, **weights})


def shared(bias: Tensor) -> dict[str, Tensor]:
    """One bias as the two that make it."""
    return {"bias_ih": bias / 3, "bias_hh": bias - bias / 3}


def joined(blocks: Mapping[str, Tensor], order: str) -> Tensor:
    """Blocks by their letters, in an order of letters; 0 is a block of zeros."""
    zero = torch.zeros_like(next(iter(blocks.values())))
    return torch.cat([zero if letter == "0" else blocks[letter] for letter in order])


def by_letter(given: Copied, name: str, letters: str) -> dict[str, Tensor]:
    return dict(zip(letters, given.blocks(name, len(letters)), strict=True))


def plain(
    name: str, *states: str, choose: Callable[[Any], dict[str, Any]] = lambda options: {}, **renamed: str
) -> Callable[[Copied], Numbers]:
    """A cell with our order of blocks, where `theirs=ours` says which weights are called otherwise."""

    def theirs(given: Copied) -> Numbers:
        weights = {new: given.p[old] for new, old in renamed.items()}
        rest = {key: value for key, value in given.p.items() if key not in renamed.values()}
        if "bias" in rest:
            rest |= shared(rest.pop("bias"))
        return stepped(given, module_of(name, given, {**rest, **weights}, **choose(given.options)), *states)

    return theirs


def janet(given: Copied) -> Numbers:
    weights = {"weight_ih": given.p["weight_ih"], "weight_hh": given.p["weight_hh"], **shared(given.p["bias"])}
    beta = torch.tensor(given.options.beta, dtype=given.x.dtype)
    module = module_of("JANETCell", given, {**weights, "beta": beta})
    return stepped(given, lambda x, c: module(x, (c, c))[1], "c")  # their h is c


def ran(given: Copied) -> Numbers:
    weights = {"weight_ih": joined(by_letter(given, "weight_ih", "ifc"), "cif"), "weight_hh": given.p["weight_hh"]}
    module = module_of("RANCell", given, {**weights, **shared(given.p["bias"])})
    h, c, outputs = torch.tanh(given.start["c"]), given.start["c"], []
    for x in given.x.unbind(1):
        h, c = module(x, (h, c))
        outputs.append(h)
    return torch.stack(outputs, 1), {"c": c}


def mut1(given: Copied) -> Numbers:
    """The bias of the candidate stands outside the tanh of its input, which is where their second one is."""
    bias = by_letter(given, "bias", "zrh")
    weights = {"weight_ih": given.p["weight_ih"], "weight_hh": given.p["weight_hh"]}
    weights |= {"bias_ih": joined(bias, "zr0"), "bias_hh": joined(bias, "0h")}
    return stepped(given, module_of("MUT1Cell", given, weights), "h")


def cfn(given: Copied) -> Numbers:
    weights = {"weight_ih": given.p["weight_ih"], "weight_hh": given.p["weight_hh"]}
    weights["bias_ih"] = joined(by_letter(given, "bias", "fi"), "fi0")
    return stepped(given, module_of("CFNCell", given, weights), "h")


def lightru(given: Copied) -> Numbers:
    weights = {"weight_ih": joined(by_letter(given, "weight_ih", "fh"), "hf"), "weight_hh": given.p["weight_hh"]}
    return stepped(given, module_of("LightRUCell", given, {**weights, "bias_hh": given.p["bias"]}), "h")


def minimalrnn(given: Copied) -> Numbers:
    z, u = given.blocks("bias", 2)
    weights = {"weight_ih": given.p["weight_ih"], "weight_hh": given.p["weight_hh"], "weight_mm": given.p["weight_zh"]}
    return stepped(given, module_of("MinimalRNNCell", given, {**weights, "bias_ih": z, "bias_hh": u}), "h")


def star(given: Copied) -> Numbers:
    weights = {"weight_ih": joined(by_letter(given, "weight_ih", "kz"), "zk"), "weight_hh": given.p["weight_hh"]}
    weights["bias_ih"] = joined(by_letter(given, "bias", "kz"), "zk")
    return stepped(given, module_of("STARCell", given, weights), "h")


def bistable(name: str) -> Callable[[Copied], Numbers]:
    def theirs(given: Copied) -> Numbers:
        weights = {"weight_ih": given.p["weight_ih"], "weight_hh": given.p["weight_hh"]}
        weights["bias_ih"] = joined(by_letter(given, "bias", "ac"), "ac0")
        return stepped(given, module_of(name, given, weights), "h")

    return theirs


def gated_twice(name: str, **renamed: str) -> Callable[[Copied], Numbers]:
    """SGU and DSGU, whose second bias of the first gate stands elsewhere, so that it has none.

    Their hard sigmoid is torch's, v / 6 + 1/2; the paper's is v / 5 + 1/2, which is theirs of 6/5 v.
    """

    def theirs(given: Copied) -> Numbers:
        weights = {}
        for new, old in {"weight_ih": "weight_ih", "weight_hh": "weight_hh", "bias_ih": "bias"}.items():
            g, z = given.blocks(old, 2)
            weights[new] = torch.cat([g, 1.2 * z])
        weights |= {new: given.p[old] for new, old in renamed.items()}
        return stepped(given, module_of(name, given, weights), "h")

    return theirs


def sgrn(given: Copied) -> Numbers:
    return stepped(given, module_of("SGRNCell", given, given.p), "h")


def memory_control(given: Copied) -> Numbers:
    weights = {"weight_ih": given.p["weight_ih"], "weight_hh": given.p["weight_hh"], **shared(given.p["bias"])}
    module = module_of("MCLSTMCell", given, weights)
    v, c, outputs = given.start["v"], given.start["c"], []
    for x in given.x.unbind(1):
        h, (v, c) = module(x, (v, c))
        outputs.append(h)
    return torch.stack(outputs, 1), {"h": outputs[-1], "v": v, "c": c}


def multiplicative(given: Copied) -> Numbers:
    if given.options.weight_norm:
        weights = dict(given.p)
        for name in ("mx", "mh", "ih", "hm"):
            gain = weights.pop(f"gain_{name}")
            weights[f"weight_{name}"] = torch._weight_norm(weights[f"weight_{name}"], gain[:, None], 0)
        given = replace(given, p=weights)
    of_x, of_m, bias = (by_letter(given, name, "hiof") for name in ("weight_ih", "weight_hm", "bias"))
    weights = {
        "weight_ih": joined({"m": given.p["weight_mx"], **of_x}, "mifho"),
        "weight_hh": given.p["weight_mh"],
        "weight_mh": joined(of_m, "ifho"),
        "bias_ih": joined(bias, "0ifho"),
    }
    return stepped(given, module_of("MultiplicativeLSTMCell", given, weights), "h", "c")


def intersection(given: Copied) -> Numbers:
    def turned(name: str) -> Tensor:
        gh, h, gy, y = given.blocks(name, 4)
        return torch.cat([y, h, gy, gh])

    weights = {"weight_ih": turned("weight_ih"), "weight_hh": turned("weight_hh"), **shared(turned("bias"))}
    module, h, outputs = module_of("IntersectionRNNCell", given, weights), given.start["h"], []
    for x in given.x.unbind(1):
        y, h = module(x, h)
        outputs.append(y)
    return torch.stack(outputs, 1), {"y": outputs[-1], "h": h}


def cornn(given: Copied) -> Numbers:
    of_y, of_z = given.blocks("weight_hh", 2)
    weights = {"weight_ih": given.p["weight_ih"], "weight_hh": of_y, "weight_ch": of_z, **shared(given.p["bias"])}
    chosen = {name: getattr(given.options, name) for name in ("dt", "gamma", "epsilon")}
    return stepped(given, module_of("coRNNCell", given, weights, **chosen), "y", "z")


def taugru(given: Copied) -> Numbers:
    weights = {"weight_ih": given.p["weight_ih"], "weight_hh": given.p["weight_hh"], **shared(given.p["bias"])}
    module, past = module_of("tauGRUCell", given, weights), [*given.start["buffer"].unbind(1), given.start["h"]]
    delay, outputs = given.options.delay, []
    for x in given.x.unbind(1):
        past.append(module(x, past[-1], past[-1 - delay]))
        outputs.append(past[-1])
    return torch.stack(outputs, 1), {"h": past[-1], "buffer": torch.stack(past[-1 - delay : -1], 1)}


def trnn(given: Copied) -> Numbers:
    weights = {
        "weight_ih": joined(by_letter(given, "weight_ih", "fz"), "zf"),
        "bias_ih": joined({"f": given.p["bias"]}, "0f"),
    }
    return stepped(given, module_of("TRNNCell", given, weights), "h")


def typed(name: str, state: str) -> Callable[[Copied], Numbers]:
    """The strongly typed cells with two inputs, the earlier of which is zero before the first step."""

    def theirs(given: Copied) -> Numbers:
        now, before = given.p["weight_ih"].chunk(2, 1)
        module = module_of(name, given, {"weight_ih": now, "weight_hh": before, **shared(given.p["bias"])})
        kept, earlier, outputs = given.start[state], torch.zeros_like(given.x[:, 0]), []
        for x in given.x.unbind(1):
            found, rest = module(x, (kept, earlier))
            kept, earlier = (found, rest) if isinstance(rest, Tensor) else rest
            outputs.append(found)
        return torch.stack(outputs, 1), {state: kept}

    return theirs


def ligru(given: Copied) -> Numbers:
    weights = {"weight_ih": given.p["weight_ih"], "weight_hh": given.p["weight_hh"], **shared(given.p["bias"])}
    return stepped(given, module_of("LiGRUCell", given, weights), "h")


def _of(kind: str, name: str, theirs: Callable[[Copied], Numbers], **more: Any) -> Oracle:
    return Oracle(kind, "torchrecurrent", f"torchrecurrent.{name}", theirs, **more)


def _named(kind: str, name: str, *states: str, more: Mapping[str, Any] | None = None, **keys: Any) -> Oracle:
    return _of(kind, name, plain(name, *states, **keys), **(more or {}))


ORACLES = (
    _named("mgu", "MGUCell", "h"),
    _of("janet", "JANETCell", janet, options={"beta": 0.75}),
    _named("indrnn", "IndRNNCell", "h", vector_u="weight_hh", choose=lambda o: {"nonlinearity": o.nonlinearity}),
    _of("ligru", "LiGRUCell, which has no norm", ligru, options={"norm": "none"}),
    _named("atr", "ATRCell", "h"),
    _of("ran", "RANCell", ran),
    _of("sgrn", "SGRNCell", sgrn, options={"bias": "two"}),
    _of("br", "BRCell", bistable("BRCell")),
    _of("nbr", "NBRCell", bistable("NBRCell")),
    _named("fastrnn", "FastRNNCell", "h"),
    _of(
        "fastgrnn",
        "FastGRNNCell whose `nonlinearity`, which it gives to its gate, is sigmoid",
        plain("FastGRNNCell", "h", choose=lambda o: {"nonlinearity": "sigmoid"}),
    ),
    _of("cfn", "CFNCell", cfn),
    _of("lightru", "LightRUCell", lightru),
    _of("minimalrnn", "MinimalRNNCell", minimalrnn),
    _of("star", "STARCell", star),
    _of("mut1", "MUT1Cell", mut1),
    _named("mut2", "MUT2Cell", "h"),
    _named("mut3", "MUT3Cell", "h"),
    _of("sgu", "SGUCell, its gate's sum times 6/5", gated_twice("SGUCell")),
    _of("dsgu", "DSGUCell, its gate's sum times 6/5", gated_twice("DSGUCell", weight_ho="weight_go")),
    _named("ugrnn", "UGRNNCell", "h"),
    _named("miru1", "MiRU1Cell", "h", choose=lambda o: {"update_coefficient": o.lam}, more={"options": {"lam": 0.3}}),
    _named(
        "miru2",
        "MiRU2Cell",
        "h",
        choose=lambda o: {"update_coefficient": o.lam, "reset_coefficient": o.beta},
        more={"options": {"lam": 0.3, "beta": 0.75}},
    ),
    _of("trnn", "TRNNCell", trnn),
    _of("tgru", "TGRUCell", typed("TGRUCell", "h")),
    _of("tlstm", "TLSTMCell", typed("TLSTMCell", "c")),
    _named("lstm", "PeepholeLSTMCell", "h", "c", weight_ph="weight_ch", more={"options": {"peephole": True}}),
    _named("lstm-1997", "OriginalLSTMCell", "h", "c", more={"options": {"squashing": "tanh"}}),
    _named(
        "residual-lstm", "ResLSTMCell", "h", "c", weight_ph="weight_ch", weight_proj="weight_p", weight_res="weight_res"
    ),
    _of("multiplicative-lstm", "MultiplicativeLSTMCell", multiplicative),
    _of(
        "multiplicative-lstm",
        "MultiplicativeLSTMCell with torch's weight normalisation",
        multiplicative,
        options={"weight_norm": True},
    ),
    _named("wmc-lstm", "WMCLSTMCell", "h", "c", weight_mh="weight_ch"),
    _of("memory-control-lstm", "MCLSTMCell", memory_control),
    _of("intersection", "IntersectionRNNCell", intersection, input=5),
    _named(
        "antisymmetric",
        "AntisymmetricRNNCell",
        "h",
        choose=lambda o: {"epsilon": o.epsilon, "gamma": o.gamma},
        more={"options": {"epsilon": 0.5, "gamma": 0.25}},
    ),
    _of("cornn", "coRNNCell", cornn, options={"dt": 0.4}),
    _named(
        "unicornn",
        "UnICORNNCell",
        "y",
        "z",
        weight_ch="c",
        choose=lambda o: {"dt": o.dt, "alpha": o.alpha},
        more={"options": {"dt": 0.4, "alpha": 1.5}},
    ),
    _of("taugru", "tauGRUCell", taugru, options={"delay": 3}),
)
