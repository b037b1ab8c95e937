"""The summary: the right figures, for every model, and a model that is left exactly as it was."""

from __future__ import annotations

import json

import pytest
import torch
import typer
from each import each
from feature_specs import FEATURES
from torch import nn
from typer.testing import CliRunner

import zoo
from zoo.cli import models
from zoo.inspect.table import rows, untouched

app = typer.Typer()
models.register(app)


def test_figures_of_a_published_model():
    found = zoo.summary("zaremba-lm@medium", batch_size=2, seq_len=5)
    assert found.parameters == 19_775_200
    # Two LSTM layers of 4 * 650 * (650 + 650), and a map of 650 to 10,000 symbols.
    assert found.macs_per_step == 2 * 4 * 650 * 1300 + 650 * 10_000
    assert found.macs == 5 * found.macs_per_step
    assert found.state_bytes == 2 * 2 * 650 * 4
    assert found.sequential_depth == 2 * 5
    assert (found.streamable, found.not_streamable_reason, found.device) == (
        True,
        None,
        "meta",
    )  # nobody needs its numbers
    assert [(c.kind, c.name) for c in found.components] == [
        ("architecture", "stack"),
        ("input", "tokens"),
        ("init", "uniform"),
        ("cell", "lstm"),
        ("head", "linear"),
    ]


def test_what_is_small_runs_on_the_cpu_and_what_is_large_on_meta():
    spec = {"schema": 1, "name": "a", "input": 4, "cell": "rnn"}
    spec |= {"hidden_size": 500}
    # 500 (I + 500 + 2) parameters, and 45 steps of 500 outputs, 500 states and the input's I.
    assert [i for i in range(1000, 2000) if 500 * (i + 502) + 45 * (1000 + i) <= 2**20][-1] == 1380
    assert zoo.summary({**spec, "input": 1380}).device == "cpu"
    assert zoo.summary({**spec, "input": 1381}).device == "meta"
    assert zoo.summary({**spec, "input": 1381}, device="cpu").device == "cpu"
    assert zoo.summary({**spec, "hidden_size": 501}).device == "meta"
    maps = {"schema": 1, "name": "a", "input": {"kind": "maps", "channels": 8, "height": 12, "width": 12}}
    wide = {**maps, "cell": {"kind": "convlstm", "kernel": 9}, "hidden_size": 24}
    assert zoo.summary(wide).macs * 3 > 2**30
    assert zoo.summary(wide).device == "meta"  # few numbers, and many products


def test_a_large_model_of_many_stages_runs_on_the_cpu_or_not_at_all():
    """An operation on meta is slow, so the figures there are for models of few stages."""
    cell = {"kind": "rhn", "depth": 300}
    found = zoo.summary({"schema": 1, "name": "a", "input": 4, "cell": cell, "hidden_size": 64})
    assert (found.device, found.sequential_depth) == ("cpu", 300 * 15)
    large = {"schema": 1, "name": "a", "input": 4, "cell": cell, "hidden_size": 600}
    with pytest.raises(zoo.InputError) as caught:
        zoo.summary(large)
    assert str(caught.value) == (
        "a is large, and a run of 15 steps takes 4,515 stages, one after the other: use fewer steps, or say on which "
        "device to run"
    )
    assert zoo.summary(large, seq_len=1).device == "meta"


def test_shared_weights_count_once():
    model = zoo.build("awd-lstm", device="meta")
    found = zoo.summary(model, batch_size=1, seq_len=2)
    assert found.parameters == 24_221_600 == sum(p.numel() for p in model.parameters())
    assert found.device == "meta"


def test_a_head_behind_a_pool_costs_once():
    found = zoo.summary("rnn-classifier", seq_len=15)
    assert found.macs_per_step == 20 * (10 + 20)
    assert found.macs == 15 * 20 * 30 + 20 * 1
    assert found.not_streamable_reason == "the head pools over time (pool: last)"


def test_the_table_has_a_row_for_each_module_and_no_totals():
    text = zoo.summary("rnn-classifier", batch_size=3, seq_len=15).table
    for row in ("Features (input)", "RecurrentLayer (0)", "Last (pool)", "Linear (head)"):
        assert row in text
    assert "[3, 15, 20]" in text
    assert "[3, 1]" in text
    assert "mult-adds" not in text.lower()


@each("data", FEATURES, ids=lambda data: data["name"])
def test_a_model_is_left_as_it_was(data):
    model = zoo.build(data, seed=0).train()
    model.layers[0].eval()
    calls: list[str] = []
    model.layers[0].register_forward_hook(lambda *_: calls.append("mine"))
    modes = [m.training for m in model.modules()]
    parameters = {name: p.clone() for name, p in model.named_parameters()}
    random = torch.get_rng_state()
    zoo.summary(model, batch_size=2, seq_len=3)
    assert [m.training for m in model.modules()] == modes
    assert all(torch.equal(p, parameters[name]) for name, p in model.named_parameters())
    assert all(p.grad is None for p in model.parameters())
    assert torch.equal(torch.get_rng_state(), random)
    assert len(model.layers[0]._forward_hooks) == 1
    assert sum(len(m._forward_hooks) + len(m._forward_pre_hooks) for m in model.modules()) == 1
    assert calls


class _Fails(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.linear = nn.Linear(3, 3)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        self.linear(x)
        raise ValueError("what went wrong")


def test_a_run_that_fails_leaves_no_hooks_and_says_what_went_wrong():
    model = _Fails()
    with pytest.raises(ValueError, match="what went wrong"):
        rows(model, {"x": torch.zeros(1, 3)}, depth=2)
    assert sum(len(m._forward_hooks) + len(m._forward_pre_hooks) for m in model.modules()) == 0
    assert model.training


def test_two_models_of_one_class_are_told_apart():
    first = zoo.summary({"schema": 1, "name": "a", "input": 3, "cell": "rnn", "hidden_size": 5}).table
    second = zoo.summary({"schema": 1, "name": "b", "input": 3, "cell": "rnn", "hidden_size": 9}).table
    assert "[3, 15, 5]" in first
    assert "[3, 15, 9]" in second


def test_untouched_puts_modes_and_hooks_back():
    model = nn.Sequential(nn.Linear(2, 2), nn.Dropout())
    model[1].eval()
    with untouched(model):
        model.train()
        model[0].register_forward_hook(lambda *_: None)
        model[0].register_forward_pre_hook(lambda *_: None)
    assert [m.training for m in model.modules()] == [True, True, False]
    assert not model[0]._forward_hooks
    assert not model[0]._forward_pre_hooks


def test_a_window_of_many_steps_is_run_over_by_who_asks_for_it() -> None:
    wide = {
        "input": 3,
        "layers": [{"kind": "conv1d", "channels": 4, "kernel_size": 3, "padding": "valid", "dilation": 2000}],
    }
    with pytest.raises(zoo.ZooError, match=r"^the layers need at least 4,001 steps: say how many a run is to have"):
        zoo.summary(wide)
    assert zoo.summary(wide, seq_len=4001).seq_len == 4001


@each("wrong", [{"batch_size": 0}, {"seq_len": 0}, {"depth": 0}])
def test_sizes_below_one_are_an_error(wrong):
    with pytest.raises(zoo.InputError, match="at least 1"):
        zoo.summary("lstm", **wrong)


def test_command():
    result = CliRunner().invoke(app, ["summary", "lstm", "--seq-len", "7"])
    assert result.exit_code == 0
    # 4 gates, each with 20 * (10 + 20) products and two biases of 20.
    assert "parameters        2,560 (shared ones counted once)" in result.stdout
    assert "multiply-adds     2,400 per step, 16,800 for 7 steps, per sequence" in result.stdout
    assert "state             160 bytes per sequence" in result.stdout


def test_command_as_json():
    result = CliRunner().invoke(app, ["summary", "lstm", "--json"])
    found = json.loads(result.stdout)
    assert (found["name"], found["parameters"], found["macs_per_step"], found["state_bytes"]) == (
        "lstm",
        2560,
        2400,
        160,
    )
    assert "table" not in found


def test_no_device_that_keeps_numbers_is_filled():
    large = {"schema": 1, "name": "a", "input": 4, "cell": "rnn", "hidden_size": 10**5}
    with pytest.raises(zoo.InputError) as caught:
        zoo.summary(large, device="cpu")
    assert str(caught.value) == (
        "a needs 37.3 GiB on cpu, and a summary takes 4 GiB at most: use device 'meta', where a model takes no memory"
    )
    assert zoo.summary(large).parameters == 10**10 + 6 * 10**5


@each("device", [None, "meta", "cpu"])
def test_a_run_of_too_many_steps_is_refused(device):
    with pytest.raises(zoo.InputError, match=r"use fewer (steps|of them)$"):
        zoo.summary("lstm", seq_len=10**11, device=device)
    with pytest.raises(zoo.InputError, match=r"^a run of 600,000 steps takes 1,200,000 stages, one after the other"):
        zoo.summary("lstm", seq_len=600_000, batch_size=1, device="meta")


def test_a_run_too_large_for_memory_is_refused_before_it_is_tried() -> None:
    with pytest.raises(zoo.InputError) as caught:
        zoo.summary("lstm", seq_len=10**11)
    assert str(caught.value) == "a run of 3 sequences of 100,000,000,000 steps needs over 22,351 GiB: use fewer of them"


def test_no_spec_of_the_library_is_too_short_by_default() -> None:
    """Without a number of steps it is 15, or as many as the windows of the layers ask for."""
    needed = {name: zoo.describe(zoo.load(name)).minimum_steps for name in ("series/lstnet", "series/deepconvlstm")}
    assert needed == {"series/lstnet": 29, "series/deepconvlstm": 17}
    assert {name: zoo.summary(name, device="meta").seq_len for name in needed} == needed
    assert zoo.summary("lstm").seq_len == 15
    with pytest.raises(zoo.InputError, match="needs sequences of at least 29 steps, not 28"):
        zoo.summary("series/lstnet", seq_len=28)
