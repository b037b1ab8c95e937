"""The page of published models: how each is known to be what it is named after, from tests/models/proofs.yaml."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import yaml

from zoo.plugin.catalogue import Catalogue
from zoo.spec import library

ROOT: Final = Path(__file__).parent.parent
REGISTRY: Final = ROOT / "tests" / "models" / "proofs.yaml"
KINDS: Final = {
    "reference": "the source's forward pass, written again from its code, with its structure and its order of weights",
    "runtime": "the source's own library or runtime, at small sizes",
    "count": "the number of parameters alone",
}
TEXT: Final = """\
# Published models

{{note}}

Specs of published models, in `specs/` by field, with the numbers of parameters that their sources have. A size is
changed as in any spec:

```python
import zoo

published = zoo.load("rhn-lm@enwik8")
print(f"{zoo.describe(published).parameters:,}")
small = zoo.build("rhn-lm@enwik8", hidden_size=64, seed=0)
print(f"{sum(p.numel() for p in small.parameters()):,}")
```

```text
45,994,730
164,790
```

A number of parameters is not a model: activations, the order of layers, residuals and masks leave it as it is. So each
is built at small sizes, given the weights of its source by a map that names every one, and compared with the source on
sequences of different lengths: a padded batch here, each sequence alone there. Another spec of the same shapes must be
told apart. Dropout is not compared, as it draws other numbers. What was assumed of a source stands in the spec.

A forward pass that is written again may repeat a misreading. So where a package on the index has the model, ours is
held to the package as well, by the package's own modules: the last column says which, its version and the part. In
float64 they differ by at most 1e-10; in float32, which ONNX Runtime and minLM's norms ask for, by at most 1e-5.
`make test-all` installs these packages and runs the comparisons ([tests/models/packages](../../tests/models/packages));
where one is missing, `make test` skips what asks for it.
"""
ALLOWED: Final = {"reference": "1e-10 in float64", "runtime": "1e-5 in float32"}


def registry() -> dict[str, dict[str, Any]]:
    """What is known of each spec, by its name."""
    found: dict[str, dict[str, Any]] = yaml.safe_load(REGISTRY.read_text(encoding="utf-8"))
    return found


def page(catalogue: Catalogue, note: str) -> Iterator[str]:
    """The lines of docs/models/proofs.md."""
    yield from TEXT.replace("{{note}}", note).splitlines()
    yield ""
    yield from (f"- {kind}: {meaning}" for kind, meaning in KINDS.items())
    yield ""
    yield "| model | parameters | proof | source | largest difference allowed | package |"
    yield "|---|---:|---|---|---|---|"
    for name, entry in sorted(registry().items()):
        if entry["proof"] == "cell":
            continue
        found = library.find(name, catalogue)
        assert found is not None, name
        for variant, model in library.read_all(name, catalogue).items():
            shown = name if variant is None else f"{name}@{variant}"
            link = f"[{shown}](../../specs/{found.path.relative_to(ROOT / 'specs').as_posix()})"
            why = entry.get("source") or entry["reason"]
            package = entry.get("package", "")
            allowed = ALLOWED.get(entry["proof"], "")
            yield f"| {link} | {model.description.parameters:,} | {entry['proof']} | {why} | {allowed} | {package} |"
    yield ""
    cells = ", ".join(f"`{name}`" for name, entry in sorted(registry().items()) if entry["proof"] == "cell")
    yield f"The other specs are forms of one cell each ({cells}), and so are those of specs/cells:"
    yield "[the catalogue of cells](../cells/README.md) says what each is compared with."
