"""Which differences break users: one case for each kind."""

from __future__ import annotations

import typing

from api_breaking import Change, breaking, changes, owner
from api_facts import Fact
from api_types import spelled, takes
from each import each

BASE = {
    "zoo.f": Fact("function", type="int | None"),
    "zoo.f(x)": Fact("argument", "position 0", "int | str"),
    "zoo.f(y)": Fact("argument", "position 1", "int", "3"),
    "zoo.f(z)": Fact("argument", "keyword", "Literal['a', 'b']", "'a'"),
    "zoo.R": Fact("class", type="zoo.S, Exception"),
    "zoo.R.a": Fact("field", "position 0", "int"),
    "zoo.R.b": Fact("field", "keyword", "int | None", "None"),
    "zoo.R.p": Fact("property", type="int | None"),
    "zoo.C": Fact("base class", type="torch.Module"),
    "zoo.C.step": Fact("method", type="States"),
    "zoo.C.step(u)": Fact("argument", "position 0", "Tensor"),
    "zoo.C.window": Fact("attribute", type="int", default="0"),
    "zoo.m.Kind": Fact("alias", type="Literal['a', 'b']"),
    "zoo test": Fact("command"),
    "zoo test [0]": Fact("command argument", type="str", default="'*'"),
    "zoo test --slow": Fact("option", type="bool", default="False"),
    "cell acme": Fact("component"),
    "cell acme size": Fact("key", type='{"minimum": 1, "type": "integer"}', default="1"),
    "hook zoo_cells": Fact("hook", type="Iterable[CellType]"),
    "hook zoo_cells(spec)": Fact("hook argument"),
    "check shapes": Fact("check", default="always"),
    "environment ZOO_DEVICE": Fact("variable"),
    "entry points zoo.plugins": Fact("group"),
    "plugin API": Fact("version", default="9"),
    "zoo.old": Fact("function"),
    "deprecated zoo.old": Fact("until", type="use zoo.f", default="0.9"),
}
GONE = None

BREAKS = [
    # names that were there
    *[(subject, GONE, f"{fact.kind} removed") for subject, fact in BASE.items() if fact.kind != "until"],
    ("zoo.f", Fact("class"), "function has become class"),
    # what must be given
    ("zoo.f(new)", Fact("argument", "keyword", "int"), "new argument that must be given"),
    ("zoo.R.new", Fact("field", "keyword", "int"), "new field that must be given"),
    ("zoo test --new", Fact("option", type="str"), "new option that must be given"),
    ("zoo test [1]", Fact("command argument", type="str"), "new command argument that must be given"),
    ("cell acme new", Fact("key", type="{}"), "new key that must be given"),
    ("zoo.f(y)", Fact("argument", "position 1", "int"), "must be given now; was 3"),
    ("zoo.R.b", Fact("field", "keyword", "int | None"), "must be given now; was None"),
    # where it is given
    ("zoo.f(x)", Fact("argument", "position 1", "int | str"), "place position 0 is now position 1"),
    ("zoo.f(x)", Fact("argument", "keyword", "int | str"), "place position 0 is now keyword"),
    ("zoo.f(x)", Fact("argument", "position only 0", "int | str"), "place position 0 is now position only 0"),
    ("zoo.R.a", Fact("field", "", "int"), "place position 0 is now nowhere"),
    # defaults
    ("zoo.f(y)", Fact("argument", "position 1", "int", "4"), "default 3 is now 4"),
    ("zoo.R.b", Fact("field", "keyword", "int | None", "0"), "default None is now 0"),
    ("zoo.C.window", Fact("attribute", type="int", default="1"), "default 0 is now 1"),
    ("zoo test --slow", Fact("option", type="bool", default="True"), "default False is now True"),
    ("cell acme size", Fact("key", type=BASE["cell acme size"].type, default="2"), "default 1 is now 2"),
    ("check shapes", Fact("check", default="slow"), "default always is now slow"),
    # types of what is taken, narrower or another
    ("zoo.f(x)", Fact("argument", "position 0", "int"), "type int | str is now int"),
    ("zoo.f(x)", Fact("argument", "position 0", "float"), "type int | str is now float"),
    ("zoo.f(z)", Fact("argument", "keyword", "Literal['a']", "'a'"), "type Literal['a', 'b'] is now Literal['a']"),
    ("zoo.m.Kind", Fact("alias", type="Literal['b', 'c']"), "type Literal['a', 'b'] is now Literal['b', 'c']"),
    (
        "cell acme size",
        Fact("key", type='{"minimum": 2, "type": "integer"}', default="1"),
        'type {"minimum": 1, "type": "integer"} is now {"minimum": 2, "type": "integer"}',
    ),
    ("hook zoo_cells", Fact("hook", type="list[CellType]"), "type Iterable[CellType] is now list[CellType]"),
    # types of what is given, wider or another
    ("zoo.f", Fact("function", type="int | str | None"), "type int | None is now int | str | None"),
    ("zoo.f", Fact("function"), "type int | None is now anything"),
    ("zoo.R.p", Fact("property", type="float"), "type int | None is now float"),
    ("zoo.R", Fact("class", type="zoo.S"), "bases zoo.S, Exception is now zoo.S"),
    # fields are taken and given
    ("zoo.R.a", Fact("field", "position 0", "int | str"), "type int is now int | str"),
    ("zoo.R.b", Fact("field", "keyword", "int", "None"), "type int | None is now int"),
    # what users write in subclasses
    ("zoo.C.step(v)", Fact("argument", "keyword", "int", "0"), "new argument, which methods of subclasses do not take"),
    ("zoo.C.step(u)", Fact("argument", "position 0", "Tensor | int"), "type Tensor is now Tensor | int"),
    ("zoo.C.step", Fact("method", type="States | None"), "type States is now States | None"),
    ("zoo.C.shape", Fact("attribute", type="int"), "new attribute, which subclasses do not set"),
    # versions
    ("plugin API", Fact("version", default="8"), "9 is now 8"),
    ("deprecated zoo.old", Fact("until", type="use zoo.f", default="0.8"), "0.9 is now 0.8"),
]

ADDS = [
    ("zoo.g", Fact("function"), "new function"),
    ("zoo.f(new)", Fact("argument", "keyword", "int", "0"), "new argument"),
    ("zoo.g(new)", Fact("argument", "keyword", "int"), "new argument"),  # of a function that is new itself
    ("zoo.R.new", Fact("field", "keyword", "int", "0"), "new field"),
    ("zoo.R.m", Fact("method"), "new method"),
    ("zoo.C.m", Fact("method"), "new method"),
    ("zoo.C.shape", Fact("attribute", type="int", default="0"), "new attribute"),
    ("zoo test --new", Fact("option", type="bool", default="False"), "new option"),
    ("zoo bench", Fact("command"), "new command"),
    ("cell new", Fact("component"), "new component"),
    ("cell new size", Fact("key", type="{}"), "new key"),
    ("hook zoo_heads", Fact("hook"), "new hook"),
    ("hook zoo_cells(name)", Fact("hook argument"), "new hook argument"),
    ("check new", Fact("check", default="always"), "new check"),
    ("zoo.f(x)", Fact("argument", "position 0", "int | str", "1"), "need not be given any more: 1"),
    ("zoo.f(z)", Fact("argument", "position 2", "Literal['a', 'b']", "'a'"), "place keyword is now position 2"),
    ("zoo.f(x)", Fact("argument", "position 0", "str | int | None"), "type int | str is now str | int | None"),
    ("zoo.f(x)", Fact("argument", "position 0"), "type int | str is now anything"),
    (
        "zoo.m.Kind",
        Fact("alias", type="Literal['c', 'a', 'b']"),
        "type Literal['a', 'b'] is now Literal['c', 'a', 'b']",
    ),
    (
        "cell acme size",
        Fact("key", type='{"minimum": 0, "type": "number"}', default="1"),
        'type {"minimum": 1, "type": "integer"} is now {"minimum": 0, "type": "number"}',
    ),
    ("zoo.f", Fact("function", type="int"), "type int | None is now int"),
    ("zoo.R.p", Fact("property", type="int"), "type int | None is now int"),
    (
        "zoo.R",
        Fact("class", type="zoo.S, Exception, Mapping"),
        "bases zoo.S, Exception is now zoo.S, Exception, Mapping",
    ),
    ("plugin API", Fact("version", default="10"), "9 is now 10"),
    ("deprecated zoo.f", Fact("until", type="use zoo.g", default="0.9"), "new until"),
    ("deprecated zoo.old", Fact("until", type="use zoo.f", default="0.10"), "0.9 is now 0.10"),
    ("deprecated zoo.old", Fact("until", type="use zoo.g", default="0.9"), "type use zoo.f is now use zoo.g"),
    ("deprecated zoo.old", GONE, "no longer deprecated"),
]


def _changed(subject: str, fact: Fact | None) -> dict[str, Fact]:
    facts = {**BASE}
    if fact is None:
        del facts[subject]
    else:
        facts[subject] = fact
    return facts


@each(("subject", "fact", "what"), BREAKS, ids=lambda one: one if isinstance(one, str) else "")
def test_what_breaks(subject: str, fact: Fact | None, what: str) -> None:
    assert breaking(BASE, _changed(subject, fact)) == [Change(subject, what, True)]


@each(("subject", "fact", "what"), ADDS, ids=lambda one: one if isinstance(one, str) else "")
def test_what_only_adds(subject: str, fact: Fact | None, what: str) -> None:
    assert changes(BASE, _changed(subject, fact)) == [Change(subject, what, False)]


def test_nothing_has_changed() -> None:
    assert changes(BASE, dict(reversed(BASE.items()))) == []


def test_several_differences_of_one_subject_are_all_said() -> None:
    found = changes(BASE, _changed("zoo.f(y)", Fact("argument", "keyword", "str", "4")))
    assert [change.what for change in found] == [
        "default 3 is now 4",
        "place position 1 is now keyword",
        "type int is now str",
    ]
    assert str(found[0]) == "BREAKS zoo.f(y): default 3 is now 4"


def test_a_renamed_name_is_one_removed_and_one_new() -> None:
    facts = _changed("zoo.R.b", None) | {"zoo.R.c": BASE["zoo.R.b"]}
    assert [str(one) for one in changes(BASE, facts)] == ["BREAKS zoo.R.b: field removed", "adds   zoo.R.c: new field"]


def test_a_deprecated_name_that_goes_still_breaks_who_uses_it() -> None:
    facts = {subject: fact for subject, fact in BASE.items() if not subject.endswith("zoo.old")}
    assert [str(one) for one in changes(BASE, facts)] == [
        "adds   deprecated zoo.old: its time has come",
        "BREAKS zoo.old: function removed",
    ]


@each(
    ("subject", "above"),
    [
        ("zoo.f(x)", "zoo.f"),
        ("zoo.C.step(u)", "zoo.C.step"),
        ("zoo.C.step", "zoo.C"),
        ("zoo test --slow", "zoo test"),
        ("zoo test [0]", "zoo test"),
        ("cell acme size", "cell acme"),
        ("hook zoo_cells(spec)", "hook zoo_cells"),
        ("zoo", ""),
    ],
)
def test_what_a_subject_is_a_part_of(subject: str, above: str) -> None:
    assert owner(subject) == above


@each(
    ("wide", "narrow", "expected"),
    [
        ("Any", "int", True),
        ("int", "Any", False),
        ("int", "", False),
        ("int | None", "None", True),
        ("Optional[int]", "int | None", True),
        ("Union[int, str]", "str", True),
        ("Literal['a', 'b'] | None", "Literal['b']", True),
        ("Literal['a']", "str", False),
        ("list[int | None]", "list[int]", False),
        ("def not a type", "int", False),
        ('{"enum": ["a", "b"]}', '{"enum": ["b"]}', True),
        ('{"enum": ["a"]}', '{"enum": ["a", "b"]}', False),
        ('{"enum": ["a"]}', '{"const": "a"}', True),
        ('{"enum": ["a"]}', '{"type": "string"}', False),
        ('{"anyOf": [{"type": "integer"}, {"type": "null"}]}', '{"type": "null"}', True),
        ('{"type": "integer"}', '{"anyOf": [{"type": "integer"}, {"type": "null"}]}', False),
        ('{"maximum": 2, "type": "number"}', '{"maximum": 1, "type": "number"}', True),
        ('{"maximum": 1, "type": "number"}', '{"maximum": 2, "type": "number"}', False),
        ('{"maximum": 1, "type": "number"}', '{"type": "number"}', False),
        ('{"type": "number"}', '{"maximum": 2, "type": "integer"}', True),
        ('{"type": "integer"}', '{"type": "number"}', False),
        ('{"items": {"type": "integer"}, "type": "array"}', '{"items": {"type": "string"}, "type": "array"}', False),
    ],
)
def test_whether_a_type_takes_all_of_another(wide: str, narrow: str, expected: bool) -> None:
    assert takes(wide, narrow) is expected


def test_a_type_is_spelled_alike_by_every_python() -> None:
    class Path:
        """What Python 3.13 gives as `pathlib.Path`."""

        __module__ = "pathlib._local"

    assert spelled(Path) == "Path"
    assert spelled(list[Path] | None) == "list[Path] | None"
    assert spelled(typing.Optional[int]) == "int | None"  # noqa: UP045 - the older way to say it
    assert spelled(typing.Literal["a", 1]) == "Literal['a', 1]"
    assert spelled(dict[str, float]) == "dict[str, float]"
