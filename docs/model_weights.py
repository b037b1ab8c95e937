"""The page of weights that packages ship: each map of `specs/weights`, and how it is known to be right."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import yaml

from zoo.plugin.catalogue import Catalogue
from zoo.spec import library
from zoo.weights import maps

ROOT: Final = Path(__file__).parent.parent
PROOFS: Final = ROOT / "tests" / "weights" / "checkpoints" / "proofs.yaml"
TEXT: Final = """\
# Weights of others

{{note}}

Packages on the index ship trained weights, or save weights of a published model. A [map](../weights.md) of each stands
in specs/weights, and says the package, its version, the file, its SHA-256 and its licence. The weights themselves are
no part of this package:

```sh
pip download --no-deps g2p_en==2.1.0 && unzip g2p_en-2.1.0-py3-none-any.whl g2p_en/checkpoint20.npz
zoo load-weights g2p_en/checkpoint20.npz --map g2p-en -o g2p-en.safetensors
```

Each is compared with what the package itself gives, in float32 on CPU, by its own code or runtime, on real input or on
input that is made to be like it. The difference is the largest one, over the largest number that the package gives; at
most 1e-5 is allowed, and 0 means the same bits. With any tensor of the model moved by one place the outputs differ, and
so they do by a map in which two gates, or two tensors of one shape, are exchanged. `make test-all` downloads the
packages and runs the comparisons ([tests/weights/checkpoints](../../tests/weights/checkpoints)).
"""


def page(catalogue: Catalogue, note: str) -> Iterator[str]:
    """The lines of docs/models/weights.md."""
    proofs: dict[str, dict[str, Any]] = yaml.safe_load(PROOFS.read_text(encoding="utf-8"))
    yield from TEXT.replace("{{note}}", note).splitlines()
    yield ""
    yield "| map | model | package | licence | parameters | compared in | largest difference |"
    yield "|---|---|---|---|---:|---|---:|"
    for name, entry in sorted(proofs.items()):
        found = maps.read(name, catalogue)
        source = found.says.source
        assert source is not None
        spec = library.load(found.spec, catalogue=catalogue).spec
        assert spec.expect is not None
        count = spec.expect.parameters + (spec.expect.frozen or 0)
        package = f"{source.package} {source.version}"
        link = f"[{name}](../../specs/weights/{name}.yaml)"
        licence = source.licence or "none are shipped"
        difference = f"{entry['difference']:.1e}" if entry["difference"] else "0"
        yield f"| {link} | `{found.spec}` | {package} | {licence} | {count:,} | {entry['how']} | {difference} |"
