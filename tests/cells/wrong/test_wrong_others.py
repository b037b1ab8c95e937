"""minGRU-pytorch 0.2.1 and ncps 1.0.1: the same, and the same again once their one error is put right."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from oracles.copied import DOUBLE, Oracle, copied, loaded, run
from oracles.of_ncps import ORACLES as OF_NCPS
from torch import Tensor
from torch.utils._pytree import tree_leaves

import zoo
from wrong.measured import reference
from zoo.testing import planted, tiny_spec


def _minimal(kind: str) -> tuple[zoo.Model, Any, Tensor]:
    """Ours, theirs with the same weights, and an input (3, 12, 5)."""
    from minGRU_pytorch.minGRU import minGRU
    from minGRU_pytorch.minLSTM import minLSTM

    model = zoo.build(tiny_spec({"kind": kind, "bias": "none"}, input=5, hidden_size=5), seed=0, dtype=DOUBLE).eval()
    (weight,) = model.parameters()
    if kind == "mingru":
        z, h = weight.detach().chunk(2)
        theirs = loaded(minGRU(5), {"to_hidden_and_gate.weight": torch.cat([h, z])})
    else:
        f, i, h = weight.detach().chunk(3)
        theirs = loaded(minLSTM(5), {"to_hidden_and_f_i_gate.weight": torch.cat([h, f, i])})
    return model, theirs, torch.randn(3, 12, 5, generator=torch.Generator().manual_seed(0), dtype=DOUBLE)


def _in_two(theirs: Any, x: Tensor) -> Tensor:
    head, kept = theirs(x[:, :6], return_next_prev_hidden=True)
    return torch.cat([head, theirs(x[:, 6:], kept)], 1)


def _gradient(y: Tensor, of: Tensor) -> Tensor:
    return torch.autograd.grad(y.sum(), of)[0]


def test_minlstm_in_chunks_gives_what_it_gives_at_once() -> None:
    model, theirs, x = _minimal("minlstm")
    with torch.no_grad():
        whole, _ = model(x)
        torch.testing.assert_close(theirs(x), whole, atol=1e-13, rtol=0)
        head, state = model(x[:, :6])
        tail, _ = model(x[:, 6:], state)
        torch.testing.assert_close(torch.cat([head, tail], 1), whole, atol=1e-13, rtol=0)
        assert (_in_two(theirs, x) - whole).abs().max() > 0.1
        where = "minGRU_pytorch.minLSTM:minLSTM.forward"
        with planted(where, "log_g(prev_hidden)", "prev_hidden.log()"):  # it is a state, which went through g before
            torch.testing.assert_close(_in_two(theirs, x), whole, atol=1e-13, rtol=0)


def test_mingru_has_finite_gradients_from_a_state_of_zeros() -> None:
    model, theirs, x = _minimal("mingru")
    state = model.init_state(3)
    (start,) = (leaf for leaf in tree_leaves(state) if isinstance(leaf, Tensor))
    start.requires_grad_()  # as a learned start has, or the state that another model gave
    ours = _gradient(model(x, state)[0], start)
    z = torch.sigmoid(x @ next(model.parameters()).chunk(2)[0].T)
    torch.testing.assert_close(
        ours.view(3, 5), (1 - z).cumprod(1).sum(1), atol=1e-13, rtol=0
    )  # what is kept, summed over steps

    def of_theirs(start: float) -> Tensor:
        h = torch.full((3, 1, 5), start, dtype=DOUBLE, requires_grad=True)
        return _gradient(theirs(x, h), h)[:, 0]

    assert of_theirs(0.0).isnan().all()
    torch.testing.assert_close(
        of_theirs(1e-30), ours.view(3, 5), atol=1e-12, rtol=0
    )  # it is the logarithm of zero alone


@pytest.mark.parametrize("kind", ["cfc", "ltc"])
def test_the_gaps_of_a_batch_belong_to_its_rows(kind: str) -> None:
    """Theirs reads a gap of each row as one of each neuron, which only fits where there are as many."""
    from ncps.torch import LTC, CfC
    from ncps.wirings import FullyConnected

    first = next(oracle for oracle in OF_NCPS if oracle.kind == kind)

    def layer(hidden: int) -> Any:
        if kind == "ltc":
            return LTC(4, FullyConnected(hidden), implicit_param_constraints=True)
        return CfC(4, hidden, backbone_units=6, backbone_layers=1)

    def theirs(oracle: Oracle, module: Any) -> tuple[Tensor, Tensor, Any]:
        """Ours, which is the reference's, theirs row by row, and theirs with a batch of gaps still to be called."""
        cell, given = copied(oracle)
        y, _ = run(cell, given, oracle)
        torch.testing.assert_close(y, torch.from_numpy(reference(oracle, given)), atol=1e-12, rtol=0)
        own = _cell_weights(oracle, given.p, module)
        module.double().eval().rnn_cell.load_state_dict(own)
        rows = [module(given.x[k : k + 1], timespans=given.dt[k : k + 1])[0] for k in range(len(given.x))]
        return y, torch.cat(rows), lambda: module(given.x, timespans=given.dt)[0]

    with torch.no_grad():
        for hidden in (5, 3):  # 3 rows: five neurons, then as many as there are rows
            oracle = Oracle(kind, "ncps", "", first.theirs, first.options, 4, hidden, dt=True, started=False)
            ours, by_row, at_once = theirs(oracle, layer(hidden))
            torch.testing.assert_close(by_row, ours, atol=1e-12, rtol=0)
            if hidden == 5:
                with pytest.raises(RuntimeError, match="must match the size"):
                    at_once()
            else:
                assert (at_once() - ours).abs().max() > 0.005
            where = {"cfc": "ncps.torch.cfc:CfC.forward", "ltc": "ncps.torch.ltc:LTC.forward"}[kind]
            with planted(where, "timespans[:, t].squeeze()", "timespans[:, t].reshape(-1, 1)"):
                torch.testing.assert_close(at_once(), ours, atol=1e-12, rtol=0)


def _cell_weights(oracle: Oracle, p: Any, module: Any) -> dict[str, Tensor]:
    if oracle.kind == "ltc":
        masks = {k: v for k, v in module.rnn_cell.state_dict().items() if k.endswith("sparsity_mask")}
        return {**p, **masks}
    weights = {"backbone.0.weight": torch.cat([p["weight_ih"], p["weight_hh"]], 1), "backbone.0.bias": p["bias"]}
    for last in ("weight", "bias"):
        heads = zip(("ff1", "ff2", "time_a", "time_b"), p[f"heads.{last}"].chunk(4), strict=True)
        weights |= {f"{name}.{last}": value for name, value in heads}
    return weights
