"""What the losses of heads are, for one sequence, by sums over everything that they are sums over, in float64.

Nothing here is clever: all paths and all label sequences are written out, so that a few steps are all that it bears.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]


def log_softmax(x: Array) -> Array:
    """Along the last axis."""
    shifted = x - x.max(-1, keepdims=True)
    logs: Array = shifted - np.log(np.exp(shifted).sum(-1, keepdims=True))
    return logs


def merged(path: Sequence[int], blank: int) -> list[int]:
    """The symbols that a path stands for: equal neighbours are one, and blanks go."""
    found = []
    for t, symbol in enumerate(path):
        if symbol != blank and (t == 0 or symbol != path[t - 1]):
            found.append(int(symbol))
    return found


def sequences(symbols: int, steps: int) -> Iterator[tuple[int, ...]]:
    """All sequences of so many symbols."""
    if steps == 0:
        yield ()
        return
    for rest in sequences(symbols, steps - 1):
        for symbol in range(symbols):
            yield (*rest, symbol)


def ctc(scores: Array, target: Sequence[int], blank: int) -> float:
    """log P(target) of scores (T, V): the sum over all V^T paths."""
    steps, symbols = scores.shape
    logs = log_softmax(scores)
    found = [
        sum(float(logs[t, symbol]) for t, symbol in enumerate(path))
        for path in sequences(symbols, steps)
        if merged(path, blank) == list(target)
    ]
    return float(np.log(np.exp(found).sum())) if found else float("-inf")


def crf_score(scores: Array, labels: Sequence[int], transitions: Array, ends: str) -> float:
    """The score of a label sequence (T) among scores (T, S), before it is compared with others."""
    size = len(transitions)
    total = sum(float(scores[t, label]) for t, label in enumerate(labels))
    total += sum(float(transitions[labels[t - 1], labels[t]]) for t in range(1, len(labels)))
    if ends == "both":
        total += float(transitions[size - 2, labels[0]]) + float(transitions[labels[-1], size - 1])
    if ends == "start":
        total += float(transitions[size - 1, labels[0]])
    return total


def crf(scores: Array, transitions: Array, ends: str, *, decoded: bool = False) -> list[tuple[float, tuple[int, ...]]]:
    """Every label sequence with its score; with `decoded` only those that may be decoded."""
    labels = scores.shape[1] - (decoded and ends == "start")
    every = sequences(labels, scores.shape[0])
    return [(crf_score(scores, one, transitions, ends), one) for one in every]


def density(output: Array, target: Array, components: int, size: int, form: str, *, end: bool) -> float:
    """log p(target) of the parameters of one step, by the formula of each form."""
    K, D, total = components, size, 0.0
    if end:
        yes = 1 / (1 + np.exp(-output[-1]))
        total += float(np.log(yes if target[-1] == 1 else 1 - yes))
        output = output[:-1]
    if form == "independent":
        for d in range(D):
            own = output[3 * K * d : 3 * K * (d + 1)]
            weights = np.exp(log_softmax(own[:K]))
            p = sum(weights[k] * _normal(target[d], own[K + k], np.exp(own[2 * K + k])) for k in range(K))
            total += float(np.log(p))
        return total
    weights = np.exp(log_softmax(output[:K]))
    means, scales = output[K : K + D * K].reshape(D, K), np.exp(output[K + D * K : K + 2 * D * K].reshape(D, K))
    p = 0.0
    for k in range(K):
        if form == "bivariate":
            rho = np.tanh(output[K + 2 * D * K + k])
            p += weights[k] * _pair(target[:2], means[:, k], scales[:, k], rho)
        else:
            p += weights[k] * np.prod([_normal(target[d], means[d, k], scales[d, k]) for d in range(D)])
    return total + float(np.log(p))


def _normal(x: Any, mean: Any, scale: Any) -> float:
    return float(np.exp(-((x - mean) ** 2) / (2 * scale**2)) / (scale * np.sqrt(2 * np.pi)))


def _pair(x: Array, mean: Array, scale: Array, rho: Any) -> float:
    """The normal distribution of two numbers, by its covariance matrix."""
    covariance = np.array([[scale[0] ** 2, rho * scale[0] * scale[1]], [rho * scale[0] * scale[1], scale[1] ** 2]])
    away = x - mean
    square = away @ np.linalg.inv(covariance) @ away
    return float(np.exp(-square / 2) / (2 * np.pi * np.sqrt(np.linalg.det(covariance))))
