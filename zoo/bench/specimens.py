"""Generated specs and plugins for the benchmarks: varied as those of a real library are."""

from __future__ import annotations

from collections.abc import Callable
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

_HOOKS = """\
from pathlib import Path

import zoo
{more}

@zoo.hookimpl
def zoo_specs():
    return [Path(__file__).parent / "specs"]
"""
_CELL = """

class Options(zoo.Options):
    rate: float = 0.5
    bias: bool = True


def describe(options, input_shape, hidden_size):
    return zoo.Description(output_shape=(hidden_size,), parameters=hidden_size)


@zoo.hookimpl
def zoo_cells():
    return [zoo.CellType(name="{name}", options=Options, build="{module}.cell:Cell", describe="{module}:describe")]
"""
BROKEN = {
    7: "import no_such_module\n",
    17: "def zoo_cells(:\n",
    27: "raise SystemExit('no licence found')\n",
    37: "import zoo\n\n\n@zoo.hookimpl\ndef zoo_cels():\n    return []\n",
    47: "import zoo\n\n\n@zoo.hookimpl\ndef zoo_cells():\n    yield 'lstm'\n",
}
"""What stands in the modules of the plugins that do not work, by number."""


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


def full_specimen(index: int) -> str:
    """The text of one spec that is written out in full, as a published model's is: most keys, three layers, a head."""
    cell = ("{kind: lstm, forget_bias: 1.0}", "{kind: gru, reset_gate: before}", "{kind: rnn, nonlinearity: relu}")
    return (
        f"# Full specimen {index} of a generated library.\n"
        f"schema: 1\n"
        f"name: full-{index:04}\n"
        f"description: Three bidirectional layers with dropout, a norm and a classifier, number {index}.\n"
        f'paper: "Author {index} et al. 2026"\n'
        f"tags: [generated, group-{index % 7}]\n"
        f"requires: [torch>=2]\n"
        f"input: {{kind: features, size: {8 + index % 50}}}\n"
        f"cell: {cell[index % 3]}\n"
        f"hidden_size: {16 + index % 100}\n"
        f"layers: 3\n"
        f"bidirectional: true\n"
        f"dropout: {{input: 0.1, between: 0.3, variational: true}}\n"
        f"norm: layer\n"
        f"init: xavier\n"
        f"head: {{kind: mlp, size: 5, hidden: [64], pool: mean}}\n"
    )


def write_specimens(folder: Path, count: int, text: Callable[[int], str] = specimen) -> None:
    """Write that many specs into a folder, which is made if need be."""
    folder.mkdir(parents=True, exist_ok=True)
    for index in range(count):
        (folder / f"specimen-{index:04}.yaml").write_text(text(index), encoding="utf-8")


def install_specs(site: Path, count: int) -> None:
    """A plugin that offers that many specs, installed as pip would leave it."""
    write_specimens(site / "zoo_specimens" / "specs", count)
    _install(site, "specimens", _HOOKS.format(more=""))


def install_plugins(site: Path, count: int) -> None:
    """That many light plugins, each with a cell and a spec; five of the first fifty are broken, each in its way."""
    for index in range(count):
        name = f"crowd{index:02}"
        specs = site / f"zoo_{name}" / "specs"
        specs.mkdir(parents=True)
        spec = f"schema: 1\nname: {name}\ninput: 8\ncell: {name}\nhidden_size: 16\n"
        (specs / f"{name}.yaml").write_text(spec, encoding="utf-8")
        cell = _CELL.format(name=name, module=f"zoo_{name}")
        _install(site, name, BROKEN.get(index, _HOOKS.format(more=cell)))


def _install(site: Path, name: str, text: str) -> None:
    (site / f"zoo_{name}" / "__init__.py").write_text(text, encoding="utf-8")
    info = site / f"zoo_{name}-1.dist-info"
    info.mkdir()
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: zoo-{name}\nVersion: 1\n", encoding="utf-8")
    (info / "entry_points.txt").write_text(f"[zoo.plugins]\n{name} = zoo_{name}\n", encoding="utf-8")
