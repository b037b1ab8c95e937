"""The canonical form: what a spec means, every layer spelled out, every component with its distribution.

Immutable and complete: nothing downstream re-parses, re-validates or looks a name up again. Two specs are equal
when their canonical forms are. It is a tree; `zoo.spec.tree` has its nodes, and the one way to walk over it.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any

from zoo.components import Part
from zoo.errors import ZooError
from zoo.spec.tree import Head, Layer, Recurrent, Stack, walk


@dataclass(frozen=True, slots=True, kw_only=True)
class Expect:
    """Published figures that the build must agree with.

    Attributes:
        parameters: Number of trainable numbers.
        frozen: Number of those that are not trained, or None.
    """

    parameters: int
    frozen: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Spec:
    """One model: an architecture and its stacks.

    Attributes:
        name: As the file says.
        variant: Which of a file's sizes it is. A label, not part of what the model is.
        description: One line on the model, or None.
        paper: The source, or None.
        tags: Words to search by.
        requires: Plugins that it needs, such as "zoo-acme>=0.2".
        architecture: The component that wires the stacks.
        stacks: In the order of the architecture.
        expect: Published figures that the build must agree with, or None.

    Example:
        >>> spec = zoo.load("zaremba-lm@medium")
        >>> spec.id, len(spec.layers)
        ('zaremba-lm@medium', 2)
    """

    name: str
    variant: str | None = field(default=None, compare=False)
    description: str | None = None
    paper: str | None = None
    tags: tuple[str, ...] = ()
    requires: tuple[str, ...] = ()
    architecture: Part
    stacks: tuple[Stack, ...]
    expect: Expect | None = None

    @property
    def id(self) -> str:
        """How the command line names it: `zaremba-lm@medium`."""
        return self.name if self.variant is None else f"{self.name}@{self.variant}"

    @property
    def only(self) -> Stack:
        """The stack of a model that is one.

        Raises:
            ZooError: If the model has several.
        """
        if len(self.stacks) > 1 or self.stacks[0].name:
            names = " and ".join(stack.name for stack in self.stacks)
            raise ZooError(f"{self.id}: architecture {self.architecture.record.name!r} has the stacks {names}, not one")
        return self.stacks[0]

    def with_stack(self, **changes: Any) -> Spec:
        """The same model with something of its only stack changed.

        Args:
            **changes: New values of its `input`, `init`, `layers` or `head`.

        Returns:
            A new spec.
        """
        return replace(self, stacks=(replace(self.only, **changes),))

    @property
    def input(self) -> Part:
        """The input of the only stack."""
        return self.only.input

    @property
    def layers(self) -> tuple[Layer, ...]:
        """The layers of the only stack, in order."""
        return self.only.layers

    @property
    def head(self) -> Head | None:
        """The head of the only stack, or None."""
        return self.only.head

    @property
    def init(self) -> Part:
        """The initialisation scheme of the only stack, for what is no recurrent layer."""
        return self.only.init

    @property
    def recurrent(self) -> tuple[Recurrent, ...]:
        """Every recurrent layer of the model, in order, those inside other layers too."""
        return tuple(node for _, node in walk(self) if isinstance(node, Recurrent))
