"""Records of architectures: the stacks that they are made of, and how these are wired."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar, Final, Literal

from zoo.components.record import ComponentType
from zoo.errors import PluginError

RESERVED_KEYS: Final = frozenset(
    {
        *(
            "schema",
            "name",
            "extends",
            "variants",
            "description",
            "paper",
            "tags",
            "requires",
            "architecture",
            "expect",
        ),
        *("input", "layers", "head", "heads", "cell", "hidden_size", "bidirectional", "merge"),
        *("share", "dropout", "norm", "residual", "init"),
    }
)
"""Keys of a spec, which no stack may be called."""

_STACK = re.compile(r"[a-z][a-z0-9_]*")


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
        states: Whether the states behind its last step are used, so that a layer may be there for its state alone. Or a
            function of a module from the architecture's options to that.
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
    states: bool | Callable[[Any], bool] = True
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
