"""The command that loads a checkpoint into a model: `zoo load-weights`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from zoo import atomic
from zoo.cli.completion import map_names
from zoo.cli.output import note, write
from zoo.cli.specs import Changes, SpecArgument
from zoo.errors import ZooError


def register(app: typer.Typer) -> None:
    example = "Example: [bold]zoo load-weights lstm checkpoint.pt -o lstm.safetensors[/]"
    app.command("load-weights", epilog=example)(load_weights)


def load_weights(
    spec: SpecArgument,
    file: Annotated[
        Path,
        typer.Argument(
            metavar="FILE",
            help="A checkpoint: .safetensors, .pt, .npz, .npy, .onnx, .keras or .h5, a folder or an index of pieces.",
        ),
    ],
    output: Annotated[Path, typer.Option("--output", "-o", help="The .safetensors file to write.")],
    map: Annotated[
        str | None,
        typer.Option("--map", help="A map of weights: its name or its path.", autocompletion=map_names),
    ] = None,
    prefix: Annotated[
        str | None, typer.Option(help="Below which name in the file the weights stand, such as model.encoder.")
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="Replace the output file if it exists.")] = False,
    changes: Changes = None,
) -> None:
    """Load a checkpoint into a model, and save that as one file. All of the checkpoint is used, or none is."""
    from zoo.spec import library
    from zoo.spec.changes import of_texts
    from zoo.spec.document import recorded
    from zoo.spec.saved import ENDING, is_saved
    from zoo.weights import maps

    if not is_saved(output):
        raise ZooError(f"{output}: a saved model ends in {ENDING}")
    with recorded() as read:
        found = library.load(spec, changes=of_texts(changes or ())).spec
        chosen = None if map is None else maps.read(map)
    atomic.check_free([output], force=force, inputs=[*(Path(name) for name in read), file])
    from zoo.weights import reading

    held = reading.read(file)  # before torch is imported, so that a file that cannot be read is told at once
    from zoo.model.build import build
    from zoo.weights.artefact import save
    from zoo.weights.load import pour

    model = build(found, seed=0)
    for line in pour(model, held, chosen, prefix):
        note(line)
    save(model, output, force=force)
    write(str(output))
