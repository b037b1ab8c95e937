"""The slow checks: that a model learns, and that its compiled form is the same model."""

from __future__ import annotations

import torch

from zoo.checks import pairs
from zoo.checks.batch import batch_of, joined, pooled_of, run
from zoo.checks.heads import heads
from zoo.checks.overfitting import learner, overfits
from zoo.checks.subject import Subject, all_close
from zoo.model.build import build

ITERATIONS = 1000


def learns(subject: Subject) -> None:
    """Overfits one tiny batch: random targets where a head can give any number, else another such model's outputs."""
    spec = learner(subject.tiny)
    teacher = build(spec, seed=1, device=subject.device, dtype=torch.float32).eval()
    batch = batch_of(subject, 2, 5, dtype=torch.float32)
    with torch.no_grad():
        target = run(teacher, batch)[0]
    free = [_free(one.head) for one in heads(teacher)]
    alike = len(set(pooled_of(teacher).values())) == 1  # else what pools is the same number at every step
    if subject.several or (free and len(free) == len(spec.only.all_heads) and all(free) and alike):
        target = torch.randn(target.shape, generator=torch.Generator().manual_seed(1)).to(target)
    overfits(subject, lambda model: lambda: torch.nn.functional.mse_loss(run(model, batch)[0], target), ITERATIONS)


def _free(head: torch.nn.Module) -> bool:
    """Whether a head can give any numbers: not those whose logarithms or squares add up to 1, nor bounded ones."""
    return getattr(head, "gives", "logits") in ("logits", "density", "emissions")


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
            output = joined(model, output, sequence_lengths)
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
