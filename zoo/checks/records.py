"""The contract, check by check: names and one line each. Imports no torch."""

from __future__ import annotations

from typing import Final

from zoo.components import CheckType

SEVERAL: Final = frozenset(
    {"parameters", "summary", "reference", "options", "repeatable", "gradient_flow", "engines", "meta", "state_dict"}
    | {"memory", "streaming", "seed", "round_trip", "learns", "bounded", "direction", "loss_reference", "decode"}
    | {"lengths_out", "frozen", "names"}
)
"""Those that can be run on an architecture of several stacks: they call a model with what it gives as an example."""
RESTATED: Final = frozenset(
    {"shapes", "finite", "batch_independence", "padding_invariance", "causality", "chunked", "stepwise", "compile"}
)
"""Those that say the same of a source and a target, in `zoo.checks.pairs`; they skip any other architecture."""


def _check(
    name: str,
    run: str,
    summary: str,
    *,
    slow: bool = False,
    several: bool = False,
    architectures: tuple[str, ...] = (),
) -> CheckType:
    several = several or name in SEVERAL | RESTATED
    run = f"zoo.checks.{run}"
    return CheckType(name=name, run=run, summary=summary, slow=slow, several=several, architectures=architectures)


CHECKS: Final = (
    _check("shapes", "shapes:shapes", "outputs and states have the right shapes and dtypes at five sizes"),
    _check(
        "parameters",
        "figures:parameters",
        "the parameter count equals the spec's expected one and the component's description",
    ),
    _check("summary", "figures:summary", "the summary's totals are right and it leaves the model as it was"),
    _check("reference", "reference:reference", "outputs equal those of the cell's NumPy reference in float64"),
    _check("options", "figures:options", "every option changes the model"),
    _check("finite", "values:finite", "outputs are finite, for large inputs too"),
    _check("bounded", "bounds:bounded", "outputs stay within a bound for any input and length, where that is promised"),
    _check(
        "repeatable",
        "values:repeatable",
        "in eval mode runs repeat exactly and change no parameter, input or random state",
    ),
    _check("dropout", "drops:dropout", "dropout acts in training only, each kind at its rate"),
    _check("batch_independence", "values:batch_independence", "sequences of a batch do not influence each other"),
    _check("padding_invariance", "padding:padding_invariance", "padding changes no output and no gradient"),
    _check("causality", "causality:causality", "no output depends on a later input"),
    _check("direction", "direction:direction", "the backward direction is a forward run over the reversed sequence"),
    _check("state_default", "states:state_default", "no state means the initial state"),
    _check("chunked", "states:chunked", "running in chunks, carrying the state, equals the whole run"),
    _check("stepwise", "states:stepwise", "one step at a time equals the whole run"),
    _check("reset", "states:reset", "a reset inside a sequence equals two separate runs"),
    _check(
        "gradient_flow", "gradients:gradient_flow", "every parameter and every valid step of the input gets a gradient"
    ),
    _check("gradcheck", "gradients:gradcheck", "gradients equal finite differences in float64"),
    _check("engines", "engines:engines", "every engine gives the same values and gradients"),
    _check(
        "precision",
        "precision:precision",
        "results in bfloat16 and autocast are close to float32; with --slow, over 1000 steps too",
    ),
    _check(
        "loss_reference",
        "losses:loss_reference",
        "each head's loss equals its definition, written out, and padding counts nothing",
    ),
    _check("decode", "losses:decode", "each head's answer is the best of all answers"),
    _check("every_head_matters", "heads:every_head_matters", "each of several heads gives its own output"),
    _check("every_input_matters", "inputs:every_input_matters", "each of several inputs is read, as the spec says"),
    _check(
        "lengths_out",
        "lengths:lengths_out",
        "layers that change the number of steps give as many as their windows fit, of each sequence too",
    ),
    _check("frozen", "frozen:frozen", "training moves no number of what is frozen, and all else can train"),
    _check("names", "names:names", "other names of layers change neither keys nor numbers"),
    _check("meta", "meta:meta", "runs on meta give the same shapes and dtypes, and nothing is made on another device"),
    _check("state_dict", "saving:state_dict", "saved, copied and pickled models give the same outputs"),
    _check("memory", "memory:memory", "returned tensors share no memory with others, and hold no more than their own"),
    _check("streaming", "memory:streaming", "a streaming block changes no result and leaves nothing cached behind"),
    _check("seed", "saving:seed", "a seed gives the same parameters, through meta too"),
    _check("round_trip", "saving:round_trip", "the canonical form reads back as the same spec"),
    _check(
        "transducer_loss",
        "transducer_loss:transducer_loss",
        "a transducer's loss equals the sum over all ways of writing the target, each written out",
        several=True,
        architectures=("transducer",),
    ),
    _check(
        "transducer_decode",
        "transducer_loss:transducer_decode",
        "a transducer writes the likeliest symbol at each step, and by a wide beam the likeliest text",
        several=True,
        architectures=("transducer",),
    ),
    _check(
        "attention_mask",
        "translating:attention_mask",
        "the weights of attention sum to 1, zero on padding, and padding of the memory changes nothing",
        several=True,
        architectures=("encoder-decoder",),
    ),
    _check(
        "decoder_start",
        "translating:decoder_start",
        "each state of a decoder starts as its bridge says, and changes a score",
        several=True,
        architectures=("encoder-decoder",),
    ),
    _check(
        "generate",
        "generating:generate",
        "what is written by a batch is what whole runs and single rows write, and is drawn by its chances",
    ),
    _check(
        "sharing",
        "translating:sharing",
        "a shared table is one parameter under one key, with a gradient by every use",
        several=True,
        architectures=("encoder-decoder",),
    ),
    _check("learns", "learning:learns", "overfits one tiny batch", slow=True),
    _check("compile", "learning:compiles", "the compiled model equals the eager one", slow=True),
    _check(
        "export",
        "exporting:exports",
        "the exported model equals the eager one, at other sizes than it was exported with too",
        slow=True,
    ),
)
