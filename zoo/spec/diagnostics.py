"""From problems with a path to diagnostics with a place: file, line, column, caret, and how to mend it."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Iterable

from zoo.errors import Diagnostic
from zoo.plugin.catalogue import Catalogue
from zoo.spec.document import Node
from zoo.spec.problems import Path, Problem, show


def diagnose(problems: Iterable[Problem], node: Node, catalogue: Catalogue) -> list[Diagnostic]:
    """Every problem with its place in the document, in the document's order, and none twice."""
    needed = _missing_plugins(node, catalogue)
    found = []
    for problem in problems:
        message = _message(problem)
        if problem.type == "unknown_component" and needed:
            message = f"{message.partition(';')[0].partition(' (')[0]}; {needed}"
        at = node.at(problem.path)
        found.append(at.diagnostic(message, problem.type, on_key=problem.type == "extra_forbidden"))
    return sorted(dict.fromkeys(found), key=lambda d: (d.file != node.source.file, d.file, d.line, d.column))


def _missing_plugins(node: Node, catalogue: Catalogue) -> str:
    """What the spec's `requires` lacks: the likeliest reason for a name that nobody knows."""
    requires = node.plain().get("requires")
    texts = [text for text in requires if isinstance(text, str)] if isinstance(requires, list) else []
    return "; ".join(why for why in map(catalogue.why_missing, texts) if why is not None)


def _message(problem: Problem) -> str:
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


def _unknown_key(problem: Problem) -> str:
    key = str(problem.path[-1])
    close = difflib.get_close_matches(key, problem.allowed, n=1, cutoff=0.6)
    if close:
        return f"unknown key {key!r}; did you mean {close[0]!r}?"
    known = ", ".join(sorted(problem.allowed))
    return f"unknown key {key!r}; known here: {known}" if known else f"unknown key {key!r}"


def _missing(problem: Problem) -> str:
    key = (problem.context or {}).get("key", problem.path[-1] if problem.path else "?")
    return f"missing key {key!r}"


def _wrong_type(expected: str, mend: str = "") -> Callable[[Problem], str]:
    return lambda problem: f"{_label(problem.path)} must be {expected}, not {show(problem.input)}{mend}"


def _bound(words: str, key: str) -> Callable[[Problem], str]:
    def message(problem: Problem) -> str:
        value = problem.input if isinstance(problem.input, int | float) else show(problem.input)
        return f"{_label(problem.path)} must be {words} {(problem.context or {})[key]}, not {value}"

    return message


def _literal(problem: Problem) -> str:
    expected = str((problem.context or {})["expected"])
    close = difflib.get_close_matches(str(problem.input), expected.replace("'", "").replace(" or ", ", ").split(", "), n=1)
    hint = f"; did you mean {close[0]!r}?" if close and isinstance(problem.input, str) else ""
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
    "too_short": lambda p: f"{_label(p.path)} must have at least {(p.context or {})['min_length']} entries",
    "too_long": lambda p: f"{_label(p.path)} must have at most {(p.context or {})['max_length']} entries",
    "string_too_short": lambda p: f"{_label(p.path)} must not be empty",
}


