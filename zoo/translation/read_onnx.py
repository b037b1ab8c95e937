"""Read the recurrent nodes of an .onnx file, and run that part of it by ONNX's runtime on random input. No torch."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import numpy as np

from zoo.errors import ZooError
from zoo.translation.contents import Contents, Stored
from zoo.translation.of_arrays import OnnxNode, of_onnx
from zoo.translation.onnx_graph import KINDS, LAYOUT, Graph, load, stored
from zoo.translation.state_dicts import listed

try:
    import onnxruntime
    from onnx import TensorProto, helper, numpy_helper
except ImportError as missing:
    raise ZooError("to read ONNX, and to run what was read: pip install onnx onnxruntime") from missing

_INPUTS: Final = ("X", "W", "R", "B", "sequence_lens", "initial_h", "initial_c", "P")
_PLAIN: Final = (*LAYOUT, "Shape", "Constant", "ConstantOfShape", "Concat", "Gather", "Slice", "Expand")
_WIDE: Final = (TensorProto.FLOAT16, TensorProto.BFLOAT16, TensorProto.DOUBLE)
BATCH, STEPS = 3, 4


def read(path: Path, *, prefix: str | None, whole: bool) -> Contents:
    """The recurrent nodes that follow one another, and what ONNX's runtime makes of random input.

    Raises:
        ZooError: There are none or several chains of them, or something in them cannot be said elsewhere.
    """
    graph = load(path)
    if whole:
        return Contents("state", {"records": {}, "odd": graph.odd()}, graph.tensors())
    chain = _chosen(graph, prefix)
    entries: list[dict[str, Any]] = []
    arrays: dict[str, Stored] = {}
    zeros: list[tuple[str, str]] = []
    computed: dict[str, str] = {}
    for index, node in enumerate(chain):
        entries.append({"op_type": node.op_type, "attributes": _attributes(node)})
        if len(node.input) > len(_INPUTS):
            raise ZooError(f"{_name(node)} has {len(node.input)} inputs")
        for role, name in zip(_INPUTS, node.input, strict=False):
            if not name or role == "X":
                continue
            if role == "sequence_lens":
                raise ZooError(f"{_name(node)} reads sequence_lens, the lengths of sequences, which are not weights")
            if role in ("initial_h", "initial_c"):
                zeros.append((role, name))
            elif name in graph.constants:
                arrays[f"{index}.{role}"] = stored(graph.constant(name))
            else:
                computed[f"{index}.{role}"] = name
    for index, said in enumerate(entries if not computed else ()):
        own = {role: one.array for role in _INPUTS if (one := arrays.get(f"{index}.{role}")) is not None}
        of_onnx(OnnxNode(said["op_type"], own, said["attributes"]))  # what cannot be said is told before it is run
    found = _run(graph, chain, computed, zeros)
    arrays |= {key: stored(found[key]) for key in computed}
    live = {key: Stored(found[key].astype(np.float32), "float32") for key in ("x", "y")}
    return Contents("onnx", entries, {**arrays, **live}, _notes(graph, chain))


def _attributes(node: Any) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for attribute in node.attribute:
        value = helper.get_attribute_value(attribute)
        plain = value if isinstance(value, list | tuple) else [value]
        texts = [one.decode("utf-8", "replace") if isinstance(one, bytes) else one for one in plain]
        if not all(isinstance(one, str | int | float) for one in texts):
            raise ZooError(f"{_name(node)} has an attribute {attribute.name} that is neither a number nor text")
        found[attribute.name] = texts if isinstance(value, list | tuple) else texts[0]
    return found


def _chosen(graph: Graph, prefix: str | None) -> list[Any]:
    """Recurrent nodes, each on the outputs of the one before."""
    if not graph.recurrent:
        kinds = sorted({node.op_type for node in graph.nodes})
        hint = (
            "; torch writes a plain RNN out step by step: export with dynamo=False, or convert the state dict"
            if {"MatMul", "Gemm"} & set(kinds) and {"Tanh", "Relu"} & set(kinds)
            else ""
        )
        raise ZooError(f"has no node RNN, LSTM or GRU in its graph, but {listed(kinds)}{hint}")
    outputs = {node.output[0]: index for index, node in enumerate(graph.recurrent) if node.output and node.output[0]}
    before = [outputs.get(graph.root(node.input[0]) if node.input else "") for node in graph.recurrent]
    chains = [[index] for index, one in enumerate(before) if one is None]
    for chain in chains:
        while len(after := [index for index, one in enumerate(before) if one == chain[-1]]) == 1:
            chain += after
    nodes = [[graph.recurrent[index] for index in chain] for chain in chains]
    names = [_name(chain[0]) for chain in nodes]
    whole = len(nodes) == 1 and len(nodes[0]) == len(graph.recurrent)
    if prefix is None and not whole:
        raise ZooError(
            f"holds {len(nodes)} chains of recurrent nodes, which begin with {listed(names)}; choose one with --prefix"
        )
    wanted = [chain for chain, name in zip(nodes, names, strict=True) if prefix in (None, name)]
    if len(wanted) != 1:
        raise ZooError(f"has no chain of recurrent nodes that begins with {prefix!r}: there are {listed(names)}")
    return wanted[0]


def _run(graph: Graph, chain: list[Any], computed: Mapping[str, str], zeros: list[tuple[str, str]]) -> dict[str, Any]:
    """What the graph itself makes of random input: the first node's X, the last one's Y, and computed weights."""
    first, last = chain[0], chain[-1]
    if not last.output or not last.output[0]:
        raise ZooError(f"{_name(last)} gives only its last state, and not Y, the outputs of all steps")
    for name in computed.values():
        _, seen = graph.above([name])
        if seen & graph.inputs.keys() or name not in graph.makers:
            raise ZooError(f"{name}, weights of {_name(first)}, depends on the graph's inputs: it is not a constant")
    root = graph.root(first.input[0])
    wanted = {"x": first.input[0], "y": last.output[0], **computed, **{name: name for _, name in zeros}}
    nodes, seen = graph.above(list(wanted.values()), root)
    others = sorted((seen & graph.inputs.keys()) - {root})
    if others:
        raise ZooError(
            f"{_name(first)} reads {listed(others)} beside its input, such as an initial state: that is an input of "
            "the "
            "model and not a weight; export it without"
        )
    found = _evaluated(graph, root, nodes, seen, wanted)
    for role, name in zeros:
        if np.any(found[name]):
            raise ZooError(
                f"{role} of a recurrent node is not zero: other libraries do not store an initial state with the "
                "weights"
            )
    x, y = found["x"], found["y"]
    if x.ndim != 3 or y.ndim != 4 or y.shape[0] != x.shape[0]:
        raise ZooError(f"{_name(first)} gives outputs of the shape {y.shape} for an input of {x.shape}")
    steps, directions, batch, width = y.shape
    return {**found, "x": x.swapaxes(0, 1), "y": y.transpose(2, 0, 1, 3).reshape(batch, steps, directions * width)}


def _evaluated(graph: Graph, root: str, nodes: list[Any], seen: set[str], wanted: Mapping[str, str]) -> dict[str, Any]:
    used = [name for name in sorted(seen) if name in graph.constants]
    width = next((int(np.shape(graph.constant(name))[-1]) for name in [_first_weights(nodes)] if name in used), None)
    for name in used:
        graph.constant(name)  # reads what stands in other files
    tensors = [_widened(graph.constants[name]) for name in used if name != root]
    for node in nodes:
        for attribute in node.attribute:
            _refuse_elsewhere(attribute)
            if attribute.HasField("t"):
                attribute.t.CopyFrom(_widened(attribute.t))
            if node.op_type == "Cast" and attribute.name == "to" and attribute.i in _WIDE:
                attribute.i = TensorProto.FLOAT
    direct = {key: name for key, name in wanted.items() if name in graph.constants or name == root}
    outputs = sorted({name for key, name in wanted.items() if key not in direct})
    made = helper.make_graph(
        nodes,
        "part",
        [helper.make_tensor_value_info(root, TensorProto.FLOAT, None)],
        [helper.make_empty_tensor_value_info(name) for name in outputs],
        tensors,
    )
    model = helper.make_model(made, opset_imports=graph.model.opset_import, ir_version=min(graph.model.ir_version, 10))
    settings = onnxruntime.SessionOptions()
    settings.intra_op_num_threads = settings.inter_op_num_threads = 1
    settings.log_severity_level, settings.enable_cpu_mem_arena = 4, False
    try:
        session = onnxruntime.InferenceSession(model.SerializeToString(), settings, ["CPUExecutionProvider"])
    except MemoryError:
        raise
    except Exception as error:
        raise ZooError(f"cannot be run by onnxruntime: {_reason(error)}") from None
    reasons = []
    for shape in _shapes(graph, root, width):
        x = np.random.default_rng(0).standard_normal(shape).astype(np.float32)
        try:
            values = dict(zip(outputs, session.run(outputs, {root: x}), strict=True))
        except MemoryError:
            raise
        except Exception as error:
            reasons.append(_reason(error))
            continue
        values |= {name: x if name == root else graph.constant(name) for name in direct.values()}
        return {key: np.asarray(values[name]) for key, name in wanted.items()}
    raise ZooError(f"cannot be run by onnxruntime: {reasons[0]}")


def _refuse_elsewhere(attribute: Any) -> None:
    """Numbers of a node itself, or of a graph in it, that are kept in another file: the runtime would look for it."""
    inner = [*attribute.graphs, *([attribute.g] if attribute.HasField("g") else [])]
    tensors = [*attribute.tensors, *([attribute.t] if attribute.HasField("t") else [])]
    for graph in inner:
        tensors += graph.initializer
        for one in (one for node in graph.node for one in node.attribute):
            _refuse_elsewhere(one)
    if any(tensor.data_location == TensorProto.EXTERNAL for tensor in tensors):
        raise ZooError("has a node that stores numbers in another file, which is not followed")


def _first_weights(nodes: list[Any]) -> str:
    return next((node.input[1] for node in nodes if node.op_type in KINDS and len(node.input) > 1), "")


def _shapes(graph: Graph, root: str, width: int | None) -> list[tuple[int, ...]]:
    """Shapes that the input may have: as declared where that is said, time first or batch first."""
    declared: list[int] = []
    if root in graph.inputs:
        dims = graph.inputs[root].type.tensor_type.shape.dim
        declared = [dim.dim_value if 0 < dim.dim_value <= 4096 else 0 for dim in dims]
    usual = [(STEPS, BATCH, width or 0), (BATCH, STEPS, width or 0)]
    if len(declared) != 3:
        return [shape for shape in usual if shape[2]]
    shapes = [tuple(said or one for said, one in zip(declared, shape, strict=True)) for shape in usual]
    return [shape for shape in shapes if all(shape) and np.prod(shape) <= 2**24]


def _widened(tensor: Any) -> Any:
    """In float32, which the runtime has all of its kernels for."""
    if tensor.data_type not in _WIDE:
        return tensor
    return numpy_helper.from_array(numpy_helper.to_array(tensor).astype(np.float32), tensor.name)


def _notes(graph: Graph, chain: list[Any]) -> tuple[str, ...]:
    own = {id(node) for node in graph.above([chain[-1].output[0]], graph.root(chain[0].input[0]))[0]}
    left = sorted({node.op_type for node in graph.nodes if id(node) not in own and node.op_type not in _PLAIN})
    return (f"converted: {listed([_name(node) for node in chain])}; left out: {listed(left)}",) if left else ()


def _name(node: Any) -> str:
    return str(node.name or next((name for name in node.output if name), node.op_type))


def _reason(error: Exception) -> str:
    return " ".join(str(error).split())[:160]
