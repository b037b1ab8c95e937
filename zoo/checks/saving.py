"""What is written down and made again: parameters, whole models, states, seeds and the spec itself."""

from __future__ import annotations

import copy
import io
import pickle
from typing import Any

import torch
from torch.nn.utils.parametrize import is_parametrized
from torch.overrides import TorchFunctionMode

from zoo.checks.batch import batch_of, random_state, run
from zoo.checks.subject import Skip, Subject, all_close, tensors
from zoo.errors import CheckFailure
from zoo.model.base import Model
from zoo.model.build import build, materialise
from zoo.plugin.catalogue import UNPACKAGED
from zoo.plugin.manager import catalogue
from zoo.spec import library
from zoo.spec.document import parse
from zoo.spec.dump import to_data, to_yaml
from zoo.spec.resolve import resolve
from zoo.spec.tree import parts


def state_dict(subject: Subject) -> None:
    """A strict round trip into a fresh build, a copy, a pickle and a saved state give equal outputs."""
    model = subject.model()
    batch = batch_of(subject, 3, 7)
    expected = run(model, batch)
    saved = _through_torch(model.state_dict())
    fresh = subject.model(seed=1)
    if list(fresh.state_dict()) != list(saved):
        raise CheckFailure("two builds of one spec have different state_dict keys")
    fresh.load_state_dict(saved, strict=True)
    all_close(run(fresh, batch), expected, "a fresh build with the saved parameters", bound=0.0)
    other = subject.model(seed=2)
    for label, made in copies_of(model).items():
        all_close(run(made, batch), expected, label, bound=0.0)
        # Parameters that are shared must be shared in the copy, and with nothing outside it.
        made.load_state_dict(other.state_dict(), strict=True)
        all_close(run(made, batch), run(other, batch), f"{label}, given other parameters", bound=0.0)
        all_close(run(model, batch), expected, f"the model itself after {label} changed", bound=0.0)
    state = random_state(model, 3)
    loaded = _through_torch(state)
    if type(loaded) is not type(state):
        raise CheckFailure(f"a saved {type(state).__name__} loads as a {type(loaded).__name__}")
    if subject.several:  # whose state may be no argument of a call
        all_close(loaded, state, "a saved state", bound=0.0)
    else:
        all_close(run(model, batch, loaded), run(model, batch, state), "a saved state", bound=0.0)


def _through_torch(value: Any) -> Any:
    buffer = io.BytesIO()
    torch.save(value, buffer)
    buffer.seek(0)
    try:
        return torch.load(buffer, weights_only=True)
    except pickle.UnpicklingError as error:
        raise CheckFailure(f"a saved {type(value).__name__} does not load: {str(error).splitlines()[0]}") from None


def copies_of(model: Model) -> dict[str, Model]:
    """A model as it is copied and pickled; torch pickles no module with a parametrization, as it says itself."""
    found = {"a deep copy": copy.deepcopy(model)}
    if not any(is_parametrized(module) for module in model.modules()):
        found["a pickled model"] = pickle.loads(pickle.dumps(model))
    return found


def seed(subject: Subject) -> None:
    """A seed gives the same parameters, never touches what other threads see, and holds through meta too."""
    with _Unchanged() as globally:
        model = _seeded(subject, 5)
    if globally.changed:
        raise CheckFailure(f"a build with a seed changes {globally.changed}, if only while it lasts")
    torch.manual_seed(11)
    _same(_seeded(subject, 5), model, "two builds with one seed")
    if model.state_dict() and not _differs(model, _seeded(subject, 6)):
        raise CheckFailure("another seed gives the same parameters")
    first = _unseeded(subject)
    if model.state_dict() and not _differs(first, _unseeded(subject)):
        raise CheckFailure("two builds without a seed are the same: they do not draw from the global random state")
    torch.manual_seed(11)
    _seeded(subject, 5)
    _same(_unseeded(subject), first, "builds without a seed, from one global random state")
    meta = build(subject.tiny, device="meta", dtype=subject.exact)
    if any(t.device.type != "meta" for t in meta.state_dict().values()):
        raise CheckFailure("a build on meta has tensors elsewhere")
    made = materialise(meta, subject.device, seed=5)
    _same(made, model, "a build on meta, materialised, against a direct one")
    batch = batch_of(subject, 2, 3)
    all_close(run(made.eval(), batch), run(model.eval(), batch), "outputs of a materialised model", bound=0.0)


class _Unchanged(TorchFunctionMode):
    """Looks at what all threads share before and after every call of torch: a mode sees them all."""

    def __init__(self) -> None:
        super().__init__()
        self.random, self.dtype = torch.get_rng_state(), torch.get_default_dtype()
        self.changed = ""

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        self._look()
        found = func(*args, **(kwargs or {}))
        self._look()
        return found

    def __exit__(self, *error: object) -> None:
        super().__exit__(*error)  # type: ignore[no-untyped-call]
        self._look()

    def _look(self) -> None:
        if torch.get_default_dtype() != self.dtype:
            self.changed = "the default dtype"
        elif not torch.equal(torch.get_rng_state(), self.random):
            self.changed = "the global random state"


def _seeded(subject: Subject, seed: int) -> Model:
    return build(subject.tiny, seed=seed, device=subject.device, dtype=subject.exact)


def _unseeded(subject: Subject) -> Model:
    return build(subject.tiny, device=subject.device, dtype=subject.exact)


def _same(found: Model, expected: Model, label: str) -> None:
    theirs = expected.state_dict()
    for name, tensor in found.state_dict().items():
        if not torch.equal(tensor, theirs[name]):
            raise CheckFailure(f"{label}: {name} differs, bound: bit for bit")


def _differs(one: Model, other: Model) -> bool:
    pairs = zip(tensors(dict(one.state_dict())), tensors(dict(other.state_dict())), strict=True)
    return any(not torch.equal(a, b) for a, b in pairs)


def round_trip(subject: Subject) -> None:
    """The canonical form reads back as an equal spec, as data and as text, and the JSON Schema accepts it."""
    live = [part.record.name for _, part in parts(subject.spec) if part.provided.distribution == UNPACKAGED]
    if live:
        raise Skip(f"cell {live[0]!r} is in no package, so that no file can name it")
    for spec in (subject.spec, subject.tiny):
        data = to_data(spec)
        if library.load(data).spec != spec:
            raise CheckFailure(f"{spec.id}: the spec as data reads back as another spec")
        text = to_yaml(spec)
        if resolve(parse(text.encode(), f"{spec.id} as YAML"), catalogue())[None].spec != spec:
            raise CheckFailure(f"{spec.id}: the spec as YAML reads back as another spec")
        validator = _validator()
        if validator is not None:
            for error in validator.iter_errors(data):
                place = ".".join(str(step) for step in error.absolute_path) or "the whole"
                raise CheckFailure(f"the JSON Schema refuses {place}: {error.message[:160]}")


def _validator() -> Any:
    """The schema of what is installed now; None where jsonschema is not installed."""
    try:
        from jsonschema import Draft7Validator
    except ImportError:
        return None
    from zoo.spec.schema import json_schema

    return Draft7Validator(json_schema(catalogue()))
