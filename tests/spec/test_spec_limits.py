"""What a spec may ask for: the size of states and buffers, the depth of a step, and layers times variants."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any

import pytest
import torch
from each import each
from spec_support import HEAD, Mistakes, Resolve

import zoo
from zoo.components import Provided
from zoo.errors import BuildError, CheckFailure, SpecError, ZooError
from zoo.inspect.summary import summarise
from zoo.plugin.catalogue import Catalogue
from zoo.plugin.manager import isolated
from zoo.spec import library
from zoo.spec.limits import MOST_LAYERS_OF_ALL, MOST_STAGES, MOST_STATE, excess

KNOWN = isolated()
HUGE = (999_999_937, 2**62)
KEYS = {"schema": 1, "name": "x", "input": 4, "cell": "gru", "hidden_size": 4}


def asked_for_much() -> Iterator[Any]:
    """Every integer option of every component, as large as can be."""
    for kind in ("cell", "head", "layer", "input", "pool", "init", "norm"):
        for one in KNOWN.all(kind):
            for name, field in one.record.options.model_fields.items():
                if "int" in str(field.annotation):
                    yield one, name


def keys_with(one: Provided, name: str, value: int) -> dict[str, Any]:
    record = one.record
    chosen: dict[str, Any] = {"kind": record.name}
    for other, field in record.options.model_fields.items():
        if other == name or field.is_required():
            number = value if other == name else 3
            chosen[other] = [number] if "tuple" in str(field.annotation) else number
    keys = dict(KEYS)
    match record.kind:
        case "cell":
            keys |= {"cell": chosen}
            if record.name.startswith("conv"):
                keys["input"] = {"kind": "maps", "channels": 1, "height": 2, "width": 2}
        case "head":
            keys["head"] = {**chosen, "pool": "last"}
        case "pool":
            keys["head"] = {"kind": "linear", "size": 2, "pool": chosen}
        case "layer":
            keys["layers"] = [{}, chosen]
        case "input":
            keys |= {"input": chosen, "cell": "convgru" if record.name == "maps" else "gru"}
        case kind:
            keys[kind] = chosen
    return keys


@each(
    ("one", "name"),
    asked_for_much(),
    ids=lambda value: f"{value.record.kind}-{value.record.name}" if isinstance(value, Provided) else value,
)
def test_no_option_takes_time_or_memory_however_large_it_is(one: Provided, name: str) -> None:
    for value in HUGE:
        began = time.process_time()
        try:
            model = zoo.build(keys_with(one, name, value), seed=0, memory_limit=2**26)
        except ZooError:
            pass  # in one line, as every other test of an error has it
        else:  # a number that no size depends on
            assert sum(p.numel() for p in model.parameters()) < 2**24
        assert time.process_time() - began < 2


@pytest.mark.parametrize("delay", [100_000_000, 1_000_001])
def test_a_delay_of_many_steps_is_refused_at_its_place(delay: int, mistakes: Mistakes) -> None:
    text = HEAD.replace("cell: lstm", f"cell: {{kind: taugru, delay: {delay}}}")
    assert mistakes(text) == [f"4:29: 'delay' must be at most 1000000, not {delay}"]


def test_a_state_that_no_run_could_carry_is_refused(mistakes: Mistakes, models: Resolve) -> None:
    text = HEAD.replace("cell: lstm", "cell: {kind: taugru, delay: 1000000}")
    size = MOST_STATE // 1_000_001
    assert models(text.replace("20", str(size)))[None].description.state_elements == 1_000_001 * size
    assert mistakes(text.replace("20", str(size + 1))) == [
        f"4:7: cell 'taugru' would carry a state of {1_000_001 * (size + 1):,} numbers for each sequence, more than "
        "1,073,741,824: make it smaller"
    ]


def test_a_step_of_too_many_stages_is_refused() -> None:
    record = KNOWN.find("cell", "rhn").record
    figures = zoo.Description(output_shape=(1,), parameters=1, sequential_depth=MOST_STAGES)
    assert excess(record, figures) is None
    deeper = zoo.Description(output_shape=(1,), parameters=1, sequential_depth=MOST_STAGES + 1)
    assert excess(record, deeper) == (
        "cell 'rhn' would take 10,001 stages, one after the other, for each step, more than 10,000: make it less deep"
    )


def test_a_window_over_too_many_steps_is_refused(mistakes: Mistakes, models: Resolve) -> None:
    def text(dilation: int) -> str:
        layer = f"{{kind: conv1d, channels: 4, kernel_size: 3, dilation: {dilation}}}"
        return HEAD + f"layers: [{layer}, {{}}]\n"

    assert len(models(text(2**19 - 1))) == 1
    (found,) = mistakes(text(2**19))
    assert found.endswith(
        "layer 'conv1d' would look over 1,048,577 steps at once, more than 1,048,576: make its window smaller"
    )


def test_layers_of_too_many_stages_together_are_refused(mistakes: Mistakes, models: Resolve) -> None:
    def text(layers: int, depth: int) -> str:
        return HEAD.replace("cell: lstm", f"cell: {{kind: rhn, depth: {depth}}}") + f"layers: {layers}\n"

    assert models(text(10, MOST_STAGES // 10))[None].description.sequential_depth == MOST_STAGES
    began = time.process_time()
    for layers, depth in ((11, 1000), (1000, 1000)):
        assert mistakes(text(layers, depth)) == [
            f"6:9: the layers would take {layers * depth:,} stages together, one after the other, for each step, more "
            "than 10,000: make them fewer or less deep"
        ]
    assert time.process_time() - began < 1


def test_layers_times_variants_are_bounded(mistakes: Mistakes, models: Resolve) -> None:
    def text(layers: int, variants: int) -> str:
        return HEAD + f"layers: {layers}\nvariants: {{{', '.join(f'v{i}: {{}}' for i in range(variants))}}}\n"

    assert len(models(text(MOST_LAYERS_OF_ALL // 10, 9))) == 10
    assert mistakes(text(MOST_LAYERS_OF_ALL // 10 + 1, 9)) == [
        "7:1: the spec and its variants have 2,010 layers together, more than 2,000: split the file"
    ]
    began = time.process_time()
    assert mistakes(text(1000, 50)) == [
        "7:1: the spec and its variants have 51,000 layers together, more than 2,000: split the file"
    ]
    values = HEAD + f"head: {{kind: mlp, size: 1, pool: last, hidden: [{'1, ' * 1950}]}}\n"
    values += f"variants: {{{', '.join(f'v{i}: {{}}' for i in range(50))}}}\n"
    assert len(models(values)) == 51
    (message,) = mistakes(values.replace("hidden: [", "hidden: [" + "1, " * 50))
    assert message.startswith("7:1: the spec and its variants have 102,")
    assert message.endswith(" values together, more than 100,000: split the file")
    assert time.process_time() - began < 1


# Memory


@pytest.mark.parametrize(
    ("cell", "kept"),
    [("esn", 20 * (10 + 20 + 1)), ({"kind": "lmu", "order": 9}, 9 * 9 + 9), ("gru-d", 10), ("ligru", 81), ("lstm", 0)],
)
def test_buffers_are_counted(cell: Any, kept: int) -> None:
    found = library.load({**KEYS, "input": 10, "hidden_size": 20, "cell": cell}, KNOWN).description
    assert found.buffers == kept
    both = library.load(
        {**KEYS, "input": 10, "hidden_size": 20, "cell": cell, "bidirectional": True, "norm": "batch"}, KNOWN
    )
    assert both.description.buffers == 2 * kept + 81  # and the norm's over both directions


def test_the_memory_limit_counts_buffers_and_the_state_of_a_row() -> None:
    esn = {**KEYS, "cell": "esn", "hidden_size": 100}
    assert zoo.build(esn, memory_limit=4 * 100 * 105).spec.name == "x"
    with pytest.raises(
        BuildError, match=r"^x has 0 parameters and 10,500 numbers in buffers, 42,000 bytes, over the limit"
    ):
        zoo.build(esn, memory_limit=4 * 100 * 105 - 1)
    slow = {**KEYS, "cell": {"kind": "taugru", "delay": 1000}}
    with pytest.raises(
        BuildError, match=r"^x carries 4,004 numbers of state for each sequence, 16,016 bytes, over the limit"
    ):
        zoo.build(slow, memory_limit=16_015)
    with pytest.raises(BuildError, match="more than any machine holds"):
        zoo.build({**KEYS, "cell": "esn", "hidden_size": 10**8}, memory_limit=None)


def test_a_summary_of_a_large_state_is_made_on_meta() -> None:
    found = summarise(
        library.load({**KEYS, "cell": {"kind": "taugru", "delay": 1_000_000}, "hidden_size": 900}, KNOWN).spec
    )
    assert (found.device, found.state_bytes) == ("meta", 4 * 1_000_001 * 900)


class Keeps(zoo.Cell):
    """A cell with a buffer of three numbers, which its record describes, or does not."""

    def __init__(self, options: Any, input_shape: tuple[int, ...], hidden_size: int) -> None:
        super().__init__()
        self.input_shape, self.output_shape = input_shape, (hidden_size,)
        self.states = {"h": zoo.StateSpec((hidden_size,))}
        self.W = torch.nn.Parameter(torch.zeros(hidden_size, *input_shape))
        self.register_buffer("fixed_weights", torch.zeros(3))

    def step(self, u: Any, state: Any, const: Any) -> dict[str, torch.Tensor]:
        return {"h": u @ self.W.t()}


def described(options: Any, input_shape: tuple[int, ...], hidden_size: int) -> zoo.Description:
    return zoo.Description(
        output_shape=(hidden_size,), parameters=hidden_size * input_shape[0], state={"h": (hidden_size,)}
    )


def rightly(options: Any, input_shape: tuple[int, ...], hidden_size: int) -> zoo.Description:
    return zoo.Description(
        output_shape=(hidden_size,), parameters=hidden_size * input_shape[0], state={"h": (hidden_size,)}, buffers=3
    )


@pytest.mark.parametrize("describe", ["described", "rightly"])
def test_the_contract_counts_buffers(describe: str) -> None:
    from zoo.checks.figures import parameters
    from zoo.checks.subject import Subject
    from zoo.plugin.manager import given

    class Plugin:
        @zoo.hookimpl
        def zoo_cells(self) -> list[zoo.CellType]:
            return [zoo.CellType(name="keeps", build=f"{__name__}:Keeps", describe=f"{__name__}:{describe}")]

    spec = library.load({**KEYS, "cell": "keeps"}, isolated(given(Plugin(), distribution="zoo-keeps"))).spec
    if describe == "rightly":
        parameters(Subject(spec, torch.device("cpu")))
        return
    with pytest.raises(CheckFailure, match="the tiny model has 3 numbers in buffers, its description gives 0"):
        parameters(Subject(spec, torch.device("cpu")))


@pytest.mark.parametrize(("cell", "key"), [("lipschitz", "epsilon"), ("cornn", "dt"), ("antisymmetric", "epsilon")])
def test_a_number_that_float32_cannot_hold_is_a_mistake(cell: str, key: str, builtin: Catalogue) -> None:
    spec = {"schema": 1, "name": "x", "input": 3, "hidden_size": 4}
    assert library.load({**spec, "cell": {"kind": cell, key: 3.4e38}}, builtin).spec.name == "x"
    with pytest.raises(SpecError, match=rf"{key!r} must be between .* which float32 can hold"):
        library.load({**spec, "cell": {"kind": cell, key: 3.5e38}}, builtin)
