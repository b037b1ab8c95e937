"""The calls of `import zoo`: each takes a spec in any form and goes the one way to a model."""

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
        spec: A path, a library name (`"lstm"`), a variant (`"zaremba-lm@medium"`), or a mapping with a spec's keys,
            of which `schema` and `name` may be left out.
            A loaded spec comes back as it is.
        root: For a spec that is not trusted: the folder outside of which neither the spec nor what it extends is read,
            except for the library. Defaults to the environment variable `ZOO_SPEC_ROOT`.
        **changes: Keys of a spec in place of its own, as in `hidden_size=30`. A dotted path replaces that value alone:
            `**{"layers.0.hidden_size": 30, "cell.peephole": True}`. What the spec says in `expect` is then not asked.

    Returns:
        The canonical form. Every layer is spelled out and every component found.

    Raises:
        SpecError: If the file has mistakes, each with its place, or a path of a change leads nowhere.
        ZooError: If there is no such spec, or changes are made to one that is loaded already.

    Example:
        >>> spec = zoo.load({"schema": 1, "name": "tagger", "input": 8, "cell": "lstm", "hidden_size": 16})
        >>> spec.recurrent[0].hidden_size
        16
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
    """List the specs of the library, those of plugins included.

    Returns:
        Their names, sorted, as `load` takes them.

    Example:
        >>> "lstm" in zoo.list_specs()
        True
    """
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
        spec: As for `load`, or a loaded spec.
        seed: Of the initial parameters. With a seed the global random state is neither read nor changed, not even for a
            while, so that threads may build at once. None draws from the global state.
        device: Where the parameters live. On "meta" they take no memory.
        dtype: Of the parameters. Defaults to torch's default dtype.
        engine: How recurrences run: "auto", "fused" (torch's own kernels), "linear" (cells that are linear in their
            state), "loop", "compile" (the loop through torch.compile: slow to start, then up to 1.3 times as fast) or
            "scan" (for torch.export with a free number of steps). All give the same numbers.
        memory_limit: Most bytes that the parameters and buffers, or the state of one sequence, may take. None for no
            limit.
        **changes: As for `load`: `zoo.build("lstm", hidden_size=30)`.

    Returns:
        A `torch.nn.Module`, in training mode.

    Raises:
        SpecError: If the spec is wrong.
        BuildError: If the spec is valid but cannot be built as asked.

    Example:
        >>> model = zoo.build("lstm", seed=0)
        >>> output, (h, c) = model(torch.zeros(4, 7, 10))
        >>> output.shape
        torch.Size([4, 7, 20])
    """
    from zoo.model.build import build as build_model

    found = load(spec, **changes)
    return build_model(found, seed=seed, device=device, dtype=dtype, engine=engine, memory_limit=memory_limit)


def summary(
    spec: SpecLike | Spec | Model,
    *,
    batch_size: int = 3,
    seq_len: int | None = None,
    device: str | torch.device | None = None,
    depth: int = 3,
    **changes: Any,
) -> Summary:
    """Summarise a model: a table of its modules, and what it costs.

    Args:
        spec: As for `load`, a loaded spec, or a built model, which is left exactly as it is.
        batch_size: Number of sequences in the random input.
        seq_len: Number of time steps of the random input. Defaults to 15, or to what the model's layers need.
        device: Where to run. "meta" takes no memory, and is the default for a model too large to build.
        depth: How many levels of modules the table shows.
        **changes: As for `load`.

    Returns:
        The table and the figures. `print` it, or use its attributes.

    Raises:
        SpecError: If the spec is wrong.
        BuildError: If the spec is valid but cannot be built as asked.
        InputError: If a size is less than 1, or the run would take too much memory or time.

    Example:
        >>> figures = zoo.summary("lstm")
        >>> figures.parameters, figures.streamable
        (2560, True)
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
    """Run the conformance checks on a model.

    Not for several threads of one process at once: the runner seeds torch and sets its number of threads.

    Args:
        spec: As for `load`, a loaded spec, or a built model, of which only what it was built from is looked at.
        device: Where to run. Defaults to `ZOO_DEVICE`, else to the first available of CUDA, MPS and CPU.
        engine: How recurrences run, as for `build`.
        checks: Names of the checks to run. Defaults to all that apply.
        slow: Whether to run the slow checks too.
        **changes: As for `load`.

    Returns:
        What passed, what was skipped and why, and what failed. `report.ok` is True if nothing failed.

    Raises:
        SpecError: If the spec is wrong.
        ZooError: If a check is unknown, or the device cannot be used.

    Example:
        >>> zoo.check("lstm", device="cpu", checks=["causality"]).ok
        True
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
    translated, since it is no weight. What is left out, or cast to another dtype, is reported as a warning.

    Args:
        source: A model whose layers are rnn, lstm or gru; a `torch.nn.RNN`, `LSTM` or `GRU`, or a state dict that holds
            one; a torchrecurrent `PeepholeLSTM`, or its cell; a layer of Keras, a `zoo.KerasLayer`, a `zoo.OnnxNode`,
            or a list of such; or a file of weights, as a `pathlib.Path`.
        to: "zoo", "torch", "keras", "onnx" or "torchrecurrent".
        name: Name of the spec, where the result is a model of this zoo.
        nonlinearity: "tanh" or "relu", of a plain RNN whose source does not say it, such as a state dict.
        prefix: Of the recurrent module, such as "encoder.rnn", where a state dict or a file holds several.

    Returns:
        A `zoo.Model`, a `torch.nn` or torchrecurrent module (batch first), or a tuple with one `zoo.KerasLayer` or
        `zoo.OnnxNode` for each layer.

    Raises:
        ZooError: If the other side cannot express something, or the source is none of these.
        CheckFailure: If the outputs differ.

    Example:
        >>> model = zoo.convert(torch.nn.GRU(3, 5, batch_first=True), to="zoo")
        >>> model(torch.zeros(2, 4, 3))[0].shape
        torch.Size([2, 4, 5])
    """
    import warnings
    from pathlib import Path

    from zoo.spec.saved import holds_spec
    from zoo.translation.convert import convert as translate

    if isinstance(source, Path) and prefix is None and holds_spec(source):
        from zoo.weights.artefact import load_model

        source = load_model(source)
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
    """Examine how healthy a model's recurrent layers are, before training or after it.

    Each layer and direction is examined by itself, on what random input (standard normal, or random symbols) becomes
    in the layers below it. Measured are the gradient of the last step's output with respect to the first step's input,
    relative to that with respect to the last step's; the fraction of gate activations near 0 or 1; the spectral radius
    of the map from one state to the next; outputs that do not change; and denormal numbers. Dropout is off.

    Args:
        spec: As for `load`, a loaded spec, or a built model, which is left exactly as it is.
        lengths: Numbers of steps that gradients go back, each at least 2.
        seed: Of the parameters, where the model is built here, and of the input.
        **changes: As for `load`.

    Returns:
        The measurements of each layer, `layers`, and what they mean in plain words, `verdict()`.

    Raises:
        SpecError: If the spec is wrong.
        BuildError: If the spec is valid but cannot be built as asked.
        ZooError: If a length is too short, or the model has no recurrent layer.

    Example:
        >>> zoo.doctor("lstm").layers[0].cell
        'lstm'
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
