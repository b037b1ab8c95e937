"""g2pM: the scores of every character with several pronunciations in some sentences."""

from __future__ import annotations

import sys

import numpy as np
from g2pM import G2pM

SENTENCES = (
    "然而，他红了20年以后，他竟退出了大家的视线。",
    "银行的行长行走在行人道上。",
    "他还没有还我那本书，还要再等几天。",
    "音乐家觉得快乐，因为大家都喜欢他的音乐。",
    "长大以后他长期担任校长，头发长得很长。",
    "重新装修的重点是把重物搬走，不要重复。",
    "朝阳区的朝霞很美，他朝东边走去。",
    "我们得把这件事情做得更好。",
)


def main() -> None:
    theirs = G2pM()
    seen: list[np.ndarray] = []
    predict, layer = theirs.predict, theirs.fc_layer
    found: dict[str, list[np.ndarray]] = {"symbols": [], "asked": [], "scores": []}

    def scores(inputs: np.ndarray) -> np.ndarray:
        seen.append(layer(inputs))
        return seen[-1]

    def predicted(inputs: np.ndarray, asked: list[int]) -> np.ndarray:
        found["symbols"].append(inputs[0])
        found["asked"].append(np.array(asked))
        answer = predict(inputs, asked)
        found["scores"].append(seen.pop())
        return answer

    theirs.predict, theirs.fc_layer = predicted, scores
    said = [" ".join(theirs(sentence)) for sentence in SENTENCES]
    assert len(found["symbols"]) == len(SENTENCES)
    lengths = [len(one) for one in found["symbols"]]
    symbols = np.zeros((len(SENTENCES), max(lengths)), np.int64)
    for row, one in enumerate(found["symbols"]):
        symbols[row, : len(one)] = one
    rows = np.repeat(np.arange(len(SENTENCES)), [len(one) for one in found["asked"]])
    np.savez(
        sys.argv[1],
        symbols=symbols,
        lengths=lengths,
        rows=rows,
        columns=np.concatenate(found["asked"]),
        scores=np.concatenate(found["scores"]),
    )
    assert said[1] == "yin2 xing2 de5 xing2 zhang3 xing2 zou3 zai4 xing2 ren2 dao4 shang4 。"


main()
