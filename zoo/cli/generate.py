"""The command that has a model write: zoo generate."""

from __future__ import annotations

import contextlib
import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from zoo.cli.completion import devices
from zoo.cli.output import note, write, write_json
from zoo.cli.specs import Changes, Json, SpecArgument
from zoo.cli.vocabulary import Symbols, symbols_of
from zoo.errors import ZooError

if TYPE_CHECKING:
    from zoo.model.base import Model

File = Annotated[Path | None, typer.Option(metavar="FILE", help="Symbols: one a line, or JSON, a list or a mapping.")]


def register(app: typer.Typer) -> None:
    app.command("generate", epilog="Example: [bold]zoo generate my-model.safetensors --prompt Once --steps 50[/]")(
        generate
    )


def generate(
    spec: SpecArgument,
    prompt: Annotated[
        str | None,
        typer.Option(help="What to go on from: text, symbols as numbers, or of a density a JSON list of steps."),
    ] = None,
    weights: Annotated[
        Path | None, typer.Option(metavar="FILE", help="A state_dict: .safetensors, or what torch.save wrote.")
    ] = None,
    steps: Annotated[int, typer.Option(help="How many steps to write.")] = 100,
    temperature: Annotated[float, typer.Option(help="0 takes the likeliest; above, one is drawn.")] = 0.0,
    top_k: Annotated[int | None, typer.Option(help="Draw from so many of the likeliest symbols.")] = None,
    top_p: Annotated[float | None, typer.Option(help="Draw from the likeliest of this probability together.")] = None,
    seed: Annotated[int | None, typer.Option(help="Of what is drawn.")] = None,
    stop: Annotated[
        list[str] | None, typer.Option(metavar="SYMBOL", help="Stop behind this symbol; may be repeated.")
    ] = None,
    start: Annotated[
        str | None, typer.Option(metavar="SYMBOL", help="Of a decoder: the symbol that it is given first.")
    ] = None,
    beam: Annotated[int | None, typer.Option(help="Of a decoder: how many targets to follow.")] = None,
    vocabulary: File = None,
    target_vocabulary: File = None,
    device: Annotated[str | None, typer.Option(help="cpu, cuda or mps.", autocompletion=devices)] = None,
    changes: Changes = None,
    as_json: Json = False,
) -> None:
    """Have a model write: go on from a prompt, or translate one. Of 256 symbols without a file the prompt is bytes."""
    from zoo.spec import library
    from zoo.spec.changes import of_texts
    from zoo.spec.saved import is_saved

    if changes and is_saved(spec):
        raise ZooError(f"--set changes a spec, and {spec} is a model with weights: leave it out")
    found = library.load(
        spec, changes=of_texts(changes or ())
    ).spec  # before torch is imported: a mistake shows at once
    from zoo.model import sampling as ways

    how = {"temperature": temperature, "top_k": top_k, "top_p": top_p, "seed": seed}
    ways.whole("steps", steps, 1, None)
    ways.check(ways.Sampling(temperature, top_k, top_p, seed))
    model = _model(spec, found, weights, device).eval()
    from zoo.architectures.encoder_decoder.model import EncoderDecoder

    given = {"start": start, "beam": beam, "target_vocabulary": target_vocabulary}
    if isinstance(model, EncoderDecoder):
        answer = _translated(model, prompt, steps, how, stop or [], given, vocabulary)
    else:
        for name, value in given.items():
            if value is not None:
                raise ZooError(f"--{name.replace('_', '-')} is for models with a decoder, and {found.id} has none")
        answer = _continued(model, prompt, steps, how, stop or [], vocabulary)
    if as_json:
        write_json(answer)
    else:
        write(answer["text"] if answer["text"] is not None else json.dumps(answer["generated"]))


def _model(spec: str, found: Any, weights: Path | None, device: str | None) -> Model:
    from zoo.checks.subject import as_device
    from zoo.model.build import build
    from zoo.spec.saved import is_saved
    from zoo.weights.artefact import load_model
    from zoo.weights.load import load_weights

    where = as_device(device or "cpu")
    if is_saved(spec):
        if weights is not None:
            raise ZooError(f"{spec} has weights of its own: leave out --weights")
        return load_model(spec, device=where)
    model = build(found, seed=0)
    if weights is None:
        note(f"zoo: no weights are given, so that {found.id} is untrained (seed 0)")
    else:
        load_weights(model, weights)
    return model.to(where)


def _continued(
    model: Any, prompt: str | None, steps: int, how: dict[str, Any], stop: list[str], file: Path | None
) -> dict[str, Any]:
    """What a model of one stack writes."""
    import torch

    from zoo.inputs.named import NamedInputs
    from zoo.model.generation import writer
    from zoo.model.stack import StackModel

    if not isinstance(model, StackModel):
        with contextlib.suppress(TypeError):  # of one that writes, and needs more than nothing
            model.generate()  # one that writes nothing says why
        raise ZooError(f"{model.spec.id} does not write from a command line: use model.generate in Python")
    head = writer(model)
    if isinstance(model.input, NamedInputs):
        raise ZooError(f"{model.spec.id} has several inputs, which a command line cannot give: use Python")
    place, dtype = model._place()
    if head.writes == "numbers":
        if file is not None:
            raise ZooError(f"--vocabulary is of symbols, and {model.spec.id} writes numbers")
        x = torch.tensor([_rows(prompt, model.input_shape[0])], dtype=dtype, device=place)
        drawn = model.generate(x, steps, stop=[0] if stop else None, **how)[0].tolist()
        return {"prompt": x[0].tolist(), "generated": drawn, "text": None}
    symbols = symbols_of(file, model.input.vocabulary or 0)
    given = _prompt(symbols, prompt)
    stops = [symbols.one("--stop", one) for one in stop]
    x = torch.tensor([given], device=place)
    return _answer(given, model.generate(x, steps, stop=stops or None, **how)[0].tolist(), stops, symbols)


def _translated(
    model: Any,
    prompt: str | None,
    steps: int,
    how: dict[str, Any],
    stop: list[str],
    given: dict[str, Any],
    file: Path | None,
) -> dict[str, Any]:
    """What an encoder and a decoder write."""
    import torch

    reads, writes = model.encoder.input.vocabulary, model.decoder.input.vocabulary
    if reads is None or writes is None:
        side = "reads" if reads is None else "writes"
        raise ZooError(
            f"{model.spec.id} {side} numbers, which a command line cannot give: use model.generate in Python"
        )
    source = symbols_of(file, reads)
    target = symbols_of(given["target_vocabulary"] or file, writes)
    if given["start"] is None:
        raise ZooError("--start is missing: the symbol that the decoder is given first")
    read = _prompt(source, prompt)
    stops = [target.one("--stop", one) for one in stop]
    x = torch.tensor([read], device=model._place()[0])
    start = target.one("--start", given["start"])
    wrote = model.generate(x, steps, start=start, stop=stops or None, beam=given["beam"] or 1, **how)
    return _answer(read, wrote[0].tolist(), stops, target)


def _prompt(symbols: Symbols, prompt: str | None) -> list[int]:
    given = symbols.read("--prompt", prompt or "")
    if not given:
        raise ZooError("--prompt is missing: a model goes on from one symbol at least")
    return given


def _answer(given: list[int], wrote: list[int], stops: list[int], symbols: Symbols) -> dict[str, Any]:
    """Up to the first stop, which is shown in no text."""
    end = next((place for place, symbol in enumerate(wrote) if symbol in stops), len(wrote))
    return {"prompt": given, "generated": wrote[: end + 1], "text": symbols.shown(wrote[:end])}


def _rows(prompt: str | None, features: int) -> list[list[float]]:
    """Steps of numbers; one of zeros without a prompt."""
    if prompt is None:
        return [[0.0] * features]
    try:
        found = json.loads(prompt)
    except (ValueError, RecursionError):
        found = None
    right = isinstance(found, list) and all(isinstance(row, list) and len(row) == features for row in found)
    if not right or not found or not all(type(one) in (int, float) for row in found for one in row):
        raise ZooError(
            f"--prompt must be a JSON list of steps of {features} numbers each, as [[{', '.join(['0'] * features)}]]"
        )
    return [[float(one) for one in row] for row in found]
