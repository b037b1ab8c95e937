"""The calls of `import zoo`: each takes a spec in any form and goes the one way through the house."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from zoo.errors import ZooError
from zoo.spec import library
from zoo.spec.access import confined
from zoo.spec.canonical import Spec
from zoo.spec.changes import of_mapping
from zoo.spec.library import SpecLike

if TYPE_CHECKING:
    import torch

    from zoo.checks.report import Report
    from zoo.inspect.report import Diagnosis
    from zoo.inspect.summary import Summary
    from zoo.model.base import Model

GIBIBYTE = 2**30


def load(spec: SpecLike | Spec, *, root: str | os.PathLike[str] | None = None, **changes: Any) -> Spec:
    """Read and validate a spec.

    Args:
        spec: a path, a library name (`"lstm"`), a variant (`"zaremba-lm@medium"`), or a mapping with a spec's keys, of
            which `schema` and `name` may be left out.
        root: for a spec that is not trusted: a folder outside of which it is not read, nor what it extends, but for
            the library. The environment's `ZOO_SPEC_ROOT` if not given.
        changes: keys of a spec in place of its own, as in `hidden_size=30`. A dotted path replaces that value alone:
            `**{"layers.0.hidden_size": 30, "cell.peephole": True}`. What the spec says in `expect` is then not asked.

    Returns:
        The canonical form: every layer spelled out, every component found.

    Raises:
        SpecError: every mistake in the file, each with its place, or a path of a change that leads nowhere.
        ZooError: there is no such spec, or changes are made to one that is loaded already.
    """
    if isinstance(spec, Spec):
        loaded: Spec = _as_it_is(spec, changes)
        return loaded
    with confined(root):
        return library.load(spec, changes=of_mapping(changes) if changes else None).spec


def _as_it_is(loaded: Any, changes: Mapping[str, Any]) -> Any:
    """What is loaded or built says every key of every layer: none stands above them that could be changed for all."""
    if changes:
        keys = ", ".join(sorted(changes))
        raise ZooError(f"changes ({keys}) are made to a spec as it is written: give its path, its name or a mapping")
    return loaded


def list_specs() -> tuple[str, ...]:
    """The names of the library's specs, those of plugins included."""
    return tuple(entry.name for entry in library.entries())


def build(
    spec: SpecLike | Spec,
    *,
    seed: int | None = None,
    device: str | torch.device | None = None,
    dtype: torch.dtype | None = None,
    engine: str = "auto",
    memory_limit: int | None = 4 * GIBIBYTE,
    **changes: Any,
) -> Model:
    """Build the model that a spec describes.

    Args:
        spec: as for `load`, or a loaded spec.
        seed: for the parameters; the global random state is then neither read nor changed, not even for a while, so
            that threads may build at once. None draws from that state.
        device: where the parameters live; "meta" takes no memory.
        dtype: of the parameters; torch's default if not given, which stays as it is.
        engine: "auto", "fused" (torch's own kernels), "linear" (cells that are linear in their state), "loop",
            "compile" (the loop through torch.compile: slow to start, then up to 1.3 times as fast) or "scan" (for
            torch.export with a free number of steps); all give the same numbers.
        memory_limit: refuse to take more bytes than this for parameters and buffers, or for the state of one row; None
            for no limit.
        changes: as for `load`: `zoo.build("lstm", hidden_size=30)`.

    Returns:
        A `torch.nn.Module`, in training mode.

    Raises:
        SpecError: the spec is wrong. BuildError: it is right, but cannot be built as asked.
    """
    from zoo.model.build import build as build_model

    found = load(spec, **changes)
    return build_model(found, seed=seed, device=device, dtype=dtype, engine=engine, memory_limit=memory_limit)


def summary(
    spec: SpecLike | Spec | Model,
    *,
    batch_size: int = 3,
    seq_len: int = 15,
    device: str | torch.device | None = None,
    depth: int = 3,
    **changes: Any,
) -> Summary:
    """A table of a model's modules and a card of what it costs; `print` it, or use its fields.

    Args:
        spec: as for `load`, a loaded spec, or a built model, which is left exactly as it is.
        batch_size: rows of the random input. seq_len: its time steps.
        device: where to run; "meta" takes no memory and is chosen by itself for a model too large to build.
        depth: how many levels of modules the table shows.
        changes: as for `load`.

    Raises:
        SpecError, BuildError: as `build`.
    """
    from zoo.inspect.summary import summarise

    return summarise(
        _as_it_is(spec, changes) if _is_model(spec) else load(spec, **changes),  # type: ignore[arg-type]
        batch_size=batch_size,
        seq_len=seq_len,
        device=device,
        depth=depth,
    )


def check(
    spec: SpecLike | Spec | Model,
    *,
    device: str | torch.device | None = None,
    engine: str = "auto",
    checks: Sequence[str] | None = None,
    slow: bool = False,
    **changes: Any,
) -> Report:
    """Hold a model to the contract.

    Args:
        spec: as for `load`, a loaded spec, or a built model, of which only what it was built from is looked at: the
            checks build models of their own.
        device: where to run; the one available (CUDA, then MPS, then CPU) or `ZOO_DEVICE` if not given.
        engine: how recurrences run, as for `build`.
        checks: names of the checks to run; all that apply if not given.
        slow: run the slow checks too.
        changes: as for `load`.

    Returns:
        What passed, what was skipped and why, what failed; `report.ok` says whether nothing failed.

    Not for several threads of one process at once: the runner seeds torch and sets its number of threads.
    """
    from zoo.checks.run import check as run

    found = _spec_of(_as_it_is(spec, changes)) if _is_model(spec) else load(spec, **changes)  # type: ignore[arg-type]
    return run(found, device=device, engine=engine, checks=checks, slow=slow)


def convert(
    source: Any, to: str, *, name: str = "converted", nonlinearity: str | None = None, prefix: str | None = None
) -> Any:
    """Translate recurrent layers between this zoo and another library, and prove that both compute the same.

    Before it returns, both sides are run on random input in float64, and their outputs compared to 1e-10. A layer of
    Keras and a node of ONNX are also run by their libraries, in float32, and compared to 1e-4. Dropout is not
    translated, since it is no weight.

    Args:
        source: a model of layers of rnn, lstm or gru; a `torch.nn.RNN`, `LSTM` or `GRU`, or a state dict that holds
            one; a torchrecurrent `PeepholeLSTM`, or its cell; a layer of Keras, a `zoo.KerasLayer`, a `zoo.OnnxNode`,
            or a list of such; or a file of weights, as a `pathlib.Path`.
        to: "zoo", "torch", "keras", "onnx" or "torchrecurrent".
        name: of the spec of what is converted to "zoo".
        nonlinearity: of a plain RNN, "tanh" or "relu": needed where the source does not say it, as a state dict.
        prefix: of the recurrent module, such as "encoder.rnn", where a state dict or a file holds several.

    Returns:
        A `zoo.Model`; a `torch.nn` module or a torchrecurrent one, batch first; a tuple of `zoo.KerasLayer` or of
        `zoo.OnnxNode`, one for each layer. What was left out, or cast to another type, is a warning.

    Raises:
        ZooError: the other side cannot express something, or the source is nothing of this; says what.
        CheckFailure: the outputs differ.
    """
    import warnings
    from pathlib import Path

    from zoo.translation.convert import convert as translate

    if isinstance(source, Path):
        from zoo.translation import files

        source = files.load(source, nonlinearity=nonlinearity, prefix=prefix)
    done = translate(source, to, name=name, nonlinearity=nonlinearity, prefix=prefix)
    for text in done.notes:
        warnings.warn(text, stacklevel=2)
    return done.made


def doctor(
    spec: SpecLike | Spec | Model, *, lengths: Sequence[int] = (64, 512), seed: int = 0, **changes: Any
) -> Diagnosis:
    """How healthy a model's recurrent layers are before training, or after it.

    Each layer and direction is looked at by itself, on what random input, standard normal or random symbols, becomes
    in the layers below it. Measured are the gradient of the last step's output by the first step's input against that
    by the last step's; the part of gates' values near 0 or 1; the spectral radius of the map from one state to the
    next; outputs that do not move; and denormal numbers. Dropout is off.

    Args:
        spec: as for `load`, a loaded spec, or a built model, which is left exactly as it is.
        lengths: numbers of steps that gradients go back, each at least 2.
        seed: of the parameters, where the model is built here, and of the input.
        changes: as for `load`.

    Returns:
        The figures, `layers`, and what they mean in plain words, `verdict()`.

    Raises:
        SpecError, BuildError: as `build`. ZooError: a length is too short, or the model has no recurrent layer.
    """
    from zoo.inspect.examine import examine

    model: Model = _as_it_is(spec, changes) if _is_model(spec) else build(spec, seed=seed, **changes)  # type: ignore[arg-type]
    return examine(model, lengths=lengths, seed=seed)


def _is_model(spec: object) -> bool:
    return hasattr(spec, "state_dict")


def _spec_of(model: Any) -> Spec:
    """What a model was built from. Raises ZooError for a module that this package did not build."""
    found = getattr(model, "spec", None)
    if not isinstance(found, Spec):
        raise ZooError(f"a {type(model).__name__} has no spec: only a model that zoo built can be checked")
    return found
