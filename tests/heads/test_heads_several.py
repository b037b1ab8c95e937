"""Several heads by name, and a pool without a head: what comes out, what is saved, and what a file may say of them."""

from __future__ import annotations

from typing import Any

import pytest
import torch
import yaml
from torch import Tensor
from torch.nn.utils.rnn import PackedSequence, pack_padded_sequence, pad_packed_sequence

import zoo
from zoo.checks.run import check

BASE: dict[str, Any] = {"schema": 1, "name": "a", "input": 5, "cell": "gru", "hidden_size": 6}
ACTOR_CRITIC: dict[str, Any] = {
    **BASE,
    "heads": {
        "actor": {"kind": "linear", "size": 4},
        "critic": {"kind": "linear", "size": 1, "pool": "attention"},
        "code": {"kind": "none", "pool": "max"},
    },
}
LENGTHS = [4, 1, 3]


def drawn(*shape: int, seed: int = 0) -> Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def build(spec: dict[str, Any]) -> Any:
    return zoo.build(spec, seed=0, dtype=torch.float64)


def test_each_head_reads_the_last_layer_by_itself() -> None:
    model, x = build(ACTOR_CRITIC), drawn(3, 4, 5)
    bare = build(BASE)
    bare.layers.load_state_dict(model.layers.state_dict())
    y = bare(x, lengths=LENGTHS)[0]
    found = model(x, lengths=LENGTHS)
    assert list(found) == ["actor", "critic", "code"]
    actor = model.heads.actor.linear
    for row, length in enumerate(LENGTHS):
        torch.testing.assert_close(found["actor"][row, :length], y[row, :length] @ actor.weight.T + actor.bias)
        assert not found["actor"][row, length:].any()
        torch.testing.assert_close(found["code"][row], y[row, :length].amax(0))
    assert found["critic"].shape == (3, 1)


def test_keys_are_named_by_head() -> None:
    keys = [key for key in build(ACTOR_CRITIC).state_dict() if not key.startswith("layers.")]
    assert keys == [
        "pools.critic.hidden.weight",
        "pools.critic.hidden.bias",
        "pools.critic.score.weight",
        "heads.actor.linear.weight",
        "heads.actor.linear.bias",
        "heads.critic.linear.weight",
        "heads.critic.linear.bias",
    ]


def test_the_sum_of_heads_is_one_tensor() -> None:
    heads = {"one": {"kind": "linear", "size": 3}, "two": {"kind": "mlp", "size": 3, "hidden": [8]}}
    apart, together = build({**BASE, "heads": heads}), build({**BASE, "heads": {**heads, "merge": "sum"}})
    together.load_state_dict(apart.state_dict())
    x = drawn(3, 4, 5)
    each = apart(x)
    torch.testing.assert_close(together(x), each["one"] + each["two"])
    assert together.step(x[:, 0])[0].shape == (3, 3)


def test_one_step_gives_a_mapping_too() -> None:
    heads = {"one": {"kind": "linear", "size": 3}, "two": {"kind": "linear", "size": 2}}
    model, x = build({**BASE, "heads": heads}), drawn(3, 4, 5)
    whole, state = model(x), None
    for t in range(4):
        output, state = model.step(x[:, t], state)
        for name in heads:
            torch.testing.assert_close(output[name], whole[name][:, t])


def test_a_packed_sequence_comes_back_from_heads_without_a_pool() -> None:
    model, x = build(ACTOR_CRITIC), drawn(3, 4, 5)
    found = model(pack_padded_sequence(x, torch.tensor(LENGTHS), batch_first=True, enforce_sorted=False))
    expected = model(x, lengths=LENGTHS)
    assert isinstance(found["actor"], PackedSequence)
    torch.testing.assert_close(pad_packed_sequence(found["actor"], batch_first=True)[0], expected["actor"])
    torch.testing.assert_close(found["critic"], expected["critic"])


def test_losses_and_answers_by_name() -> None:
    heads = {"tags": {"kind": "crf", "size": 3}, "kind_of": {"kind": "linear", "size": 2, "pool": "mean"}}
    model, x = build({**BASE, "heads": heads}), drawn(3, 4, 5)
    output = model(x, lengths=LENGTHS)
    target = {"tags": torch.ones(3, 4, dtype=torch.int64), "kind_of": torch.tensor([0, 1, 1])}
    losses = model.loss(output, target, LENGTHS)
    assert list(losses) == ["tags", "kind_of"]
    torch.testing.assert_close(losses["tags"], model.heads.tags.loss(output["tags"], target["tags"], LENGTHS))
    torch.testing.assert_close(
        losses["kind_of"], torch.nn.functional.cross_entropy(output["kind_of"], target["kind_of"])
    )
    sum(losses.values()).backward()
    assert model.heads.tags.transitions.grad.abs().max() > 0
    assert model.decode(output, LENGTHS)["tags"][1].tolist()[1:] == [-1, -1, -1]
    assert list(model.loss(output, {"tags": target["tags"]}, LENGTHS)) == ["tags"]
    with pytest.raises(zoo.InputError, match="by their names: tags, kind_of"):
        model.loss(output, target["tags"], LENGTHS)


def test_a_sum_of_logits_has_their_loss() -> None:
    heads = {"one": {"kind": "linear", "size": 3}, "two": {"kind": "linear", "size": 3}, "merge": "sum"}
    model, target = build({**BASE, "heads": heads}), torch.tensor([[0, 1, 2, 0]])
    output = model(drawn(1, 4, 5))
    torch.testing.assert_close(model.loss(output, target), torch.nn.functional.cross_entropy(output[0], target[0]))
    mixed = build({**BASE, "heads": {**heads, "two": {"kind": "mlp", "size": 3, "hidden": [4]}}})
    with pytest.raises(zoo.InputError, match="of one kind"):
        mixed.loss(output, target)


@pytest.mark.parametrize(
    "keys",
    [
        {"head": {"kind": "none", "pool": "max"}},
        {"head": {"kind": "none", "pool": {"kind": "attention", "size": 3}}},
        ACTOR_CRITIC,
        {"heads": {"one": {"kind": "ctc", "size": 4, "blank": "last"}}},
        {"heads": {"one": {"kind": "linear", "size": 2}, "two": {"kind": "linear", "size": 2}, "merge": "sum"}},
    ],
)
def test_the_canonical_form_reads_back(keys: dict[str, Any]) -> None:
    spec = zoo.load({**BASE, **keys})
    assert zoo.load(yaml.safe_load(zoo.to_yaml(spec))) == spec
    assert zoo.describe(spec).parameters == sum(p.numel() for p in zoo.build(spec).parameters())


def test_a_pool_without_a_head_gives_what_it_pools() -> None:
    model, x = build({**BASE, "head": {"kind": "none", "pool": "max"}}), drawn(3, 4, 5)
    y = build(BASE)(x, lengths=LENGTHS)[0]
    found = model(x, lengths=LENGTHS)
    for row, length in enumerate(LENGTHS):
        torch.testing.assert_close(found[row], y[row, :length].amax(0))
    output, state = model(x, return_state=True)
    assert output.shape == (3, 6)
    assert state.shape == (1, 3, 6)
    assert zoo.describe(model.spec).output_shape == (6,)


@pytest.mark.parametrize(
    ("keys", "place", "said"),
    [
        ({"heads": 3}, "heads", "must be a mapping of names to heads"),
        ({"heads": {}}, "heads", "must be a mapping of names to heads"),
        ({"heads": {"merge": "sum"}}, "heads", "at least one head"),
        ({"heads": {"A": {"kind": "linear", "size": 1}}}, "A", "lower case letters"),
        ({"heads": {"a": "none"}}, "a", "must be a head, or have a pool"),
        ({"heads": {"a": {"kind": "linear"}}}, "a", "missing key 'size'"),
        ({"heads": {"a": {"kind": "linear", "size": 1}, "merge": "mul"}}, "merge", "must be 'sum'"),
        ({"heads": {"a": {"kind": "linear", "size": 1}}, "head": {"kind": "linear", "size": 1}}, "heads", "not both"),
        (
            {"heads": {"a": {"kind": "linear", "size": 1}, "b": {"kind": "linear", "size": 2}, "merge": "sum"}},
            "merge",
            "equal shape",
        ),
        (
            {
                "heads": {
                    "a": {"kind": "linear", "size": 1},
                    "b": {"kind": "linear", "size": 1, "pool": "max"},
                    "merge": "sum",
                }
            },
            "merge",
            "some heads pool",
        ),
        ({"head": {"kind": "ctc", "size": 3, "pool": "max"}}, "pool", "needs an output at every step"),
        ({"heads": {"a": {"kind": "crf", "size": 3, "pool": "max"}}}, "pool", "needs an output at every step"),
        ({"head": {"kind": "ctc", "size": 3, "blank": 3}}, "head", "one of the 3 outputs"),
        ({"head": {"kind": "mixture_of_softmaxes", "components": 2}}, "head", "needs size and latent, or tied"),
        ({"head": {"kind": "mixture_of_softmaxes", "components": 2, "tied": True}}, "head", "needs input: {kind: tok"),
        (
            {"head": {"kind": "mixture_density", "components": 2, "size": 3, "form": "bivariate"}},
            "head",
            "is for size 2",
        ),
        ({"head": {"kind": "adaptive_softmax", "size": 9, "cutoffs": [4, 4]}}, "head", "rising numbers below size"),
        ({"head": {"kind": "normalise", "bias": False}}, "head", "of the linear map"),
    ],
)
def test_mistakes_in_a_file_say_where_and_what(keys: dict[str, Any], place: str, said: str) -> None:
    with pytest.raises(zoo.SpecError) as caught:
        zoo.load({**BASE, **keys})
    (one,) = caught.value.diagnostics
    assert said in one.message
    line = yaml.safe_dump({**BASE, **keys}, sort_keys=False).splitlines()
    assert place in "\n".join(line[: one.line])


def test_a_head_may_not_be_called_as_a_method_of_modules() -> None:
    with pytest.raises(zoo.BuildError, match=r"heads.type: every module of torch has 'type'"):
        build({**BASE, "heads": {"type": {"kind": "linear", "size": 2}}})


def test_heads_and_none_may_replace_each_other_in_a_variant() -> None:
    spec = {
        **BASE,
        "head": {"kind": "linear", "size": 2},
        "variants": {"two": {"head": "none", "heads": {"a": {"kind": "linear", "size": 3}}}},
    }
    assert zoo.load(spec).head is not None


SMALL: dict[str, dict[str, Any]] = {
    "mixture of softmaxes": {"kind": "mixture_of_softmaxes", "components": 3, "size": 6, "latent": 4, "dropout": 0.3},
    "density of each": {"kind": "mixture_density", "components": 3, "size": 4, "form": "independent"},
    "ctc": {"kind": "ctc", "size": 6, "blank": "last"},
    "crf": {"kind": "crf", "size": 4},
    "crf from a start": {"kind": "crf", "size": 4, "ends": "start"},
    "clusters": {"kind": "adaptive_softmax", "size": 40, "cutoffs": [4, 20]},
    "unit": {"kind": "normalise", "size": 14, "activation": "relu"},
    "squashed": {"kind": "linear", "size": 4, "activation": "sigmoid"},
    "pool alone": {"kind": "none", "pool": "last"},
}
MIXED = {
    "a": {"kind": "linear", "size": 3, "pool": "attention"},
    "b": {"kind": "crf", "size": 4},
    "c": {"kind": "none", "pool": "max"},
}


@pytest.mark.parametrize("name", SMALL)
def test_the_contract_holds_for(name: str) -> None:
    report = check(zoo.load({**BASE, "hidden_size": 11, "head": SMALL[name]}))
    assert report.ok, str(report)


@pytest.mark.parametrize("merge", [False, True])
def test_the_contract_holds_for_several_heads(merge: bool) -> None:
    same = {"a": {"kind": "linear", "size": 3}, "b": {"kind": "mlp", "size": 3, "hidden": [11]}, "merge": "sum"}
    report = check(zoo.load({**BASE, "hidden_size": 11, "heads": same if merge else MIXED}))
    assert report.ok, str(report)


def test_the_contract_holds_for_a_mixture_over_the_embedding() -> None:
    head = {"kind": "mixture_of_softmaxes", "components": 3, "tied": True, "dropout": 0.2, "variational": True}
    report = check(zoo.load({**BASE, "input": {"kind": "tokens", "vocabulary": 30, "size": 9}, "head": head}))
    assert report.ok, str(report)


@pytest.mark.parametrize(
    ("name", "count"),
    [
        ("mos", 21_500_620),
        ("mos@wikitext-2", 34_909_528),
        ("infersent", 38_502_400),
        ("world-model", 422_368),
        ("resemblyzer", 1_423_616),
    ],
)
def test_published_models_have_their_count(name: str, count: int) -> None:
    assert zoo.describe(zoo.load(name)).parameters == count


NAMED: dict[str, Any] = {
    **BASE,
    "layers": [
        {"name": "low", "bidirectional": True},
        {"name": "high"},
        {"kind": "stack_frames", "count": 2, "name": "pairs"},
    ],
    "heads": {
        "words": {"kind": "linear", "size": 4, "of": ["input", "high"]},
        "ends": {"kind": "linear", "size": 2, "of": "low", "pool": "last"},
        "mean": {"kind": "none", "pool": "mean", "of": "pairs"},
    },
}


def test_a_head_reads_the_layers_that_it_names() -> None:
    """Each is computed from the layers alone: by their windows, and with the final output of both directions."""
    model, x = build(NAMED), drawn(3, 5, 5)
    lengths = [5, 2, 4]
    found = model(x, lengths=lengths)
    assert {name: tuple(one.shape) for name, one in found.items()} == {
        "words": (3, 5, 4),
        "ends": (3, 2),
        "mean": (3, 12),
    }
    words, ends = model.heads.words.linear, model.heads.ends.linear
    for row, length in enumerate(lengths):
        own = x[row : row + 1, :length]
        low = build({**BASE, "layers": [{"bidirectional": True}]})
        low.layers[0].load_state_dict(model.layers[0].state_dict())
        both = low(own)[0]
        high = build({**BASE, "input": 12})
        high.layers[0].load_state_dict(model.layers[1].state_dict())
        top = high(both)[0]
        torch.testing.assert_close(
            found["words"][row, :length], torch.cat([own, top], 2)[0] @ words.weight.T + words.bias
        )
        assert not found["words"][row, length:].any()
        last = torch.cat([both[0, -1, :6], both[0, 0, 6:]])
        torch.testing.assert_close(found["ends"][row], ends.weight @ last + ends.bias)
        pairs = top[0, : length // 2 * 2].reshape(-1, 12)
        torch.testing.assert_close(found["mean"][row], pairs.mean(0))
    assert model.output_lengths(torch.tensor(lengths)).tolist() == lengths
    assert model.minimum_steps == 2


def test_what_a_head_reads_is_in_the_figures_and_the_file_and_not_in_the_keys() -> None:
    spec = zoo.load(NAMED)
    shapes = {row.label: row.description.output_shape for row in zoo.describe(spec).rows if row.description}
    assert shapes["heads.ends.pool"] == (12,)
    assert shapes["heads.mean.pool"] == (12,)
    gru = 3 * 6 * (5 + 6 + 2), 3 * 6 * (12 + 6 + 2)
    assert zoo.describe(spec).parameters == 2 * gru[0] + gru[1] + (11 * 4 + 4) + (12 * 2 + 2)
    assert zoo.load(yaml.safe_load(zoo.to_yaml(spec))) == spec
    assert yaml.safe_load(zoo.to_yaml(spec))["heads"]["ends"]["of"] == ["low"]
    plain = {name: {k: v for k, v in head.items() if k != "of"} for name, head in NAMED["heads"].items()}
    unnamed = zoo.build({**NAMED, "heads": plain, "layers": NAMED["layers"][:2]}, seed=0)
    assert list(build(NAMED).state_dict()) == list(unnamed.state_dict())


def test_one_head_reads_an_early_layer_step_by_step() -> None:
    """A model whose only head reads what is not last runs layer by layer: torch's kernel for all layers has no names."""
    spec = {**BASE, "layers": [{"name": "low"}, {"name": "high"}], "head": {"kind": "linear", "size": 3}}
    spec["head"] = {**spec["head"], "of": ["low", "high"]}
    model, x = build(spec), drawn(2, 4, 5)
    outputs, state = [], None
    for step in x.unbind(1):
        y, state = model.step(step, state)
        outputs.append(y)
    whole = model(x)
    torch.testing.assert_close(torch.stack(outputs, 1), whole)
    bare = build({**BASE, "layers": 2})
    bare.layers.load_state_dict(model.layers.state_dict())
    high = bare(x)[0]
    one = build(BASE)
    one.layers[0].load_state_dict(model.layers[0].state_dict())
    both = torch.cat([one(x)[0], high], 2)
    torch.testing.assert_close(whole, both @ model.head.linear.weight.T + model.head.linear.bias)
