"""The head of a linear-chain conditional random field: the labels of a sequence are scored together."""

from __future__ import annotations

import math
from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from zoo.components import Shape, chosen
from zoo.errors import InputError
from zoo.heads.base import Head, Lengths, cleared, refuse, wide
from zoo.heads.options import CRFOptions
from zoo.heads.targets import checked_symbols, rows_of, valid_steps


class Chain(NamedTuple):
    """What a path adds to the scores of its steps.

    Attributes:
        start: For its first label, (S,).
        inner: For each label (row) that another (column) follows, (S, S).
        stop: For its last label, (S,).
    """

    start: Tensor
    inner: Tensor
    stop: Tensor


class CRF(Head):
    """(B, T, F) -> W x + b, (B, T, labels): the score of each label at each step, to which transitions are added.

    The score of labels l_1 to l_T is a(l_1) + Σ_t y_t(l_t) + Σ_t A(l_t, l_t+1) + z(l_T), and their probability its
    exponential over the sum for all label sequences. A target is labels (B, T); the loss is the mean over sequences of
    -log P(target). `decode` gives the likeliest sequence, found by Viterbi's algorithm.

        ends: both    a and z are the row of a start and the column of a stop in one matrix of (size + 2)²
                      (Lample et al. 2016, arXiv:1603.01360, and glample/tagger, model.py)
        ends: start   a is the row of one label more, which is scored at each step and counts in the sum over all
                      sequences, and is never decoded; no z: (size + 1)² (Ma and Hovy 2016, arXiv:1603.01354, and
                      XuezheMax/NeuroNLP2, nn/crf.py with bigram=False)
        ends: none    neither: size²
    """

    gives = "emissions"

    def __init__(self, options: CRFOptions, input_shape: Shape, source: nn.Module) -> None:
        super().__init__()
        self.size, self.ends, self.dropout = options.size, options.ends, options.dropout
        self.axes = len(input_shape)
        self.linear = nn.Linear(math.prod(input_shape), options.size + (options.ends == "start"), bias=options.bias)
        more = {"both": 2, "start": 1, "none": 0}[options.ends]
        self.transitions = nn.Parameter(torch.empty(options.size + more, options.size + more))
        self.reset_parameters()
        self._chosen = chosen(options, "bias")

    def reset_parameters(self) -> None:
        """Transitions as the official codes start them: normal with `ends: start`, else Glorot uniform."""
        if self.ends == "start":
            nn.init.normal_(self.transitions)
        else:
            nn.init.xavier_uniform_(self.transitions)

    def extra_repr(self) -> str:
        return self._chosen

    def forward(self, x: Tensor) -> Tensor:
        y: Tensor = self.linear(F.dropout(x.flatten(-self.axes), self.dropout, self.training))
        return y

    def chain(self) -> Chain:
        """The transitions between labels and at the ends.

        Returns:
            Them by name, over the labels that an output scores.
        """
        A = wide(self.transitions)
        if self.ends == "both":
            return Chain(A[self.size, : self.size], A[: self.size, : self.size], A[: self.size, self.size + 1])
        none = A.new_zeros(len(A))
        return Chain(A[-1] if self.ends == "start" else none, A, none)

    def score(self, output: Tensor, labels: Tensor, lengths: Lengths = None) -> Tensor:
        """The score of one label sequence for each row, before it is compared with all others.

        Args:
            output: What `forward` gave, (B, T, labels).
            labels: Of shape (B, T).
            lengths: Number of valid steps of each sequence, (B,).

        Returns:
            Of shape (B,).
        """
        valid = self._valid(output, lengths)
        chain, labels = self.chain(), labels.masked_fill(~valid, 0)
        total = chain.start[labels[:, 0]]
        steps = wide(output).gather(-1, labels.unsqueeze(-1)).squeeze(-1)
        total = total + torch.where(valid, steps, torch.zeros_like(steps)).sum(1)
        moves = chain.inner[labels[:, :-1], labels[:, 1:]]
        total = total + torch.where(valid[:, 1:], moves, torch.zeros_like(moves)).sum(1)
        last = labels.gather(1, (valid.sum(1, keepdim=True) - 1).clamp(min=0)).squeeze(1)
        return total + chain.stop[last]

    def log_partition(self, output: Tensor, lengths: Lengths = None) -> Tensor:
        """The logarithm of the sum of exponentials of the scores of all label sequences.

        Args:
            output: What `forward` gave, (B, T, labels).
            lengths: Number of valid steps of each sequence, (B,).

        Returns:
            Of shape (B,).
        """
        valid, chain = self._valid(output, lengths), self.chain()
        scores = cleared(wide(output), valid)
        total = chain.start + scores[:, 0]  # (B, S)
        for t in range(1, output.shape[1]):
            longer = torch.logsumexp(total.unsqueeze(2) + chain.inner, 1) + scores[:, t]
            total = torch.where(valid[:, t, None], longer, total)
        return torch.logsumexp(total + chain.stop, 1)

    def loss(
        self, output: Tensor, target: Tensor, lengths: Lengths = None, *, target_lengths: Lengths = None
    ) -> Tensor:
        refuse(target_lengths)
        valid = self._valid(output, lengths)
        labels = checked_symbols(target, rows_of(output), self.size, valid)
        some = valid[:, 0]  # a sequence of no step has one label sequence, of probability 1
        each = self.log_partition(output, lengths) - self.score(output, labels, lengths)
        return torch.where(some, each, torch.zeros_like(each)).mean()

    def decode(self, output: Tensor, lengths: Lengths = None) -> Tensor:
        valid, chain = self._valid(output, lengths), self.chain()
        scores = wide(output)[..., : self.size]
        start, inner, stop = chain.start[: self.size], chain.inner[: self.size, : self.size], chain.stop[: self.size]
        best, stay = start + scores[:, 0], torch.arange(self.size, device=output.device)
        came: list[Tensor] = []
        for t in range(1, output.shape[1]):
            reached, before = (best.unsqueeze(2) + inner).max(1)
            best = torch.where(valid[:, t, None], reached + scores[:, t], best)
            came.append(torch.where(valid[:, t, None], before, stay))
        label = (best + stop).argmax(1)
        path = [label]
        for before in reversed(came):
            label = before.gather(1, label.unsqueeze(1)).squeeze(1)
            path.append(label)
        return torch.stack(path[::-1], 1).masked_fill(~valid, -1)

    def example_target(self, output: Tensor, generator: torch.Generator) -> Tensor:
        return torch.randint(0, self.size, rows_of(output), generator=generator).to(output.device)

    def _valid(self, output: Tensor, lengths: Lengths) -> Tensor:
        rows = rows_of(output)
        if len(rows) != 2:
            raise InputError("a conditional random field needs an output at every step, (B, T, labels)")
        valid = valid_steps(output, lengths)
        return torch.ones(rows, dtype=torch.bool, device=output.device) if valid is None else valid
