"""zoo: declarative recurrent models for PyTorch.

A YAML spec describes a model; `zoo.build` turns it into a `torch.nn.Module`. Names are imported when they are first
used: `import zoo` imports neither torch nor pydantic.
"""

from __future__ import annotations

import sys
import warnings
from importlib import import_module
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from zoo.api import build, check, convert, doctor, list_specs, load, summary
    from zoo.checks.report import Report
    from zoo.checks.subject import Skip, Subject
    from zoo.components import (
        ArchitectureType,
        Beside,
        CellType,
        CheckType,
        Count,
        Description,
        HeadType,
        InitType,
        InputType,
        LanguageType,
        LayerType,
        NoOptions,
        NormType,
        Options,
        PoolType,
        StackDescription,
        StackType,
        Traits,
        Translated,
        Vocabulary,
        Width,
    )
    from zoo.engine.cell import Cell, Context, Role, StateSpec
    from zoo.engine.inside import build_inputs, build_layers, build_part
    from zoo.engine.layer import Layer, LayerOutput, Run
    from zoo.engine.layers import LayerList
    from zoo.engine.state import State, detach
    from zoo.errors import (
        BuildError,
        CheckFailure,
        Diagnostic,
        InputError,
        LineError,
        PluginError,
        PrecisionWarning,
        ProvenanceWarning,
        SpecError,
        ZooError,
    )
    from zoo.heads.base import Head
    from zoo.inputs.base import Input
    from zoo.inputs.named import NamedInputs
    from zoo.inspect.report import Diagnosis
    from zoo.inspect.summary import Summary
    from zoo.model.base import Model
    from zoo.model.build import materialise
    from zoo.model.stack import StackModel
    from zoo.plugin.hookspecs import hookimpl
    from zoo.readout import fit_readout
    from zoo.spec.canonical import Spec
    from zoo.spec.describe import ModelDescription, describe
    from zoo.spec.dump import to_yaml
    from zoo.spec.inside import describe_inputs, describe_layers, describe_part
    from zoo.spec.model import Layers, NormOption, PoolOption
    from zoo.spec.several import InputOption, Inputs
    from zoo.spec.shrink import shrink as shrink
    from zoo.translation.of_arrays import KerasLayer, OnnxNode
    from zoo.weights.artefact import load_model, save
    from zoo.weights.hub import from_pretrained
    from zoo.weights.load import load_weights

_HOME = {
    "zoo.api": ("build", "check", "convert", "doctor", "list_specs", "load", "summary"),
    "zoo.model.build": ("materialise",),
    "zoo.checks.report": ("Report",),
    "zoo.checks.subject": ("Skip", "Subject"),
    "zoo.components": (
        "ArchitectureType",
        "Beside",
        "CellType",
        "CheckType",
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
        "Options",
        "PoolType",
        "StackDescription",
        "StackType",
        "Traits",
        "Translated",
        "Vocabulary",
        "Width",
        "Window",
    ),
    "zoo.engine.cell": ("Cell", "Context", "Role", "StateSpec"),
    "zoo.inspect.report": ("Diagnosis",),
    "zoo.heads.base": ("Head",),
    "zoo.inputs.base": ("Input",),
    "zoo.inputs.named": ("NamedInputs",),
    "zoo.engine.layer": ("Layer", "LayerOutput", "Run"),
    "zoo.engine.inside": ("build_inputs", "build_layers", "build_part"),
    "zoo.engine.layers": ("LayerList",),
    "zoo.engine.state": ("State", "detach"),
    "zoo.errors": (
        "BuildError",
        "CheckFailure",
        "Diagnostic",
        "InputError",
        "LineError",
        "PluginError",
        "PrecisionWarning",
        "ProvenanceWarning",
        "SpecError",
        "ZooError",
    ),
    "zoo.model.base": ("Model",),
    "zoo.model.stack": ("StackModel",),
    "zoo.plugin.hookspecs": ("hookimpl",),
    "zoo.readout": ("fit_readout",),
    "zoo.spec.canonical": ("Spec",),
    "zoo.spec.describe": ("ModelDescription", "describe"),
    "zoo.spec.inside": ("describe_inputs", "describe_layers", "describe_part"),
    "zoo.spec.model": ("Layers", "NormOption", "PoolOption"),
    "zoo.spec.several": ("InputOption", "Inputs"),
    "zoo.spec.dump": ("to_yaml",),
    "zoo.spec.shrink": ("shrink",),
    "zoo.inspect.summary": ("Summary",),
    "zoo.translation.of_arrays": ("KerasLayer", "OnnxNode"),
    "zoo.weights.artefact": ("load_model", "save"),
    "zoo.weights.hub": ("from_pretrained",),
    "zoo.weights.load": ("load_weights",),
}
_MODULE_OF = {name: module for module, names in _HOME.items() for name in names}


class _Deprecated(NamedTuple):
    """A name that is on its way out: what to use instead, and the versions in which that began and in which it ends."""

    instead: str
    since: str
    removed_in: str


# They work as ever, with a warning, and stand in no list of names; a test fails once their time has come.
_DEPRECATED = {
    "shrink": _Deprecated("zoo.testing.tiny", since="0.1", removed_in="0.3"),
}

__all__ = [
    "ArchitectureType",
    "Beside",
    "BuildError",
    "Cell",
    "CellType",
    "CheckFailure",
    "CheckType",
    "Context",
    "Count",
    "Description",
    "Diagnosis",
    "Diagnostic",
    "Extent",
    "Head",
    "HeadType",
    "InitType",
    "Input",
    "InputOption",
    "Inputs",
    "InputError",
    "InputType",
    "KerasLayer",
    "Layer",
    "LayerList",
    "LayerOutput",
    "LanguageType",
    "LayerType",
    "Layers",
    "LineError",
    "Model",
    "ModelDescription",
    "NamedInputs",
    "NoOptions",
    "NormOption",
    "NormType",
    "OnnxNode",
    "Options",
    "PluginError",
    "PoolOption",
    "PoolType",
    "PrecisionWarning",
    "ProvenanceWarning",
    "Report",
    "Role",
    "Run",
    "Skip",
    "Spec",
    "SpecError",
    "StackDescription",
    "StackModel",
    "StackType",
    "State",
    "StateSpec",
    "Subject",
    "Summary",
    "Traits",
    "Translated",
    "Vocabulary",
    "Width",
    "Window",
    "ZooError",
    "build",
    "build_inputs",
    "build_layers",
    "build_part",
    "check",
    "convert",
    "describe",
    "describe_inputs",
    "describe_layers",
    "describe_part",
    "detach",
    "doctor",
    "fit_readout",
    "from_pretrained",
    "hookimpl",
    "list_specs",
    "load",
    "load_model",
    "load_weights",
    "materialise",
    "save",
    "summary",
    "to_yaml",
]


def __getattr__(name: str) -> Any:
    if name == "nn":  # a module, which importing it puts here
        return import_module("zoo.nn")
    if name not in _MODULE_OF:
        raise AttributeError(f"module 'zoo' has no attribute {name!r}")
    found = getattr(import_module(_MODULE_OF[name]), name)
    if name in _DEPRECATED:
        _warn(name, *_DEPRECATED[name])
        return found  # not kept: each place that uses it is told
    globals()[name] = found  # the next use finds it without coming here
    return found


def __dir__() -> list[str]:
    return __all__


def _warn(name: str, instead: str, since: str, removed_in: str) -> None:
    # `from zoo import name` asks twice, first whether the name is there.
    if sys._getframe(2).f_code.co_name != "_handle_fromlist":
        text = f"zoo.{name} is deprecated since {since} and goes in {removed_in}: use {instead}"
        warnings.warn(text, DeprecationWarning, stacklevel=3)
