"""Every kind of mistake in the content of a spec: one message, with its place and how to mend it."""

from __future__ import annotations

import pytest
from each import each
from spec_support import HEAD, Mistakes, Resolve

from zoo.errors import SpecError
from zoo.spec.fields import MOST_MISTAKES

MISSING = "schema: 1\nname: x\ninput: 10\n"
STACKS = (
    "schema: 1\nname: x\narchitecture: encoder-decoder\n"
    "decoder: {input: 4, cell: rnn, hidden_size: 3, head: {kind: linear, size: 2}}\n"
)


MISTAKES = [
    # keys
    (HEAD + "hidden_sise: 3", "6:1: unknown key 'hidden_sise'; did you mean 'hidden_size'?"),
    (HEAD + "head: {kind: linear, size: 1, bais: true}", "6:31: unknown key 'bais'; did you mean 'bias'?"),
    (HEAD + "head: {kind: linear, size: 1, foo: 1}", "6:31: unknown key 'foo'; known here: activation, bias, dropout, frozen, kind, of, pool, size, soft_cap"),
    (HEAD + "dropout: {inptu: 0.1}", "6:11: unknown key 'inptu'; did you mean 'input'?"),
    (HEAD + "layers: [{bidirectionl: true}]", "6:11: unknown key 'bidirectionl'; did you mean 'bidirectional'?"),
    (HEAD + "layers: [{laiers: 2}]", "6:11: unknown key 'laiers'; known here: bidirectional, cell, dropout, hidden_size, init, initial_state, kind, merge, norm, output_projection, residual, reverse, share"),
    (HEAD + "layers: [{layers: 2}]", "6:11: 'layers' is a key of the model and belongs beside 'layers', not in a layer"),
    (HEAD + "layers: [{head: none}]", "6:11: 'head' is a key of the model and belongs beside 'layers', not in a layer"),
    (HEAD + "HIDDEN_size: 3", "6:1: unknown key 'HIDDEN_size'; did you mean 'hidden_size'?"),
    (HEAD + "hiddenSize: 3", "6:1: unknown key 'hiddenSize'; did you mean 'hidden_size'?"),
    (HEAD + "bidirectional: true\nmerge: Sum", "7:8: 'merge' must be 'concat', 'sum', 'mean' or 'mul', not the text 'Sum'; did you mean 'sum'?"),
    # options beside what they belong to
    (MISSING + "hidden_size: 3\ncell: rnn\nnonlinearity: relu", "6:1: 'nonlinearity' is an option of cell 'rnn' and belongs inside 'cell': cell: {kind: rnn, nonlinearity: relu}"),
    (MISSING + "hidden_size: 3\ncell: {kind: rnn, bias: one}\nnonlinearity: relu", "6:1: 'nonlinearity' is an option of cell 'rnn' and belongs inside 'cell': cell: {kind: rnn, bias: one, nonlinearity: relu}"),
    (MISSING + "hidden_size: 3\ncell: rnn\nlayers: [{nonlinearity: relu}]", "6:11: 'nonlinearity' is an option of cell 'rnn' and belongs inside 'cell': cell: {kind: rnn, nonlinearity: relu}"),
    (HEAD + "layers: [{cell: gru, reset_gate: before}]", "6:22: 'reset_gate' is an option of cell 'gru' and belongs inside 'cell': cell: {kind: gru, reset_gate: before}"),
    (HEAD + "forget_biass: 1", "6:1: unknown key 'forget_biass'; did you mean 'forget_bias'? It is an option of cell 'lstm' and belongs inside 'cell': cell: {kind: lstm, forget_bias: 1}"),
    (HEAD + "pool: last", "6:1: 'pool' is a part of the head and belongs inside 'head': head: {kind: linear, size: 1, pool: last}"),
    (HEAD + "head: {kind: linear, size: 1}\npool: last", "7:1: 'pool' is an option of head 'linear' and belongs inside 'head': head: {kind: linear, size: 1, pool: last}"),
    (HEAD + "norm: layer\nposition: before", "7:1: 'position' is an option of norm 'layer' and belongs inside 'norm': norm: {kind: layer, position: before}"),
    (HEAD + "layers: [{kind: mlp, hidden: 8, size: 9}]", "6:33: unknown key 'size'; known here: activation, bias, dropout, from, frozen, hidden, kind, name, repeat"),
    (HEAD + "layers: [{kind: mlp, hidden: 8, hidden_size: 9}]", "6:33: unknown key 'hidden_size'; did you mean 'hidden'?"),
    (HEAD + "layers: [{kind: block, layers: [{cell: rnn, nonlinearity: relu}]}]", "6:45: 'nonlinearity' is an option of cell 'rnn' and belongs inside 'cell': cell: {kind: rnn, nonlinearity: relu}"),
    (HEAD + "layers: [{kind: block, layers: [{cell: {kind: rnn, reverse: true}}]}]", "6:52: 'reverse' is a key of the layer and belongs beside 'cell', not inside it: reverse: true"),
    (STACKS + "encoder: {input: 4, cell: rnn, hidden_size: 3, nonlinearity: relu}", "5:48: 'nonlinearity' is an option of cell 'rnn' and belongs inside 'cell': cell: {kind: rnn, nonlinearity: relu}"),
    (STACKS + "encoder: {input: {kind: features, size: 4, cell: rnn}, cell: rnn, hidden_size: 3}", "5:44: 'cell' is a key of the stack and belongs beside 'input', not inside it: cell: rnn"),
    (STACKS + "encoder: {input: 4, cell: rnn, hidden_size: 3, layers: [{head: none}]}", "5:58: 'head' is a key of the stack and belongs beside 'layers', not in a layer"),
    (HEAD + "zoneout: 0.1", "6:1: 'zoneout' is a kind of dropout and belongs inside 'dropout': dropout: {zoneout: 0.1}"),
    (HEAD + "layers: 2\ndropout: 0.1\nzoneout: 0.2", "8:1: 'zoneout' is a kind of dropout and belongs inside 'dropout': dropout: {between: 0.1, zoneout: 0.2}"),
    (HEAD + "parameters: 3", "6:1: 'parameters' is a figure to expect and belongs inside 'expect': expect: {parameters: 3}"),
    (MISSING + "cell: {kind: lstm, hidden_size: 20}\nhidden_size: 3", "4:20: 'hidden_size' is a key of the model and belongs beside 'cell', not inside it: hidden_size: 20"),
    (HEAD + "layers: [{cell: {kind: lstm, reverse: true}}]", "6:30: 'reverse' is a key of the layer and belongs beside 'cell', not inside it: reverse: true"),
    (HEAD + "description: " + "long " * 30 + "\nnorm: {kind: layer, description: " + "long " * 30 + "}", "7:21: 'description' is a key of the model and belongs beside 'norm', not inside it: description: ..."),
    (HEAD + "schema_version: 1", "6:1: unknown key 'schema_version'; did you mean 'schema'?"),
    (HEAD + "zzz: 1", "6:1: unknown key 'zzz'; known here: architecture, bidirectional, cell, description, dropout, expect, extends, head, heads, hidden_size, init, input, layers, merge, name, norm, paper, requires, residual, schema, share, tags, variants"),
    (HEAD + "output_projection: 3", "6:1: 'output_projection' may be set on a layer only, as in layers: [{output_projection: ...}]"),
    (HEAD + "k" * 100 + ": 1", "6:1: unknown key '" + "k" * 57 + "...'"),
    (MISSING + "cell: lstm", "1:1: missing key 'hidden_size'"),
    (MISSING + "hidden_size: 3\nlayers: [{hidden_size: 3}, {cell: gru}]", "5:10: missing key 'cell'"),
    ("schema: 1\nname: x\ncell: lstm\nhidden_size: 2", "1:1: missing key 'input'"),
    ("schema: 1\ninput: 2\ncell: lstm\nhidden_size: 2", "1:1: missing key 'name'"),
    ("name: x\ninput: 2\ncell: lstm\nhidden_size: 2", "1:1: missing key 'schema'"),
    (HEAD + "head: linear", "6:7: missing key 'size'"),
    (HEAD + "head:\n  size: 1", "6:1: missing key 'kind': the name of a head"),
    (HEAD + "norm: {position: before}", "6:7: missing key 'kind': the name of a norm"),
    (HEAD + "expect: {}", "6:9: missing key 'parameters'"),
    # types
    (MISSING + "cell: lstm\nhidden_size: true", "5:14: 'hidden_size' must be an integer, not the boolean true"),
    (MISSING + "cell: lstm\nhidden_size: 1e3", "5:14: 'hidden_size' must be an integer, not the number 1000.0"),
    (MISSING + "cell: lstm\nhidden_size: 017", "5:14: 'hidden_size' must be an integer, not the text '017'"),
    (MISSING + "cell: lstm\nhidden_size: [1]", "5:14: 'hidden_size' must be an integer, not a list"),
    (HEAD + "bidirectional: yes", "6:16: 'bidirectional' must be true or false, not the text 'yes'"),
    (HEAD + "bidirectional: 1", "6:16: 'bidirectional' must be true or false, not the number 1"),
    (HEAD + "description: 5", "6:14: 'description' must be text, not the number 5; put it in quotes"),
    (HEAD + "description: [a]", "6:14: 'description' must be text, not a list"),
    (HEAD + "paper: true", "6:8: 'paper' must be text, not the boolean true; put it in quotes"),
    (HEAD + "tags: practical", "6:7: 'tags' must be a list, not the text 'practical'"),
    (HEAD + "tags: [a, 1]", "6:11: an entry of 'tags' must be text, not the number 1; put it in quotes"),
    (HEAD + "expect: 5", "6:9: 'expect' must be a mapping, not the number 5"),
    (HEAD + "dropout: a", "6:10: 'dropout' must be a rate, or a mapping of kinds to rates, not the text 'a'"),
    (HEAD + "dropout: true", "6:10: 'dropout' must be a rate, or a mapping of kinds to rates, not the boolean true"),
    (HEAD + "layers: two", "6:9: 'layers' must be a count or a list of layers, not the text 'two'"),
    (HEAD + "layers: true", "6:9: 'layers' must be a count or a list of layers, not the boolean true"),
    (HEAD + "layers: [{}, lstm]", "6:14: a layer must be a mapping, as in {hidden_size: 20}, not the text 'lstm'"),
    (HEAD + "head: 5", "6:7: 'head' must be the name of a head, or a mapping with 'kind', not the number 5"),
    (HEAD + "head: {kind: 5}", "6:14: 'kind' must be the name of a head, not the number 5"),
    (HEAD + "head: {kind: mlp, size: 1, hidden: 5}", "6:36: 'hidden' must be a list, not the number 5"),
    (HEAD + "head: {kind: mlp, size: 1, hidden: [x]}", "6:37: an entry of 'hidden' must be an integer, not the text 'x'"),
    (HEAD + "head: {kind: mlp, size: 1, hidden: []}", "6:36: 'hidden' must have at least 1 entry"),
    # bounds and choices
    ("schema: 1\nname: x\ninput: -1\ncell: lstm\nhidden_size: 2", "3:8: 'input' must be at least 1, not -1"),
    (MISSING + "cell: lstm\nhidden_size: 0", "5:14: 'hidden_size' must be at least 1, not 0"),
    (HEAD + "layers: 0", "6:9: 'layers' must be 1 to 1000 layers, not 0"),
    (HEAD + "layers: []", "6:9: 'layers' must be 1 to 1000 layers, not 0"),
    (HEAD + "layers: 1001", "6:9: 'layers' must be 1 to 1000 layers, not 1001"),
    (HEAD + "dropout: 1.5\nlayers: 2", "6:10: 'dropout' must be less than 1, not 1.5"),
    (HEAD + "dropout: {input: 1}", "6:18: 'input' must be less than 1, not 1"),
    (HEAD + "dropout: {input: -0.5}", "6:18: 'input' must be at least 0, not -0.5"),
    (HEAD + "init: {kind: uniform, range: 0}", "6:30: 'range' must be greater than 0, not 0"),
    (HEAD + "bidirectional: true\nmerge: som", "7:8: 'merge' must be 'concat', 'sum', 'mean' or 'mul', not the text 'som'; did you mean 'sum'?"),
    (HEAD + "bidirectional: true\nmerge: 3", "7:8: 'merge' must be 'concat', 'sum', 'mean' or 'mul', not the number 3"),
    (HEAD + "layers: [{initial_state: learnt}]", "6:26: 'initial_state' must be 'zeros' or 'learned', not the text 'learnt'; did you mean 'learned'?"),
    (HEAD + "norm: {kind: layer, position: behind}", "6:31: position must be 'before' or 'after', not the text 'behind'"),
    (HEAD + "tags: [" + "a, " * 101 + "]", "6:7: 'tags' must have at most 100 entries"),
    ("schema: 1\nname: X y\ninput: 1\ncell: lstm\nhidden_size: 2", "2:7: 'name' must be lower case letters, digits, '.', '_' and '-', starting with a letter or digit"),
    ("schema: 1\nname: |\n  x\ninput: 1\ncell: lstm\nhidden_size: 2", "2:7: 'name' must be lower case letters, digits, '.', '_' and '-', starting with a letter or digit"),
    # components
    (MISSING + "cell: lstn\nhidden_size: 2", "4:7: unknown cell 'lstn'; did you mean 'lstm'?"),
    (HEAD + "head: {kind: linear, size: 1, pool: lats}", "6:37: unknown pool 'lats'; did you mean 'last'?"),
    (HEAD + "norm: group", "6:7: unknown norm 'group'; known: batch, layer, rms"),
    (HEAD + "layers: [{kind: lstm}]", "6:17: 'lstm' is a cell, not a layer kind: write `cell: lstm`"),
    (HEAD + "layers: [{kind: heads}]", "6:17: 'heads' is a cell, not a layer kind: write `cell: heads`"),
    (HEAD + "architecture: qq", "6:15: unknown architecture 'qq'; known: bilm, encoder-decoder, stack, transducer"),
    (MISSING + "cell: {kind: lstm, bias: none, forget_bias: 1}\nhidden_size: 2", "4:7: forget_bias needs a bias: leave it out, or use bias: two or bias: one"),
    (MISSING + "cell: {kind: heads, modes: [slow, fats]}\nhidden_size: 2", "4:35: an entry of 'modes' must be 'slow' or 'fast', not the text 'fats'; did you mean 'fast'?"),
    (MISSING + "cell: {kind: heads, inner: {depth: 0}}\nhidden_size: 2", "4:36: 'depth' must be at least 1, not 0"),
    (MISSING + "cell: fragile\nhidden_size: 2\nresidual: 1", "6:11: 'residual' must be true or false, not the number 1"),
    # a stranger's mistakes
    (MISSING + "cell: {kind: fragile, size: 3}\nhidden_size: 2", "4:7: FragileOptions cannot be checked: KeyError: 'oops'"),
    (MISSING + "cell: broken\nhidden_size: 2", "4:7: cell 'zoo-acme/broken' 0.1 cannot describe itself: IndexError: list index out of range"),
    # versions
    ("schema: 2\nname: x", "1:9: schema 2 is newer than this recurrent-zoo reads (1): pip install -U recurrent-zoo"),
    ("schema: '1'\nname: x", "1:9: schema must be 1, the version of this format, not the text '1'"),
    ("schema: true\nname: x", "1:9: schema must be 1, the version of this format, not the boolean true"),
    ("schema: 0\nname: x", "1:9: schema must be 1, the version of this format, not the number 0"),
]  # fmt: skip
"""A text with one mistake, and its message."""


@each(("text", "expected"), MISTAKES)
def test_a_mistake_is_one_message_with_its_place(text: str, expected: str, mistakes: Mistakes) -> None:
    assert mistakes(text) == [expected]


def test_an_option_belongs_where_it_is_not_written_yet(mistakes: Mistakes) -> None:
    assert mistakes(HEAD + "head: linear\nsize: 4") == [
        "6:7: missing key 'size'",
        "7:1: 'size' is an option of head 'linear' and belongs inside 'head': head: {kind: linear, size: 4}",
    ]


def test_the_exact_text_with_line_and_caret(models: Resolve) -> None:
    with pytest.raises(SpecError) as caught:
        models(HEAD + "layers:\n  - {hidden_sise: 128}\nhead: {kind: linear, size: ü}\n")
    assert str(caught.value) == (
        "f.yaml:7:6: unknown key 'hidden_sise'; did you mean 'hidden_size'?\n"
        "  7 |   - {hidden_sise: 128}\n"
        "    |      ^^^^^^^^^^^\n"
        "f.yaml:8:28: 'size' must be an integer, not the text 'ü'\n"
        "  8 | head: {kind: linear, size: ü}\n"
        "    |                            ^"
    )


def test_every_mistake_is_reported_at_once_in_the_order_of_the_file(mistakes: Mistakes) -> None:
    text = "schema: 1\nname: A\ninput: 0\ncell: lstn\nhidden_size: true\nlayers: 0\nhead: {kind: linear, sise: 1, pool: x}\n"
    assert [message.split(": ")[0] for message in mistakes(text)] == [
        "2:7", "3:8", "4:7", "5:14", "6:9", "7:7", "7:22", "7:37",
    ]  # fmt: skip


def test_a_mistake_of_the_spec_and_its_variants_is_shown_once(mistakes: Mistakes) -> None:
    text = HEAD + "bidirectional: maybe\nvariants: {a: {hidden_size: 3}, b: {hidden_size: x}}\n"
    assert mistakes(text) == [
        "6:16: 'bidirectional' must be true or false, not the text 'maybe'",
        "7:50: 'hidden_size' must be an integer, not the text 'x'",
    ]


def test_what_nobody_reads_is_counted(mistakes: Mistakes) -> None:
    found = mistakes(HEAD + "".join(f"k{i}: 1\n" for i in range(MOST_MISTAKES + 50)))
    assert len(found) == MOST_MISTAKES + 1
    assert found[-1] == "f.yaml: 50 or more others".removeprefix("f.yaml:")


def test_codes_are_stable_names(models: Resolve) -> None:
    with pytest.raises(SpecError) as caught:
        models(HEAD + "foo: 1\nhead: nothing\nbidirectional: 1\n")
    assert [d.code for d in caught.value.diagnostics] == ["extra_forbidden", "unknown_component", "bool_type"]


def test_a_name_that_a_missing_plugin_may_know(mistakes: Mistakes) -> None:
    text = MISSING + "cell: elsewhere\nhidden_size: 2\nrequires: [zoo-nowhere>=0.2]\n"
    assert mistakes(text) == [
        "4:7: unknown cell 'elsewhere'; the spec requires zoo-nowhere>=0.2, which is not installed: pip install 'zoo-nowhere>=0.2'"
    ]


@pytest.mark.parametrize(
    ("requirement", "expected"),
    [
        ("zoo-acme>=0.1", None),
        ("Zoo_Acme", None),
        ("zoo-acme>=0.2", "the spec requires zoo-acme>=0.2, but zoo-acme 0.1 is installed: pip install 'zoo-acme>=0.2'"),
        ("zoo-nowhere", "the spec requires zoo-nowhere, which is not installed: pip install zoo-nowhere"),
        ("'!!'", "'!!' is not a requirement: write a distribution and its versions, as in 'zoo-acme>=0.2'"),
    ],
)  # fmt: skip
def test_requires(requirement: str, expected: str | None, models: Resolve, mistakes: Mistakes) -> None:
    text = HEAD + f"requires: [{requirement}]\n"
    if expected is None:
        assert models(text)[None].spec.requires == (requirement,)
    else:
        assert mistakes(text) == [f"6:12: {expected}"]
