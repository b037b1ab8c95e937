"""What goes wrong where an author writes a component: one line that names it, what it declares, and what came."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import mistaken
import pytest
import torch
from each import each
from mistaken import BASES, MADE, Decay, Leaky, sound
from torch import nn

import zoo
from zoo.errors import BuildError, DeclarationError
from zoo.testing import isolated_plugins

H = 4
CELL = "layers.0: cell 'wrong': Wrong"


@pytest.fixture(autouse=True)
def _wrong() -> Iterator[None]:
    sound()
    with isolated_plugins(mistaken.plugin()):
        yield


def spec(**keys: Any) -> dict[str, Any]:
    return {"schema": 1, "name": "mine", "input": 5, "cell": "wrong", "hidden_size": H, **keys}


def run(**keys: Any) -> Any:
    engine = keys.pop("engine", "auto")
    model = zoo.build(spec(**keys), seed=0, engine=engine)
    return model(torch.randn(3, 7, 5))


def made(base: type, **overrides: Any) -> type:
    """The base class with other methods and attributes; `after` is called with what is made."""
    after: Callable[[Any], None] | None = overrides.pop("after", None)
    found = type("Wrong", (base,), overrides)
    if after is not None:

        def begin(self: Any, *arguments: Any) -> None:
            base.__init__(self, *arguments)  # type: ignore[misc]
            after(self)

        found.__init__ = begin  # type: ignore[misc]
    return found


def put(**values: Any) -> Callable[[Any], None]:
    def after(one: Any) -> None:
        for name, value in values.items():
            setattr(one, name, value)

    return after


def states(**found: Any) -> Callable[[Any], None]:
    return put(states=found)


def drop(attribute: str) -> Callable[[Any], None]:
    return lambda one: delattr(one, attribute)


H_ONE, TWO = zoo.StateSpec((H,)), {"h": zoo.StateSpec((H,)), "c": zoo.StateSpec((H,))}


def step(change: Callable[[dict[str, Any]], Any]) -> Callable[..., Any]:
    """A sound step whose result is changed."""
    return lambda self, u, state, const: change(Leaky.step(self, u, state, const))


def in_place(self: Any, u: Any, state: Any, const: Any) -> Any:
    state["h"].mul_(0.5).add_(torch.tanh(u.detach()))
    return {"h": state["h"].clone(), "c": state["c"].clone()}


def same_dict(self: Any, u: Any, state: Any, const: Any) -> Any:
    state["h"] = torch.tanh(u)
    return state


def begin_plainly(self: Any, options: Any, input_shape: Any, hidden_size: int) -> None:
    zoo.Cell.__init__(self)
    self.input_shape, self.output_shape, self.states = input_shape, (hidden_size,), {"h": zoo.StateSpec((hidden_size,))}


DECLARED: dict[str, tuple[dict[str, Any], str]] = {
    "no states": ({"after": drop("states")}, " has no states: set self.states = "),
    "states as a tuple": ({"after": put(states=(("h", H_ONE),))}, ".states must be a dict of zoo.StateSpec by name"),
    "states as a list": ({"after": put(states=["h"])}, ".states must be a dict of zoo.StateSpec by name"),
    "states as a set": ({"after": put(states={"h"})}, ".states must be a dict of zoo.StateSpec by name"),
    "a state that is a tuple": ({"after": states(h=(H,))}, ".states['h'] must be a zoo.StateSpec, as in"),
    "StateSpec(4)": (
        {"after": states(h=zoo.StateSpec(4))},  # type: ignore[arg-type]
        ".states['h'].shape must be a tuple of whole numbers, not 4: write StateSpec((4,))",
    ),
    "a shape of floats": (
        {"after": states(h=zoo.StateSpec((4.0,)))},  # type: ignore[arg-type]
        ".states['h'].shape must be whole numbers, not (4.0,)",
    ),
    "StateSpec(shape, number)": (
        {"after": states(h=zoo.StateSpec((4,), 4))},  # type: ignore[arg-type]
        ".states['h'].complex must be True or False, not 4",
    ),
    "a start that is text": (
        {"after": states(h=zoo.StateSpec((4,), initial_value="one"))},  # type: ignore[arg-type]
        ".states['h'].initial_value must be a number, not 'one'",
    ),
    "a name with a dot": ({"after": put(states={"h.x": H_ONE})}, ".states names a state 'h.x': a name is text without"),
    "the engine's own name": (
        {"after": put(states={"h": H_ONE, "age": H_ONE}, window=1)},
        ".states names a state 'age', which is reserved",
    ),
    "no output_shape": ({"after": drop("output_shape")}, " has no output_shape: set self.output_shape = (width,)"),
    "an int as output_shape": (
        {"after": put(output_shape=H)},
        ".output_shape must be a tuple of whole numbers, not 4: write (4,)",
    ),
    "a list as output_shape": (
        {"after": put(output_shape=[H])},
        ".output_shape must be a tuple of whole numbers, not [4]",
    ),
    "no input_shape": ({"after": drop("input_shape")}, " has no input_shape: set self.input_shape = (width,)"),
    "another input_shape": ({"after": put(input_shape=(3,))}, ".input_shape is (3,), and it was built for (5,)"),
    "an output that the first state is not": (
        {"after": put(output_shape=(9,))},
        ".output_shape is (9,), and its output, the first state 'h', has shape (4,): write output(u, state, const)",
    ),
    "step": (
        {"step": lambda self, u, state: {}},
        ".step is called as step(self, u, state, const), and is written as step(self, u, state)",
    ),
    "a step without self": (
        {"step": lambda u, state, const: {}},
        ".step is called as step(self, u, state, const), and is written as step(u, state, const)",
    ),
    "project": (
        {"project": lambda self, x: x},
        ".project is called as project(self, x, const, ctx), and is written as project(self, x)",
    ),
    "constants": ({"constants": lambda self: ()}, ".constants is called as constants(self, ctx), and is written as"),
    "output": ({"output": lambda self, u: u}, ".output is called as output(self, u, state, const), and is written as"),
    "linear_recurrence": (
        {"linear_recurrence": lambda self: {}},
        ".linear_recurrence is called as linear_recurrence(self, u, const), and is written as linear_recurrence(self)",
    ),
    "fused": ({"fused": lambda self, x: None}, ".fused is called as fused(self, x, state, const, ctx), and is written"),
    "reset_parameters": (
        {"reset_parameters": lambda self, scale=1.0, *, more: None, "base": Decay},
        ".reset_parameters is called as reset_parameters(self), and is written as reset_parameters(self, scale=1.0, *,",
    ),
    "a keyword that must be given": (
        {"step": lambda self, u, state, const, *, more: {}},
        ".step is called as step(self, u, state, const), and is written as step(self, u, state, const, *, more)",
    ),
    "step is no method": ({"step": None}, ".step must be a method, not None"),
    "uses as text": ({"uses": "dt"}, ".uses must be a set of names, as in frozenset({'dt'}), not 'dt'"),
    "an unknown use": ({"uses": frozenset({"dts"})}, ".uses holds 'dts'; did you mean 'dt'?"),
    "window": ({"window": 1.5}, ".window must be a whole number from 0, not 1.5"),
    "surrogates": (
        {"surrogates": frozenset({"V"})},
        ".surrogates names 'V', which is not a parameter; it has U, W.weight, W.bias",
    ),
    "roles": (
        {"roles": lambda self: {"w": zoo.Role("input")}},
        ".roles names 'w', which is not a parameter; it has U, W.weight, W.bias",
    ),
    "roles of the wrong kind": (
        {"roles": lambda self: {"U": "recurrent"}},
        ".roles gives 'U' 'recurrent', not a zoo.Role",
    ),
    "roles that raise": ({"roles": lambda self: self.nothing}, ".roles raised AttributeError: 'Wrong' object has no"),
    "gates that do not divide a parameter": (
        {"roles": lambda self: {"U": zoo.Role("recurrent", ("r", "z", "n"))}},
        ".roles gives 'U' the gates r, z, n, and its shape is (4, 4), which 3 gates do not divide",
    ),
    "a use that its record does not say": (
        {"uses": frozenset({"dt"})},
        ".uses holds 'dt', and its record does not: write uses=frozenset({'dt'}) there",
    ),
    "a forward of its own": (
        {"forward": lambda self, x: x},
        ".forward is reserved for the engine, which runs a cell through it: define",
    ),
    "neither step": (
        {"base": zoo.Cell, "__init__": begin_plainly, "project": Decay.project},
        " defines neither step nor linear_recurrence",
    ),
    "a plain tensor": (
        {"after": lambda one: put(tau=torch.ones(H))(one)},
        ".tau is a tensor, which no state_dict, optimiser or device knows: make it an nn.Parameter, or a constant with "
        "register_buffer('tau', ..., persistent=False)",
    ),
    "modules in a list": (
        {"after": lambda one: put(blocks=[nn.Linear(H, H)])(one)},
        ".blocks is a list of modules (Linear), which no state_dict, optimiser or device knows: use nn.ModuleList",
    ),
    "parameters in a dict": (
        {"after": lambda one: put(weights={"a": nn.Parameter(torch.ones(H))})(one)},
        ".weights is a dict of parameters, which no state_dict, optimiser or device knows: use nn.ParameterDict",
    ),
    "exact as text": (
        {"after": states(h=zoo.StateSpec((H,), exact="yes"))},  # type: ignore[arg-type]
        ".states['h'].exact must be True or False, not 'yes'",
    ),
    "a start that is no number": (
        {"after": states(h=zoo.StateSpec((H,), initial_value=float("nan")))},
        ".states['h'].initial_value must be a number, not nan",
    ),
    "states that are shown on several lines": (
        {"after": lambda one: put(states=one.reset_parameters)(one)},
        ".states must be a dict of zoo.StateSpec by name",
    ),
    "a role of an unknown kind": (
        {"roles": lambda self: {"U": zoo.Role("recurent")}},  # type: ignore[arg-type]
        ".roles gives 'U' the kind 'recurent'; did you mean 'recurrent'?",
    ),
    "gates as text": (
        {"roles": lambda self: {"U": zoo.Role("recurrent", "rz")}},  # type: ignore[arg-type]
        ".roles gives 'U' the gates 'rz', which must be a tuple of names",
    ),
    "a forget gate that is none of the gates": (
        {"roles": lambda self: {"U": zoo.Role("recurrent", ("r", "z"), forget="f")}},
        ".roles gives 'U' the forget gate 'f', and its gates are r, z",
    ),
    "a forget gate name that is none": (
        {"forget_gate_name": "f", "roles": lambda self: {"U": zoo.Role("recurrent", ("r", "z"))}},
        ".forget_gate_name is 'f', which is not a gate in roles; it has r, z",
    ),
    "an input gate name, without roles": (
        {"input_gate_name": "i"},
        ".input_gate_name is 'i', which is not a gate in roles; it has none",
    ),
    "fusable without a kernel": (
        {"fusable": True},
        ".fusable is True, and the cell does not define fused(x, state, const, ctx)",
    ),
    "fusable as text": ({"fusable": "no"}, ".fusable must be True or False, not 'no'"),
    "a kernel_key without a kernel": (
        {"kernel_key": "a"},
        ".kernel_key is set, and the cell does not define fused_stack",
    ),
    "a lazy layer": (
        {"after": lambda one: put(L=nn.LazyLinear(4))(one)},
        ".L.weight has no shape before the first run: make its layer of a known width",
    ),
    "super().__init__() forgotten": (
        {"__init__": lambda self, *arguments: None},
        ".__init__ does not call super().__init__(): call it first",
    ),
}


@each("mistake", DECLARED)
def test_what_a_cell_declares_is_looked_at_when_its_model_is_built(mistake: str) -> None:
    sound()
    overrides, said = DECLARED[mistake]
    MADE["cell"] = made(**{"base": Leaky, **overrides})
    with pytest.raises(DeclarationError) as found:
        zoo.build(spec())
    assert str(found.value).startswith(CELL + said)
    assert "\n" not in str(found.value)


RETURNED: dict[str, tuple[dict[str, Any], str]] = {
    "a wrong shape": (
        {"step": step(lambda new: {**new, "c": new["c"][:, :2]})},
        ".step gives the state 'c' of shape (3, 2), declared (3, 4): its StateSpec has (4,) for each sequence",
    ),
    "a shape that broadcasts": (
        {"step": step(lambda new: {**new, "c": new["c"][:, :1]})},
        ".step gives the state 'c' of shape (3, 1), declared (3, 4)",
    ),
    "no batch": (
        {"step": step(lambda new: {**new, "h": new["h"][0]})},
        ".step gives the state 'h' of shape (4,), declared",
    ),
    "one row": (
        {"step": step(lambda new: {**new, "h": new["h"][:1]})},
        ".step gives the state 'h' of shape (1, 4), decl",
    ),
    "a missing key": (
        {"step": step(lambda new: {"h": new["h"]})},
        ".step gives no state 'c': it gives 'h', declared 'h', 'c'",
    ),
    "an extra key": (
        {"step": step(lambda new: {**new, "m": new["h"]})},
        ".step gives a state 'm' that is not declared: states has 'h', 'c'",
    ),
    "a key that is not declared": (
        {"step": lambda self, u, state, const: {"h": state["hidden"]}},
        ".step asks for 'hidden', and states has 'h', 'c'",
    ),
    "a state by its place": (
        {"step": lambda self, u, state, const: {"h": state[0]}},
        ".step asks for 0, and states has 'h', 'c'",
    ),
    "a state as an attribute": (
        {"step": lambda self, u, state, const: {"h": state.h}},
        ".step asks for state.h: the state is a dict, write state['h']",
    ),
    "a key that output asks for": (
        {"output": lambda self, u, state, const: state["y"]},
        ".output asks for 'y', and states has 'h', 'c'",
    ),
    "the state in place, by output": (
        {"output": lambda self, u, state, const: state["h"].mul_(2)},
        ".output changes the state, u or its constants in place: make new tensors",
    ),
    "an output of truths": (
        {"output": lambda self, u, state, const: state["h"] > 0},
        ".output gives torch.bool: an output is real numbers",
    ),
    "a tuple": (
        {"step": step(lambda new: (new["h"], new["c"]))},
        ".step must give a dict of the states 'h', 'c', not a tuple of (3, 4), (3, 4)",
    ),
    "a tensor": ({"step": step(lambda new: new["h"])}, ".step must give a dict of the states 'h', 'c', not (3, 4)"),
    "None": ({"step": step(lambda new: None)}, ".step must give a dict of the states 'h', 'c', not None"),
    "a number": (
        {"step": step(lambda new: {**new, "c": 0.5})},
        ".step gives the state 'c' as a float, not as a tensor",
    ),
    "complex numbers": (
        {"step": step(lambda new: {**new, "c": new["c"] + 1j})},
        ".step gives the state 'c' as complex numbers, declared real: see StateSpec.complex",
    ),
    "real numbers": (
        {
            "after": states(h=H_ONE, c=zoo.StateSpec((H,), complex=True)),
            "step": step(lambda new: {**new, "c": new["h"]}),
        },
        ".step gives the state 'c' as real numbers, declared complex: see StateSpec.complex",
    ),
    "truths": (
        {"step": step(lambda new: {**new, "c": new["h"] > 0})},
        ".step gives the state 'c' as torch.bool, declared",
    ),
    "in place": ({"step": in_place}, ".step changes the state, u or its constants in place: make new tensors"),
    "u in place": (
        {"step": lambda self, u, state, const: {"h": u.tanh_(), "c": state["h"]}},
        ".step changes the state, u or its constants in place: make new tensors",
    ),
    "the dict in place": ({"step": same_dict}, ".step changes the dict of states that it was given: give a new one"),
    "what it was given": (
        {"step": lambda self, u, state, const: dict(state)},
        ".step gives the very tensors of the state that it was given: give the new state",
    ),
    "a projection without time": (
        {"project": lambda self, x, const, ctx: x[:, 0]},
        ".project gives (3, 5), which must",
    ),
    "a shorter projection": (
        {"project": lambda self, x, const, ctx: self.W(x[:, 1:])},
        ".project gives (3, 6, 4), which must begin with (B, T) = (3, 7)",
    ),
    "a projection of one row": (
        {"project": lambda self, x, const, ctx: self.W(x[:1])},
        ".project gives (1, 7, 4), which must begin with (B, T) = (3, 7)",
    ),
    "a projection with its window": (
        {"window": 2},
        ".project gives (3, 9, 4), which must begin with (B, T) = (3, 7): x has 2 steps more, see ctx.past",
    ),
    "a projection of no tensors": (
        {"project": lambda self, x, const, ctx: {"x": x}},
        ".project must give a tensor or a flat tuple of tensors, not a dict",
    ),
    "a projection of nothing": ({"project": lambda self, x, const, ctx: None}, ".project must give a tensor or a flat"),
    "x in place": (
        {"project": lambda self, x, const, ctx: self.W(x.mul_(2))},
        ".project changes x in place: x is the caller's, make a new tensor",
    ),
    "constants that are no tensors": (
        {"constants": lambda self, ctx: {"U": self.U}},
        ".constants must give tensors and None, one or a flat tuple, not a dict",
    ),
    "a number among constants": (
        {"constants": lambda self, ctx: (self.U, 0.5)},
        ".constants must give tensors and None, one or a flat tuple, not a tuple of (4, 4), a float",
    ),
    "an output of another shape": (
        {"output": lambda self, u, state, const: state["h"][..., :2]},
        ".output gives shape (3, 7, 2), declared (3, 7, 4): output_shape is (4,)",
    ),
    "an output that is none": ({"output": lambda self, u, state, const: None}, ".output gives None, not a tensor"),
    "a complex output": (
        {"output": lambda self, u, state, const: state["h"] + 0j},
        ".output gives complex numbers: an",
    ),
}


@each("mistake", RETURNED)
def test_what_a_cell_returns_is_looked_at_at_the_first_step_of_a_run(mistake: str) -> None:
    sound()
    overrides, said = RETURNED[mistake]
    MADE["cell"] = made(Leaky, **overrides)
    model = zoo.build(spec(), seed=0)
    for _ in range(2):  # a run that failed is not remembered as one that was well
        with pytest.raises(DeclarationError) as found:
            model(torch.randn(3, 7, 5))
        assert str(found.value).startswith(CELL + said)
        assert "\n" not in str(found.value)


def test_an_output_inside_the_loop_is_looked_at() -> None:
    """Where the states are much larger than the output, each step's is made at once."""

    def run_with(output: Any) -> None:
        def step(self: Any, u: Any, state: Any, const: Any) -> Any:
            return {"h": torch.tanh(u), "c": state["c"] + 1}

        after = states(h=H_ONE, c=zoo.StateSpec((H, 9)))
        MADE["cell"] = made(Leaky, step=step, output=output, after=after)
        run()

    for output, said in (
        (lambda self, u, state, const: None, ".output gives None, not a tensor"),
        (
            lambda self, u, state, const: state["c"],
            ".output gives shape (3, 4, 9), declared (3, 4): output_shape is (4,)",
        ),
    ):
        with pytest.raises(DeclarationError) as found:
            run_with(output)
        assert str(found.value) == CELL + said


LINEAR: dict[str, tuple[Callable[..., Any], str]] = {
    "u in place": (
        lambda self, u, const: {"h": (const, u.mul_(2))},
        ".linear_recurrence changes u or the constants in place: make new tensors",
    ),
    "a missing state": (
        lambda self, u, const: {},
        ".linear_recurrence gives no state 'h': it gives none, declared 'h'",
    ),
    "another state": (
        lambda self, u, const: {"h": (const, u), "c": (const, u)},
        ".linear_recurrence gives a state 'c' that",
    ),
    "a tensor": (lambda self, u, const: u, ".linear_recurrence must give {state: (a, b)} for 'h', not (3, 7, 4)"),
    "b alone": (
        lambda self, u, const: {"h": u},
        ".linear_recurrence gives the state 'h' (3, 7, 4), not two tensors (a, b)",
    ),
    "b of another width": (
        lambda self, u, const: {"h": (const, u[..., :2])},
        ".linear_recurrence gives b of the state 'h' of shape (3, 7, 2), which does not fit (B, T, ...) = (3, 7, 4)",
    ),
    "a of another width": (
        lambda self, u, const: {"h": (const[:3], u)},
        ".linear_recurrence gives a of the state 'h' of shape (3,), which does not fit (B, T, ...) = (3, 7, 4)",
    ),
    "complex numbers": (
        lambda self, u, const: {"h": (const + 1j, u)},
        ".linear_recurrence gives the state 'h' as complex numbers, declared real",
    ),
}


@each("mistake", LINEAR)
def test_what_a_linear_cell_returns_is_looked_at(mistake: str) -> None:
    sound()
    function, said = LINEAR[mistake]
    MADE["cell"] = made(Decay, linear_recurrence=function)
    with pytest.raises(DeclarationError) as found:
        run()
    assert str(found.value).startswith(CELL + said)


FUSED: dict[str, tuple[Any, str]] = {
    "a tensor": (lambda y, s: y, ".fused must give None, or the output and the states, not (3, 7, 4)"),
    "a missing state": (lambda y, s: (y, {"h": s["h"]}), ".fused gives no state 'c': it gives 'h', declared 'h', 'c'"),
    "an extra state": (lambda y, s: (y, {**s, "m": s["h"]}), ".fused gives a state 'm' that is not declared"),
    "a wrong state": (
        lambda y, s: (y, {**s, "c": s["h"][0]}),
        ".fused gives the state 'c' of shape (4,), declared (3, 4)",
    ),
    "a wrong output": (lambda y, s: (y[:, :5], s), ".output gives shape (3, 5, 4), declared (3, 7, 4)"),
}


@each("mistake", FUSED)
def test_what_a_kernel_returns_is_looked_at(mistake: str) -> None:
    sound()
    change, said = FUSED[mistake]

    def fused(self: Any, x: Any, state: Any, const: Any, ctx: Any) -> Any:
        return change(self.W(x), {name: value + 1 for name, value in state.items()})

    MADE["cell"] = made(Leaky, fused=fused, fusable=True)
    with pytest.raises(DeclarationError) as found:
        run()
    assert str(found.value).startswith(CELL + said)


@each("engine", ["loop", "scan", "compile"])
def test_every_engine_looks(engine: str) -> None:
    sound()
    MADE["cell"] = made(Leaky, step=step(lambda new: {**new, "m": new["h"]}))
    with pytest.raises(
        DeclarationError, match=r"Wrong.step gives a state 'm' that is not declared: states has 'h', 'c'"
    ):
        run(engine=engine)


def test_a_step_that_is_sound_passes_in_every_precision_and_under_transforms() -> None:
    model = zoo.build(spec(), seed=0).eval()
    x = torch.randn(2, 3, 7, 5)
    found = torch.vmap(lambda one: model(one)[0])(x)
    torch.testing.assert_close(found, torch.stack([model(one)[0] for one in x]))
    with torch.inference_mode():
        model(x[0])
    MADE["cell"] = Decay
    for dtype in (torch.bfloat16, torch.float64):
        zoo.build(spec(), seed=0, dtype=dtype)(torch.randn(3, 7, 5, dtype=dtype))


def test_a_run_of_a_kind_that_was_well_is_not_looked_at_again(monkeypatch: pytest.MonkeyPatch) -> None:
    from zoo.engine import returned

    looks: list[str] = []
    real = returned.first_step
    monkeypatch.setattr(returned, "first_step", lambda cell, *given: looks.append("look") or real(cell, *given))
    model = zoo.build(spec(), seed=0)
    for batch, steps in ((3, 7), (3, 7), (2, 7), (2, 7)):
        model(torch.randn(batch, steps, 5))
    assert len(looks) == 2
    model.eval()(torch.randn(2, 7, 5))
    assert len(looks) == 3
    monkeypatch.setattr(Leaky, "step", lambda self, u, state, const: {})
    with pytest.raises(DeclarationError, match="gives no state 'h'"):
        model(torch.randn(2, 7, 5))


def test_both_directions_and_later_layers_are_named() -> None:
    MADE["cell"] = made(Leaky, step=step(lambda new: {**new, "c": new["c"][0]}))
    with pytest.raises(DeclarationError, match=r"^layers.1: cell 'wrong': Wrong.step gives the state 'c' of shape"):
        run(layers=[{"cell": "gru"}, {"bidirectional": True}])


def test_a_record_that_says_more_than_its_cell_is_told_so() -> None:
    record = zoo.CellType(name="timed", build="mistaken:make_cell", uses=frozenset({"dt"}))

    class Plugin:
        @zoo.hookimpl
        def zoo_cells(self) -> list[zoo.CellType]:
            return [record]

    with (
        isolated_plugins(Plugin()),
        pytest.raises(DeclarationError, match=r"Leaky.uses does not hold 'dt', which its record says that it reads"),
    ):
        zoo.build(spec(cell="timed"))


OTHERS: dict[str, tuple[str, dict[str, Any], str]] = {
    "a layer's forward": (
        "layer",
        {"forward": lambda self, x: x},
        "layers.0: layer 'wrong': Wrong.forward is called as forward(self, x, state, run), and is written as forward(self, x)",
    ),
    "a layer's result": (
        "layer",
        {"forward": lambda self, x, state, run: x},
        "layers.0: layer 'wrong': Wrong.forward must give a zoo.LayerOutput, not (3, 7, 5)",
    ),
    "a layer's shape": (
        "layer",
        {"forward": lambda self, x, state, run: zoo.LayerOutput(x[..., :2], {})},
        "layers.0: layer 'wrong': Wrong.forward gives shape (3, 7, 2), declared (3, 7, 5)",
    ),
    "a layer's state": (
        "layer",
        {"forward": lambda self, x, state, run: zoo.LayerOutput(x, {"n": x[:, 0]})},
        "layers.0: layer 'wrong': Wrong.forward gives the states n; its init_state has none",
    ),
    "a layer's init_state": (
        "layer",
        {"init_state": lambda self, batch: {}},
        "layers.0: layer 'wrong': Wrong.init_state is called as init_state(self, batch, *, device, dtype), and is written",
    ),
    "a layer's initial state": (
        "layer",
        {"init_state": lambda self, batch, *, device, dtype: torch.zeros(batch)},
        "layers.0: layer 'wrong': Wrong.init_state must give a dict of tensors, {} for none, not tensor",
    ),
    "a layer's initial state without rows": (
        "layer",
        {"init_state": lambda self, batch, *, device, dtype: {"n": torch.zeros(3)}},
        "layers.0: layer 'wrong': Wrong.init_state gives 'n' without an entry for each of 2 sequences: it must be a tensor",
    ),
    "a layer without output_shape": (
        "layer",
        {"after": drop("output_shape")},
        "layers.0: layer 'wrong': Wrong has no output_shape: set self.output_shape = (width,) in __init__",
    ),
    "a layer's output_shape": (
        "layer",
        {"after": put(output_shape=5)},
        "layers.0: layer 'wrong': Wrong.output_shape must be a tuple of whole numbers, not 5: write (5,)",
    ),
    "a head's forward": (
        "head",
        {"forward": lambda self, x, y: x},
        "head: head 'wrong': Wrong.forward is called as forward(self, x), and is written as forward(self, x, y)",
    ),
    "a head's result": (
        "head",
        {"forward": lambda self, x: (x, x)},
        "head: head 'wrong': Wrong.forward gives a tuple of (3, 7, 4), (3, 7, 4), not a tensor",
    ),
    "a head's shape": (
        "head",
        {"forward": lambda self, x: x[0]},
        "head: head 'wrong': Wrong.forward gives shape (7, 4), which must begin with (3, 7)",
    ),
    "a pool's forward": (
        "pool",
        {"forward": lambda self, y: y},
        "head.pool: pool 'wrong': Wrong.forward is called as forward(self, y, valid, final), and is written as",
    ),
    "a pool's shape": (
        "pool",
        {"forward": lambda self, y, valid, final: y},
        "head.pool: pool 'wrong': Wrong.forward gives shape (3, 7, 4), declared (3, 4)",
    ),
    "a norm's forward": (
        "norm",
        {"forward": lambda self, x: x},
        "layers.0: norm 'wrong': Wrong.forward is called as forward(self, x, valid), and is written as forward(self, x)",
    ),
    "a norm's shape": (
        "norm",
        {"forward": lambda self, x, valid: x[:, :2]},
        "layers.0: norm 'wrong': Wrong.forward gives shape (3, 2, 4), declared (3, 7, 4)",
    ),
    "an input's forward": (
        "input",
        {"forward": lambda self: 1},
        "input: input 'wrong': Wrong.forward is called as forward(self, x), and is written as forward(self)",
    ),
    "an input's shape": (
        "input",
        {"forward": lambda self, x: x[..., :3]},
        "input: input 'wrong': Wrong.forward gives shape (3, 7, 3), declared (3, 7, 5)",
    ),
    "an input without input_shape": (
        "input",
        {"after": drop("input_shape")},
        "input: input 'wrong': Wrong has no input_sh",
    ),
    "a head that changes its input": (
        "head",
        {"forward": lambda self, x: x.mul_(3)},
        "head: head 'wrong': Wrong.forward changes its input in place: make a new tensor",
    ),
    "a norm that changes its input": (
        "norm",
        {"forward": lambda self, x, valid: x.mul_(3)},
        "layers.0: norm 'wrong': Wrong.forward changes its input in place: make a new tensor",
    ),
    "an input that changes its input": (
        "input",
        {"forward": lambda self, x: x.mul_(3)},
        "input: input 'wrong': Wrong.forward changes its input in place: make a new tensor",
    ),
    "a layer that changes its input": (
        "layer",
        {"forward": lambda self, x, state, run: zoo.LayerOutput(x.mul_(2), {})},
        "layers.0: layer 'wrong': Wrong.forward changes its input or its state in place: make a new tensor",
    ),
    "a layer's truths": (
        "layer",
        {"forward": lambda self, x, state, run: zoo.LayerOutput(x > 0, {})},
        "layers.0: layer 'wrong': Wrong.forward gives its output as torch.bool, which must be real numbers",
    ),
    "a layer's final output": (
        "layer",
        {"forward": lambda self, x, state, run: zoo.LayerOutput(x, {}, final=x)},
        "layers.0: layer 'wrong': Wrong.forward gives final as (3, 7, 5), declared (3, 5)",
    ),
    "a layer's states of all steps": (
        "layer",
        {"forward": lambda self, x, state, run: zoo.LayerOutput(x, {}, states={"z": x})},
        "layers.0: layer 'wrong': Wrong.forward gives the states of all steps as a dict; its init_state has none",
    ),
    "a norm of truths": (
        "norm",
        {"forward": lambda self, x, valid: x > 0},
        "layers.0: norm 'wrong': Wrong.forward gives torch.bool, which must be real numbers",
    ),
    "an input's example": (
        "input",
        {"example": lambda self, batch: None},
        "input: input 'wrong': Wrong.example is called as example(self, batch, steps, generator, dtype), and is wr",
    ),
    "a head's plain tensor": (
        "head",
        {"after": put(scale=torch.ones(1))},
        "head: head 'wrong': Wrong.scale is a tensor, which no state_dict, optimiser or device knows",
    ),
}
PLACES: dict[str, dict[str, Any]] = {
    "layer": {"layers": [{"kind": "wrong"}]},
    "head": {"head": {"kind": "wrong"}},
    "pool": {"head": {"kind": "linear", "size": 2, "pool": "wrong"}},
    "norm": {"norm": "wrong"},
    "input": {"input": {"kind": "wrong"}},
}


@each("mistake", OTHERS)
def test_other_components_are_named_too(mistake: str) -> None:
    sound()
    kind, overrides, said = OTHERS[mistake]
    MADE[kind] = made(BASES[kind], **overrides)
    keys = {"layers": [{"kind": "wrong"}]} if kind == "layer" else {"cell": "gru", **PLACES[kind]}
    whole = spec(**keys)
    if kind == "layer":
        del whole["cell"], whole["hidden_size"]
    with pytest.raises(DeclarationError) as found:
        zoo.build(whole, seed=0)(torch.randn(3, 7, 5))
    assert str(found.value).startswith(said)
    assert "\n" not in str(found.value)


@each(
    ("scheme", "said"),
    [
        (lambda options: 3, "init 'wrong' must give a function of a module, or None, but mistaken:make_init gives int"),
        (lambda options: lambda: None, "init 'wrong' raised TypeError: "),
        (lambda options: lambda module: module.nothing, "init 'wrong' raised AttributeError: "),
        (lambda options: lambda module: (yield), "init 'wrong' gives a generator, which nothing runs: a scheme sets"),
    ],
)
def test_a_scheme_is_named(scheme: Any, said: str) -> None:
    sound()
    MADE["init"] = scheme
    with pytest.raises(BuildError) as found:
        zoo.build(spec(cell="gru", init="wrong"))
    assert f"0: {said}" in str(found.value) or str(found.value) == f"input: {said}"


@each(
    ("build", "said"),
    [
        (lambda options, input_shape: 1, "could not be built: TypeError: "),
        (
            lambda options, input_shape, hidden_size: nn.Linear(3, 3),
            "must be a Cell, but mistaken:make_cell gives Linear",
        ),
        (lambda options, input_shape, hidden_size: None, "must be a Cell, but mistaken:make_cell gives NoneType"),
    ],
)
def test_what_makes_a_cell_is_named(build: Any, said: str) -> None:
    sound()
    MADE["cell"] = build
    with pytest.raises(BuildError) as found:
        zoo.build(spec())
    assert str(found.value).startswith(f"layers.0.cell: cell 'wrong' (zoo-mistaken 0) {said}")


def test_what_pins_parameters_is_named() -> None:
    MADE["cell"] = made(Leaky, set_fixed_parameters=lambda self: self.V.zero_())
    with pytest.raises(BuildError) as found:
        zoo.build(spec())
    assert str(found.value).startswith(CELL + ".set_fixed_parameters raised AttributeError: 'Wrong' object has no")


def test_an_example_of_another_shape_is_named() -> None:
    MADE["input"] = made(mistaken.Source, example=lambda self, b, s, g, d: torch.zeros(b, s, 9))
    model = zoo.build(spec(cell="gru", input={"kind": "wrong"}), seed=0)
    with pytest.raises(DeclarationError, match=r"Wrong.example gives \(2, 3, 9\), declared \(2, 3, 5\)"):
        model.example_input(2, 3)


@each(
    ("kind", "overrides", "keys", "said"),
    [
        (
            "cell",
            {"constants": lambda self, ctx: self.U[:2]},
            {},
            CELL + ".step, given u (3, 4), state {h (3, 4), c (3, 4)}, const (2, 4)",
        ),
        ("cell", {"project": lambda self, x, const, ctx: x @ self.U}, {}, "given x (3, 7, 5), const (4, 4)"),
        ("cell", {"constants": lambda self, ctx: self.V}, {}, CELL),
        ("norm", {"forward": lambda self, x, valid: x @ torch.ones(7, 7)}, {"norm": "wrong"}, "given x (3, 7, 4)"),
        ("head", {"forward": lambda self, x: self.proj(x)}, {"head": {"kind": "wrong"}}, "head: head 'wrong': Wrong."),
    ],
)
def test_an_error_of_its_own_says_whose_it_is(kind: str, overrides: Any, keys: Any, said: str) -> None:
    sound()
    MADE[kind] = made(BASES[kind], **overrides)
    with pytest.raises((RuntimeError, AttributeError)) as found:
        run(**({} if kind == "cell" else {"cell": "gru"}), **keys)
    (note,) = found.value.__notes__
    assert note.startswith("in ")
    assert said in note


def test_what_a_run_leaves_in_a_cell_is_named() -> None:
    def keeping(self: Any, u: Any, state: Any, const: Any) -> Any:
        self.last = Leaky.step(self, u, state, const)
        return dict(self.last)

    MADE["cell"] = made(Leaky, step=keeping)
    (outcome,) = [one for one in zoo.check(spec()).outcomes if one.status == "failed"]
    assert outcome.check == "forward"
    assert outcome.reason.startswith(
        CELL + ".last is left from a run and holds its whole graph: store nothing computed in self"
    )


def test_a_parameter_before_super_is_told_what_to_do() -> None:
    def begin(self: Any, options: Any, input_shape: Any, hidden_size: int) -> None:
        self.U = nn.Parameter(torch.ones(2))

    MADE["cell"] = made(Leaky, __init__=begin)
    with pytest.raises(BuildError, match=r"begin its __init__ with super\(\).__init__\(\)$"):
        zoo.build(spec())


def test_a_constructor_of_another_form_is_told_so() -> None:
    from zoo.engine.declared import not_built

    said = not_built("mistaken:Head", (1, 2, 3, 4), TypeError("takes from 2 to 4"))
    assert said == (
        "TypeError: takes from 2 to 4: mistaken:Head is called with 4 arguments, and is written as "
        "(options, input_shape=(), source=None)"
    )


def test_what_is_held_on_purpose_is_no_mistake() -> None:
    """A head may hold the input that it was given, a cell an alias of its own parameter, and torch's hooks a weight."""

    def after(one: Any) -> None:
        one.again = (one.U,)
        one.normed = torch.nn.utils.weight_norm(nn.Linear(2, 2))

    MADE["cell"] = made(Leaky, after=after)
    zoo.build(spec())
    zoo.build("zaremba-lm@small", device="meta")
