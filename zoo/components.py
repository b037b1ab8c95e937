"""Component records: what is known of a cell, a layer, a head, ... before any of its code is imported.

A plugin's hook returns these records. They import no torch, so that listing, validating, completing and counting
never pay for it; `build` and `describe` name code as "module:attribute", imported when it is first needed.
"""

from __future__ import annotations

import importlib
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
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
        "heads",
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
    """Base of every component's options: strict, frozen, and nothing unknown, coerced or infinite gets in.

    Example:
        >>> class Gain(zoo.Options):
        ...     gain: float = 1.0
        >>> Gain(gain=2.0)
        Gain(gain=2.0)
    """

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True, allow_inf_nan=False, defer_build=True)


class NoOptions(Options):
    """For a component that has nothing to choose."""


@dataclass(frozen=True, slots=True)
class Size:
    """What an integer option measures, so that a tiny copy can make it small: `Annotated[int, zoo.Width]`.

    Attributes:
        name: How it is called.
    """

    name: str


Width: Final = Size("width")
"""A number of features: equal widths stay equal when shrunk."""
Count: Final = Size("count")
"""A number of parts (heads, groups, blocks): what it divides, it still divides when shrunk."""
Vocabulary: Final = Size("vocabulary")
"""A number of symbols."""


def chosen(options: BaseModel, *left_out: str) -> str:
    """The options that differ from their defaults, as `repr` of a module shows them: "peephole=True, bias='one'".

    An option that has no default is one of its sizes, and left out.

    Args:
        options: Of a component.
        left_out: Names of options that the module shows otherwise.

    Returns:
        The text; empty where all options have their defaults.
    """
    shown = []
    for name, info in type(options).model_fields.items():
        value = getattr(options, name)
        if not info.is_required() and name not in left_out and value != info.get_default():
            shown.append(f"{name}={value!r}")
    return ", ".join(shown)


def features(shape: Shape) -> int:
    """The width of flat features.

    Args:
        shape: Of one step.

    Returns:
        Its only size.

    Raises:
        ZooError: If the shape is that of maps, which most components cannot read.
    """
    if len(shape) != 1:
        raise ZooError(f"needs flat features at each step, not maps of shape {shape}")
    return shape[0]


@dataclass(frozen=True, slots=True, kw_only=True)
class Traits:
    """What a component promises. The checks hold it to that, and skip what it does not promise.

    Attributes:
        causal: No output depends on a later input.
        streamable: A sequence can be cut anywhere and resumed from its state.
        stochastic: Random numbers are drawn while training, beyond the dropout that the format itself defines.
        batch_statistics: Sequences of a batch influence each other while training.
        bounded: A cell's outputs stay within a bound that its parameters set, however large its input and however long
            the sequence. A component without memory (an input, a norm, a linear layer, a pool, a head) is bounded if
            bounded inputs give bounded outputs, however long the sequence, so that it stays bounded behind a bounded
            cell. Gaps (`dt`) are held fixed.
        second_order: Second derivatives are correct.
        low_precision: With weights in bfloat16, and under autocast, outputs stay within 2% of float64 over 1000 steps.
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
class Window:
    """A window that slides over the steps of a sequence, as of a convolution: what is under it becomes one step.

    Attributes:
        kernel: Number of steps under the window.
        stride: Number of steps by which it moves.
        dilation: Distance between two neighbouring steps under it.
        left: Number of steps that are filled in before the first.
        right: Number of steps that are filled in behind the last.

    Example:
        >>> zoo.Window(kernel=3, stride=2).count(8)
        3
    """

    kernel: int = 1
    stride: int = 1
    dilation: int = 1
    left: int = 0
    right: int = 0

    @property
    def reach(self) -> int:
        """Number of steps from the first under the window to the last."""
        return self.dilation * (self.kernel - 1) + 1

    @property
    def keeps(self) -> bool:
        """Whether there are as many steps behind it as before, however many these are."""
        return self.stride == 1 and self.left + self.right == self.reach - 1

    def count(self, steps: Any) -> Any:
        """Number of steps behind the window.

        Args:
            steps: Number of steps before it, an integer or a tensor of them.

        Returns:
            Their number; at least 0 where `steps` is an integer.
        """
        found = (steps + (self.left + self.right - self.reach)) // self.stride + 1
        return max(found, 0) if isinstance(found, int) else found.clamp(min=0)

    def least(self, steps: int) -> int:
        """The smallest number of steps before the window that gives so many behind it.

        Args:
            steps: Number of steps behind it.

        Returns:
            Their number, at least 1.
        """
        return max(1, (steps - 1) * self.stride + self.reach - self.left - self.right)


def count_steps(windows: Iterable[Window], steps: Any) -> Any:
    """Number of steps behind windows one after the other.

    Args:
        windows: In their order.
        steps: Number of steps before the first, an integer or a tensor of them.

    Returns:
        Their number.
    """
    for window in windows:
        steps = window.count(steps)
    return steps


def least_steps(windows: Sequence[Window], steps: int = 1) -> int:
    """The smallest number of steps that gives so many behind windows one after the other."""
    for window in reversed(windows):
        steps = window.least(steps)
    return steps


def moving(windows: Iterable[Window]) -> tuple[Window, ...]:
    """Those windows that change the number of steps."""
    return tuple(window for window in windows if not window.keeps)


@dataclass(frozen=True, slots=True, kw_only=True)
class Description:
    """A component's size and cost in closed form.

    It is written apart from the module, so that each can be held against the other.

    Attributes:
        output_shape: Of one step, without batch and time.
        parameters: Number of trainable numbers that the component adds. A tied weight counts where it is owned.
        macs_per_step: Multiply-adds of matrix products per sequence and time step. Elementwise work is not counted.
        macs_per_sequence: Multiply-adds of what is done once per sequence, whatever its length.
        state: Shape of each state for one sequence, by name. Complex numbers have a last axis of 2.
        fixed: States whose initial value cannot be learned, see `zoo.StateSpec`.
        sequential_depth: Dependent matrix products (or stages) per time step that cannot run in parallel over time.
        vocabulary: Number of symbols that an input embeds. None where it embeds none.
        buffers: Number of numbers that are kept but not trained (torch's buffers), such as fixed weights and running
            averages.
        frozen: Number of those that are not trained, where the spec says so; they are not among `parameters`.
        windows: Of a layer that looks at several steps at a time: from its steps to those of its output. Multiply-adds
            per step are then those of a step of the layer's output.
        macs_per: Of an architecture: multiply-adds for each step of a stack's output, by `("encoder",)`, or for each
            pair of steps of two stacks, by `("encoder", "decoder")`.
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
    frozen: int = 0
    windows: tuple[Window, ...] = ()
    macs_per: Mapping[tuple[str, ...], int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class StackDescription:
    """What is known of one stack of an architecture when it describes what it adds.

    Attributes:
        input: How the input describes itself.
        layers: How each layer describes itself, in order.
        head: How the head describes itself. None where there is no head, or there are several.
        output_shape: Of one step, or of one sequence behind a pool.
        windows: Those that change the number of steps.
        names: The name of each layer, or None.
    """

    input: Description
    layers: tuple[Description, ...]
    head: Description | None
    output_shape: Shape
    windows: tuple[Window, ...] = ()
    names: tuple[str | None, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Beside:
    """What an architecture joins to the features that flow through one of its stacks.

    Attributes:
        layers: Number of features that are joined to the input of a recurrent layer, by the layer's position. They pass
            the dropout and the norm in front of the cell, and are no part of the residual.
        head: Number of features that are joined to the input of the head.
        instead: The head reads these alone, and nothing of the last layer.

    Example:
        >>> zoo.Beside(layers={1: 1024}).head
        0
    """

    layers: Mapping[int, int] = field(default_factory=dict)
    head: int = 0
    instead: bool = False

    def head_shape(self, shape: Shape) -> Shape:
        """The shape of a step of the head's input.

        Args:
            shape: Of a step of the last layer's output.

        Returns:
            That shape, wider by what is joined to it.
        """
        return shape if not self.head else (self.head,) if self.instead else (features(shape) + self.head,)


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

    Attributes:
        name: As written in a spec, in lower case.
        build: "module:attribute" of the class or function that makes the module. Its arguments depend on the kind.
        options: The component's own options, a subclass of `zoo.Options`.
        describe: "module:attribute" of a function without torch that returns a `Description`. None leaves the cost of a
            model with this component unknown.
        summary: One line for lists.
        paper: The source: authors, year, title, where, and arXiv, DOI or address.
        authority: What the component is held to, where that is more than the paper: official code, or the equations
            meant.
        traits: What it promises, or a function of a module (no lambda: models are pickled) from its options to that.
        deviations: Known failures, `{check name: reason}`, or such a function from its options to that. Each must
            really fail, by a figure and not by a crash, or the check fails.
        api_version: The plugin API that it is written for. One newer than this package's is incompatible.
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
        for field_name in ("build", "describe", "reference", "beside"):
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
        """What the component promises with these options.

        Args:
            options: As the options model gives them.

        Returns:
            Its traits.

        Raises:
            PluginError: If the record's own function fails, or returns something else.
        """
        found: Traits = self._told("traits", self.traits, Traits, options)
        return found

    def deviations_of(self, options: Any) -> Mapping[str, str]:
        """The component's known failures with these options.

        Args:
            options: As the options model gives them.

        Returns:
            The reason of each, by the name of the check.

        Raises:
            PluginError: If the record's own function fails, or returns something else.
        """
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
    """A recurrent cell.

    Attributes:
        build: "module:attribute" of `(options, input_shape, hidden_size) -> zoo.Cell`.
        describe: "module:attribute" of `(options, input_shape, hidden_size) -> zoo.Description`, or None.
        dropouts: Which of the kinds "recurrent" and "weight" the cell applies by itself (see `Cell.uses`).
        zoneout: Whether any of its states may be zoned out.
        uses: Which of "dt" and "observed" the cell reads. A run without dt is one whose steps take 1 each.
        reference: "module:attribute" of the same equations in plain NumPy, in float64, for one sequence from its first
            step: `(x, parameters, options) -> y`, with x (T, *input_shape), parameters by the names of the cell's
            `state_dict`, and y (T, *output_shape). A cell that uses "dt" or "observed" also gets `dt=` (T,) or
            `observed=` (T, F).

    Example:
        >>> zoo.CellType(name="acme", build="zoo_acme.cell:Acme", summary="A leaky average").kind
        'cell'
    """

    kind: ClassVar[str] = "cell"
    dropouts: frozenset[str] = frozenset()
    zoneout: bool = False
    uses: frozenset[str] = frozenset()
    reference: str | None = None


@dataclass(frozen=True, kw_only=True)
class LayerType(ComponentType):
    """A layer kind other than `recurrent`.

    A layer whose steps depend on earlier ones starts anew where `run.reset` is set, or refuses with `zoo.InputError`.

    Attributes:
        build: "module:attribute" of `(options, input_shape) -> zoo.Layer`. Of a layer that joins, input_shape is a
            tuple of shapes.
        describe: "module:attribute" of `(options, input_shape) -> zoo.Description`, or None.
        joins: It reads several named layers, `of: [names]`, and its input is a tuple of their outputs.
        inherits: Recurrent layers inside it take the keys that they lack from the stack. Not where the layers inside
            run over something else than the steps of the sequence.
    """

    kind: ClassVar[str] = "layer"
    joins: bool = False
    inherits: bool = True


@dataclass(frozen=True, kw_only=True)
class HeadType(ComponentType):
    """What turns the layers' output into the model's.

    Attributes:
        steps: Whether it needs an output at every step, so that no pool may stand in front of it.
        build: "module:attribute" of `(options, input_shape, source) -> Module`, where source is the built input.
        describe: "module:attribute" of `(options, input_shape, source) -> zoo.Description`, where source is the input's
            Description, or None.
    """

    kind: ClassVar[str] = "head"
    steps: bool = False


@dataclass(frozen=True, kw_only=True)
class InputType(ComponentType):
    """What turns the model's input into features.

    Attributes:
        build: "module:attribute" of `(options) -> Module`, with the attributes of `zoo.Input`.
        describe: "module:attribute" of `(options) -> zoo.Description`, or None.
        shares: Its option `of` names the place of the input of an earlier stack, as in `encoder.input`. `build` is then
            called with that module too, and `describe` with its description.
        once: Its features are those of that input, which an architecture computes once for both: it may stand only in a
            stack that is `like` another.
    """

    kind: ClassVar[str] = "input"
    shares: bool = False
    once: bool = False


@dataclass(frozen=True, kw_only=True)
class PoolType(ComponentType):
    """From a sequence of features to one.

    The module is called with the last layer's output (B, T, F), zero in padding; which steps are valid (B, T), or None
    for all; and the final output of each direction (B, F). It returns (B, F).

    Attributes:
        build: "module:attribute" of `(options, input_shape) -> Module`.
        describe: "module:attribute" of `(options, input_shape) -> zoo.Description`, or None.
        final: Whether it takes the final output of each direction (as the built-in `last` does), which only a recurrent
            layer can give.
    """

    kind: ClassVar[str] = "pool"
    final: bool = False


class NormType(ComponentType):
    """Normalises features at each step.

    The module is called with features (B, T, F) and which steps are valid (B, T), or None for all. It returns
    (B, T, F). In half precision the features are float32, and so are the parameters that it sees; its buffers are never
    less.

    Attributes:
        build: "module:attribute" of `(options, input_shape) -> Module`.
        describe: "module:attribute" of `(options, input_shape) -> zoo.Description`, or None.
    """

    kind: ClassVar[str] = "norm"


class InitType(ComponentType):
    """How parameters are initialised.

    The scheme is called once for each component (the input, a layer, the pool, the head), with everything inside it.
    Its parameters are `module.parameters()`, and those of a cell have roles, `cell.roles()`.

    Attributes:
        build: "module:attribute" of `(options) -> Callable[[Module], None]`, the scheme. None in place of a scheme
            leaves a module as it was made.
    """

    kind: ClassVar[str] = "init"


@dataclass(frozen=True, kw_only=True)
class StackType:
    """One of the stacks of an architecture: a spec writes it under its name, as an input, layers and a head.

    Attributes:
        name: Lower case letters, digits and '_'.
        summary: One line on what it is for.
        head: Whether it has a head: "required", "optional" or "none".
        pool: Whether the head may have a pool over time.
        streamable: Whether it must run one step at a time. No layer of it may then see later steps.
        output: Whether the output of its last layer is used. False where only its states are. Or a function of a module
            from the architecture's options to that.
        like: An earlier stack, of which a file that leaves this one out has another copy: with weights of its own,
            without a head, and behind the same input.
        empty: Whether it may have no layers, `layers: []`. What its input gives is then its output.
    """

    name: str
    summary: str = ""
    head: Literal["required", "optional", "none"] = "optional"
    pool: bool = True
    streamable: bool = False
    output: bool | Callable[[Any], bool] = True
    like: str | None = None
    empty: bool = False

    def __post_init__(self) -> None:
        if not isinstance(self.name, str) or not _STACK.fullmatch(self.name) or self.name in RESERVED_KEYS:
            raise PluginError(
                f"StackType {self.name!r}: a name is lower case letters, digits and '_', as in 'encoder', and no "
                "key of a spec"
            )


@dataclass(frozen=True, kw_only=True)
class ArchitectureType(ComponentType):
    """How the stacks of a model are wired.

    Attributes:
        build: "module:attribute" of `(options, stacks) -> zoo.Model`, where stacks are the built ones by name, each a
            `zoo.Model` of its own.
        describe: "module:attribute" of `(options, stacks) -> zoo.Description` of what it adds to the stacks, where
            stacks are their `zoo.StackDescription`s by name, or None. The shape of the output is the model's.
        beside: "module:attribute" of `(options, stack, shapes) -> zoo.Beside`: what it joins to the features that flow
            through one of its stacks, a node of the spec. shapes are those of one step of the output of each stack
            before it, by name. None where it joins nothing.
        stacks: What it is made of. Without any the model is one stack, "", whose keys stand at the top of the file.
        skips: Checks that have no meaning for it, each with the reason, which the skip quotes. Checks that are about a
            model of one stack are skipped for every architecture of several.
        checks: Checks that it restates, by their names: "module:attribute" of `(subject) -> str | None`, as of a
            `zoo.CheckType`, which runs in place of the check's own.
    """

    kind: ClassVar[str] = "architecture"
    beside: str | None = None
    stacks: tuple[StackType, ...] = ()
    skips: Mapping[str, str] = field(default_factory=dict, hash=False)
    checks: Mapping[str, str] = field(default_factory=dict, hash=False)

    def __post_init__(self) -> None:
        super().__post_init__()
        names = [stack.name for stack in self.stacks]
        if len(set(names)) < len(names):
            raise PluginError(f"ArchitectureType {self.name!r}: two of its stacks have one name: {', '.join(names)}")


@dataclass(frozen=True, kw_only=True)
class CheckType:
    """A conformance check.

    Attributes:
        name: As it is called on the command line, in lower case.
        run: "module:attribute" of `(subject) -> str | None`. It raises `zoo.CheckFailure`, or `zoo.Skip` with the
            declaration that explains it, and may return a note, such as which options it varied.
        summary: One line for lists.
        slow: Whether it runs only when asked for.
        several: Whether it can also be run on an architecture of several stacks.
        architectures: Names of the architectures that it is about. Of other models it is not spoken; () is about all.
        api_version: The plugin API that it is written for. One newer than this package's is incompatible.
    """

    kind: ClassVar[str] = "check"

    name: str
    run: str
    summary: str = ""
    slow: bool = False
    several: bool = False
    architectures: tuple[str, ...] = ()
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
    """A record and who provided it.

    Attributes:
        record: What is provided.
        distribution: Name of the distribution.
        version: Of the distribution.
        plugin: The plugin's own name.
    """

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
    """A component that a spec chose, with its validated options.

    Attributes:
        provided: The component, and who provided it.
        options: Of the component's own model.
        frozen: Its parameters are not trained.
    """

    provided: Provided
    options: BaseModel
    frozen: bool = False

    @property
    def record(self) -> ComponentType:
        return self.provided.record

    @property
    def traits(self) -> Traits:
        return self.record.traits_of(self.options)

    def with_options(self, options: BaseModel) -> Self:
        return replace(self, options=options)
