"""g2p_en: a hundred words that no dictionary has to have, their phonemes, and the scores of each step.

The dictionary and the tagger, which it takes from nltk and which `predict` does not ask, are left out.
"""

from __future__ import annotations

import sys
from unittest.mock import MagicMock

import numpy as np

for name in ("nltk", "nltk.corpus", "nltk.tokenize", "inflect"):
    sys.modules[name] = MagicMock()

from g2p_en.g2p import G2p  # noqa: E402

TEXT = """
activationist recurrent zoo gated unrolled tensorflow pytorch hidden cell neuron dropout embedding lstm gru softmax
sigmoid hyperbolic tangent gradient vanishing exploding sequence grapheme phoneme decoder encoder attention transducer
bidirectional peephole highway residual linear state space selective scan mamba rwkv griffin hawk eagle finch goose
blorptastic quixotry zyzzyva syzygy rhythm queue eunuch colonel yacht choir pneumonia psychology gnome knight wrestle
thorough through though tough cough bough ought thought chthonic phlegm gnocchi bruschetta croissant rendezvous
worcestershire leicester gloucester edinburgh llanfair siobhan nguyen tchaikovsky dostoevsky szczecin reykjavik
antidisestablishmentarianism floccinaucinihilipilification a i o z qx bcdfg aeiou oooooo mississippi tennessee
connecticut massachusetts albuquerque schenectady poughkeepsie kalamazoo
"""
WORDS = TEXT.split()[:100]


def main() -> None:
    theirs = G2p()
    scores: list[np.ndarray] = []
    cell, fc_w, fc_b = theirs.grucell, theirs.fc_w, theirs.fc_b

    def seen(x: np.ndarray, h: np.ndarray, *weights: np.ndarray) -> np.ndarray:
        """The decoder's steps pass here: what `predict` takes the largest of."""
        h = cell(x, h, *weights)
        if weights[0] is theirs.dec_w_ih:
            scores.append((np.matmul(h, fc_w.T) + fc_b)[0])
        return h

    theirs.grucell = seen
    letters = np.zeros((len(WORDS), 1 + max(map(len, WORDS))), np.int64)
    phonemes = np.full((len(WORDS), 20), 3, np.int64)
    given, lengths = np.zeros((len(WORDS), 20, 74), np.float32), []
    for row, word in enumerate(WORDS):
        scores.clear()
        said = [theirs.p2idx[one] for one in theirs.predict(word)]
        letters[row, : len(word) + 1] = [theirs.g2idx[one] for one in (*word, "</s>")]
        phonemes[row, : len(said)] = said
        given[row, : len(scores)] = scores
        lengths.append(len(scores))
    np.savez(
        sys.argv[1],
        letters=letters,
        lengths=[len(word) + 1 for word in WORDS],
        phonemes=phonemes,
        steps=lengths,
        scores=given,
    )


main()
