"""Records of the kinds of components: cells, layers, heads, inputs, pools, norms and init schemes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from zoo.components.record import ComponentType


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
            `observed=` (T, F). One with peers also gets their parameters, by names such as `peers.0.bound`, and its own
            place among them as `peer`.
        peers: Name of a boolean option. Where it is true, the cell is told of all cells of its stack that say so too
            (`Cell.peers`), to compute something of the parameters of all; there must be two or more, and they must be
            equal.

    Example:
        >>> zoo.CellType(name="acme", build="zoo_acme.cell:Acme", summary="A leaky average").kind
        'cell'
    """

    kind: ClassVar[str] = "cell"
    dropouts: frozenset[str] = frozenset()
    zoneout: bool = False
    uses: frozenset[str] = frozenset()
    reference: str | None = None
    peers: str | None = None


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


# The kinds without a field of their own need not be decorated, which would cost every command a millisecond each.


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
