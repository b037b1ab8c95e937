"""The benchmark of the engine: what its figures are made of, which rounds count, and what it shows. No test is timed."""

from __future__ import annotations

import json
import re
import sys
import xml.etree.ElementTree as ElementTree
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from each import each

from zoo.bench import contests, engine, plot, works
from zoo.bench.contests import Contest, Heat, Result, chosen, installed
from zoo.bench.rounds import Counted, Run, Spread, count
from zoo.bench.suites import registry
from zoo.errors import CheckFailure, ZooError


@dataclass
class FakeClock:
    """Time that passes only where a work says so: on the wall, and on a core."""

    wall: float = 0.0
    core: float = 0.0
    called: list[str] = field(default_factory=list)

    def __call__(self) -> tuple[float, float]:
        return self.wall, self.core

    def work(self, name: str, seconds: float, waiting: Callable[[int], float] = lambda call: 0.0) -> Callable[[], None]:
        """waiting: seconds without a core in this call of the work, counted from 0."""
        calls: Iterator[int] = iter(range(10**9))

        def work() -> None:
            waited = waiting(next(calls))
            self.called.append(name)
            self.wall += seconds + waited
            self.core += seconds

        return work


LONG = Contest("fake/long", "ours", "theirs", "as long", 1.05)
FAST = Contest("fake/fast", "ours", "theirs", "as fast", 1.8)


def heat(works: Mapping[str, Callable[[], None]], *several: Contest) -> Heat:
    return Heat(several, lambda: works)


def figures(result: Result) -> tuple[float, float, float]:
    return result.figure.low, result.figure.median, result.figure.high


# Figures


def test_a_figure_is_the_ratio_of_what_one_call_takes() -> None:
    clock = FakeClock()
    works = {"ours": clock.work("ours", 0.2), "theirs": clock.work("theirs", 0.5)}
    as_long, as_fast = engine.run(heat(works, LONG, FAST), rounds=4, share=1e9, clock=clock)
    assert figures(as_long) == pytest.approx((0.4, 0.4, 0.4))
    assert figures(as_fast) == pytest.approx((2.5, 2.5, 2.5))
    assert (as_long.seconds.median, as_long.beside_seconds.median) == pytest.approx((0.2, 0.5))
    assert (as_long.rounds, as_long.thrown_away, as_long.kept_disturbed) == (4, 0, 0)


def test_a_short_work_is_called_until_a_slice_is_full() -> None:
    clock = FakeClock()
    works = {"ours": clock.work("ours", 0.001), "theirs": clock.work("theirs", 0.03)}
    (result,) = engine.run(heat(works, LONG), rounds=1, share=1e9, clock=clock)
    assert clock.called[-52:] == ["ours"] * 50 + ["theirs"] * 2
    assert result.seconds.median == pytest.approx(0.001)
    assert result.figure.median == pytest.approx(1 / 30)


def test_every_other_round_goes_the_other_way() -> None:
    clock = FakeClock()
    works = {"ours": clock.work("ours", 1.0), "theirs": clock.work("theirs", 1.0)}
    engine.run(heat(works, LONG), rounds=3, share=1e9, clock=clock)
    assert clock.called == ["ours", "theirs", *["ours", "theirs"], *["theirs", "ours"], *["ours", "theirs"]]


def test_the_median_is_over_the_ratios_of_rounds_and_not_over_their_times() -> None:
    pairs = [(1.0, 1.0), (4.0, 2.0), (9.0, 3.0)]  # slower from round to round, as a machine that heats up
    rounds = tuple({"ours": Run(a, a), "theirs": Run(b, b)} for a, b in pairs)
    result = engine.result(LONG, Counted(rounds, 0, 0))
    assert figures(result) == (1.5, 2.0, 2.5)
    assert result.seconds == Spread(2.5, 4.0, 6.5)


@each(
    ("contest", "median", "met"),
    [
        (LONG, 1.05, True), (LONG, 1.06, False), (FAST, 1.8, True), (FAST, 1.79, False),
        (Contest("fake/open", "ours", "theirs"), 9.0, None),
    ],
)  # fmt: skip
def test_a_goal_is_met_by_the_median(contest: Contest, median: float, met: bool | None) -> None:
    one = Spread(1.0, 1.0, 1.0)
    assert Result(contest, one, one, Spread(0.0, median, 99.0), 5, 0, 0).met is met


# Rounds


def test_a_round_in_which_one_of_the_works_waited_is_thrown_away_and_counted() -> None:
    clock = FakeClock()
    # The first call warms up; then, in the second and the third round, it waits for a core.
    works = {
        "ours": clock.work("ours", 1.0, lambda call: 0.5 if call in (2, 3) else 0.0),
        "theirs": clock.work("theirs", 1.0),
    }
    (result,) = engine.run(heat(works, LONG), rounds=4, share=1e9, clock=clock)
    assert figures(result) == pytest.approx((1.0, 1.0, 1.0))
    assert (result.rounds, result.thrown_away, result.kept_disturbed) == (4, 2, 0)


def test_where_it_is_never_quiet_the_least_disturbed_rounds_stand_in_and_are_counted() -> None:
    clock = FakeClock()
    works = {"ours": clock.work("ours", 1.0, lambda call: 0.1 * call), "theirs": clock.work("theirs", 1.0)}
    (result,) = engine.run(heat(works, LONG), rounds=5, share=1e9, clock=clock)
    # 20 attempts; the three with the shortest waits are the first ones, with 0.1, 0.2 and 0.3 s.
    assert (result.rounds, result.thrown_away, result.kept_disturbed) == (3, 17, 3)
    assert result.figure.median == pytest.approx(1.2)


def test_a_heat_ends_when_its_share_is_used_but_not_before_three_rounds() -> None:
    for share, rounds in ((0.0, 3), (11.0, 5)):
        clock = FakeClock()
        works = {"ours": clock.work("ours", 1.0), "theirs": clock.work("theirs", 1.0)}
        (result,) = engine.run(heat(works, LONG), rounds=8, share=share, clock=clock)
        assert result.rounds == rounds
    clock = FakeClock()
    works = {"ours": clock.work("ours", 1.0), "theirs": clock.work("theirs", 1.0)}
    assert engine.run(heat(works, LONG), rounds=1, share=0.0, clock=clock)[0].rounds == 1


def test_a_slice_may_wait_for_a_twentieth_and_a_process_for_more() -> None:
    assert not Run(1.0, 0.96, engine.ALLOWED).disturbed
    assert Run(1.0, 0.94, engine.ALLOWED).disturbed
    assert not Run(1.0, 0.94).disturbed


def test_counting_takes_no_more_rounds_than_it_needs() -> None:
    taken = []

    def attempts() -> Iterator[dict[str, Run]]:
        for seconds in (1.0, 2.0, 3.0):
            taken.append(seconds)
            yield {"a": Run(seconds, seconds)}

    counted = count(attempts(), wanted=2, least=2)
    assert taken == [1.0, 2.0]
    assert [runs["a"].seconds for runs in counted.rounds] == [1.0, 2.0]


# The same computation


def test_contestants_that_compute_something_else_are_refused() -> None:
    import torch

    linear = torch.nn.Linear(6, 5)
    other = torch.nn.Linear(6, 5)
    other.load_state_dict(linear.state_dict())
    size = works.Size(2, 3, 6, 5)

    def check(run: Callable[[torch.Tensor], torch.Tensor], *parameters: torch.Tensor) -> None:
        ours = works.Contestant(linear, tuple(linear.parameters()))
        works.verify("a/b", size, lambda _: (ours, works.Contestant(run, parameters)))

    check(other, *other.parameters())
    with pytest.raises(CheckFailure, match=r"^a/b: not the same computation: outputs differ by 1\.0e-02 where"):
        check(lambda x: other(x) + 0.01, *other.parameters())
    with pytest.raises(CheckFailure, match="gradients of the input differ"):
        check(lambda x: other(x.detach()) + 0 * other(x), *other.parameters())
    with pytest.raises(CheckFailure, match=r"outputs of shape \(2, 3, 5\) and \(2, 3, 4\)"):
        check(lambda x: other(x)[..., :4], *other.parameters())
    with pytest.raises(CheckFailure, match="35 and 30 trained parameters"):
        check(other, other.weight)
    with pytest.raises(CheckFailure, match="differ by nan"):
        check(lambda x: other(x) * float("nan"), *other.parameters())


@pytest.mark.long
def test_every_pair_of_the_suites_is_the_same_computation() -> None:
    able, _ = installed(registry.heats())
    small = [one for one in able if one.verify is not None and "medium" not in one.contests[0].name]
    assert len(small) > 30
    for one in small:
        assert one.verify is not None
        one.verify()


def test_what_is_not_the_same_computation_is_about_as_large() -> None:
    from zoo.bench.suites import peers

    compared = {heat.contests[0].name.split("/")[1] for heat in peers.heats() if heat.verify is None}
    assert compared == {peer.name for peer in peers.OTHERS}
    for peer in peers.OTHERS:
        size = works.SIZES["small" if peer.square else "toy"]
        ours, theirs = (sum(one.numel() for one in made.parameters) for made in peers.alike(peer, size, 1))
        assert 0 <= theirs - ours <= 5 * size.hidden, peer.name  # biases that it cannot leave out
    names = [heat.contests[0].name for heat in peers.heats()]
    assert "peers/atr/toy/x1/training" in names
    assert "peers/intersection/toy/x1/training" not in names  # theirs takes only as many inputs as units


def test_weights_that_are_not_copied_are_found(monkeypatch: pytest.MonkeyPatch) -> None:
    from zoo.bench.suites import kernels

    def stranger(model: object, cell: str, size: works.Size, **options: object) -> object:
        import torch

        return torch.nn.LSTM(size.input, size.hidden, batch_first=True)

    monkeypatch.setattr(kernels, "torch_twin", stranger)
    (one,) = chosen(registry.heats(["kernels"]), "lstm/toy/x1/forward")
    assert one.verify is not None
    with pytest.raises(CheckFailure, match="kernels/lstm/toy/x1/forward: not the same computation: outputs differ"):
        one.verify()


def test_nothing_is_measured_where_a_pair_is_not_the_same() -> None:
    def differ() -> None:
        raise CheckFailure("they differ")

    def never() -> dict[str, Callable[[], None]]:
        raise AssertionError("it was made")

    heats = (Heat((LONG,), never), Heat((FAST,), never, differ))
    with pytest.raises(CheckFailure, match="they differ"):
        engine.measure(heats, rounds=1, seconds=1.0, threads=1)


def test_training_takes_the_gradient_of_all_that_it_should() -> None:
    import torch

    seen = []

    class Traced(torch.autograd.Function):
        @staticmethod
        def forward(ctx: object, x: torch.Tensor, name: str) -> torch.Tensor:
            ctx.name = name
            return x.clone()

        @staticmethod
        def backward(ctx: object, grad: torch.Tensor) -> tuple[torch.Tensor, None]:
            seen.append(ctx.name)
            return grad, None

    weight = torch.ones(4, requires_grad=True)
    x = torch.ones(2, 3, 4)
    contestant = works.Contestant(lambda x: Traced.apply(x, "x") * Traced.apply(weight, "weight"), (weight,))
    contestant.forward(x)()
    assert seen == []
    contestant.training(x)()
    assert seen == ["weight"]
    contestant.training(x, input_gradient=True)()
    assert sorted(seen) == ["weight", "weight", "x"]
    turned = works.Contestant(lambda x: x, (), time_first=True)
    assert turned.reads(x).shape == (3, 2, 4)
    assert turned.reads(x).is_contiguous()


# What can be chosen


def test_the_suites_have_the_goals_of_the_page() -> None:
    goals = {contest.name: contest.bound for one in registry.heats() for contest in one.contests}
    assert len(goals) == sum(len(one.contests) for one in registry.heats()), "two contests of one name"
    wanted = {
        "floor/lstm/toy/training": "",
        "kernels/rnn/toy/x1/training": "≤ 1.1",
        "kernels/gru/medium/x3/training": "≤ 1.05",
        "kernels/lstm/small/x2-both/training": "≤ 1.05",
        "kernels/lstm/small/x1/forward": "",
        "ragged/lstm/small/x1/training": "≥ 3.5",
        "ragged/lstm/medium/x1/training": "≥ 7",
        "ragged/lstm/long-128/x1/training": "≥ 20",
        "loop/gru/small/x1/training": "≤ 1.2",
        "loop/lstm/medium/x1/training": "≤ 1.35",
        "peers/mgu/toy/x3/training": "≥ 1.8",
        "peers/indrnn/small/x1/training": "≥ 1.4",
        "peers/peephole-lstm/medium/x1/training": "≥ 1.2",
        "peers/janet/medium-64/x3/training": "≥ 1.2",
        "peers/mgu/long/x1-input-gradient/training": "≥ 5",
        "linear/recurrence/long/training": "≤ 0.5",
        "linear/mingru/long/x1/training": "≥ 3",
        "linear/mingru/long/x1/lstm/training": "≥ 2.5",
        "linear/lru/long/x1/lstm/training": "≥ 1.3",
        "growth/mgu/T=8192/x3-input-gradient/training": "≤ 2.3",
    }
    assert {name: goals.get(name) for name in wanted} == wanted
    assert sum("growth/lru/" in name for name in goals) == 7


def test_contests_are_chosen_by_part_of_a_name_or_by_a_pattern() -> None:
    heats = registry.heats(["kernels", "growth"])
    assert [c.name for one in chosen(heats, "lstm/toy/x1") for c in one.contests] == [
        "kernels/lstm/toy/x1/forward",
        "kernels/lstm/toy/x1/training",
    ]
    (growth,) = chosen(heats, "growth/lru/T=128/*")
    assert growth.names == ("T=128", "T=64"), "the other lengths need not run"
    assert len(chosen(heats, None)) == len(heats)


def test_what_is_not_installed_is_skipped_with_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(contests, "find_spec", lambda name: None)
    able, lines = installed(registry.heats(["peers", "linear", "floor"]))
    assert {one.contests[0].suite for one in able} == {"floor", "linear"}
    peers = len(registry.heats(["peers"]))
    assert lines == (
        f"torchrecurrent is not installed: {peers} benchmarks skipped (pip install 'recurrent-zoo[bench]')",
        "minGRU-pytorch is not installed: 3 benchmarks skipped (pip install 'recurrent-zoo[bench]')",
    )


# What is shown


def measurement() -> engine.Measurement:
    one = Spread(0.001, 0.002, 0.25)
    return engine.Measurement(
        results=(
            Result(LONG, one, one, Spread(0.9, 1.0, 1.25), 7, 2, 0),
            Result(FAST, one, one, Spread(1.0, 1.5, 12.0), 3, 0, 1),
            Result(Contest("more/open", "zoo", "itself"), one, one, Spread(1.0, 1.0, 1.0), 3, 0, 0),
        ),
        torch="2.0",
        threads=1,
        denormals="flushed to zero",
        seconds=12.3,
        thrown_away=2,
        kept_disturbed=1,
        skipped=("x is not installed",),
    )


Said = tuple[int, str, str]


@pytest.fixture
def bench(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> Callable[..., Said]:
    """Run `zoo bench engine` in this process, in an empty folder: its status, output and errors."""
    from zoo.cli.main import main

    monkeypatch.chdir(tmp_path)

    def run(*arguments: str) -> Said:
        monkeypatch.setattr(sys, "argv", ["zoo", "bench", "engine", *arguments])
        with pytest.raises(SystemExit) as end:
            main()
        out, err = capsys.readouterr()
        assert "Traceback" not in out + err
        return int(end.value.code or 0), out, err

    return run


@pytest.fixture
def unmeasured(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is measured: the figures are those of `measurement`."""
    monkeypatch.setattr(engine, "measure", lambda heats, **options: measurement())


@pytest.mark.usefixtures("unmeasured")
def test_the_table_has_a_row_for_each_contest_and_says_how_it_was_measured(bench: Callable[..., Said]) -> None:
    status, out, err = bench()
    lines = out.splitlines()
    assert (status, err) == (0, "")
    header, first, second, third = (re.split(r"  +", line.strip()) for line in lines[:4])
    assert header == ["benchmark", "ms", "baseline", "ms", "ratio", "quartiles", "rounds", "goal", "met"]
    assert first == ["fake/long", "2", "theirs", "2", "1.00 as long", "0.90 to 1.25", "7", "≤ 1.05", "yes"]
    assert second == ["fake/fast", "2", "theirs", "2", "1.50 as fast", "1.00 to 12.0", "3", "≥ 1.8", "no"]
    assert third == ["more/open", "2", "itself", "2", "1.00 as long", "1.00 to 1.00", "3"]
    assert re.fullmatch(
        r"medians of interleaved rounds, times in milliseconds; Python 3\.\S+, \S+, \d+ cores, torch 2\.0, threads: 1, "
        r"denormals: flushed to zero; 12 s in all",
        lines[4],
    )
    assert lines[5:] == [
        "discarded, since another process took the core: 2 rounds",
        "the machine was not quiet for long enough: 1 rounds shown were disturbed",
        "goals met: 1 of 2",
        "x is not installed",
    ]


@pytest.mark.usefixtures("unmeasured")
def test_json_has_every_figure(bench: Callable[..., Said]) -> None:
    data = json.loads(bench("--json")[1])
    assert data["machine"].endswith("cores")
    del data["machine"]
    results = data.pop("results")
    assert data == {
        "torch": "2.0", "threads": 1, "denormals": "flushed to zero", "total_seconds": 12.3,
        "thrown_away": 2, "kept_disturbed": 1, "skipped": ["x is not installed"],
    }  # fmt: skip
    assert results[1] == {
        "suite": "fake", "name": "fake/fast", "ours": "ours", "beside": "theirs", "sign": "as fast", "goal": 1.8,
        "met": False, "seconds": {"low": 0.001, "median": 0.002, "high": 0.25},
        "beside_seconds": {"low": 0.001, "median": 0.002, "high": 0.25},
        "figure": {"low": 1.0, "median": 1.5, "high": 12.0}, "rounds": 3, "thrown_away": 0, "kept_disturbed": 1,
    }  # fmt: skip
    assert (results[2]["goal"], results[2]["met"]) == (None, None)


@pytest.mark.usefixtures("unmeasured")
def test_the_plot_is_an_svg_with_every_contest(bench: Callable[..., Said], tmp_path: Path) -> None:
    status, out, err = bench("--plot", "figures.svg")
    assert (status, err) == (0, "drawn: figures.svg\n")
    assert "fake/long" in out
    written = (tmp_path / "figures.svg").read_bytes()
    root = ElementTree.fromstring(written)
    assert root.tag == "{http://www.w3.org/2000/svg}svg"
    texts = {"".join(text.itertext()) for text in root.iter("{http://www.w3.org/2000/svg}text")}
    assert {"fake", "more", "long / theirs", "fast / theirs", "open / itself"} <= texts
    colours = re.findall("|".join((plot.MET, plot.MISSED, plot.OPEN)), written.decode())
    assert set(colours) == {plot.MET, plot.MISSED, plot.OPEN}
    bench("--plot", "again.svg")
    assert (tmp_path / "again.svg").read_bytes() == written, "equal figures are an equal picture"


def test_a_plot_shows_times_whatever_the_sign() -> None:
    long, fast, _ = measurement().results
    assert plot.as_long(long) == (0.9, 1.0, 1.25)
    assert plot.as_long(fast) == pytest.approx((1 / 12, 1 / 1.5, 1.0))


def test_the_list_measures_nothing(bench: Callable[..., Said], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engine, "measure", None)
    status, out, _ = bench("--list", "--suite", "ragged", "--only", "x1/training")
    assert status == 0
    assert [re.split(r"  +", line) for line in out.splitlines()] == [
        ["benchmark", "baseline", "goal"],
        ["ragged/lstm/small/x1/training", "nn.LSTM, packed", "≥ 3.5"],
        ["ragged/lstm/medium/x1/training", "nn.LSTM, packed", "≥ 7"],
        ["ragged/lstm/long-128/x1/training", "nn.LSTM, packed", "≥ 20"],
    ]
    data = json.loads(bench("--list", "--json", "--suite", "floor")[1])
    assert data[0] == {
        "suite": "floor", "name": "floor/lstm/toy/training", "ours": "zoo", "beside": "itself", "sign": "as long",
        "goal": None,
    }  # fmt: skip


@each(
    ("arguments", "says"),
    [
        ("--suite speed", "zoo: --suite must be one of floor, kernels, ragged, loop, peers, linear, growth, models, not 'speed'; did you mean 'peers'?"),
        ("--only nothing/*", "zoo: no benchmark matches 'nothing/*'; see zoo bench engine --list"),
        ("--plot a.txt", "zoo: --plot must end in .svg, .pdf or .png: a.txt"),
        ("--plot no/a.svg", "zoo: --plot cannot write no/a.svg: there is no folder no"),
        ("--plot folder.svg", "zoo: --plot must be a file, not a folder: folder.svg"),
    ],
)  # fmt: skip
def test_a_mistake_is_one_line_before_anything_is_measured(
    bench: Callable[..., Said], monkeypatch: pytest.MonkeyPatch, arguments: str, says: str
) -> None:
    monkeypatch.setattr(engine, "measure", None)
    Path("folder.svg").mkdir(exist_ok=True)
    assert bench(*arguments.split()) == (2, "", says + "\n")


@each("arguments", ["--rounds 0", "--threads 0", "--seconds -1", "--rounds many"])
def test_a_number_out_of_its_bounds_is_refused(
    bench: Callable[..., Said], monkeypatch: pytest.MonkeyPatch, arguments: str
) -> None:
    monkeypatch.setattr(engine, "measure", None)
    status, out, err = bench(*arguments.split())
    assert (status, out) == (2, "")
    assert err.startswith(f"zoo: {arguments.split()[0]} must be a")


def test_without_matplotlib_a_plot_is_refused_in_one_line(
    bench: Callable[..., Said], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(engine, "measure", None)
    monkeypatch.setattr(plot, "find_spec", lambda name: None)
    assert bench("--plot", "a.svg") == (
        2, "", "zoo: --plot needs matplotlib, which is not installed: pip install 'recurrent-zoo[bench]'\n",
    )  # fmt: skip


def test_a_picture_that_cannot_be_written_is_one_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(ZooError, match=r"--plot cannot write .*gone.a\.svg: No such file or directory"):
        plot.draw(measurement(), tmp_path / "gone" / "a.svg")
    monkeypatch.setattr(plot.os, "access", lambda path, mode: False)
    with pytest.raises(ZooError, match="permission denied"):
        plot.check(tmp_path / "a.svg")


# All of it, once


def test_a_real_run(bench: Callable[..., Said], monkeypatch: pytest.MonkeyPatch) -> None:
    import torch

    monkeypatch.setattr(engine, "SLICE", 1e-4)
    before = torch.get_num_threads(), torch.get_rng_state()
    suites = ("--suite", "floor", "--suite", "kernels")
    status, out, err = bench("--only", "lstm/toy", *suites, "--rounds", "2", "--threads", "2", "--json")
    assert (status, err) == (0, "")
    data = json.loads(out)
    assert [row["name"] for row in data["results"]] == [
        "floor/lstm/toy/training", "kernels/lstm/toy/x1/forward", "kernels/lstm/toy/x1/training",
        "kernels/lstm/toy/x3/forward", "kernels/lstm/toy/x3/training", "kernels/lstm/toy/x2-both/training",
    ]  # fmt: skip
    assert (data["torch"], data["threads"]) == (torch.__version__, 2)
    for row in data["results"]:
        assert row["rounds"] == 2
        assert 0 < row["seconds"]["low"] <= row["seconds"]["median"] <= row["seconds"]["high"]
        assert row["met"] == (None if row["goal"] is None else row["figure"]["median"] <= row["goal"])
    assert torch.get_num_threads() == before[0]
    assert torch.equal(torch.get_rng_state(), before[1])
    assert float(torch.tensor(1e-40) * 1) > 0, "denormal numbers are kept again"


def test_denormals_are_flushed_while_it_is_measured() -> None:
    import torch

    with engine._settings(1) as denormals:
        if denormals == "flushed to zero":
            assert float(torch.tensor([1e-40]) * 1) == 0


def test_growth_makes_the_lengths_that_it_names() -> None:
    from zoo.bench.suites import growth

    made: list[tuple[int, ...]] = []

    class Traced:
        def training(self, x: object, *, input_gradient: bool) -> Callable[[], None]:
            assert input_gradient
            made.append(tuple(x.shape))
            return lambda: None

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(growth, "of_zoo", lambda model: Traced())
        works = growth.heats()[0].make()
    assert list(works) == [f"T={steps}" for steps in growth.STEPS]
    assert made == [(8, steps, 32) for steps in (64, 128, 256, 512, 1024, 2048, 4096, 8192)]
