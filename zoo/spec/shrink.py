"""A spec's tiny copy: the same structure at sizes small enough to check in milliseconds.

Equal widths stay equal, so that ties, residuals and neighbours still fit. Widths become distinct primes, so that a
swapped axis cannot hide; where the structure needs one width to be a multiple of another, ratios are kept instead.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any, Final, get_args

from pydantic import BaseModel, ValidationError
from pydantic.fields import FieldInfo

from zoo.components import Count, Extent, Part, Size, Vocabulary, Width
from zoo.spec.canonical import Spec
from zoo.spec.describe import figures
from zoo.spec.tree import Component, Layer, Node, Path, Recurrent, Stack, map_nodes, walk
from zoo.spec.tree import layers as inner_layers

# Primes apart from the batch sizes and lengths that the checks use (1, 2, 3, 5, 7, 13).
WIDTHS: Final = (11, 17, 19, 23, 29, 31, 43, 47, 53, 59, 61, 67, 71, 73, 79, 83, 89, 97)
VOCABULARIES: Final = (37, 41)
EXTENTS: Final = (4, 6, 10, 14, 22, 34, 58)
"""Rows or columns of maps: the first that leaves room for every window, and those behind it for others."""
DIVISIBLE: Final = 12
MOST_PARTS: Final = 2
WIDEST_RATIO: Final = 8

Sizes = Mapping[int, int]


def shrink(spec: Spec) -> Spec:
    """The tiny copy of a canonical spec, without its published figures. A spec that fits no plan stays as it is."""
    bare = replace(spec, expect=None)
    found = list(_sizes(bare))
    widths = sorted({value for size, value, _ in found if size == Width})
    vocabularies = sorted({value for size, value, _ in found if size == Vocabulary})
    factors = {
        value: MOST_PARTS if any(c > 1 and value % c == 0 for c in counts) else 1 for size, value, counts in found
    }
    every = {count for _, _, counts in found for count in counts if count > 1}
    # Counts divide widths that stand beside them, or elsewhere; and some layer may ask for an even width.
    anywhere = {value: MOST_PARTS if any(value % count == 0 for count in every) else 1 for value in factors}
    even = {value: 1 if value % 2 else 2 for value in factors}
    symbols = {v: min(v, VOCABULARIES[min(i, 1)]) for i, v in enumerate(vocabularies)}
    for extents in _extents({value for size, value, _ in found if size == Extent}):
        for dividing in factors, anywhere, even:
            for plan in (_distinct, _proportional):
                for some_symbols in (symbols, {}):
                    # A width that is a number of symbols stays one, so that what is written can be read.
                    scores = {v: few for v, few in some_symbols.items() if v in widths and dividing[v] == 1}
                    small = plan([width for width in widths if width not in scores], dividing) | scores
                    candidate = _apply(bare, {Width: small, Vocabulary: some_symbols, Extent: extents})
                    if candidate is not None and not figures(candidate)[1] and _points(candidate) <= _points(bare):
                        return candidate
    return bare


def _points(spec: Spec) -> bool:
    """Whether some maps have one row or column. torch's bfloat16 kernels read memory that nothing wrote to on such."""
    shapes = [() if row.description is None else row.description.output_shape for row in figures(spec)[0].rows]
    return any(len(shape) == 3 and 1 in shape[1:] for shape in shapes)


def _extents(values: set[int]) -> Iterator[Sizes]:
    """Plans for the rows and columns of maps, the smallest first, and last as many as there are."""
    given = sorted(values)
    if given:
        for start in range(len(EXTENTS) - len(given) + 1):
            yield {value: min(value, EXTENTS[start + place]) for place, value in enumerate(given)}
    yield {}


def divisible(spec: Spec) -> Spec | None:
    """A copy whose widths are multiples of 12, equal ones still equal, so that counts of parts divide them; or None."""
    widths = sorted({value for size, value, _ in _sizes(spec) if size == Width})
    return _resized(spec, {width: DIVISIBLE * place for place, width in enumerate(widths, 1)})


def with_width(spec: Spec, width: int, other: int) -> Iterator[Spec]:
    """Copies in which a width is another: with all that are equal to it, or, a multiple of it, with every width."""
    widths = {value for size, value, _ in _sizes(spec) if size == Width}
    plans = [{width: width for width in widths} | {width: other}]
    if other % width == 0:
        plans.append({one: one * (other // width) for one in widths})
    for plan in plans:
        found = _resized(spec, plan)
        if found is not None:
            yield found


def is_width(field: FieldInfo) -> bool:
    """Whether an option is a number of features, `Annotated[int, zoo.Width]`."""
    return any(mark == Width for mark in (*field.metadata, *_marks(field.annotation)))


def _resized(spec: Spec, widths: Sizes) -> Spec | None:
    vocabularies = {value: value for size, value, _ in _sizes(spec) if size == Vocabulary}
    candidate = _apply(replace(spec, expect=None), {Width: widths, Vocabulary: vocabularies})
    return None if candidate is None or figures(candidate)[1] else candidate


def _distinct(widths: list[int], factors: Sizes) -> dict[int, int]:
    primes = iter(WIDTHS)
    small: dict[int, int] = {}
    for width in widths:
        prime = next(primes, None)
        size = width if prime is None else prime * factors.get(width, 1)
        small[width] = min(width, size)
    return small


def _proportional(widths: list[int], factors: Sizes) -> dict[int, int]:
    """As `_distinct`, but a small multiple of a smaller width stays that multiple."""
    small = _distinct(widths, factors)
    for width in widths:
        bases = [base for base in widths if base < width <= WIDEST_RATIO * base and width % base == 0]
        if bases:
            small[width] = width // bases[0] * small[bases[0]]
    return small


def _sizes(spec: Spec) -> Iterator[tuple[Size, int, tuple[int, ...]]]:
    """Every size in a spec, with the counts that stand beside it."""
    for _, node in walk(spec):
        if isinstance(node, Part):
            counts = _counts(node)
            for size, _, value in _marked(node.options):
                for one in value if isinstance(value, tuple) else (value,):
                    yield size, one, counts
        if isinstance(node, Recurrent):  # whose own widths go with its cell's parts
            for width in (node.hidden_size, node.output_projection):
                if width is not None:
                    yield Width, width, _counts(node.cell)


def _counts(part: Part) -> tuple[int, ...]:
    return tuple(value for size, _, value in _marked(part.options) if size == Count and isinstance(value, int))


def _marked(options: BaseModel, *, inside: bool = True) -> Iterator[tuple[Size, str, Any]]:
    """The options that say which kind of size they are, and are given; those inside others too."""
    for name, field in type(options).model_fields.items():
        value = getattr(options, name)
        if value is None:
            continue
        if isinstance(value, BaseModel):
            yield from _marked(value) if inside else ()
            continue
        for mark in (*field.metadata, *_marks(field.annotation)):
            if isinstance(mark, Size):
                yield mark, name, value
                break


def _marks(annotation: Any) -> Iterator[Any]:
    """The marks inside a type: `Annotated[int, Width] | None` has one, and so has a tuple of such."""
    yield from getattr(annotation, "__metadata__", ())
    for inner in get_args(annotation):
        yield from _marks(inner)


def _apply(spec: Spec, sizes: Mapping[Size, Sizes]) -> Spec | None:
    """The spec with every size looked up, or None where a component refuses the result."""

    def small(path: Path, node: Node) -> Node:
        if isinstance(node, Part):
            return node.with_options(_smaller(node.options, sizes))
        if isinstance(node, Stack):
            return replace(node, layers=tuple(_fewer(node.layers)))
        if not isinstance(node, Recurrent):
            return node
        projection = node.output_projection
        return replace(
            node,
            hidden_size=sizes[Width][node.hidden_size],
            output_projection=None if projection is None else sizes[Width][projection],
        )

    try:
        return map_nodes(spec, small)
    except ValidationError:
        return None


def _fewer(layers: tuple[Layer, ...]) -> Iterator[Layer]:
    """Of equal components in a row that hold layers, such as the 24 blocks of a model, two are enough."""
    for index, layer in enumerate(layers):
        again = index >= MOST_PARTS and all(one == layer for one in layers[index - MOST_PARTS : index])
        holds = isinstance(layer, Component) and any(True for _ in inner_layers(layer))
        if not (again and holds):
            yield layer


def _smaller(options: BaseModel, sizes: Mapping[Size, Sizes]) -> BaseModel:
    def one(size: Size, value: int) -> int:
        return min(value, MOST_PARTS) if size == Count else sizes.get(size, {}).get(value, value)

    inner = {
        name: value for name in type(options).model_fields if isinstance(value := getattr(options, name), BaseModel)
    }
    change: dict[str, Any] = {name: _smaller(value, sizes) for name, value in inner.items()}
    if all(change[name] is value for name, value in inner.items()):
        change = {}
    change |= {
        name: tuple(one(size, v) for v in value) if isinstance(value, tuple) else one(size, value)
        for size, name, value in _marked(options, inside=False)
    }
    own = getattr(options, "tiny", None)
    change |= own() if callable(own) else {}
    if not change:
        return options
    # Validated afresh, so that the component's own rules hold for the small sizes too.
    fields = type(options).model_fields
    given = {field.alias or name: change.get(name, getattr(options, name)) for name, field in fields.items()}
    return type(options).model_validate(given)
