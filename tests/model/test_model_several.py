"""Models of several inputs: their values by hand, their calls, their place in the tree, and what may be wrong."""

from __future__ import annotations

import random
import sys
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
import torch
import yaml
from each import each
from pydantic import Field
from torch import Tensor, nn
from torch.nn import functional as F

import zoo
from zoo.components import Description, InputType, Options
from zoo.plugin.hookspecs import hookimpl
from zoo.plugin.manager import given, isolated, using
from zoo.spec.tree import NamedInput, dotted, map_parts, over_time, walk
from zoo.testing import tiny

LENGTHS = (5, 2, 4)
WORDS: dict[str, Any] = {"kind": "tokens", "vocabulary": 20, "size": 6, "padding": 0}
LETTERS: dict[str, Any] = {
    "kind": "characters",
    "vocabulary": 9,
    "size": 3,
    "length": 5,
    "layers": [{"kind": "conv1d", "channels": 4, "kernel_size": 3}],
    "pool": "max",
}
CASE: dict[str, Any] = {"kind": "one_hot", "vocabulary": 3}
SPEAKER: dict[str, Any] = {"kind": "features", "size": 2, "per": "sequence"}
OF: dict[str, Any] = {"words": WORDS, "letters": LETTERS, "case": CASE, "speaker": SPEAKER}


def spec(of: Mapping[str, Any] = OF, **more: Any) -> dict[str, Any]:
    several = {"kind": "several", "of": dict(of), **more}
    return {"schema": 1, "name": "a", "input": several, "cell": "gru", "hidden_size": 7}


def built(source: dict[str, Any]) -> Any:
    return zoo.build(source, seed=0, dtype=torch.float64).eval()


def by_hand(model: Any, x: Mapping[str, Tensor]) -> Tensor:
    """The features of the four inputs of one sequence, (T, 15)."""
    own = model.state_dict()
    words = own["input.of.words.embedding.weight"][x["words"]]
    letters = own["input.of.letters.embedding.weight"][x["letters"]].transpose(1, 2)
    conv = "input.of.letters.layers.0.conv"
    letters = F.conv1d(letters, own[f"{conv}.weight"], own[f"{conv}.bias"], padding=1).amax(2)
    case = F.one_hot(x["case"], 3).double()
    return torch.cat([words, letters, case, x["speaker"].expand(len(words), 2)], 1)


def row(x: Mapping[str, Tensor], index: int, length: int) -> dict[str, Tensor]:
    return {name: one[index] if name == "speaker" else one[index, :length] for name, one in x.items()}


def recurrent(model: Any, features: Tensor) -> Tensor:
    gru = nn.GRU(features.shape[1], 7, batch_first=True, dtype=torch.float64)
    gru.load_state_dict({f"{name}_l0": value for name, value in model.layers[0].cell.state_dict().items()})
    y: Tensor = gru(features.unsqueeze(0))[0][0]
    return y


def filled(x: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """The same with something else in the padding of everything that has steps."""
    other = {name: one.clone() for name, one in x.items()}
    for index, length in enumerate(LENGTHS):
        for name in ("words", "letters", "case"):
            other[name][index, length:] = 1
    return other


def test_values_are_those_of_torch_by_hand_on_ragged_batches() -> None:
    model = built(spec())
    x = model.example_input(3, 5)
    assert {name: tuple(one.shape) for name, one in x.items()} == {
        "words": (3, 5),
        "letters": (3, 5, 5),
        "case": (3, 5),
        "speaker": (3, 2),
    }
    y, _ = model(filled(x), lengths=LENGTHS)
    for index, length in enumerate(LENGTHS):
        expected = recurrent(model, by_hand(model, row(x, index, length)))
        torch.testing.assert_close(y[index, :length], expected, rtol=0, atol=1e-12)
        assert not y[index, length:].any()


def test_a_sum_a_norm_and_dropout_stand_in_this_order() -> None:
    of = {"left": {"kind": "tokens", "vocabulary": 9, "size": 4}, "right": 4}
    model = built(spec(of, merge="sum", norm="layer", dropout=0.5))
    x, own = model.example_input(2, 3), model.state_dict()
    summed = own["input.of.left.embedding.weight"][x["left"]] + x["right"]
    expected = F.layer_norm(summed, (4,), own["input.norm.weight"], own["input.norm.bias"])
    torch.testing.assert_close(model.input(x, None), expected, rtol=0, atol=1e-12)
    torch.manual_seed(0)
    dropped = model.train().input(x, None)
    kept = dropped != 0
    torch.testing.assert_close(dropped[kept], 2 * expected[kept], rtol=0, atol=1e-12)
    assert 0 < int(kept.sum()) < kept.numel()


def test_padding_with_nan_reaches_nothing() -> None:
    model = built(spec({"a": 3, "b": {"kind": "features", "size": 2}}, norm="layer"))
    x = model.example_input(3, 5)
    expected, _ = model(x, lengths=LENGTHS)
    for index, length in enumerate(LENGTHS):
        for one in x.values():
            one[index, length:] = torch.nan
    found, _ = model(x, lengths=LENGTHS)
    torch.testing.assert_close(found, expected, rtol=0, atol=0)
    found.sum().backward()
    assert all(bool(torch.isfinite(p.grad).all()) for p in model.parameters())


def test_a_norm_of_a_batch_does_not_count_padding() -> None:
    model = built(spec({"a": 3, "b": 2}, norm="batch")).train()
    x = model.example_input(3, 5)
    model(x, lengths=LENGTHS)
    rows = torch.cat([torch.cat([x["a"][i, :n], x["b"][i, :n]], 1) for i, n in enumerate(LENGTHS)])
    momentum = 0.1
    mean = model.input.state_dict()["norm.running_mean"]
    torch.testing.assert_close(mean, momentum * rows.mean(0), rtol=0, atol=1e-12)


def test_step_takes_what_comes_in_once_each_time() -> None:
    model = built(spec())
    x = model.example_input(3, 5)
    expected, last = model(x)
    state, outputs = None, []
    for t in range(5):
        now = {name: one if name == "speaker" else one[:, t] for name, one in x.items()}
        y, state = model.step(now, state)
        outputs.append(y)
    torch.testing.assert_close(torch.stack(outputs, 1), expected, rtol=0, atol=1e-12)
    torch.testing.assert_close(state, last, rtol=0, atol=1e-12)


@pytest.mark.parametrize("merge", ["concat", "sum"])
def test_observed_is_of_the_only_input_of_features(merge: str) -> None:
    of = {"kind_of": {"kind": "tokens", "vocabulary": 5, "size": 3}, "series": 3}
    model = built({**spec(of, merge=merge), "cell": "gru-d"})
    x = model.example_input(2, 4)
    observed = torch.rand(x["series"].shape, generator=torch.Generator().manual_seed(0)) < 0.5
    if merge == "sum":
        with pytest.raises(zoo.InputError, match="mixes the features of several inputs"):
            model(x, observed=observed)
        return
    found, _ = model(x, observed=observed)
    alone = built({"schema": 1, "name": "b", "input": 6, "cell": "gru-d", "hidden_size": 7})
    alone.layers.load_state_dict(model.layers.state_dict())
    known = torch.cat([torch.ones(2, 4, 3, dtype=torch.bool), observed], 2)
    zeroed = torch.cat([model.input.of.kind_of(x["kind_of"]), x["series"] * observed], 2)
    torch.testing.assert_close(found, alone(zeroed, observed=known)[0], rtol=0, atol=1e-12)


def test_observed_needs_one_input_of_features() -> None:
    model = built({**spec({"a": 3, "b": 2}), "cell": "gru-d"})
    with pytest.raises(
        zoo.InputError, match="observed needs one input of real numbers at each step, and 2 of them are"
    ):
        model(model.example_input(2, 3), observed=torch.ones(2, 3, 3, dtype=torch.bool))


MODEL = built(spec())
X = MODEL.example_input(3, 5)
PACKED = nn.utils.rnn.pack_sequence([torch.ones(3, dtype=torch.int64)])
MISTAKES = (
    (X["words"], "x must be a mapping of the model's inputs, {'words': ..., 'letters': ...,"),
    ({name: X[name] for name in X if name != "case"}, "x lacks 'case': the model's inputs are 'words', 'letters', "),
    ({**X, "caze": X["case"]}, "x has 'caze', which is no input of this model; did you mean 'case'?"),
    ({**X, 3: X["case"]}, "x has 3, which is no input of this model: it has 'words', 'letters'"),
    ({**X, "letters": X["words"]}, "x['letters'] must have shape (B, T, 5), not (3, 5)"),
    ({**X, "words": X["words"][:2]}, "x['letters'] has 3 sequences, and x['words'] 2"),
    ({**X, "case": X["case"][:, :4]}, "x['case'] has 4 steps, and x['words'] 5: pad the shorter one"),
    ({**X, "speaker": X["speaker"][:2]}, "x['speaker'] has 2 sequences, and x['words'] 3"),
    (
        {**X, "speaker": torch.ones(3, 5, 2).double()},
        "x['speaker'] comes in once per sequence and must have shape (B, 2)",
    ),
    ({**X, "speaker": 3}, "x['speaker'] must be a tensor, not int"),
    (
        {**X, "words": X["words"].double()},
        "x['words'] must be symbols of dtype torch.int64, not torch.float64: use x['wo",
    ),
    ({**X, "case": X["case"] + 1}, "x['case'] must be symbols from 0 to 2, the input's vocabulary, not from 1 to 3"),
    ({**X, "speaker": X["speaker"].float()}, "x['speaker'] has dtype torch.float32, the model torch.float64"),
    (PACKED, "a model of several inputs takes no PackedSequence: pad each input, and use lengths="),
    ({**X, "words": PACKED}, "x['words'] is a PackedSequence: pad it, and use lengths="),
)


@each("x, said", MISTAKES)
def test_a_mistake_in_a_call_is_one_line(x: Any, said: str) -> None:
    with pytest.raises(zoo.InputError) as caught:
        MODEL(x)
    assert str(caught.value).startswith(said), str(caught.value)
    assert "\n" not in str(caught.value)


def test_mistakes_of_other_calls() -> None:
    with pytest.raises(zoo.InputError, match="not dict: this model has one input"):
        zoo.build("lstm", seed=0)({"words": torch.ones(1, 2, 10)})
    with pytest.raises(zoo.InputError, match=r"step takes one step of a batch, x\['words'\] \(B\), not \(3, 5\)"):
        MODEL.step(X)
    with pytest.raises(zoo.InputError, match="several inputs: each has its own shape"):
        _ = MODEL.input_shape
    with pytest.raises(zoo.InputError, match="lengths must be from 1 to 5"):
        MODEL(X, lengths=[6, 1, 1])


def test_order_is_part_of_equality_and_of_what_is_written() -> None:
    one, other = zoo.load(spec()), zoo.load(spec(dict(reversed(OF.items()))))
    assert one != other
    assert hash(one.input.options.of) != hash(other.input.options.of)
    for each_spec in (one, other):
        again = zoo.load(yaml.safe_load(zoo.to_yaml(each_spec)))
        assert again == each_spec
        assert list(again.input.options.of) == list(each_spec.input.options.of)


def test_one_walk_sees_every_input_and_what_is_inside() -> None:
    loaded = zoo.load(spec())
    places = [dotted(path) for path, node in walk(loaded) if isinstance(node, NamedInput)]
    assert places == [f"input.of.{name}" for name in OF]
    assert "input.of.letters.layers.0" in [dotted(path) for path, _ in walk(loaded)]
    over = [dotted(path) for path, _ in over_time(loaded)]
    assert "input.of.letters" in over
    assert "input.of.letters.layers.0" not in over
    assert zoo.build(loaded, seed=0).layers is not None
    assert map_parts(loaded, lambda path, part: part) is loaded


def test_keys_of_the_state_dict_are_the_places() -> None:
    assert [name for name in MODEL.state_dict() if name.startswith("input.")] == [
        "input.of.words.embedding.weight",
        "input.of.letters.embedding.weight",
        "input.of.letters.layers.0.conv.weight",
        "input.of.letters.layers.0.conv.bias",
    ]


def test_figures_are_the_sum_of_the_inputs_and_frozen_ones_stand_apart() -> None:
    of = {**OF, "words": {**WORDS, "frozen": True}}
    figures = zoo.describe(zoo.load(spec(of, norm="layer")))
    model = built(spec(of, norm="layer"))
    assert figures.frozen == 20 * 6 == sum(p.numel() for p in model.parameters() if not p.requires_grad)
    assert figures.parameters == 9 * 3 + (3 * 3 * 4 + 4) + 2 * 15 + 3 * (7 * 15 + 7 * 7 + 14)
    assert figures.parameters == sum(p.numel() for p in model.parameters() if p.requires_grad)
    assert "input.of.words" in [dotted(path) for path in zoo.spec.describe.described(zoo.load(spec(of)))]


def test_inputs_may_share_a_table() -> None:
    of = {"question": WORDS, "answer": {"kind": "shared", "of": "input.of.question"}}
    model = built(spec(of))
    assert [name for name in model.state_dict() if "embedding" in name] == ["input.of.question.embedding.weight"]
    x = model.example_input(2, 3)
    found = model.input({"question": x["question"], "answer": x["question"]}, None)
    assert torch.equal(found[..., :6], found[..., 6:])
    assert zoo.describe(zoo.load(spec(of))).parameters == sum(p.numel() for p in model.parameters())
    with pytest.raises(zoo.SpecError, match=r"did you mean 'input\.of\.question'"):
        zoo.load(spec({"question": WORDS, "answer": {"kind": "shared", "of": "input.of.qestion"}}))


def test_variants_and_changes_reach_an_input_by_its_path(tmp_path: Path) -> None:
    source = spec()
    file = tmp_path / "a.yaml"
    text = yaml.safe_dump({**source, "variants": {"wide": {"input.of.words.size": 12}, "bare": {"input.of.case": 4}}})
    file.write_text(text, encoding="utf-8")
    assert zoo.load(f"{file}@wide").input.options.of["words"].part.options.size == 12
    assert zoo.load(f"{file}@bare").input.options.of["case"].part.record.name == "features"
    assert (
        zoo.load(spec({**OF, "case": 4}), **{"input.of.case.size": 5}).input.options.of["case"].part.options.size == 5
    )
    with pytest.raises(zoo.SpecError, match=r"no 'input\.of\.wrods' in this spec; did you mean 'words'"):
        zoo.load(source, **{"input.of.wrods.size": 3})


def test_a_tiny_copy_has_small_inputs() -> None:
    large = spec({**OF, "words": {**WORDS, "vocabulary": 50_000, "size": 300}, "frame": 80})
    small = tiny(zoo.load(large))
    assert small.input.options.of["words"].part.options.vocabulary <= 41
    assert small.input.options.of["words"].part.options.size < 100
    assert small.input.options.of["frame"].part.options.size < 80
    assert small.input.options.of["speaker"].per == "sequence"


WRONG: tuple[tuple[Any, str], ...] = (
    ({}, "must be a mapping of names to inputs, as in {words: {kind: tokens"),
    ([3], "not a list"),
    ("words", "not the text 'words'"),
    (
        {"Words": 3},
        "an input's name is lower case letters, digits and '_', starting with a letter, not the text 'Words'",
    ),
    ({"a": {"kind": "tokns"}}, "did you mean 'tokens'?"),
    ({"a": {"kind": "tokens", "vocabulary": 3}}, "missing key 'size'"),
    ({"a": {"kind": "features", "size": 3, "per": "word"}}, "per must be 'step' or 'sequence', not the text 'word'"),
    ({"a": SPEAKER}, "one input at least must come in at each step"),
    ({"a": 0}, "greater than or equal to 1"),
    ({"a": True}, "must be the name of an input"),
    ({"a": {"kind": "several", "of": {"b": 3}}}, "'several' reads several inputs itself"),
    ({f"a{n}": 3 for n in range(101)}, "must be at most 100 inputs, not 101"),
)


@each("of, said", WRONG)
def test_a_mistake_in_a_file_is_one_line_with_its_place(of: Any, said: str) -> None:
    source = spec()
    source["input"]["of"] = of
    with pytest.raises(zoo.SpecError) as caught:
        zoo.load(source)
    messages = [one.message for one in caught.value.diagnostics]
    assert any(said in message.replace("at least 1", "greater than or equal to 1") for message in messages), messages


def test_a_sum_needs_equal_widths() -> None:
    with pytest.raises(zoo.SpecError, match=r"merge: sum needs equal shapes, and they are \(6,\), \(3,\)"):
        zoo.load(spec({"words": WORDS, "case": CASE}, merge="sum"))


def test_no_mapping_whatever_ends_in_a_traceback() -> None:
    generator = random.Random(0)
    values: list[Any] = [
        None,
        3,
        -1,
        0.5,
        "tokens",
        "several",
        [],
        {},
        True,
        "per",
        [3],
        {"kind": 3},
        WORDS,
        SPEAKER,
        OF,
    ]
    keys = ["kind", "of", "per", "size", "vocabulary", "words", "A b", "merge", "norm", "frozen", "layers"]
    for _ in range(300):
        one = {generator.choice(keys): generator.choice(values) for _ in range(generator.randrange(4))}
        of = {generator.choice(keys): generator.choice([one, *values]) for _ in range(generator.randrange(4))}
        source = spec()
        source["input"] |= {"of": of, generator.choice(keys[2:]): generator.choice(values)}
        with suppress(zoo.SpecError):
            zoo.load(source)


class DoubledOptions(Options):
    """Options of a stranger's input of inputs."""

    inner: zoo.InputOption = Field(description="What is doubled.")


class Doubled(zoo.Input):
    """Twice another input."""

    def __init__(self, options: DoubledOptions) -> None:
        super().__init__()
        inner: Any = zoo.build_part(options.inner)
        self.inner = inner
        self.input_shape, self.output_shape = inner.input_shape, inner.output_shape
        self.vocabulary = inner.vocabulary

    def forward(self, x: Tensor) -> Tensor:
        y: Tensor = 2 * self.inner(x)
        return y


class ProductOptions(Options):
    """Options of a stranger's merge."""

    of: zoo.Inputs = Field(description="What is multiplied.")


class Product(zoo.NamedInputs):
    """The product of several inputs."""

    def __init__(self, options: ProductOptions) -> None:
        super().__init__(zoo.build_inputs(options.of))
        self.output_shape = next(iter(self.of.each().values())).output_shape

    def forward(self, x: Mapping[str, Tensor], valid: Tensor | None = None) -> Tensor:  # type: ignore[override]
        first, *others = self.features(x).values()
        for other in others:
            first = first * other
        return first


def describe_doubled(options: DoubledOptions) -> Description | None:
    return zoo.describe_part(options.inner)


def describe_product(options: ProductOptions) -> Description | None:
    found = zoo.describe_inputs(options.of)
    if found is None:
        return None
    parameters = sum(one.parameters for one in found.values())
    return Description(output_shape=next(iter(found.values())).output_shape, parameters=parameters)


@hookimpl
def zoo_inputs() -> list[InputType]:
    here = f"{__name__}:"
    return [
        InputType(
            name="doubled",
            options=DoubledOptions,
            build=f"{here}Doubled",
            describe=f"{here}describe_doubled",
            summary="Twice another input",
        ),
        InputType(
            name="product",
            options=ProductOptions,
            build=f"{here}Product",
            describe=f"{here}describe_product",
            summary="The product of several inputs",
        ),
    ]


def test_inputs_of_a_stranger_hold_inputs_by_the_same_means() -> None:
    with using(isolated(given(sys.modules[__name__], distribution="zoo-stranger"))):
        doubled = {"kind": "doubled", "inner": {"kind": "tokens", "vocabulary": 11, "size": 4}}
        source = spec()
        source["input"] = {"kind": "product", "of": {"words": doubled, "gain": {"kind": "features", "size": 4}}}
        loaded = zoo.load(source)
        places = [dotted(path) for path, _ in walk(loaded)]
        assert {"input.of.words", "input.of.words.inner", "input.of.gain"} <= set(places)
        model = built(source)
        x = model.example_input(2, 3)
        table = model.state_dict()["input.of.words.inner.embedding.weight"]
        torch.testing.assert_close(model.input(x, None), 2 * table[x["words"]] * x["gain"], rtol=0, atol=1e-12)
        report = zoo.check(loaded)
        assert report.passed, str(report)


@each("length", (1, 2, 3))
def test_a_word_shorter_than_a_window_is_filled_up_to_it(length: int) -> None:
    """A convolution of width 3 over a masked word of one or two characters sees zeros for those that it lacks."""
    letters = {**LETTERS, "padding": 0, "masked": True}
    letters["layers"] = [{"kind": "conv1d", "channels": 4, "kernel_size": 3, "padding": "valid"}]
    for pool in ("max", "mean"):
        source = {"schema": 1, "name": "a", "input": {**letters, "pool": pool}, "cell": "gru", "hidden_size": 3}
        model = built(source)
        word = torch.tensor([[[4, 5, 6, 0, 0]]])
        word[..., length:] = 0
        own = model.state_dict()
        vectors = own["input.embedding.weight"][word[0, 0]] * (word[0, 0] != 0).unsqueeze(1)
        seen = vectors[: max(3, length)].T.unsqueeze(0)
        window = F.conv1d(seen, own["input.layers.0.conv.weight"], own["input.layers.0.conv.bias"])
        expected = window.amax(2) if pool == "max" else window.mean(2)
        torch.testing.assert_close(model.input(word)[0], expected, rtol=0, atol=1e-12)
        y, _ = model(word)
        y.sum().backward()
        assert all(bool(torch.isfinite(p.grad).all()) for p in model.parameters() if p.grad is not None)


def test_a_stack_among_others_has_one_input() -> None:
    side = {"cell": "gru", "hidden_size": 7, "input": {"kind": "several", "of": {"a": WORDS, "b": CASE}}}
    source = {"schema": 1, "name": "a", "architecture": "encoder-decoder", "encoder": side}
    source["decoder"] = {**side, "input": WORDS, "head": {"kind": "linear", "size": 20}}
    with pytest.raises(zoo.SpecError, match="'several' is for a model that is one stack"):
        zoo.load(source)
