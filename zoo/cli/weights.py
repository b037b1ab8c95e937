"""The command that loads a checkpoint into a model: `zoo load-weights`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from zoo import atomic
from zoo.cli.completion import map_names, spec_names
from zoo.cli.output import note, write
from zoo.cli.specs import Changes
from zoo.errors import ZooError


def register(app: typer.Typer) -> None:
    example = "Example: [bold]zoo load-weights lstm checkpoint.pt -o lstm.safetensors[/]"
    app.command("load-weights", epilog=example)(load_weights)


def load_weights(
    words: Annotated[
        list[str],
        typer.Argument(
            metavar="[SPEC] FILE",
            help="A spec, which a map says too, and a checkpoint: .safetensors, .pt, .npz, .npy, .onnx, .keras or .h5, "
            "a folder or an index of pieces.",
            autocompletion=spec_names,
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
    if len(words) > 2 or (len(words) == 1 and map is None):
        raise ZooError("needs a spec and one checkpoint, or one checkpoint and --map, which says its spec")
    file = Path(words[-1])
    made = of_texts(changes or ())
    if len(words) == 1 and made is not None:
        raise ZooError("--set changes a spec that is given: a map says its own changes")
    with recorded() as read:
        chosen = None if map is None else maps.read(map)
        if len(words) == 1 and chosen is not None:
            found = maps.check(chosen)
        else:
            found = library.load(words[0], changes=made).spec
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
