"""VGSL, the language of kraken's networks, as a plugin of zoo. Light: torch is imported when a model is built."""

from __future__ import annotations

from pathlib import Path

import zoo
from zoo_vgsl.options import ChannelDropoutOptions

SOURCE = "Kiessling 2019, Kraken, a universal text recognizer for the humanities, DH2019, doi:10.34894/Z9G2EX"


@zoo.hookimpl
def zoo_languages() -> list[zoo.LanguageType]:
    return [
        zoo.LanguageType(
            name="vgsl",
            read="zoo_vgsl.reader:read",
            summary="VGSL, as kraken reads it: '[1,48,0,1 Cr3,3,32 Mp2,2 S1(1x24)1,3 Lbx100 O1c59]'.",
        )
    ]


@zoo.hookimpl
def zoo_layers() -> list[zoo.LayerType]:
    return [
        zoo.LayerType(
            name="rows",
            build="zoo_vgsl.layers:Rows",
            describe="zoo_vgsl.options:describe_rows",
            summary="The rows of a column in place of its channels: (C, H) becomes (H, C)",
            paper=SOURCE,
            traits=zoo.Traits(bounded=True),
        ),
        zoo.LayerType(
            name="channel_dropout",
            options=ChannelDropoutOptions,
            build="zoo_vgsl.layers:ChannelDropout",
            describe="zoo_vgsl.options:describe_dropout",
            summary="Dropout of whole channels, at all rows and steps of a sequence at once",
            paper=SOURCE,
            traits=zoo.Traits(bounded=True),
        ),
    ]


@zoo.hookimpl
def zoo_specs() -> list[Path]:
    return [Path(__file__).parent / "specs"]
