"""The command that translates weights: `zoo convert`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from zoo.cli.completion import forms, spec_names
from zoo.cli.output import write
from zoo.errors import ZooError, did_you_mean

FORMS = ("zoo", "torch", "keras", "onnx", "torchrecurrent")


def register(app: typer.Typer) -> None:
    app.command("convert", epilog="Example: [bold]zoo convert lstm --weights lstm.pt --to onnx -o lstm.npz[/]")(convert)


def convert(
    source: Annotated[
        str,
        typer.Argument(
            metavar="SOURCE",
            help="A spec, or a file of weights: a .npz of this command, a .pt of torch's RNN, LSTM or GRU.",
            autocompletion=spec_names,
        ),
    ],
    to: Annotated[str, typer.Option(help="zoo, torch, keras, onnx or torchrecurrent.", autocompletion=forms)],
    output: Annotated[Path, typer.Option("--output", "-o", help="A .npz for keras and onnx, else a .pt.")],
    weights: Annotated[
        Path | None, typer.Option(help="The spec's weights, as torch.save(model.state_dict(), ...) wrote them.")
    ] = None,
    nonlinearity: Annotated[str, typer.Option(help="Of a torch.nn.RNN in a .pt: tanh or relu.")] = "tanh",
) -> None:
    """Translate recurrent layers to and from other libraries. Outputs are compared before anything is written."""
    from zoo import api
    from zoo.spec import library

    if to not in FORMS:
        raise ZooError(f"--to must be one of {', '.join(FORMS)}, not {to!r}{did_you_mean(to, FORMS)}")
    if nonlinearity not in ("tanh", "relu"):
        raise ZooError(f"--nonlinearity must be 'tanh' or 'relu', not {nonlinearity!r}")
    file = Path(source)
    if file.suffix in (".pt", ".npz"):
        if weights is not None:
            raise ZooError("--weights go with a spec; a file of weights has its own")
        from zoo.translation import files

        given = files.load(file, nonlinearity=nonlinearity)
    else:
        spec = library.load(source).spec  # before torch is imported: a mistake shows at once
        if weights is None:
            raise ZooError("--weights are missing: there is nothing to translate in a spec alone")
        from zoo.translation import files

        given = files.with_weights(api.build(spec, seed=0), weights)
    for path in files.save(api.convert(given, to, name=output.stem), output):
        write(str(path))
