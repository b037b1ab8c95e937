"""Rules across keys: nothing that a spec says may be without effect or without meaning."""

from __future__ import annotations

from each import each
from spec_support import HEAD, Mistakes, Resolve

PLAIN = "schema: 1\nname: x\ninput: 10\ncell: plain\nhidden_size: 20\n"
BARE = "schema: 1\nname: x\ninput: 10\n"
MERGE = "merge says how the outputs of two directions are combined: it needs bidirectional: true"
LAST = "dropout between layers acts after every recurrent layer but the last, and this is the last: use dropout: {output: ...}"
LONE = "dropout between layers needs two or more recurrent layers; here there is one: use dropout: {output: ...} or add layers"
VARIATIONAL = "variational says how input, between and output are dropped, and none of them is given"
POOL = "pool 'last' takes the final output of each direction"


@each(
    ("text", "expected"),
    [
        (HEAD + "dropout: 0.1", [f"6:10: {LONE}"]),
        (HEAD + "dropout: {between: 0.1}", [f"6:20: {LONE}"]),
        (HEAD + "layers: [{}, {kind: linear, size: 3}]\ndropout: 0.1", [f"7:10: {LONE}"]),
        (HEAD + "layers: [{}, {dropout: 0.1}]", [f"6:24: {LAST}"]),
        (HEAD + "layers: [{dropout: {between: 0.1}}]", [f"6:30: {LAST}"]),
        (HEAD + "dropout: {variational: true}", [f"6:24: {VARIATIONAL}"]),
        (HEAD + "dropout: {variational: true, recurrent: 0.1}", [f"6:24: {VARIATIONAL}"]),
        (HEAD + "layers: [{dropout: {variational: true}}]", [f"6:34: {VARIATIONAL}"]),
        (HEAD + "merge: sum", [f"6:8: {MERGE}"]),
        (HEAD + "layers: [{merge: sum}, {bidirectional: true}]", [f"6:18: {MERGE}"]),
        (
            HEAD + "layers: [{reverse: true, bidirectional: true}]",
            ["6:20: a bidirectional layer already runs backward too: leave out reverse or bidirectional"],
        ),
        (
            HEAD + "bidirectional: true\nlayers: [{reverse: true}]",
            ["7:20: a bidirectional layer already runs backward too: leave out reverse or bidirectional"],
        ),
        (
            HEAD + "residual: true",
            [
                "6:11: residual adds the layer's input to its output, but the input is 10 wide and the output 20 wide; "
                "make them equal, for example with output_projection: 10"
            ],
        ),
        (
            HEAD + "layers: [{output_projection: 10}, {hidden_size: 10, bidirectional: true, residual: true}]",
            [
                "6:84: residual adds the layer's input to its output, but the input is 10 wide and the output 20 wide; "
                "make them equal, for example with output_projection: 10"
            ],
        ),
        (HEAD + "expect: {parameters: 5}", ["6:22: expects 5 parameters, but the model has 2,560"]),
        (PLAIN + "dropout: {recurrent: 0.1}", ["6:22: dropout.recurrent: cell 'plain' does not apply recurrent dropout"]),
        (PLAIN + "dropout: {weight: 0.1}", ["6:19: dropout.weight: cell 'plain' declares no recurrent weights for DropConnect"]),
        (
            PLAIN + "layers: [{dropout: {zoneout: 0.1}}]",
            ["6:30: dropout.zoneout: cell 'plain' has no state that allows zoneout"],
        ),
        (
            HEAD + "bidirectional: true\nlayers: [{}, {kind: linear, size: 3}]\nhead: {kind: linear, size: 1, pool: last}",
            [
                f"8:37: {POOL}, but a layer of kind 'linear' follows the last recurrent layer, which runs backward "
                "too: use pool: mean, max or attention"
            ],
        ),
        (
            HEAD.replace("10", "20") + "bidirectional: true\nmerge: sum\nresidual: true\nhead: {kind: linear, size: 1, pool: last}",
            [
                "9:37: pool 'last' is not defined for a residual layer whose directions are merged by 'sum': their final "
                "outputs belong to different steps"
            ],
        ),
        (
            BARE + "layers: [{kind: block, residual: false, layers: [{cell: gru, hidden_size: 3, reverse: true}]}]\n"
            "head: {kind: linear, size: 1, pool: last}",
            [f"5:37: {POOL}, which layers inside another one do not tell: use pool: mean, max or attention"],
        ),
        (
            HEAD + "layers: [{name: low}, {name: high}]\nhead: {kind: linear, size: 1, of: low}",
            [
                "6:23: no head reads this layer, and no layer that a head reads: leave it out, or name it in a head's `of`"
            ],
        ),
        (
            HEAD + "layers: [{name: low}, {}]\nhead: {kind: linear, size: 1, of: [low, lwo]}",
            ["7:35: no layer of this list is called 'lwo'; did you mean 'low'?"],
        ),
        (
            HEAD + "layers: [{name: low}, {kind: stack_frames, count: 2, name: top}]\n"
            "head: {kind: linear, size: 1, of: [low, top]}",
            ["7:35: low, top have different numbers of steps, and cannot be joined"],
        ),
        (
            HEAD + "layers: [{name: low}, {kind: stack_frames, count: 2}]\n"
            "heads: {a: {kind: linear, size: 1, of: low}, b: {kind: linear, size: 1}}",
            [
                "7:8: a, b give an output at every step, and what they read has different numbers of steps: put a pool in "
                "front of all but one"
            ],
        ),
        (HEAD + "head: {kind: linear, size: 1, of: []}", ["6:35: 'of' must name 1 to 100 layers, not 0"]),
        (
            HEAD + "head: {kind: linear, size: 1, of: 3}",
            ["6:35: 'of' must be the name of a layer, or a list of names, not the number 3"],
        ),
        (
            HEAD + "head: {kind: none, of: input}",
            ["6:24: of says what a head or a pool reads, and there is neither: leave it out"],
        ),
        (
            BARE + "layers: [{kind: dilated, dilation: 2, layers: [{cell: gru, hidden_size: 3, bidirectional: true}]}]",
            ["4:10: dilated layers run forward, and layers.0 runs backward too"],
        ),
        (
            BARE + "layers: [{kind: dilated, dilation: 2, layers: [{kind: conv1d, channels: 3, kernel_size: 3}]}]",
            ["4:10: dilated layers run step by step, and layers.0 (conv1d) cannot"],
        ),
        (
            BARE + "layers: [{kind: periodic, period: 2, layers: [{kind: stack_frames, count: 2}]}]",
            ["4:10: the layers inside change the number of steps: put what does so before or behind"],
        ),
        (
            BARE + "layers: [{kind: periodic, period: 2, layers: [{cell: gru-d, hidden_size: 3}]}]",
            [
                "4:10: cell 'gru-d' reads 'dt' of each step of the input, and the layers inside see but some of the steps: "
                "put the cell before"
            ],
        ),
        (
            HEAD + "layers: [{}, {kind: periodic, period: 2, layers: [{}]}]",
            ["6:51: missing key 'cell'", "6:51: missing key 'hidden_size'"],
        ),
        (
            HEAD + "dropout: 0\nlayers: [{kind: linear, size: 3}]",
            [
                "4:7: cell is for recurrent layers, and this spec has none: leave it out",
                "5:14: hidden_size is for recurrent layers, and this spec has none: leave it out",
                "6:10: dropout is for recurrent layers, and this spec has none: leave it out",
            ],
        ),
        (HEAD + "head: tied", ["6:7: a tied head shares the embedding's weights: it needs input: {kind: tokens, ...}"]),
    ],
)  # fmt: skip
def test_what_cannot_stand_together(text: str, expected: list[str], mistakes: Mistakes) -> None:
    assert mistakes(text) == expected


GOOD = [
    HEAD + "dropout: 0",
    HEAD + "dropout: 0.1\nlayers: 2",
    HEAD + "dropout: {variational: true, input: 0.1}",
    HEAD + "dropout: {recurrent: 0.1, weight: 0.1, zoneout: 0.1}",
    HEAD + "bidirectional: true\nmerge: sum",
    HEAD + "merge: sum\nlayers: [{bidirectional: true}, {}]",
    HEAD + "bidirectional: true\nlayers: [{bidirectional: false, reverse: true}]",
    HEAD + "layers: [{}, {kind: linear, size: 3}]\nhead: {kind: linear, size: 1, pool: last}",
    HEAD + "bidirectional: true\nhead: {kind: linear, size: 1, pool: last}",
    HEAD + "bidirectional: true\nlayers: [{}, {kind: linear, size: 3}]\nhead: {kind: linear, size: 1, pool: mean}",
    HEAD + "expect: {parameters: 2560}",
    BARE + "init: keras\nlayers: [{kind: linear, size: 3}]\nhead: {kind: linear, size: 1, pool: mean}",
    BARE + "cell: silent\nhidden_size: 3\nexpect: {parameters: 5}",  # nobody can say how many it has
]


@each("text", GOOD)
def test_what_can(text: str, models: Resolve) -> None:
    assert list(models(text)) == [None]


def test_dropout_on_the_model_acts_on_the_stack(models: Resolve) -> None:
    text = HEAD + "layers: 3\ndropout: {input: 0.1, between: 0.2, output: 0.3, recurrent: 0.4, variational: true}\n"
    dropouts = [layer.dropout for layer in models(text)[None].spec.recurrent]
    assert [(d.input, d.between, d.output, d.recurrent) for d in dropouts] == [
        (0.1, 0.2, 0, 0.4), (0, 0.2, 0, 0.4), (0, 0, 0.3, 0.4),
    ]  # fmt: skip


def test_a_layer_s_own_dropout_replaces_the_model_s(models: Resolve) -> None:
    text = (
        HEAD
        + "dropout: {input: 0.1, output: 0.3}\nlayers: [{}, {dropout: {recurrent: 0.4}}, {dropout: {input: 0.2}}]\n"
    )
    dropouts = [layer.dropout for layer in models(text)[None].spec.recurrent]
    assert [(d.input, d.output, d.recurrent) for d in dropouts] == [(0.1, 0, 0), (0, 0, 0.4), (0.2, 0, 0)]


def test_the_final_output_of_a_sum_can_be_taken(models: Resolve) -> None:
    text = HEAD + "bidirectional: true\nmerge: sum\nhead: {kind: linear, size: 1, pool: last}\n"
    assert models(text)[None].description.output_shape == (1,)
