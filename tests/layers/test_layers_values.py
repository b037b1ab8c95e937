"""Layer kinds against torch's own modules and against loops written out, on ragged batches."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F

import zoo
from zoo.layers.convolutions import planes

LENGTHS = (11, 4, 7)


def stack(*layers: Mapping[str, Any], input: Any = 6) -> Any:
    """A model of these layers alone, in float64, its parameters random."""
    spec = {"schema": 1, "name": "a", "input": input, "layers": list(layers)}
    model = zoo.build(spec, seed=0, dtype=torch.float64).eval()
    with torch.no_grad():
        for index, tensor in enumerate((*model.parameters(), *model.buffers())):
            if tensor.is_floating_point() and tensor.numel():
                drawn = torch.rand(tensor.shape, generator=torch.Generator().manual_seed(index))
                tensor.copy_(drawn - 0.3 * tensor.requires_grad)  # a running variance is positive
    return model


def ragged(model: Any, shape: tuple[int, ...], expected: Callable[[Tensor], Tensor]) -> None:
    """Each sequence of a padded batch, with NaN in its padding, is what `expected` makes of it alone."""
    x = torch.randn(3, max(LENGTHS), *shape, dtype=torch.float64, generator=torch.Generator().manual_seed(1))
    padded = x.clone()
    for row, length in enumerate(LENGTHS):
        padded[row, length:] = torch.nan
    y, _ = model(padded, lengths=LENGTHS)
    ends = model.output_lengths(torch.tensor(LENGTHS)).tolist()
    for row, length in enumerate(LENGTHS):
        alone = expected(x[row, :length])
        assert alone.shape[0] == ends[row]
        torch.testing.assert_close(y[row, : ends[row]], alone, atol=1e-12, rtol=0)
        assert not y[row, ends[row] :].any()


def test_a_layer_norm_without_a_shift_is_torchs() -> None:
    model = stack({"kind": "norm", "norm": {"kind": "layer", "bias": False, "eps": 0.1}})
    ((name, weight),) = model.named_parameters()
    assert name == "layers.0.norm.weight"
    assert zoo.describe(model.spec).parameters == 6
    ragged(model, (6,), lambda x: F.layer_norm(x, (6,), weight, None, 0.1).detach())


@pytest.mark.parametrize(
    ("options", "left", "right"),
    [
        ({"kernel_size": 3}, 1, 1),
        ({"kernel_size": 5, "stride": 3}, 2, 2),
        ({"kernel_size": 3, "dilation": 2, "padding": "causal"}, 4, 0),
        ({"kernel_size": 4, "padding": "valid", "stride": 2, "bias": False}, 0, 0),
        ({"kernel_size": 4, "padding": [3, 1], "groups": 2}, 3, 1),
    ],
)
def test_conv1d_is_torchs(options: dict[str, Any], left: int, right: int) -> None:
    model = stack({"kind": "conv1d", "channels": 8, "activation": "elu", **options})
    layer = model.layers[0].conv
    own = nn.Conv1d(
        6,
        8,
        options["kernel_size"],
        stride=options.get("stride", 1),
        dilation=options.get("dilation", 1),
        groups=options.get("groups", 1),
        bias=options.get("bias", True),
    ).double()
    own.load_state_dict(layer.state_dict())
    ragged(model, (6,), lambda x: F.elu(own(F.pad(x.T.unsqueeze(0), (left, right)))[0].T))


def test_conv2d_over_time_and_features_is_torchs() -> None:
    options = {
        "axes": ["time", "features"],
        "kernel_size": [5, 3],
        "stride": [2, 1],
        "padding": [2, 0],
        "norm": "batch",
    }
    model = stack({"kind": "conv2d", "channels": 4, "activation": "relu", **options})
    own = nn.Sequential(nn.Conv2d(1, 4, (5, 3), stride=(2, 1), padding=(2, 0)), nn.BatchNorm2d(4)).double().eval()
    own[0].load_state_dict(model.layers[0].conv.state_dict())
    own[1].load_state_dict(model.layers[0].norm.state_dict())
    ragged(model, (6,), lambda x: torch.relu(own(x[None, None]))[0].transpose(0, 1))


def test_the_norm_behind_conv2d_counts_channels_over_all_valid_places_of_the_batch() -> None:
    options = {"axes": ["time", "features"], "kernel_size": [3, 3], "stride": [2, 1], "norm": "batch"}
    model = stack({"kind": "conv2d", "channels": 4, **options}).train()
    x = torch.randn(3, 11, 6, dtype=torch.float64, generator=torch.Generator().manual_seed(1))
    y, _ = model(x, lengths=LENGTHS)
    layer = model.layers[0]
    conv = partial(F.conv2d, weight=layer.conv.weight, bias=layer.conv.bias, stride=(2, 1), padding=(1, 1))
    rows = [conv(x[row, None, None, :end])[0] for row, end in enumerate(LENGTHS)]  # (C, T', F) each
    flat = torch.cat([row.flatten(1) for row in rows], 1)  # (C, places)
    mean, var = flat.mean(1), flat.var(1, correction=0)
    scale = layer.norm.weight / torch.sqrt(var + 1e-5)
    expected = (rows[1] - mean[:, None, None]) * scale[:, None, None] + layer.norm.bias[:, None, None]
    torch.testing.assert_close(y[1, :2], expected.transpose(0, 1), atol=1e-12, rtol=0)


def test_conv2d_mirrors_each_sequence_at_its_own_end_as_torch_does() -> None:
    options = {"axes": ["time", "features"], "kernel_size": [5, 3], "stride": [2, 1], "beyond": "mirror"}
    model = stack({"kind": "conv2d", "channels": 4, **options})
    own = nn.Conv2d(1, 4, (5, 3), stride=(2, 1)).double()
    own.load_state_dict(model.layers[0].conv.state_dict())

    def own_of(x: Tensor) -> Tensor:
        return own(x[None, None])[0].transpose(0, 1)

    ragged(model, (6,), lambda x: own_of(F.pad(x[None], (1, 1, 2, 2), mode="reflect")[0]))
    x = torch.randn(1, 2, 6, dtype=torch.float64)
    for steps, places in ((1, [0] * 5), (2, [0, 1, 0, 1, 0, 0])):  # too few to mirror, which torch refuses
        short = F.pad(x[:, places], (1, 1), mode="reflect")[0]
        torch.testing.assert_close(model(x[:, :steps])[0][0], own_of(short), atol=1e-12, rtol=0)
        padded = torch.cat([x[:, :steps], torch.full((1, 3, 6), torch.nan, dtype=torch.float64)], 1)
        torch.testing.assert_close(model(padded, lengths=[steps])[0][0, :1], own_of(short)[:1], atol=1e-12, rtol=0)


def test_conv2d_mirrors_maps_as_torch_does() -> None:
    options = {"axes": ["height", "width"], "kernel_size": [3, 5], "beyond": "mirror"}
    model = stack(
        {"kind": "conv2d", "channels": 3, **options}, input={"kind": "maps", "channels": 2, "height": 4, "width": 6}
    )
    own = nn.Conv2d(2, 3, (3, 5)).double()
    own.load_state_dict(model.layers[0].conv.state_dict())
    ragged(model, (2, 4, 6), lambda x: own(F.pad(x, (2, 2, 1, 1), mode="reflect")))


def test_a_norm_of_whole_maps_is_torchs() -> None:
    model = stack(
        {"kind": "conv2d", "channels": 3, "axes": ["time", "features"], "kernel_size": [1, 3]},
        {"kind": "norm", "norm": "layer", "whole": True},
    )
    conv, norm = model.layers[0].conv, model.layers[1].norm
    own = nn.LayerNorm((3, 6)).double()
    own.load_state_dict({name: value.view(3, 6) for name, value in norm.state_dict().items()})
    ragged(model, (6,), lambda x: own(conv(x[None, None])[0].transpose(0, 1)))


@pytest.mark.parametrize("variational", [False, True])
def test_dropout_of_channels_takes_whole_ones(variational: bool) -> None:
    options = {"dropout": 0.5, "channels": True, "variational": variational}
    maps = {"kind": "maps", "channels": 40, "height": 2, "width": 3}
    model = zoo.build({"input": maps, "layers": [{"kind": "dropout", **options}]}).train()
    torch.manual_seed(0)
    y, _ = model(torch.ones(2, 5, 40, 2, 3))
    assert set(y.unique().tolist()) == {0.0, 2.0}
    assert torch.equal(y, y[..., :1, :1].expand_as(y))
    steps = (y != y[:, :1]).flatten(2).any(2)  # which steps have another mask than the first
    assert steps[:, 1:].all() if not variational else not steps.any()
    assert not torch.equal(y[0], y[1])
    assert torch.equal(model.eval()(torch.ones(1, 2, 40, 2, 3))[0], torch.ones(1, 2, 40, 2, 3))


def test_conv2d_and_pools_over_maps_are_torchs() -> None:
    model = stack(
        {"kind": "conv2d", "channels": 3, "axes": ["height", "width"], "kernel_size": [3, 5]},
        {"kind": "max_pool", "axes": ["height", "width"], "size": [2, 2], "stride": [2, 1], "padding": [0, 1]},
        {"kind": "avg_pool", "axes": ["height"], "size": [2]},
        {"kind": "flatten"},
        input={"kind": "maps", "channels": 2, "height": 4, "width": 6},
    )
    own = nn.Conv2d(2, 3, (3, 5), padding=(1, 2)).double()
    own.load_state_dict(model.layers[0].conv.state_dict())

    def expected(x: Tensor) -> Tensor:
        pooled = F.max_pool2d(own(x), (2, 2), (2, 1), (0, 1))
        return F.avg_pool2d(pooled, (2, 1)).flatten(1)

    ragged(model, (2, 4, 6), expected)


@pytest.mark.parametrize("kind", ["max_pool", "avg_pool"])
def test_pools_over_time_leave_padding_out(kind: str) -> None:
    model = stack({"kind": kind, "axes": ["time"], "size": [3], "stride": [2], "padding": [1]})

    def expected(x: Tensor) -> Tensor:
        steps = []
        for begin in range(-1, len(x) + 1 - 3 + 1, 2):
            window = x[max(begin, 0) : begin + 3]
            steps.append(window.amax(0) if kind == "max_pool" else window.mean(0))
        return torch.stack(steps)

    ragged(model, (6,), expected)


def test_stacked_frames_drop_the_tail_or_fill_it_up() -> None:
    ragged(stack({"kind": "stack_frames", "count": 3}), (6,), lambda x: x[: len(x) // 3 * 3].reshape(-1, 18))
    filled = stack({"kind": "stack_frames", "count": 3, "tail": "pad"})
    ragged(filled, (6,), lambda x: F.pad(x, (0, 0, 0, -len(x) % 3)).reshape(-1, 18))


def test_lookahead_sums_later_steps_of_each_feature() -> None:
    model = stack({"kind": "lookahead", "context": 3})
    weight = model.layers[0].weight

    def expected(x: Tensor) -> Tensor:
        longer = torch.cat([x, x.new_zeros(2, 6)])
        return torch.stack([sum(weight[:, j] * longer[t + j] for j in range(3)) for t in range(len(x))])

    ragged(model, (6,), expected)


def test_highway_layers_are_the_papers() -> None:
    model = stack({"kind": "highway", "layers": 2, "activation": "tanh"})
    layer = model.layers[0]

    def expected(x: Tensor) -> Tensor:
        for transform, gate in zip(layer.transforms, layer.gates, strict=True):
            t = torch.sigmoid(x @ gate.weight.T + gate.bias)
            x = t * torch.tanh(x @ transform.weight.T + transform.bias) + (1 - t) * x
        return x

    ragged(model, (6,), expected)
    fresh: Any = zoo.build(
        {"schema": 1, "name": "a", "input": 6, "layers": [{"kind": "highway", "bias": -3.0}]}, seed=0
    )
    assert fresh.layers[0].gates[0].bias.tolist() == [-3.0] * 6


def test_channel_mixes() -> None:
    mlp = stack({"kind": "mlp", "hidden": 9, "activation": "relu"})
    into, out = mlp.layers[0].into, mlp.layers[0].out
    ragged(mlp, (6,), lambda x: torch.relu(x @ into.weight.T + into.bias) @ out.weight.T + out.bias)
    gated = stack({"kind": "gated_mlp", "hidden": 9})
    one = gated.layers[0]
    ragged(gated, (6,), lambda x: (F.silu(x @ one.gate.weight.T) * (x @ one.into.weight.T)) @ one.out.weight.T)
    mix = stack({"kind": "channel_mix", "hidden": 9})
    layer = mix.layers[0]

    def expected(x: Tensor) -> Tensor:
        before, steps = torch.zeros(6, dtype=x.dtype), []
        for now in x:
            k = layer.key.weight @ (layer.mix_k * now + (1 - layer.mix_k) * before)
            r = layer.receptance.weight @ (layer.mix_r * now + (1 - layer.mix_r) * before)
            steps.append(torch.sigmoid(r) * (layer.value.weight @ torch.relu(k) ** 2))
            before = now
        return torch.stack(steps)

    ragged(mix, (6,), expected)


@pytest.mark.parametrize("position", ["before", "after", "sum"])
def test_the_norm_of_a_block_stands_where_it_says(position: str) -> None:
    model = stack(
        {"kind": "block", "layers": [{"kind": "linear", "size": 6}], "norm": {"kind": "layer", "position": position}}
    )
    block = model.layers[0]

    def norm(x: Tensor) -> Tensor:
        return F.layer_norm(x, (6,), block.norm.weight, block.norm.bias)

    def inner(x: Tensor) -> Tensor:
        y: Tensor = block.layers[0].linear(x)
        return y

    expected = {
        "before": lambda x: x + inner(norm(x)),
        "after": lambda x: x + norm(inner(x)),
        "sum": lambda x: norm(x + inner(x)),
    }
    ragged(model, (6,), expected[position])


def test_activations_and_norms_as_layers() -> None:
    ragged(stack({"kind": "activation", "function": "relu", "max_value": 0.5}), (6,), lambda x: x.clamp(0, 0.5))
    functions = {
        "gelu_tanh": lambda x: 0.5 * x * (1 + torch.tanh(math.sqrt(2 / math.pi) * (x + 0.044715 * x**3))),
        "leaky_relu": F.leaky_relu,
        "selu": lambda x: 1.0507009873554805 * torch.where(x > 0, x, 1.6732632423543772 * torch.expm1(x)),
        "softplus": F.softplus,
        "hard_sigmoid": lambda x: (x / 6 + 0.5).clamp(0, 1),
    }
    for name, function in functions.items():
        ragged(stack({"kind": "activation", "function": name}), (6,), function)
    model = stack({"kind": "norm", "norm": "rms"})
    weight = model.layers[0].norm.weight
    ragged(model, (6,), lambda x: x * torch.rsqrt(x.square().mean(1, keepdim=True) + 1e-5) * weight)


def test_an_activation_is_bounded_before_its_factor() -> None:
    model = stack({"kind": "activation", "function": "relu", "max_value": 0.5, "factor": 4.0})
    ragged(model, (6,), lambda x: 4.0 * x.clamp(0.0, 0.5))


def test_a_scale_and_a_shift_are_shared_by_groups() -> None:
    model = stack({"kind": "affine", "groups": 2})
    scale, shift = model.layers[0].scale, model.layers[0].shift
    assert scale.shape == shift.shape == (3,)
    ragged(model, (6,), lambda x: torch.cat([half * scale + shift for half in (x[:, :3], x[:, 3:])], 1))


def test_a_scale_may_stand_without_a_shift() -> None:
    model = stack({"kind": "affine", "bias": False})
    layer = model.layers[0]
    assert [*layer.state_dict()] == ["scale"]
    ragged(model, (6,), lambda x: x * layer.scale)


def test_a_scale_and_a_shift_begin_as_nothing() -> None:
    model = zoo.build({"input": 6, "layers": [{"kind": "affine"}], "init": "orthogonal"}, seed=0)
    x = torch.randn(2, 3, 6)
    assert torch.equal(model(x)[0], x)


@pytest.mark.parametrize("index", [0, 2])
def test_a_chunk_is_one_of_equal_parts(index: int) -> None:
    model = stack({"kind": "chunk", "parts": 3, "index": index})
    ragged(model, (6,), lambda x: x[:, 2 * index : 2 * index + 2])


def test_a_chunk_that_is_none_is_refused() -> None:
    with pytest.raises(zoo.SpecError, match="parts must divide the width, and 4 does not divide 6"):
        stack({"kind": "chunk", "parts": 4, "index": 0})
    with pytest.raises(zoo.SpecError, match="index must be one of the 3 parts, 0 to 2, not 3"):
        stack({"kind": "chunk", "parts": 3, "index": 3})


def test_a_channel_mix_without_a_receptance_is_that_of_rwkv7() -> None:
    model = stack({"kind": "channel_mix", "hidden": 9, "receptance": False})
    layer = model.layers[0]
    assert zoo.describe(model.spec).parameters == 2 * 6 * 9 + 6 == sum(one.numel() for one in model.parameters())

    def expected(x: Tensor) -> Tensor:
        before = torch.cat([torch.zeros_like(x[:1]), x[:-1]])
        mixed = x + (before - x) * (1 - layer.mix_k)
        return (torch.relu(mixed @ layer.key.weight.T).square() @ layer.value.weight.T).detach()

    ragged(model, (6,), expected)


def test_a_magnitude_is_that_of_complex_numbers_with_a_gradient_at_zero() -> None:
    model = stack({"kind": "magnitude"}, input=8)
    ragged(model, (8,), lambda x: torch.complex(x[:, :4], x[:, 4:]).abs())
    zeros = torch.zeros(1, 2, 8, dtype=torch.float64, requires_grad=True)
    model(zeros)[0].sum().backward()
    assert torch.equal(zeros.grad, torch.zeros_like(zeros))


def test_a_magnitude_needs_as_many_imaginary_parts_and_groups_a_multiple() -> None:
    with pytest.raises(zoo.ZooError, match="7 is an odd number"):
        zoo.build({"input": 7, "layers": [{"kind": "magnitude"}]})
    with pytest.raises(zoo.ZooError, match="4 does not divide 6"):
        zoo.build({"input": 6, "layers": [{"kind": "affine", "groups": 4}]})


def test_a_window_of_one_step_lets_a_model_run_step_by_step() -> None:
    layers = [
        {"kind": "conv2d", "channels": 3, "axes": ["time", "features"], "kernel_size": [1, 3]},
        {"kind": "max_pool", "axes": ["time", "features"], "size": [1, 2]},
        {"kind": "flatten"},
        {"cell": "gru", "hidden_size": 4},
    ]
    model = zoo.build({"input": 6, "layers": layers}, seed=0).eval()
    x, state = torch.randn(2, 5, 6), None
    for t in range(5):
        y, state = model.step(x[:, t], state)
    torch.testing.assert_close(y, model(x)[0][:, -1], atol=1e-6, rtol=0)
    reset = torch.zeros(2, 5, dtype=torch.bool)
    reset[:, 3] = True
    torch.testing.assert_close(model(x, reset=reset)[0][:, 3:], model(x[:, 3:])[0], atol=1e-6, rtol=0)


def test_a_periodic_layer_is_a_loop_over_each_hour_of_the_days() -> None:
    """torch.nn.GRUCell from each step to the one a period later; what is left over stands before the first period."""
    model = stack({"kind": "periodic", "period": 3, "layers": [{"cell": "gru", "hidden_size": 4}]})
    cell = nn.GRUCell(6, 4, dtype=torch.float64)
    cell.load_state_dict(dict(model.layers[0].layers[0].cell.named_parameters()))

    def expected(x: Tensor) -> Tensor:
        h = {hour: x.new_zeros(4) for hour in range(3)}
        days = []
        for day in range(len(x) // 3):
            for hour in range(3):
                h[hour] = cell(x[len(x) % 3 + 3 * day + hour], h[hour])
            days.append(torch.cat([h[hour] for hour in range(3)]))
        return torch.stack(days)

    ragged(model, (6,), expected)
    assert model.minimum_steps == 3
    with pytest.raises(zoo.InputError, match=r"layers\.0 needs sequences of at least 3 steps, not 2"):
        model(torch.zeros(1, 2, 6, dtype=torch.float64))


def test_a_dilated_layer_goes_on_from_some_steps_before() -> None:
    """h_t = GRUCell(x_t, h_{t - 3}); its state is that of the last three steps."""
    model = stack({"kind": "dilated", "dilation": 3, "layers": [{"cell": "gru", "hidden_size": 4}]})
    cell = nn.GRUCell(6, 4, dtype=torch.float64)
    cell.load_state_dict(dict(model.layers[0].layers[0].cell.named_parameters()))

    def expected(x: Tensor) -> Tensor:
        h = [x.new_zeros(4)] * 3
        for step in x:
            h.append(cell(step, h[-3]))
        return torch.stack(h[3:])

    ragged(model, (6,), expected)
    x = torch.randn(1, 5, 6, dtype=torch.float64, generator=torch.Generator().manual_seed(1))
    state = model(x)[1]["layers.0.layers.0.h"]
    torch.testing.assert_close(state[0], expected(x[0])[-3:], atol=1e-12, rtol=0)
    torch.testing.assert_close(model(x[:, :2])[1]["layers.0.layers.0.h"][0, 1:], expected(x[0])[:2], atol=1e-12, rtol=0)


def test_an_autoregression_is_one_linear_map_of_the_last_steps_of_every_feature() -> None:
    model = stack({"kind": "autoregression", "steps": 4})
    weight, bias = model.layers[0].conv.weight.flatten(), model.layers[0].conv.bias
    assert sum(one.numel() for one in model.parameters()) == 5

    def expected(x: Tensor) -> Tensor:
        longer = torch.cat([x.new_zeros(3, 6), x])
        return torch.stack([weight @ longer[t : t + 4] + bias for t in range(len(x))])

    ragged(model, (6,), expected)


@pytest.mark.parametrize("norm", [None, "batch"])
def test_channels_that_lie_last_in_memory_change_no_number(norm: str | None, monkeypatch: pytest.MonkeyPatch) -> None:
    """Planes that are large beside the kernel lie so on the CPU; the pool behind them reads them as they lie."""
    conv: dict[str, Any] = {"kind": "conv2d", "axes": ["time", "features"], "kernel_size": [3, 3], "activation": "relu"}
    conv |= {} if norm is None else {"norm": norm}
    pool = {"kind": "max_pool", "axes": ["time", "features"], "size": [2, 2]}
    model = stack({**conv, "channels": 8}, pool, {**conv, "channels": 9}, pool, {"kind": "flatten"}, input=12).train()
    x = torch.randn(3, 60, 12, dtype=torch.float64, generator=torch.Generator().manual_seed(1))
    lengths = [60, 31, 44]
    asked: list[bool] = []
    lies = planes._lies_channels_last
    monkeypatch.setattr(planes, "_lies_channels_last", lambda one: asked.append(lies(one)) or asked[-1])

    def measured() -> list[Tensor]:
        y, _ = model(x, lengths=lengths)
        return [y, *torch.autograd.grad(y.cos().sum(), tuple(model.parameters()))]

    found = measured()
    assert all(asked)
    monkeypatch.setattr(planes, "_channels_last", lambda plane, weight: False)
    asked.clear()
    for one, other in zip(found, measured(), strict=True):
        torch.testing.assert_close(one, other, atol=1e-11, rtol=0)
    assert not any(asked)


def test_a_turned_kernel_is_torchs_transpose_with_its_derivatives() -> None:
    weight = torch.randn(3, 2, 3, 5, dtype=torch.float64, requires_grad=True)
    found = planes.turned(weight)
    assert found.is_contiguous()
    assert torch.equal(found, weight.transpose(2, 3))
    (gradient,) = torch.autograd.grad(found.sin().sum(), weight)
    assert gradient.is_contiguous()
    torch.testing.assert_close(gradient, weight.detach().cos(), atol=0, rtol=0)
    assert torch.autograd.gradcheck(planes.turned, weight, check_forward_ad=True)
    assert torch.autograd.gradgradcheck(lambda w: planes.turned(w).sin(), weight)
    several = torch.func.vmap(planes.turned)(weight.unsqueeze(0))
    assert torch.equal(several[0], found)
