"""From the parser's events to nodes: what the format leaves out of YAML is refused here, each with its place.

Only `true`, `false`, decimal integers and the floats of YAML 1.2 are special; anything else that is not quoted is
text, and nothing is null.
"""

from __future__ import annotations

import math
import re
from typing import Any, Final

import yaml

from zoo.errors import Diagnostic, SpecError
from zoo.spec.escapes import Pairs
from zoo.spec.nodes import LONGEST_EXCERPT, Node, Place, Source

DEEPEST: Final = 32
TOO_DEEP: Final = f"nested more than {DEEPEST} levels deep, which no spec needs"
MOST_VALUES: Final = 40_000
"""More than a thousand layers with every key written out; what it keeps out is time spent on a file of brackets."""
MOST_ENTRIES: Final = 10_000
"""Of one list: each that is wrong is a mistake of its own."""
MOST_NOTED: Final = 200
LONGEST_NUMBER: Final = 400
LARGEST_INTEGER: Final = 2**63 - 1

FORBIDDEN: Final = re.compile(
    r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069\ud800-\udfff\ufeff\ufffe\uffff]"
)
"""Control characters, those that turn the direction of writing (text would look like what it is not), a byte order mark
inside the text, and line ends that YAML 1.1 knows and editors do not."""

_NULL = frozenset({"~", "null", "Null", "NULL"})
_INTEGER = re.compile(r"[-+]?(?:0|[1-9][0-9]*)")
_FLOAT = re.compile(r"[-+]?(?:\.[0-9]+|[0-9]+\.[0-9]*|[0-9]+(?=[eE]))(?:[eE][-+]?[0-9]+)?")
_NOT_FINITE = re.compile(r"[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN)")


class Builder:
    """Walks the events of one document. Mistakes that leave the rest readable are noted, and the walk goes on."""

    def __init__(self, loader: Any, source: Source, pairs: Pairs) -> None:
        self._next = loader.get_event
        self._source = source
        self._pairs = pairs
        self._values = 0
        self.mistakes: list[Diagnostic] = []

    def document(self, shown: Source) -> Node:
        """The root; `shown` is the source for a text that turns out to be no mapping."""
        self._next()  # the stream's start
        event = self._next()
        if isinstance(event, yaml.StreamEndEvent):
            self._source = shown
            raise self._fatal("the file is empty: a spec begins with schema: 1", "empty", (1, 1, 1))
        if event.version is not None or event.tags:
            self._note("directives (lines that begin with %) are not part of the format", "directive", (1, 1, 1))
        event = self._next()
        if not isinstance(event, yaml.MappingStartEvent) and not self._marked(event):
            self._source = shown
            found = "a list" if isinstance(event, yaml.SequenceStartEvent) else "a single value"
            if found == "a single value" and not event.value and event.implicit[0]:
                raise self._fatal("the file is empty: a spec begins with schema: 1", "empty", _start(event))
            unspaced = shown.unspaced(*_start(event)[:2])
            if unspaced is not None:
                raise self._fatal(unspaced[0], "root", unspaced[1])
            raise self._fatal(f"a spec must be a mapping of keys, as in schema: 1, not {found}", "root", _start(event))
        root = self._node(event, None, 1)
        self._next()  # the document's end
        event = self._next()
        if not isinstance(event, yaml.StreamEndEvent):
            raise self._fatal("a second document begins here: one file holds one spec", "documents", _start(event))
        return root

    def _node(self, event: Any, key: Place | None, depth: int) -> Node:
        self._values += 1
        if self._values > MOST_VALUES:
            raise self._fatal(f"holds more than {MOST_VALUES:,} values, which no spec needs", "size", _start(event))
        place = _start(event)
        if self._marked(event):
            self._refuse_marks(event, place)
        if isinstance(event, yaml.ScalarEvent):
            return Node(self._scalar(event, place, key), self._source, *place, key)
        if isinstance(event, yaml.AliasEvent):
            return Node("", self._source, *place, key)
        # Before going in, since each level costs a frame of the interpreter's stack.
        if depth > DEEPEST:
            raise self._fatal(TOO_DEEP, "depth", place)
        value: dict[str, Node] | list[Node]
        value, first, end = self._mapping(depth) if isinstance(event, yaml.MappingStartEvent) else self._list(depth)
        if event.flow_style:
            line, column, _ = place
            on_one_line = end.line + 1 == line
            width = (end.column + 1 if on_one_line else len(self._source.lines[line - 1]) + 1) - column
            return Node(value, self._source, line, column, max(1, width), key)
        return Node(value, self._source, *(key or first or place), key)

    def _mapping(self, depth: int) -> tuple[dict[str, Node], Place | None, Any]:
        entries: dict[str, Node] = {}
        first = None
        while not isinstance(event := self._next(), yaml.MappingEndEvent):
            place = _start(event)
            first = first or place
            name = self._key(event, place, depth)
            value = self._node(self._next(), place, depth + 1)
            if name is None:
                continue
            if name in entries:
                there = entries[name].key or place
                where = f"{self._source.file}:{there[0]}:{there[1]}"
                self._note(f"the key {name!r} occurs here a second time; the first is at {where}", "duplicate", place)
                continue
            entries[name] = value
        return entries, first, event.end_mark

    def _list(self, depth: int) -> tuple[list[Node], Place | None, Any]:
        entries: list[Node] = []
        while not isinstance(event := self._next(), yaml.SequenceEndEvent):
            if len(entries) == MOST_ENTRIES:
                message = f"this list holds more than {MOST_ENTRIES:,} entries, which no spec needs"
                raise self._fatal(message, "size", _start(event))
            entries.append(self._node(event, None, depth + 1))
        first = (entries[0].line, entries[0].column, entries[0].width) if entries else None
        return entries, first, event.end_mark

    def _key(self, event: Any, place: Place, depth: int) -> str | None:
        """A key is always text, as it is written: `no` and `1` are no booleans or numbers here."""
        self._values += 1
        if not isinstance(event, yaml.ScalarEvent):
            marked = self._marked(event)
            if not marked:
                self._note("a key must be a name, not a mapping or a list", "key", place)
            self._node(event, None, depth + 1)
            return None
        if self._marked(event):
            self._refuse_marks(event, place)
            return None
        if event.implicit[0] and event.value == "<<":
            self._note("merge keys (<<) are not part of the format: write the keys out", "merge", place)
            return None
        if event.implicit[0] and (not event.value or event.value in _NULL):
            self._note("a key must be a name: here it is null or missing", "null", place)
            return None
        return self._text(self._pairs.restored(event.value, event.style), event, place)

    def _scalar(self, event: yaml.ScalarEvent, place: Place, key: Place | None) -> str | int | float | bool:
        text = self._pairs.restored(event.value, event.style)
        if not event.implicit[0] or self._marked(event):
            return self._text(text, event, place)
        if not text:
            what = "this key has no value" if key else "this entry is empty"
            mend = "write one, or leave the key out" if key else "write a value, or leave it out"
            unspaced = self._source.unspaced(*key[:2]) if key else None
            if unspaced is not None:
                self._note(unspaced[0], "null", unspaced[1])
            else:
                self._note(f"{what}: {mend}", "null", key or place)
            return text
        if text[0] in "+-.0123456789":
            return self._number(text, place)
        if text in ("true", "false"):
            return text == "true"
        if text in _NULL:
            mend = "leave the key out" if key else "leave it out"
            self._note(f"{text} (null) may not occur in a spec: {mend}, or quote it if it is text", "null", place)
        return text

    def _number(self, text: str, place: Place) -> str | int | float:
        """A number, or the text itself where it is none: a date, 017, 0x10, 1_000, 1:30, -."""
        if _INTEGER.fullmatch(text):
            if len(text) > 20 or abs(int(text)) > LARGEST_INTEGER:
                shown = text if len(text) <= 30 else f"one of {len(text):,} digits"
                self._note(f"an integer must fit into 64 bits, which {shown} does not", "integer", place)
                return 1
            return int(text)
        if _NOT_FINITE.fullmatch(text):
            self._note(f"a number must be finite, not {text}", "finite_number", place)
            return text
        if not _FLOAT.fullmatch(text):
            return text
        if len(text) > LONGEST_NUMBER:
            self._note(f"a number must have at most {LONGEST_NUMBER} digits, not {len(text):,}", "number", place)
            return 1.0
        number = float(text)
        if not math.isfinite(number):
            self._note(f"a number must be finite, and {text} is too large", "finite_number", place)
        return number

    def _text(self, text: str, event: yaml.ScalarEvent, place: Place) -> str:
        """Quotes can spell characters that the file itself may not hold."""
        match = FORBIDDEN.search(text) if event.style == '"' else None
        if match is not None:
            self._note(f"the text holds U+{ord(match.group()):04X}, which may not occur in a spec", "character", place)
        return text

    @staticmethod
    def _marked(event: Any) -> bool:
        """Whether something stands here that the format has not: an anchor, an alias (which is one too), a tag."""
        return event.anchor is not None or getattr(event, "tag", None) is not None

    def _refuse_marks(self, event: Any, place: Place) -> None:
        if isinstance(event, yaml.AliasEvent):
            message = f"aliases (*{event.anchor}) are not part of the format: write the value out"
            self._note(message, "alias", place)
        elif event.anchor is not None:
            self._note(f"anchors (&{event.anchor}) are not part of the format: leave it out", "anchor", place)
        else:
            self._note("tags (!) are not part of the format: leave it out", "tag", place)

    def _note(self, message: str, code: str, place: Place) -> None:
        if len(self.mistakes) == MOST_NOTED:
            raise self._fatal("more mistakes follow, which are not shown", "more", place)
        self.mistakes.append(self._source.diagnostic(message, code, place))

    def _fatal(self, message: str, code: str, place: Place) -> SpecError:
        return SpecError([*self.mistakes, self._source.diagnostic(message, code, place)])


def is_text(text: str) -> bool:
    """Whether it is read as text without quotes, as far as its meaning goes."""
    special = text in _NULL or text in ("", "true", "false", "<<")
    return not (special or _INTEGER.fullmatch(text) or _FLOAT.fullmatch(text) or _NOT_FINITE.fullmatch(text))


def _start(event: Any) -> Place:
    start, end = event.start_mark, event.end_mark
    if start.line == end.line:
        return start.line + 1, start.column + 1, max(1, end.column - start.column)
    return start.line + 1, start.column + 1, LONGEST_EXCERPT  # to the end of the line, where a caret stops anyway
