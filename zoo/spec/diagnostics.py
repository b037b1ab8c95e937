"""From problems with a path to diagnostics with a place: file, line, column, caret, and how to mend it."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from typing import Final

from zoo.errors import Diagnostic, did_you_mean, nearest
from zoo.plugin.catalogue import Catalogue
from zoo.spec import misplaced
from zoo.spec.document import Node
from zoo.spec.fields import MOST_MISTAKES, MOST_TEXTS
from zoo.spec.file import StackEntry, StacksFile
from zoo.spec.model import RecurrentEntry
from zoo.spec.problems import Path, Problem, keys_of, show

LONGEST_KEY: Final = 60


def diagnose(problems: Iterable[Problem], node: Node, catalogue: Catalogue) -> list[Diagnostic]:
    """Every problem with its place in the document, in the document's order, and none twice."""
    problems = list(problems)
    unknown = any(problem.type == "unknown_component" for problem in problems)
    needed = _missing_plugins(node, catalogue) if unknown else ""
    found = []
    # A list that is too short only for its wrong entries would be said to be wrong twice.
    short = {p.path for p in problems if p.type == "too_short"}
    troubled = {path for path in short for p in problems if len(p.path) > len(path) and p.path[: len(path)] == path}
    counted = [p for p in problems if p.type != "too_short" or p.path not in troubled]
    for problem in counted[:MOST_MISTAKES]:
        message = _misplaced(problem, node, catalogue) or explained(problem)
        if problem.type == "unknown_component" and needed:
            message = f"{message.partition(';')[0].partition(' (')[0]}; {needed}"
        at = node.at(problem.path)
        found.append(at.diagnostic(message, problem.type, on_key=problem.type == "extra_forbidden"))
    if len(counted) > MOST_MISTAKES:
        found.append(Diagnostic(node.source.file, 0, 0, f"{len(counted) - MOST_MISTAKES} or more others", "more"))
    return in_order(found, node)


def in_order(found: Iterable[Diagnostic], root: Node) -> list[Diagnostic]:
    """Each once, line by line; those of the file itself before those of the files that it extends."""
    here = root.source.file
    return sorted(dict.fromkeys(found), key=lambda d: (d.file != here, d.file, not d.line, d.line, d.column))


def _missing_plugins(node: Node, catalogue: Catalogue) -> str:
    """What the spec's `requires` lacks: the likeliest reason for a name that nobody knows."""
    requires = node.plain().get("requires")
    texts = [text for text in requires if isinstance(text, str)] if isinstance(requires, list) else []
    return "; ".join(why for why in map(catalogue.why_missing, texts[:MOST_TEXTS]) if why is not None)


def explained(problem: Problem) -> str:
    """What is wrong, in words for whoever wrote the file."""
    rewrite = _REWRITTEN.get(problem.type)
    if rewrite is not None:
        return rewrite(problem)
    text = problem.message.removeprefix("Value error, ")
    # Our own messages that begin with a verb have the key in front of them.
    return f"{_label(problem.path)} {text}" if text.startswith(("must ", "is not ")) else text


def _label(path: Path) -> str:
    names = [step for step in path if isinstance(step, str)]
    if names and isinstance(path[-1], int):
        return f"an entry of {names[-1]!r}"
    return repr(names[-1]) if names else "a spec"


def _misplaced(problem: Problem, root: Node, catalogue: Catalogue) -> str | None:
    """Where a key belongs that is known elsewhere: the option of a cell, say, beside the cell."""
    key = str(problem.path[-1]) if problem.path else ""
    if problem.type != "extra_forbidden" or len(key) > LONGEST_KEY:
        return None
    if len(problem.path) == 1 and key in (*keys_of(RecurrentEntry), *keys_of(StackEntry)):
        return None  # said below
    found = misplaced.whereto(problem.path, root, catalogue)
    if found is None and nearest(key, problem.allowed) is None:
        found = misplaced.near(problem.path, root, catalogue)
        found = None if found is None else f"unknown key {key!r}; {found}"
    return found


def _unknown_key(problem: Problem) -> str:
    key = str(problem.path[-1])
    stacks = [name for name in problem.allowed if name not in keys_of(StacksFile)]
    if len(problem.path) == 1 and "input" not in problem.allowed and key in keys_of(StackEntry):
        return f"{key!r} belongs inside a stack of this architecture: {' or '.join(stacks)}"
    if len(problem.path) == 1 and key in keys_of(RecurrentEntry):
        return f"{key!r} may be set on a layer only, as in layers: [{{{key}: ...}}]"
    unspaced, colon, rest = key.partition(":")
    if colon and unspaced in problem.allowed:
        return f"a space is missing after the colon: write {unspaced}: {rest[:LONGEST_KEY]}"
    if len(key) > LONGEST_KEY:
        return f"unknown key {key[: LONGEST_KEY - 3] + '...'!r}"
    hint = did_you_mean(key, problem.allowed)
    if hint:
        return f"unknown key {key!r}{hint}"
    known = ", ".join(sorted(problem.allowed))
    return f"unknown key {key!r}; known here: {known}" if known else f"unknown key {key!r}"


def _missing(problem: Problem) -> str:
    key = (problem.context or {}).get("key", problem.path[-1] if problem.path else "?")
    if isinstance(key, int):  # of a list whose entries each mean something of their own
        return f"{_label(problem.path[:-1])} must have more entries: the {_ordinal(key + 1)} is missing"
    return f"missing key {key!r}"


def _ordinal(number: int) -> str:
    words = ("first", "second", "third", "fourth", "fifth")
    return words[number - 1] if number <= len(words) else f"{number}th"


def _kind(problem: Problem) -> str:
    context = problem.context or {}
    known = re.findall(r"'([^']*)'", str(context["expected_tags"]))
    given = str(context["tag"])
    said = did_you_mean(given, known) or f"; known here: {', '.join(known)}"
    return f"{_label(problem.path)} has the unknown {str(context['discriminator']).strip(chr(39))} {given!r:.60}{said}"


def _no_kind(problem: Problem) -> str:
    key = str((problem.context or {})["discriminator"]).strip("'")
    return f"{_label(problem.path)} has no {key!r}, which says what kind it is"


def _wrong_type(expected: str, mend: str = "") -> Callable[[Problem], str]:
    def message(problem: Problem) -> str:
        how = mend if isinstance(problem.input, int | float) else ""
        return f"{_label(problem.path)} must be {expected}, not {show(problem.input)}{how}"

    return message


def _bound(words: str, key: str) -> Callable[[Problem], str]:
    def message(problem: Problem) -> str:
        value = problem.input if isinstance(problem.input, int | float) else show(problem.input)
        bound = (problem.context or {})[key]
        shown = bound if isinstance(bound, int) else f"{bound:g}"
        return f"{_label(problem.path)} must be {words} {shown}, not {value}"

    return message


def _count(words: str, key: str) -> Callable[[Problem], str]:
    def message(problem: Problem) -> str:
        number = (problem.context or {})[key]
        return f"{_label(problem.path)} must have {words} {number} {'entry' if number == 1 else 'entries'}"

    return message


def _literal(problem: Problem) -> str:
    expected = str((problem.context or {})["expected"])
    known = re.findall(r"'([^']*)'", expected)
    hint = did_you_mean(problem.input, known) if isinstance(problem.input, str) else ""
    return f"{_label(problem.path)} must be {expected}, not {show(problem.input)}{hint}"


_REWRITTEN: dict[str, Callable[[Problem], str]] = {
    "extra_forbidden": _unknown_key,
    "missing": _missing,
    "int_type": _wrong_type("an integer"),
    "int_from_float": _wrong_type("an integer"),
    "float_type": _wrong_type("a number"),
    "finite_number": _wrong_type("a finite number"),
    "bool_type": _wrong_type("true or false"),
    "string_type": _wrong_type("text", "; put it in quotes"),
    "tuple_type": _wrong_type("a list"),
    "list_type": _wrong_type("a list"),
    "dict_type": _wrong_type("a mapping"),
    "mapping_type": _wrong_type("a mapping"),
    "model_type": _wrong_type("a mapping"),
    "model_attributes_type": _wrong_type("a mapping"),
    "greater_than": _bound("greater than", "gt"),
    "greater_than_equal": _bound("at least", "ge"),
    "less_than": _bound("less than", "lt"),
    "less_than_equal": _bound("at most", "le"),
    "multiple_of": _bound("a multiple of", "multiple_of"),
    "literal_error": _literal,
    "enum": _literal,
    "union_tag_invalid": _kind,
    "union_tag_not_found": _no_kind,
    "decimal_parsing": _wrong_type("a number"),
    "decimal_type": _wrong_type("a number"),
    "set_type": _wrong_type("a list"),
    "frozen_set_type": _wrong_type("a list"),
    "too_short": _count("at least", "min_length"),
    "too_long": _count("at most", "max_length"),
    "string_too_short": lambda p: f"{_label(p.path)} must not be empty",
}
