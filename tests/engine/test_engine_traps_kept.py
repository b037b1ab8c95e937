"""What goes wrong where a cell or the engine is written without thinking of it: what is kept, read and drawn.

The last part of `test_engine_traps`, which says how these tests are made.
"""

from __future__ import annotations

import copy
import io
import pickle
import threading
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
import torch
from exotic import EXOTIC, F_IN, H, Spiral
from planted.patching import Patch, around, edit
from test_engine_recurrence import B, T, batch, run_of
from torch import Tensor
from torch.func import functional_call, stack_module_state, vmap
from torch.nn import functional as F
from traps import Bug, Rule, Traps, built, model_of, same

import zoo
import zoo.cells.gru
import zoo.cells.lstm
import zoo.cells.rnn
from zoo.cells.gru import GRU
from zoo.cells.lstm import LSTM
from zoo.engine import constants as engine_constants
from zoo.engine import recurrence, sequence
from zoo.engine.backends import fused, loop
from zoo.engine.cell import Cell, Context, States
from zoo.engine.recurrent_layer import RecurrentLayer
from zoo.model.base import Model

traps = Traps()


@pytest.fixture(autouse=True)
def _exact() -> Iterator[None]:
    torch.manual_seed(0)
    torch.set_default_dtype(torch.float64)
    yield
    torch.set_default_dtype(torch.float32)


# Constants made anew by every step, or kept when they have changed.


class Counting(Spiral):
    """How often its constants were made."""

    made = 0

    def constants(self, ctx: Context) -> Any:
        self.made += 1
        return super().constants(ctx)


def steps(model: Model, count: int = 1) -> Tensor:
    """The last output of so many steps of ones."""
    output, state = torch.empty(0), None
    for _ in range(count):
        output, state = model.step(torch.ones(2, F_IN, dtype=model.layers[0].cell.B.dtype), state)
    return output


def counting() -> tuple[Model, Counting]:
    cell = Counting()
    model = model_of(cell)
    model.declared = zoo.load({"input": 3, "cell": "lru", "hidden_size": 5}).only  # step asks it
    return model, cell


@traps.rule
def constants_are_kept_while_streaming() -> None:
    model, cell = counting()
    with torch.no_grad(), model.streaming():
        steps(model, 50)
        assert cell.made == 1
        with torch.enable_grad():
            steps(model, 3)  # each belongs to its own graph
        assert cell.made == 4
        steps(model.train(), 3)
        assert cell.made == 7


@traps.bug
def constants_made_at_every_step(patch: Patch) -> None:
    patch.setattr(recurrence, "constants", lambda cell, ctx: cell.constants(ctx))


@traps.bug
def constants_kept_with_the_graph_of_the_first_step(patch: Patch) -> None:
    edit(patch, engine_constants, "constants", "torch.is_grad_enabled() or", "")


@traps.rule
def constants_follow_the_precision() -> None:
    model, cell = counting()
    expected = steps(model.float(), 2).detach()
    model.double()
    with torch.no_grad(), model.streaming():
        steps(model, 2)
        assert torch.equal(steps(model.float(), 2), expected)
        with torch.autocast("cpu", torch.bfloat16):
            steps(model)
            made = cell.made
            steps(model)
            assert cell.made == made
        steps(model)
        assert cell.made == made  # those of float32 are there still


@traps.bug
def constants_of_another_precision(patch: Patch) -> None:
    patch.setattr(engine_constants, "_precision", lambda ctx: torch.float64)
    patch.setattr(engine_constants, "_same", lambda one, other: True)


@traps.bug
def constants_that_forget_autocast(patch: Patch) -> None:
    patch.setattr(engine_constants, "_precision", lambda ctx: ctx.dtype)
    patch.setattr(engine_constants, "_stamp", lambda cell: None)


@traps.rule
def nothing_is_kept_unasked() -> None:
    """However parameters change, and whatever of that leaves a trace, the next call sees it."""
    for change in CHANGES:
        model, cell = counting()
        with torch.no_grad(), model.streaming():
            steps(model, 2)
        with torch.no_grad():
            steps(model, 2)
        change(model)
        with torch.no_grad():
            found = steps(model, 2)
        other, fresh = counting()
        fresh.load_state_dict(cell.state_dict())
        assert torch.equal(found, steps(other, 2).detach()), change.__name__


def by_an_optimiser(model: Model) -> None:
    optimiser = torch.optim.SGD(model.parameters(), 0.1)
    steps(model).sum().backward()
    optimiser.step()


def by_loading(model: Model) -> None:
    model.load_state_dict(model_of(Counting()).state_dict(), assign=True)


def by_data(model: Model) -> None:
    model.layers[0].cell.nu.data += 1.0


CHANGES = (by_an_optimiser, by_loading, by_data)


@traps.bug
def constants_never_made_anew(patch: Patch) -> None:
    cached: dict[Any, Any] = {}
    patch.setattr(recurrence, "constants", lambda cell, ctx: cached.setdefault(cell, cell.constants(ctx)))


@traps.bug
def constants_cached_after_streaming(patch: Patch) -> None:
    patch.setattr(engine_constants._Block, "end", lambda self: None)


# What is cached belongs to a block, and to the thread that entered it: not to the model.


@traps.rule
def a_copy_made_while_streaming_caches_nothing() -> None:
    for duplicate in (copy.deepcopy, lambda model: pickle.loads(pickle.dumps(model)), with_saved):
        model, _ = counting()
        with torch.no_grad(), model.streaming():
            steps(model, 2)
            made = duplicate(model)
            made.layers[0].cell.nu.data += 1.0
            found = steps(made, 2)
        other, fresh = counting()
        fresh.load_state_dict(made.layers[0].cell.state_dict())
        with torch.no_grad():
            assert torch.equal(found, steps(other, 2))
            assert torch.equal(steps(made, 2), found)


def with_saved(model: Model) -> Model:
    """Through a file."""
    file = io.BytesIO()
    torch.save(model, file)
    file.seek(0)
    made: Model = torch.load(file, weights_only=False)
    return made


@traps.bug
def constants_cached_in_the_cell(patch: Patch) -> None:
    def wrong(right: Any, cell: Cell, ctx: Context) -> Any:
        if not engine_constants._blocks.get():
            return right(cell, ctx)
        if not hasattr(cell, "kept"):
            cell.kept = right(cell, ctx)  # type: ignore[assignment]
        return cell.kept

    around(patch, recurrence, "constants", wrong)


@traps.rule
def blocks_end_in_any_order() -> None:
    model, cell = counting()
    with torch.no_grad():
        for last_first in (True, False):
            before = cell.made
            first, second = model.streaming(), model.streaming()
            first.__enter__()
            steps(model, 2)
            second.__enter__()
            steps(model, 2)
            assert cell.made == before + 2  # each block has its own
            for block in (second, first) if last_first else (first, second):
                by_data(model)
                block.__exit__(None, None, None)
                steps(model)
            cell.nu.data += 1.0
            found = steps(model, 2)
            other, fresh = counting()
            fresh.load_state_dict(cell.state_dict())
            assert torch.equal(found, steps(other, 2))
    assert not engine_constants._blocks.get()


@traps.bug
def a_block_that_ends_gives_back_what_was_there_when_it_began(patch: Patch) -> None:
    entered: dict[Any, Any] = {}
    blocks = engine_constants._blocks

    def block() -> Any:
        made = engine_constants._Block()
        entered[made] = blocks.get()
        return made

    edit(patch, engine_constants, "caching", "block = _Block()", "block = _made()")
    patch.setattr(engine_constants, "_made", block, raising=False)
    patch.setattr(engine_constants._Block, "end", lambda self: blocks.set(entered[self]))


@traps.rule
def a_block_left_through_an_error_or_a_generator_is_left() -> None:
    model, _ = counting()

    def stream() -> Iterator[Tensor]:
        with model.streaming():
            while True:
                yield steps(model)

    with torch.no_grad():
        generator = stream()
        next(generator)
        assert len(engine_constants._blocks.get()) == 1
        generator.close()
        assert not engine_constants._blocks.get()
        with pytest.raises(ZeroDivisionError), model.streaming():
            raise ZeroDivisionError
        assert not engine_constants._blocks.get()
        left = stream()
        next(left)
        worker = threading.Thread(target=left.close)  # which has blocks of its own
        worker.start()
        worker.join()
        by_data(model)
        found = steps(model)
        assert torch.equal(found, steps(fresh_of(model)))


def fresh_of(model: Model) -> Model:
    other, cell = counting()
    cell.load_state_dict(model.layers[0].cell.state_dict())
    return other


@traps.bug
def a_block_that_an_error_leaves_open(patch: Patch) -> None:
    edit(patch, engine_constants, "caching", "finally", "except StopAsyncIteration")


@traps.bug
def a_block_that_another_thread_cannot_end(patch: Patch) -> None:
    blocks = engine_constants._blocks
    patch.setattr(
        engine_constants._Block,
        "end",
        lambda self: blocks.set(tuple(block for block in blocks.get() if block is not self)),
    )


@traps.rule
def parameters_seen_to_change_in_a_block_are_read_again() -> None:
    for change in (by_an_optimiser_step, by_loading, by_loading_in_place):
        model, _ = counting()
        with torch.no_grad(), model.streaming():
            steps(model, 2)
            change(model)
            assert torch.equal(steps(model, 2), steps(fresh_of(model), 2)), change.__name__


def by_an_optimiser_step(model: Model) -> None:
    with torch.enable_grad():
        by_an_optimiser(model)


def by_loading_in_place(model: Model) -> None:
    model.load_state_dict({name: value + 1 for name, value in model.state_dict().items()})


@traps.bug
def a_change_in_a_block_that_is_not_seen(patch: Patch) -> None:
    patch.setattr(engine_constants, "_same", lambda one, other: True)


@traps.rule
def a_block_is_nothing_to_another_thread() -> None:
    """One streams, one trains the same model and loads weights into it, one has a block of its own."""
    model, cell = counting()
    with torch.no_grad(), model.streaming():
        steps(model, 2)
        made = cell.made
        found: list[Any] = []

        def elsewhere() -> None:
            with torch.no_grad():
                found.append(len(engine_constants._blocks.get()))
                cell.nu.data += 1.0  # which leaves no trace
                found.append(torch.equal(steps(model, 2), steps(fresh_of(model), 2)))
                with model.streaming():
                    steps(model, 3)
                cell.nu.data -= 1.0

        worker = threading.Thread(target=elsewhere)
        worker.start()
        worker.join()
        assert found == [0, True]
        assert cell.made == made + 3
        steps(model, 2)
        assert cell.made == made + 3


@traps.bug
def blocks_of_the_whole_process(patch: Patch) -> None:
    class Everywhere:
        value: tuple[Any, ...] = ()

        def get(self) -> tuple[Any, ...]:
            return self.value

        def set(self, value: tuple[Any, ...]) -> None:
            self.value = value

    patch.setattr(engine_constants, "_blocks", Everywhere())


# `if reset.any()`.


@traps.rule
def no_number_is_read_in_a_run() -> None:
    """Tensors on meta have none: a branch on one raises there, as it would wait for a device."""
    for name, (make, _) in EXOTIC.items():
        for engine in ("auto", "loop"):
            layer = RecurrentLayer(make(), make()).to("meta")
            data = [t.to("meta") for t in batch()]
            before = layer.init_state(B, device=torch.device("meta"), dtype=torch.float64)
            found = layer(data[0], before, run_of(tuple(data), resets=True, engine=engine))
            assert found.output.shape == (B, T, 2 * H), name
            assert found.output.is_meta
    for cell in ("rnn", "gru", "lstm"):
        model = built(cell).to("meta")
        x, reset = torch.empty(B, T, 4, device="meta"), torch.empty(B, T, dtype=torch.bool, device="meta")
        lengths = torch.empty(B, dtype=torch.int64, device="meta")
        assert model(x, lengths=lengths, reset=reset)[0].shape == (B, T, 4)


@traps.bug_raising(RuntimeError)
def a_look_at_whether_there_is_a_reset(patch: Patch) -> None:
    def wrong(run: Any, steps: Any) -> Any:
        return run(replace(steps, reset=steps.reset if steps.reset is not None and steps.reset.any() else None))

    around(patch, loop, "run", wrong)


@traps.bug_raising(RuntimeError)
def a_look_at_whether_there_is_padding(patch: Patch) -> None:
    around(patch, sequence, "zero_where", lambda f, x, keep: x if keep is None or bool(keep.all()) else f(x, keep))


# Dropout masks across chunks: drawn once per call, so that in training pieces differ from the whole.


@traps.rule
def masks_are_drawn_once_a_call() -> None:
    for kind in ("recurrent", "weight"):
        model = built("gru", dropout={kind: 0.5}, engine="loop")
        x, reset = torch.randn(3, 8, 4), torch.zeros(3, 8, dtype=torch.bool)
        same(in_pieces(model, x), model(x)[0])
        model.train()
        torch.manual_seed(1)
        whole = model(x)[0]
        torch.manual_seed(1)
        assert not torch.allclose(in_pieces(model, x), whole)  # the second piece draws for itself
        torch.manual_seed(1)
        same(in_pieces(model, x, seed=1), whole)
        reset[:, 4] = True  # draws nothing: behind it runs the start of a sequence, with the same mask
        torch.manual_seed(1)
        behind = model(x, reset=reset)[0][:, 4:]
        torch.manual_seed(1)
        same(behind, model(x[:, 4:])[0])


def in_pieces(model: Model, x: Tensor, *, seed: int | None = None) -> Tensor:
    """Two pieces with the state carried, each from one random state if a seed is given."""
    outputs, state = [], None
    for piece in x.chunk(2, 1):
        if seed is not None:
            torch.manual_seed(seed)
        output, state = model(piece, state)
        outputs.append(output)
    return torch.cat(outputs, 1)


@traps.bug
def masks_drawn_at_every_step(patch: Patch) -> None:
    def wrong(step: Any, self: GRU, u: Tensor, state: States, const: Any) -> Any:
        kept, U, b_n, mask = const
        if self.training:
            U, mask = F.dropout(U, 0.1), mask if mask is None else F.dropout(torch.ones_like(mask))
        return step(self, u, state, (kept, U, b_n, mask))

    around(patch, GRU, "step", wrong)


@traps.bug
def masks_that_chunks_share(patch: Patch) -> None:
    def wrong(right: Any, self: Context, *args: Any) -> Any:
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(1)
            return right(self, *args)

    for name in ("drop_state", "drop_weight"):
        around(patch, Context, name, wrong)


# A kernel asked for what it cannot do.


@traps.rule
def a_kernel_is_asked_for_whole_runs_alone() -> None:
    lengths, reset = torch.tensor([3, 5]), torch.zeros(2, 5, dtype=torch.bool)
    plain, zoned, dropped = (
        built("lstm"),
        built("lstm", dropout={"zoneout": 0.2}),
        built("lstm", dropout={"recurrent": 0.2}),
    )
    for model, given, asked in (
        (plain, {"lengths": lengths}, True),
        (dropped, {"lengths": lengths}, True),
        (plain, {"lengths": lengths, "reset": reset}, False),
        (plain, {"lengths": lengths, "return_states": True}, False),
        (zoned, {"lengths": lengths}, False),
        (dropped.train(), {"lengths": lengths}, False),
    ):
        calls: list[int] = []
        with pytest.MonkeyPatch.context() as patch:
            around(patch, LSTM, "fused", lambda f, self, *args, calls=calls: (calls.append(1), f(self, *args))[1])
            dropped.train(model is dropped and not asked)
            model(torch.randn(2, 5, 4), **given)
        assert len(calls) == asked


@traps.bug
def a_kernel_asked_in_spite_of_a_reset(patch: Patch) -> None:
    edit(patch, fused, "run", "ctx.reset is not None or zoneout", "zoneout")


@traps.bug
def a_kernel_asked_in_spite_of_zoneout(patch: Patch) -> None:
    edit(patch, fused, "run", "or zoneout or", "or")


@traps.bug
def a_kernel_asked_for_the_states_of_all_steps(patch: Patch) -> None:
    edit(patch, fused, "run", "zoneout or all_states", "zoneout")


@traps.bug
def a_kernel_asked_in_spite_of_masks(patch: Patch) -> None:
    edit(patch, fused, "run", "or (ctx.recurrent_dropout and ctx.training)", "")


def test_constants_are_made_anew_inside_function_transforms() -> None:
    """Whose tensors stand for other values every time: an ensemble of models by vmap, in eval and without gradients."""
    models, x = [model_of(Spiral()) for _ in range(3)], torch.ones(2, 3, F_IN)
    models[0].engine = "loop"
    given, _ = stack_module_state(models)
    with torch.no_grad():
        found = vmap(lambda own: functional_call(models[0], own, (x,))[0])(given)
        for row, model in zip(found, models, strict=True):
            same(row, model(x)[0])


@traps.each_rule()
def test_a_rule_holds(rule: Rule) -> None:
    torch.manual_seed(0)
    rule()


@traps.each_bug()
def test_a_trap_is_caught(bug: Bug) -> None:
    bug.is_caught()
