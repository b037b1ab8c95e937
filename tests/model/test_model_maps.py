"""Maps through a whole model: heads and linear layers read all of their numbers, what cannot read them says so."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from each import each

import zoo

MAPS = {"kind": "maps", "channels": 2, "height": 3, "width": 4}
LENGTHS = [5, 2, 4]


def spec(**keys: Any) -> dict[str, Any]:
    return {"schema": 1, "name": "t", "input": MAPS, "cell": "convlstm", "hidden_size": 2, **keys}


def head(**keys: Any) -> dict[str, Any]:
    return {"kind": "linear", "size": 3, **keys}


def both(**keys: Any) -> tuple[zoo.Model, torch.Tensor, torch.Tensor]:
    """A model with a head, an input, and what the same layers give without it: (B, T, 2, 3, 4)."""
    model = zoo.build(spec(**keys), seed=0, dtype=torch.float64).eval()
    bare = zoo.build(spec(), dtype=torch.float64).eval()
    bare.load_state_dict({n: v for n, v in model.state_dict().items() if n.startswith("layers.0.")})
    x = torch.randn(3, 5, 2, 3, 4, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    with torch.no_grad():
        return model, x, bare(x, lengths=LENGTHS)[0]


def pooled(name: str, y: torch.Tensor) -> torch.Tensor:
    rows = [y[row, :length] for row, length in enumerate(LENGTHS)]
    return torch.stack(
        {"last": [r[-1] for r in rows], "mean": [r.mean(0) for r in rows], "max": [r.amax(0) for r in rows]}[name]
    )


@pytest.mark.parametrize("pool", ["last", "mean", "max"])
def test_a_pool_is_over_time_and_a_head_over_all_numbers(pool: str) -> None:
    model, x, y = both(head=head(pool=pool))
    linear = model.head.linear
    assert linear.weight.shape == (3, 2 * 3 * 4)
    expected = pooled(pool, y).flatten(1) @ linear.weight.T + linear.bias
    torch.testing.assert_close(model(x, lengths=LENGTHS), expected, rtol=0, atol=1e-12)


def test_heads_without_a_pool_give_an_output_for_each_step() -> None:
    for one in (head(), {"kind": "mlp", "size": 3, "hidden": [4]}):
        model, x, y = both(head=one)
        output = model(x)
        assert output.shape == (3, 5, 3)
        alone = model.head(y[0, 0])
        torch.testing.assert_close(output[0, 0], alone, rtol=0, atol=1e-12)


def test_a_linear_layer_turns_maps_into_features_for_a_dense_cell() -> None:
    layers = [{}, {"kind": "linear", "size": 5}, {"cell": "gru", "hidden_size": 6}]
    model, x, y = both(layers=layers)
    linear = model.layers[1].linear
    seen: list[torch.Tensor] = []
    model.layers[2].register_forward_pre_hook(lambda module, given: seen.append(given[0]))
    assert model(x)[0].shape == (3, 5, 6)
    torch.testing.assert_close(seen[0][0, 1], linear(y[0, 1].flatten()), rtol=0, atol=1e-12)
    assert zoo.describe(zoo.load(spec(layers=layers))).parameters == sum(p.numel() for p in model.parameters())


@pytest.mark.parametrize(
    "keys",
    [
        {"head": head(pool="mean"), "bidirectional": True},
        {"head": {"kind": "mlp", "size": 3, "hidden": [4], "pool": "last"}, "residual": True},
        {"layers": [{}, {"kind": "linear", "size": 5}, {"cell": "gru", "hidden_size": 6}], "head": head(pool="max")},
    ],
    ids=lambda keys: "+".join(keys),
)
def test_the_contract_holds(keys: dict[str, Any]) -> None:
    report = zoo.check(spec(**keys))
    assert report.ok, str(report)


@each(
    ("keys", "place"),
    [
        ({"norm": "layer"}, "norm"),
        ({"norm": "rms"}, "norm"),
        ({"norm": {"kind": "batch"}}, "norm"),
        ({"layers": [{"output_projection": 5}]}, "output_projection"),
        ({"layers": [{}, {"cell": "gru"}]}, "cell"),
        ({"head": head(pool="attention")}, "pool"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_what_reads_features_alone_says_so_at_its_place(keys: dict[str, Any], place: str) -> None:
    with pytest.raises(
        zoo.SpecError, match=r"needs flat features at each step, not maps of shape \(2, 3, 4\)"
    ) as caught:
        zoo.load(spec(**keys))
    (one,) = caught.value.diagnostics
    assert place in (one.text or "")


def test_a_residual_of_maps_names_the_width_that_would_fit() -> None:
    with pytest.raises(zoo.SpecError, match=r"make them equal, for example with hidden_size: 2"):
        zoo.load(spec(hidden_size=3, residual=True))
