"""The slow checks: that a model learns, and that its compiled form is the same model."""

from __future__ import annotations

import torch

from zoo.checks import pairs
from zoo.checks.batch import Batch, batch_of, run
from zoo.checks.drops import without_dropout
from zoo.checks.subject import Subject, all_close
from zoo.errors import CheckFailure
from zoo.model.base import Model
from zoo.model.build import build

ITERATIONS = 1000
SHARE = 0.1
"""What may be left of the loss after so many iterations."""
SEEDS = (0, 2, 3)
"""Seeds of the learner, one after the other: a rectified unit that is dead at first learns nothing in any model."""


def learns(subject: Subject) -> None:
    """Overfits one tiny batch: random targets where a head can give any number, else another such model's outputs."""
    spec = without_dropout(subject.tiny)
    teacher = build(spec, seed=1, device=subject.device, dtype=torch.float32).eval()
    batch = batch_of(subject, 2, 5, dtype=torch.float32)
    with torch.no_grad():
        target = run(teacher, batch)[0]
    if subject.several or spec.head is not None:
        target = torch.randn(target.shape, generator=torch.Generator().manual_seed(1)).to(target)
    left = []
    for seed in SEEDS:
        left.append(_left(build(spec, seed=seed, device=subject.device, dtype=torch.float32), batch, target))
        if left[-1] < SHARE:
            return
    raise CheckFailure(
        f"after {ITERATIONS} iterations the loss is {min(left):.3g} of its initial value, the best of {len(SEEDS)} "
        f"initialisations, bound {SHARE}"
    )


def _left(model: Model, batch: Batch, target: torch.Tensor) -> float:
    """The share of its first loss that a model has left, as soon as that is small enough."""
    optimizer = torch.optim.Adam(model.parameters(), lr=0.02)
    first = share = 1.0
    for iteration in range(ITERATIONS):
        loss = torch.nn.functional.mse_loss(run(model, batch)[0], target)
        optimizer.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        optimizer.step()
        first = loss.item() if iteration == 0 else first
        share = loss.item() / first
        if share < SHARE:
            break
    return share


def compiles(subject: Subject) -> None:
    """The compiled model equals the eager one, with gradients, at a second batch size and with lengths too."""
    if subject.several:
        pairs.compiles(subject)
        return
    model = subject.model(dtype=torch.float32)
    torch._dynamo.reset()
    compiled = torch.compile(model)
    for size in (2, 3):
        batch = batch_of(subject, size, 3, dtype=torch.float32)
        lengths = torch.tensor([3, 1, 2][:size], device=subject.device)
        for sequence_lengths in (None, lengths):
            model.zero_grad(set_to_none=True)
            output, state = compiled(batch.x, lengths=sequence_lengths, return_state=True, **batch.extras)
            output.sum().backward()
            found = {name: p.grad.clone() for name, p in model.named_parameters() if p.grad is not None}
            model.zero_grad(set_to_none=True)
            expected, after = run(model, batch, lengths=sequence_lengths)
            expected.sum().backward()  # type: ignore[no-untyped-call]
            label = f"compiled against eager, {size} sequences"
            label += "" if sequence_lengths is None else f" of lengths {sequence_lengths.tolist()}"
            all_close((output, state), (expected, after), label)
            gradients = {name: p.grad for name, p in model.named_parameters() if p.grad is not None}
            all_close(found, gradients, f"{label}: gradients", bound=1e-4)
    torch._dynamo.reset()
