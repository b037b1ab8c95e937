"""The slow check that a model can be taken out of Python, with any number of sequences and steps."""

from __future__ import annotations

from typing import Any, Final

import torch
from torch import Tensor, nn
from torch.export import Dim

from zoo.checks.batch import batch_of, joined, run
from zoo.checks.subject import Subject, all_close
from zoo.errors import CheckFailure
from zoo.model.base import Model, recurrent_layers
from zoo.model.build import with_engine

SEEN = (7, 3, 5)
"""The lengths of the sequences that are traced."""
OTHERS = ((13, 2), (4, 1, 4, 2, 3), (6,), (1, 1))
"""Those that the exported model is run on: more and fewer sequences and steps, one sequence, one step."""
MOVED: Final = OTHERS[:-1]
"""Those behind windows that change the number of steps: torch takes one step of theirs for another graph."""


class Whole(nn.Module):
    """A model called with all that its cells read, which gives its output, the lengths of that, and its state."""

    def __init__(self, model: Model) -> None:
        super().__init__()
        self.model = model

    def forward(self, x: Any, lengths: Tensor, extras: dict[str, Tensor]) -> Any:
        output, state = self.model(x, lengths=lengths, return_state=True, **extras)
        return output, self.model.output_lengths(lengths), state


def exports(subject: Subject) -> None:
    """`torch.export` through the engine `scan`, with free batch and time, equals the eager model at other sizes."""
    eager = subject.model()
    model = with_engine(eager, "scan")
    batch = batch_of(subject, len(SEEN), max(SEEN))
    size, steps = Dim("batch"), Dim("steps")
    free: dict[int, Any] = {0: size, 1: Dim.DYNAMIC if subject.windows else steps}
    each: dict[str, Any] = {name: {0: size} if name in batch.once else free for name in batch.inputs}
    x = each.get("x", {name[2:]: axes for name, axes in each.items()})
    shapes = {"x": x, "lengths": {0: size}, "extras": dict.fromkeys(batch.extras, free)}
    # What torch has traced before may leak into an export. Scan has no derivative for complex states.
    torch._dynamo.reset()
    with torch.no_grad():
        try:
            given = (batch.x, subject.lengths(SEEN), dict(batch.extras))
            program = torch.export.export(Whole(model), given, dynamic_shapes=shapes, strict=False)
        except Exception as error:  # whatever torch raises, the model cannot be exported
            text = str(error).strip().splitlines()
            raise CheckFailure(
                f"cannot be exported: {type(error).__name__}: {' '.join(text[:2])[:300] if text else ''}"
            ) from error
        _has_no_unrolled_loop(model, program)
        exported = program.module()
        for lengths in MOVED if subject.windows else OTHERS:
            other = batch_of(subject, len(lengths), max(lengths), seed=1)
            ends = subject.lengths(lengths)
            output, behind, after = exported(other.x, ends, dict(other.extras))
            label = f"exported against eager, sequences of lengths {lengths}"
            all_close((joined(eager, output, ends), after), run(eager, other, lengths=ends), label)
            if behind.tolist() != list(lengths):
                raise CheckFailure(f"{label}: {behind.tolist()} steps of the output")
    torch._dynamo.reset()


def _has_no_unrolled_loop(model: Model, program: torch.export.ExportedProgram) -> None:
    """One scan for each direction of each layer stands in the graph."""
    cells = [
        cell for _, layer in recurrent_layers(model) for cell in (layer.cell, layer.reverse_cell) if cell is not None
    ]
    scans = sum(
        getattr(node.target, "name", lambda: "")() == "scan"
        for node in program.graph.nodes
        if node.op == "call_function"
    )
    if scans != len(cells):
        raise CheckFailure(f"the exported graph has {scans} scans for {len(cells)} recurrences")
