"""The command that translates weights: `zoo convert`."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import Annotated, Any

import typer

from zoo import atomic
from zoo.cli.completion import forms, spec_names
from zoo.cli.output import note, write
from zoo.errors import ZooError, did_you_mean

FORMS = ("zoo", "torch", "keras", "onnx", "torchrecurrent")
WEIGHTS = (".pt", ".pth", ".bin", ".ckpt", ".safetensors", ".onnx", ".keras", ".h5", ".hdf5", ".npz")
"""Endings of files of weights; a file with another one, or none, is a spec where it ends in .yaml or .yml."""


def register(app: typer.Typer) -> None:
    app.command("convert", epilog="Example: [bold]zoo convert lstm --weights lstm.pt --to onnx -o lstm.npz[/]")(convert)


def convert(
    source: Annotated[
        str,
        typer.Argument(
            metavar="SOURCE",
            help="A saved model, a file of weights (PyTorch .pt, .pth, .ckpt or .bin, .safetensors, .onnx, Keras "
            ".keras or .h5, .npz of this command), or a spec with --weights.",
            autocompletion=spec_names,
        ),
    ],
    to: Annotated[str, typer.Option(help="Target: zoo, torch, keras, onnx or torchrecurrent.", autocompletion=forms)],
    output: Annotated[
        Path, typer.Option("--output", "-o", help="File to write: a .npz for keras and onnx, else a .pt.")
    ],
    weights: Annotated[
        Path | None, typer.Option(help="The spec's weights, as torch.save(model.state_dict(), ...) wrote them.")
    ] = None,
    prefix: Annotated[
        str | None,
        typer.Option(help="Name of the recurrent module or layer, where the file holds several, such as encoder.rnn."),
    ] = None,
    nonlinearity: Annotated[
        str | None,
        typer.Option(help="Activation function of a plain RNN, tanh or relu, if the file does not say."),
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="Replace output files that exist.")] = False,
) -> None:
    """Convert recurrent layers between libraries. Both sides are run and compared before anything is written."""
    if to not in FORMS:
        raise ZooError(f"--to must be one of {', '.join(FORMS)}, not {to!r}{did_you_mean(to, FORMS)}")
    if nonlinearity not in (None, "tanh", "relu"):
        raise ZooError(f"--nonlinearity must be 'tanh' or 'relu', not {nonlinearity!r}")
    paths = _outputs(output, to)
    given, inputs = _inputs(source, weights)
    atomic.check_free(paths, force=force, inputs=inputs)
    made = _translated(given, to, _spec_name(output), weights, prefix, nonlinearity)
    for line in made.notes:
        note(line)
    from zoo.translation import files

    for path in files.save(made.made, output, force=force):
        write(str(path))


def _spec_name(output: Path) -> str:
    """The file's name as a spec may have it: `My LSTM (1).pt` is my-lstm-1."""
    return re.sub(r"[^a-z0-9]*[^a-z0-9._-]+[^a-z0-9]*|^[._-]+", "-", output.stem.lower()).strip("-._") or "converted"


def _outputs(output: Path, to: str) -> list[Path]:
    """The files to be written; a model of the zoo has its spec beside its weights."""
    ending = ".npz" if to in ("keras", "onnx") else ".pt"
    if output.suffix != ending:
        raise ZooError(f"{output}: this is written as {ending}, not as {output.suffix or 'a file without an ending'}")
    return [output, output.with_suffix(".yaml")] if to == "zoo" else [output]


def _inputs(source: str, weights: Path | None) -> tuple[Any, list[Path]]:
    """A file of weights as its path, or a spec as it was read; and all files that are read for it."""
    from zoo.spec import library
    from zoo.spec.document import recorded

    file = Path(source)
    named = file.suffix.lower() in WEIGHTS
    if named or (os.path.lexists(file) and not file.is_dir() and file.suffix.lower() not in (".yaml", ".yml")):
        if weights is not None:
            raise ZooError("--weights go with a spec; a file of weights has its own")
        return file, [file]
    if file.suffix.lower() in (".yaml", ".yml") and file.exists() and not file.is_file():
        raise ZooError(f"{file}: is not a regular file")
    with recorded() as read:
        spec = library.load(source).spec  # before torch is imported: a mistake shows at once
    if weights is None:
        raise ZooError("--weights are missing: a spec alone has no weights to convert")
    return spec, [*map(Path, read), weights]


def _translated(
    given: Any, to: str, name: str, weights: Path | None, prefix: str | None, nonlinearity: str | None
) -> Any:
    from zoo.spec.saved import holds_spec

    if weights is None and isinstance(given, Path):
        if not holds_spec(given):
            from zoo.translation import sandbox

            # Before torch is imported, so that a file that cannot be read is told at once.
            contents = sandbox.read(given, prefix=prefix)
            from zoo.translation import files
            from zoo.translation.convert import convert as translate

            return translate(files.source_in(given, contents, nonlinearity=nonlinearity), to, name=name)
        if prefix is not None:
            raise ZooError("--prefix is for files that hold several modules, and a saved model is one")
        from zoo.weights.artefact import load_model

        model = load_model(given)
    else:
        from zoo.weights import reading

        held = reading.read(weights)  # type: ignore[arg-type]
        from zoo import api
        from zoo.weights.load import pour

        model = api.build(given, seed=0)
        for line in pour(model, held, None, prefix):
            note(line)
    from zoo.translation.convert import convert as translate

    return translate(model, to, name=name, nonlinearity=nonlinearity)
