"""What has changed between two sets of facts, and what of it breaks those who build on the old one."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from api_facts import Fact, Facts
from api_types import takes
from packaging.version import Version

NEEDED: Final = ("argument", "field", "option", "command argument", "key")
"""What must be given wherever it has no default."""
TAKEN: Final = ("argument", "option", "command argument", "key", "alias", "hook")
"""Types of what users give: more of it breaks nobody."""
GIVEN: Final = ("function", "method", "static method", "class method", "property")
"""Types of what users get: less of it breaks nobody."""


@dataclass(frozen=True, slots=True, order=True)
class Change:
    """One difference. breaks: whether it breaks somebody."""

    subject: str
    what: str
    breaks: bool

    def __str__(self) -> str:
        return f"{'BREAKS' if self.breaks else 'adds  '} {self.subject}: {self.what}"


def changes(old: Facts, new: Facts) -> list[Change]:
    """Every difference, by subject."""
    found = [*_removed(old, new), *_added(old, new)]
    for subject in old.keys() & new.keys():
        if old[subject] != new[subject]:
            based = _is_based(subject, old)
            found += [Change(subject, what, breaks) for what, breaks in _changed(old[subject], new[subject], based)]
    return sorted(found)


def breaking(old: Facts, new: Facts) -> list[Change]:
    """The differences that break somebody who uses the old facts."""
    return [change for change in changes(old, new) if change.breaks]


def owner(subject: str) -> str:
    """What a subject is a part of: `zoo.build(seed)` of `zoo.build`, `zoo.Cell.step` of `zoo.Cell`; "" for none."""
    return re.sub(r"(\([^()]*\)|[. ][^. ()]+)$", "", subject) if re.search(r"[. (]", subject) else ""


def _removed(old: Facts, new: Facts) -> Iterator[Change]:
    for subject in old.keys() - new.keys():
        if old[subject].kind == "until":
            gone = subject.removeprefix("deprecated ") not in new
            yield Change(subject, "its time has come" if gone else "no longer deprecated", False)
        else:
            yield Change(subject, f"{old[subject].kind} removed", True)


def _added(old: Facts, new: Facts) -> Iterator[Change]:
    for subject in new.keys() - old.keys():
        fact = new[subject]
        inside = owner(subject) in old
        if inside and fact.kind == "argument" and _is_based(subject, old):
            yield Change(subject, "new argument, which methods of subclasses do not take", True)
        elif fact.kind == "attribute" and fact.default is None and _is_based(subject, old):
            yield Change(subject, "new attribute, which subclasses do not set", True)
        elif inside and fact.kind in NEEDED and fact.default is None:
            yield Change(subject, f"new {fact.kind} that must be given", True)
        else:
            yield Change(subject, f"new {fact.kind}", False)


def _is_based(subject: str, facts: Facts) -> bool:
    """Whether it is a method, or an argument of one, that users write in their subclasses."""
    name = subject.partition("(")[0]
    above = facts.get(owner(name))
    return above is not None and above.kind == "base class"


def _changed(old: Fact, new: Fact, based: bool) -> Iterator[tuple[str, bool]]:
    if old.kind != new.kind:
        yield f"{old.kind} has become {new.kind}", True
        return
    if old.place != new.place:
        # Who named it may still name it.
        freed = old.place == "keyword" and new.place.startswith("position ") and "only" not in new.place
        freed |= old.place.replace(" only", "") == new.place
        yield f"place {old.place or 'nowhere'} is now {new.place or 'nowhere'}", not freed
    if old.type != new.type:
        yield (
            f"{'bases' if old.kind.endswith('class') else 'type'} {old.type or 'anything'} is now {new.type or 'anything'}",
            based or not _fits(old, new),
        )
    if old.default != new.default:
        if old.default is None:
            yield f"need not be given any more: {new.default}", False
        elif new.default is None:
            yield f"must be given now; was {old.default}", True
        elif old.kind in ("version", "until"):
            yield f"{old.default} is now {new.default}", Version(new.default) < Version(old.default)
        else:
            yield f"default {old.default} is now {new.default}", True


def _fits(old: Fact, new: Fact) -> bool:
    """Whether who relies on the old type is served by the new one."""
    if old.kind in TAKEN:
        return takes(new.type, old.type)
    if old.kind in GIVEN:
        return takes(old.type, new.type)
    if old.kind.endswith("class"):
        return set(old.type.split(", ")) - {""} <= set(new.type.split(", "))
    return old.kind == "until"
