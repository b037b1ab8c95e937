"""Component records: what is known of a cell, a layer, a head, ... before any of its code is imported.

A plugin's hook returns these records. They import no torch, so that listing, validating, completing and counting
never pay for it; `build` and `describe` name code as "module:attribute", imported when it is first needed.
"""

from __future__ import annotations

import importlib
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar, Final, Generic, Literal, Self, TypeVar

from pydantic import BaseModel, ConfigDict

from zoo.errors import PluginError, ZooError

API_VERSION: Final = 1
"""The version of these records. A plugin whose records ask for a newer one is listed as incompatible."""

RESERVED_KEYS: Final = (
    *("schema", "name", "extends", "variants", "description", "paper", "tags", "requires", "architecture", "expect"),
    *(
        "input",
        "layers",
        "head",
        "cell",
        "hidden_size",
        "bidirectional",
        "merge",
        "dropout",
        "norm",
        "residual",
        "init",
    ),
)
"""Keys of a spec, which no stack may be called."""

_STACK = re.compile(r"[a-z][a-z0-9_]*")
_NAME = re.compile(r"[a-z0-9][a-z0-9._-]*")
_REFERENCE = re.compile(r"[A-Za-z_]\w*(\.[A-Za-z_]\w*)*:[A-Za-z_]\w*(\.[A-Za-z_]\w*)*")

Shape = tuple[int, ...]


class Options(BaseModel):
    """Base of every component's options: strict, frozen, and nothing unknown, coerced or infinite gets in."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True, allow_inf_nan=False, defer_build=True)


class NoOptions(Options):
    """For a component that has nothing to choose."""


@dataclass(frozen=True, slots=True)
class Size:
    """What an integer option measures, so that `shrink` can make it small: `Annotated[int, zoo.Width]`."""

    name: str


Width: Final = Size("width")
"""A number of features: equal widths stay equal when shrunk."""
Count: Final = Size("count")
"""A number of parts (heads, groups, blocks): what it divides, it still divides when shrunk."""
Vocabulary: Final = Size("vocabulary")
"""A number of symbols."""


def chosen(options: BaseModel, *left_out: str) -> str:
    """The options that differ from their defaults, as `repr` of a module shows them: "peephole=True, bias='one'".

    left_out: those that the module shows otherwise. An option that has no default is one of its sizes.
    """
    shown = []
    for name, info in type(options).model_fields.items():
        value = getattr(options, name)
        if not info.is_required() and name not in left_out and value != info.get_default():
            shown.append(f"{name}={value!r}")
    return ", ".join(shown)


def features(shape: Shape) -> int:
    """The width of flat features. Raises ZooError for maps, which most components cannot read."""
    if len(shape) != 1:
        raise ZooError(f"needs flat features at each step, not maps of shape {shape}")
    return shape[0]


@dataclass(frozen=True, slots=True, kw_only=True)
class Traits:
    """What a component promises. The checks hold it to that, and skip what it does not promise.

    causal: no output depends on a later input.
    streamable: a sequence can be cut anywhere and resumed from its state.
    stochastic: draws random numbers while training, beyond the dropout that the format itself defines.
    batch_statistics: rows influence each other while training.
    bounded: a cell's outputs stay within a bound that its parameters set, however large its input and however long the
    sequence. What has no memory (an input, a norm, a linear layer, a pool, a head) is bounded where bounded inputs give
    bounded outputs, however long the sequence: behind a bounded cell it then stays bounded. Gaps (`dt`) are held fixed.
    second_order: has correct second derivatives.
    low_precision: with weights in bfloat16, and under autocast, stays within 2% of float64 over 1000 steps.
    """

    causal: bool = True
    streamable: bool = True
    stochastic: bool = False
    batch_statistics: bool = False
    bounded: bool = False
    second_order: bool = True
    low_precision: bool = True

    def __and__(self, other: Traits) -> Traits:
        """The traits of two components one after the other."""
        return Traits(
            causal=self.causal and other.causal,
            streamable=self.streamable and other.streamable,
            stochastic=self.stochastic or other.stochastic,
            batch_statistics=self.batch_statistics or other.batch_statistics,
            bounded=self.bounded and other.bounded,
            second_order=self.second_order and other.second_order,
            low_precision=self.low_precision and other.low_precision,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Description:
    """A component's closed form, written apart from its module so that each can be held against the other.

    output_shape: features per step, without batch and time.
    parameters: trainable numbers that the component adds (a tied weight counts where it is owned).
    buffers: numbers that it keeps and that are not trained (torch's buffers): fixed weights, running figures.
    macs_per_step: multiply-adds of matrix products per row and time step (pointwise work is not counted).
    macs_per_sequence: the same, for what is done once per row whatever the length.
    state: shape per row of each state; complex numbers have a last axis of 2.
    fixed: the states whose start cannot be learned, see `zoo.StateSpec`.
    sequential_depth: dependent matrix products (or stages) per time step that cannot run in parallel over time.
    vocabulary: how many symbols an input embeds; None where it embeds none.
    """

    output_shape: Shape
    parameters: int
    macs_per_step: int = 0
    macs_per_sequence: int = 0
    state: Mapping[str, Shape] = field(default_factory=dict)
    fixed: frozenset[str] = frozenset()
    sequential_depth: int = 0
    vocabulary: int | None = None
    buffers: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class StackDescription:
    """What is known of one stack of an architecture, for the closed form of what the architecture adds.

    input, layers, head: what each describes itself as; no head gives None. output_shape: of one step, or behind a pool
    of one sequence.
    """

    input: Description
    layers: tuple[Description, ...]
    head: Description | None
    output_shape: Shape


def resolve(reference: str) -> Any:
    """Import what a record's "module:attribute" names. Whatever the import raises comes through."""
    module, _, attribute = reference.partition(":")
    found: Any = importlib.import_module(module)
    for name in attribute.split("."):
        found = getattr(found, name)
    return found


@dataclass(frozen=True, kw_only=True)
class ComponentType:
    """What every component record says. `kind` is where it may stand in a spec.

    name: as written in a spec; lower case.
    options: its own options model, a subclass of `zoo.Options`.
    build: "module:attribute" of the class or function that makes the module; its arguments depend on the kind.
    describe: "module:attribute" of a torch-free function that gives a `Description`; None marks the figures unknown.
    summary: one line for lists. paper: the source: authors, year, title, where, and arXiv, DOI or address.
    authority: what it is held to, where that is more than the paper: official code, or the equations meant.
    traits: what it promises, or a function of a module (no lambda: models are pickled) from its options to that.
    deviations: known failures, `{check name: reason}`, or such a function from its options to that; each must really
    fail, by a figure and not by a crash, or the check fails.
    api_version: the plugin API that it is written for; one newer than this is incompatible.
    """

    kind: ClassVar[str] = "component"

    name: str
    build: str
    options: type[BaseModel] = NoOptions
    describe: str | None = None
    summary: str = ""
    paper: str | None = None
    authority: str | None = None
    traits: Traits | Callable[[Any], Traits] = Traits()
    deviations: Mapping[str, str] | Callable[[Any], Mapping[str, str]] = field(default_factory=dict, hash=False)
    api_version: int = API_VERSION

    def __post_init__(self) -> None:
        label = f"{type(self).__name__} {self.name!r}"
        if not isinstance(self.name, str) or not _NAME.fullmatch(self.name):
            raise PluginError(f"{label}: a name is lower case letters, digits, '.', '_' and '-', as in 'my-cell'")
        for field_name in ("build", "describe", "reference"):
            reference = getattr(self, field_name, None)
            if reference is None and field_name != "build":
                continue
            if not isinstance(reference, str) or not _REFERENCE.fullmatch(reference):
                raise PluginError(
                    f"{label}: {field_name} must be a string 'module:attribute', as in 'acme.cell:Acme', "
                    f"not {reference!r}"
                )
        if not (isinstance(self.options, type) and issubclass(self.options, BaseModel)):
            raise PluginError(f"{label}: options must be a subclass of zoo.Options, not {self.options!r}")
        if type(self.api_version) is not int:
            raise PluginError(f"{label}: api_version must be an integer, not {self.api_version!r}")

    def traits_of(self, options: Any) -> Traits:
        found: Traits = self._told("traits", self.traits, Traits, options)
        return found

    def deviations_of(self, options: Any) -> Mapping[str, str]:
        found: Mapping[str, str] = self._told("deviations", self.deviations, Mapping, options)
        return found

    def _told(self, said: str, stated: Any, expected: type, options: Any) -> Any:
        """What the record states of itself, or its function tells for these options: somebody else's code."""
        if not callable(stated):
            return stated
        try:
            found = stated(options)
        except Exception as error:
            text = f"{type(error).__name__}: {error}"
            raise PluginError(f"{self.kind} {self.name!r} cannot tell its {said}: {text}") from error
        if not isinstance(found, expected):
            kind = type(found).__name__
            raise PluginError(f"{self.kind} {self.name!r}: its {said} must be a {expected.__name__}, not {kind}")
        return found


# The kinds without a field of their own need not be decorated, which would cost every command a millisecond each.


@dataclass(frozen=True, kw_only=True)
class CellType(ComponentType):
    """A recurrent cell. build: `(options, input_shape, hidden_size) -> zoo.Cell`; describe: the same arguments.

    dropouts: which of the kinds "recurrent" and "weight" the cell applies by itself (see `Cell.uses`).
    zoneout: whether any of its states may be zoned out.
    uses: which of "dt" and "observed" the cell reads; a run without dt is one whose steps take 1 each.
    reference: "module:attribute" of the same equations in plain NumPy, in float64, for one row from its first step:
    `(x, parameters, options) -> y`, x (T, *input_shape), parameters by the names of the cell's `state_dict`,
    y (T, *output_shape). A cell that uses "dt" or "observed" gets `dt=` (T,) or `observed=` (T, F) too.
    """

    kind: ClassVar[str] = "cell"
    dropouts: frozenset[str] = frozenset()
    zoneout: bool = False
    uses: frozenset[str] = frozenset()
    reference: str | None = None


class LayerType(ComponentType):
    """A layer kind other than `recurrent`. build: `(options, input_shape) -> zoo.Layer`; describe alike.

    A layer whose steps depend on earlier ones starts anew where `run.reset` is set, or refuses with `zoo.InputError`.
    """

    kind: ClassVar[str] = "layer"


class HeadType(ComponentType):
    """What turns the layers' output into the model's. build: `(options, input_shape, source) -> Module`, where
    source is the built input; describe: the same arguments, where source is the input's Description."""

    kind: ClassVar[str] = "head"


class InputType(ComponentType):
    """What turns the model's input into features. build: `(options) -> Module`; describe alike."""

    kind: ClassVar[str] = "input"


@dataclass(frozen=True, kw_only=True)
class PoolType(ComponentType):
    """From a sequence of features to one. build: `(options, input_shape) -> Module`; describe alike.

    The module is called with the last layer's output (B, T, F), zero in padding; which steps are valid (B, T), or None
    for all; and the final output of each direction (B, F). It gives (B, F).
    final: takes the final output of each direction (built-in `last`), which only a recurrent layer can give.
    """

    kind: ClassVar[str] = "pool"
    final: bool = False


class NormType(ComponentType):
    """Normalises features at each step. build: `(options, input_shape) -> Module`; describe alike.

    The module is called with features (B, T, F) and which steps are valid (B, T), or None for all. It gives (B, T, F).
    In half precision the features are float32, and so are the parameters that it sees; its buffers are never less.
    """

    kind: ClassVar[str] = "norm"


class InitType(ComponentType):
    """How parameters start. build: `(options) -> Callable[[Module], None]`; None leaves a module as it was made.

    What it gives is called once for each component (the input, a layer, the pool, the head), with everything inside it:
    its parameters are `module.parameters()`, and those of a cell have roles, `cell.roles()`.
    """

    kind: ClassVar[str] = "init"


@dataclass(frozen=True, kw_only=True)
class StackType:
    """One of the stacks of an architecture: a spec writes it under its name, as an input, layers and a head.

    name: lower case letters, digits and '_'. summary: one line on what it is for.
    head: whether it has a head: "required", "optional" or "none". pool: whether that may have a pool over time.
    streamable: whether it must run one step at a time: no layer of it may then look ahead.
    output: whether what comes out of its last layer is used; not where its states alone are.
    """

    name: str
    summary: str = ""
    head: Literal["required", "optional", "none"] = "optional"
    pool: bool = True
    streamable: bool = False
    output: bool = True

    def __post_init__(self) -> None:
        if not isinstance(self.name, str) or not _STACK.fullmatch(self.name) or self.name in RESERVED_KEYS:
            raise PluginError(
                f"StackType {self.name!r}: a name is lower case letters, digits and '_', as in 'encoder', and no "
                "key of a spec"
            )


@dataclass(frozen=True, kw_only=True)
class ArchitectureType(ComponentType):
    """How the stacks of a model are wired. build: `(options, stacks) -> zoo.Model`, where stacks are the built ones by
    name, each a `zoo.Model` of its own; describe: `(options, stacks) -> zoo.Description` of what it adds to them, where
    stacks are their `zoo.StackDescription`s by name. The shape of an output is the model's.

    stacks: what it is made of. None at all: the model is one stack, "", whose keys stand at the top of the file.
    skips: checks that have no meaning for it, each with the reason, which the skip quotes. Checks that are about a
    model of one stack are skipped for every architecture of several.
    """

    kind: ClassVar[str] = "architecture"
    stacks: tuple[StackType, ...] = ()
    skips: Mapping[str, str] = field(default_factory=dict, hash=False)

    def __post_init__(self) -> None:
        super().__post_init__()
        names = [stack.name for stack in self.stacks]
        if len(set(names)) < len(names):
            raise PluginError(f"ArchitectureType {self.name!r}: two of its stacks have one name: {', '.join(names)}")


@dataclass(frozen=True, kw_only=True)
class CheckType:
    """A check of the contract.

    name: how it is called: lower case. summary: one line for lists. slow: only run when asked for.
    run: "module:attribute" of `(subject) -> str | None`, which raises `zoo.CheckFailure`, or `zoo.Skip` with the
    declaration that explains it, and may give what it says of itself, as which options it varied.
    several: whether it can be run on an architecture of several stacks too.
    api_version: as of every component.
    """

    kind: ClassVar[str] = "check"

    name: str
    run: str
    summary: str = ""
    slow: bool = False
    several: bool = False
    api_version: int = API_VERSION

    def __post_init__(self) -> None:
        label = f"{type(self).__name__} {self.name!r}"
        if not isinstance(self.name, str) or not re.fullmatch(r"[a-z0-9][a-z0-9_-]*", self.name):
            raise PluginError(f"{label}: a name is lower case letters, digits, '_' and '-'")
        if not isinstance(self.run, str) or not _REFERENCE.fullmatch(self.run):
            raise PluginError(f"{label}: run must be a string 'module:attribute', not {self.run!r}")


Record = TypeVar("Record", bound=ComponentType | CheckType)


@dataclass(frozen=True, slots=True)
class Offer(Generic[Record]):
    """A record and who provided it: the distribution's name and version, and the plugin's own name."""

    record: Record
    distribution: str
    version: str
    plugin: str

    @property
    def qualified(self) -> str:
        """The name that never changes its meaning: `recurrent-zoo/lstm`."""
        return f"{self.distribution}/{self.record.name}"

    @property
    def origin(self) -> str:
        """The distribution and its version, where it has one: `recurrent-zoo 0.1.0`."""
        return f"{self.distribution} {self.version}".rstrip()


@dataclass(frozen=True, slots=True)
class Provided(Offer[ComponentType]):
    """A component that a spec can name, and who provided it."""


@dataclass(frozen=True, slots=True)
class ProvidedCheck(Offer[CheckType]):
    """A check that models can be held to, and who provided it."""


@dataclass(frozen=True, slots=True)
class Part:
    """A component that a spec chose, with its validated options."""

    provided: Provided
    options: BaseModel

    @property
    def record(self) -> ComponentType:
        return self.provided.record

    @property
    def traits(self) -> Traits:
        return self.record.traits_of(self.options)

    def with_options(self, options: BaseModel) -> Self:
        return type(self)(self.provided, options)
