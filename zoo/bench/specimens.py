"""Generated specs for the benchmarks: valid, and varied as those of a real library are."""

from __future__ import annotations

from pathlib import Path

_HEADS = (
    "",
    "head: {kind: linear, size: 5, pool: last}\n",
    "head: {kind: mlp, size: 8, hidden: [32], pool: mean}\n",
)
_LAYERS = (
    "layers: 2\n",
    "layers: 3\nbidirectional: true\ndropout: 0.2\n",
    "layers:\n  - {hidden_size: 32, dropout: {output: 0.1}}\n  - {kind: linear, size: 24, activation: tanh}\n"
    "  - {cell: gru, hidden_size: 16}\n",
)


def specimen(index: int) -> str:
    """The text of one spec, another for every index; every tenth has two variants."""
    cell = ("rnn", "lstm", "gru", "{kind: lstm, projection: 8}")[index % 4]
    text = (
        f"# Specimen {index} of a generated library.\n"
        f"schema: 1\n"
        f"name: specimen-{index:04}\n"
        f"description: A model that stands for the many of a library, number {index}.\n"
        f"tags: [generated, group-{index % 7}]\n"
        f"input: {8 + index % 50}\n"
        f"cell: {cell}\n"
        f"hidden_size: {16 + index % 100}\n"
    )
    text += _LAYERS[index % len(_LAYERS)] + _HEADS[index // 3 % len(_HEADS)]
    if index % 10 == 0:
        text += "variants:\n  small: {hidden_size: 12}\n  large: {hidden_size: 512}\n"
    return text


def write_specimens(folder: Path, count: int) -> None:
    """Write that many specs into a folder, which is made if need be."""
    folder.mkdir(parents=True, exist_ok=True)
    for index in range(count):
        (folder / f"specimen-{index:04}.yaml").write_text(specimen(index), encoding="utf-8")
