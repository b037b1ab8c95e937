"""Component records: what is known of a cell, a layer, a head, ... before any of its code is imported.

A plugin's hook returns these records. They import no torch, so that listing, validating, completing and counting
never pay for it; `build` and `describe` name code as "module:attribute", imported when it is first needed.
"""

from zoo.components.architecture import RESERVED_KEYS, ArchitectureType, StackType
from zoo.components.check import CheckType
from zoo.components.described import Beside, Description, Shape, StackDescription, Traits, concatenated, features
from zoo.components.kinds import CellType, HeadType, InitType, InputType, LayerType, NormType, PoolType
from zoo.components.language import LanguageType, Translated
from zoo.components.options import Count, Extent, NoOptions, Options, Size, Vocabulary, Width, chosen
from zoo.components.provided import Offer, Part, Provided, ProvidedCheck, ProvidedLanguage, Record
from zoo.components.record import API_VERSION, ComponentType, resolve
from zoo.components.windows import Window, count_steps, hop_of, least_steps, moving

__all__ = [
    "API_VERSION",
    "ArchitectureType",
    "Beside",
    "CellType",
    "CheckType",
    "ComponentType",
    "Count",
    "Description",
    "Extent",
    "HeadType",
    "InitType",
    "InputType",
    "LanguageType",
    "LayerType",
    "NoOptions",
    "NormType",
    "Offer",
    "Options",
    "Part",
    "PoolType",
    "Provided",
    "ProvidedCheck",
    "ProvidedLanguage",
    "RESERVED_KEYS",
    "Record",
    "Shape",
    "Size",
    "StackDescription",
    "StackType",
    "Traits",
    "Translated",
    "Vocabulary",
    "Width",
    "Window",
    "chosen",
    "concatenated",
    "count_steps",
    "features",
    "hop_of",
    "least_steps",
    "moving",
    "resolve",
]
