"""The contract, check by check: names and one line each. Imports no torch."""

from __future__ import annotations

from typing import Final

from zoo.components import CheckType

SEVERAL: Final = frozenset(
    {"parameters", "summary", "reference", "options", "repeatable", "gradient_flow", "engines", "meta", "state_dict"}
    | {"memory", "streaming", "seed", "round_trip"}
)
"""Those that can be run on an architecture of several stacks: they call a model with what it gives as an example."""


def _check(name: str, run: str, summary: str, *, slow: bool = False) -> CheckType:
    return CheckType(name=name, run=f"zoo.checks.{run}", summary=summary, slow=slow, several=name in SEVERAL)


CHECKS: Final = (
    _check("shapes", "shapes:shapes", "outputs and states have the right shapes and dtypes at five sizes"),
    _check("parameters", "figures:parameters", "the parameter count is the published and the described one"),
    _check("summary", "figures:summary", "the summary's totals are right and it leaves the model as it was"),
    _check("reference", "reference:reference", "outputs equal those of the cell's NumPy reference in float64"),
    _check("options", "figures:options", "no option is dead"),
    _check("finite", "values:finite", "outputs are finite, for large inputs too"),
    _check("bounded", "bounds:bounded", "outputs stay within a bound for any input and length, where that is promised"),
    _check("repeatable", "values:repeatable", "eval repeats exactly and touches nothing"),
    _check("dropout", "drops:dropout", "dropout acts in training only, each kind at its rate"),
    _check("batch_independence", "values:batch_independence", "rows do not influence each other"),
    _check("padding_invariance", "values:padding_invariance", "padding changes no output and no gradient"),
    _check("causality", "values:causality", "no output depends on a later input"),
    _check("direction", "direction:direction", "the reverse half is a forward run over the reversed row"),
    _check("state_default", "states:state_default", "no state means the initial state"),
    _check("chunked", "states:chunked", "any split of the sequence, state carried, equals the whole run"),
    _check("stepwise", "states:stepwise", "one step at a time equals the whole run"),
    _check("reset", "states:reset", "a reset inside a sequence equals two runs"),
    _check("gradient_flow", "gradients:gradient_flow", "every parameter and every usable step gets a gradient"),
    _check("gradcheck", "gradients:gradcheck", "gradients equal finite differences in float64"),
    _check("engines", "engines:engines", "every engine gives the same values and gradients"),
    _check("precision", "precision:precision", "bfloat16 and autocast stay close; slow: over 1000 steps too"),
    _check("meta", "meta:meta", "runs on meta give the same shapes and dtypes, and nothing is made on another device"),
    _check("state_dict", "saving:state_dict", "saved, copied and pickled models give the same outputs"),
    _check("memory", "memory:memory", "what is returned shares no memory, and holds no more than itself"),
    _check("streaming", "memory:streaming", "a streaming block changes no number and leaves nothing behind"),
    _check("seed", "saving:seed", "a seed gives the same parameters, through meta too"),
    _check("round_trip", "saving:round_trip", "the canonical form reads back as the same spec"),
    _check("learns", "learning:learns", "overfits one tiny batch", slow=True),
    _check("compile", "learning:compiles", "the compiled model equals the eager one", slow=True),
    _check("export", "exporting:exports", "the exported model equals the eager one at sizes it never saw", slow=True),
)
