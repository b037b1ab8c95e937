"""What came of checking one model: each check's outcome, and the line that counts them."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import Any, Literal

Status = Literal["passed", "skipped", "failed", "expected failure", "not run"]


@dataclass(frozen=True, slots=True)
class Outcome:
    """One check on one model.

    Attributes:
        check: Name of the check.
        status: How it ended.
        reason: The declaration behind a skip, the figure and bound of a failure, or why a check was not run.
        detail: What the check says of itself, such as which options it varied.
        traceback: Of a failure.
        seconds: How long it took.
    """

    check: str
    status: Status
    reason: str = ""
    detail: str = field(default="", compare=False)
    traceback: str = field(default="", compare=False, repr=False)
    seconds: float = field(default=0.0, compare=False)


@dataclass(frozen=True, slots=True)
class Report:
    """The outcomes of the checks on one model.

    A model for which no check passed or failed has not been tested, and is not ok.

    Attributes:
        name: Of the model.
        outcomes: Of every check, in order.
    """

    name: str
    outcomes: tuple[Outcome, ...]

    @property
    def passed(self) -> int:
        """Number of checks that passed, or failed as declared."""
        return sum(outcome.status in ("passed", "expected failure") for outcome in self.outcomes)

    @property
    def skipped(self) -> int:
        """Number of checks that do not apply."""
        return sum(outcome.status == "skipped" for outcome in self.outcomes)

    @property
    def failed(self) -> int:
        """Number of checks that failed."""
        return sum(outcome.status == "failed" for outcome in self.outcomes)

    @property
    def not_run(self) -> int:
        """Number of checks that a failure made meaningless: the model cannot be built, or cannot run."""
        return sum(outcome.status == "not run" for outcome in self.outcomes)

    @property
    def ok(self) -> bool:
        """Whether no check failed and at least one passed."""
        return self.failed == 0 and self.passed > 0

    def __str__(self) -> str:
        return self.text()

    def text(self, *, verbose: bool = False, traceback: bool = False) -> str:
        """The report for people.

        Args:
            verbose: Whether to write one line for each check, with the time that it took and what it says of itself.
            traceback: Whether to write the traceback below each failure.

        Returns:
            One or more lines.
        """
        why = f" ({_skips(self.outcomes)})" if self.skipped and not verbose else ""
        counts = f"{self.passed} passed, {self.skipped} skipped{why}, {self.failed} failed"
        lines = [f"{self.name}: {counts}" + (f", {self.not_run} not run" if self.not_run else "")]
        if not self.passed and not self.failed:
            lines.append("  FAILED: no check ran")
        for one in self.outcomes if verbose else _noteworthy(self.outcomes):
            lines.append(_line(one, verbose))
            if traceback and one.traceback:
                lines += [f"    {line}".rstrip() for line in one.traceback.splitlines()]
        return "\n".join(lines)

    def to_json(self) -> dict[str, Any]:
        """The report as plain data.

        Returns:
            The counts, and every outcome.
        """
        return {
            "name": self.name,
            "ok": self.ok,
            "passed": self.passed,
            "skipped": self.skipped,
            "failed": self.failed,
            "not_run": self.not_run,
            "outcomes": [asdict(outcome) for outcome in self.outcomes],
        }


def _skips(outcomes: tuple[Outcome, ...]) -> str:
    """Each reason once, behind the checks that it holds for."""
    reasons: dict[str, list[str]] = {}
    for one in outcomes:
        if one.status == "skipped":
            reasons.setdefault(one.reason, []).append(one.check)
    return "; ".join(f"{', '.join(checks)}: {reason}" for reason, checks in reasons.items())


def _noteworthy(outcomes: tuple[Outcome, ...]) -> list[Outcome]:
    return [one for status in ("failed", "expected failure") for one in outcomes if one.status == status]


def _line(one: Outcome, verbose: bool) -> str:
    status = "FAILED" if one.status == "failed" else one.status
    if not verbose:
        return f"  {status} {one.check}: {one.reason}"
    timed = "" if one.status == "not run" else f"{one.seconds:8.2f} s"
    said = "; ".join(text for text in (one.reason, one.detail) if text)
    return f"  {status:<16}  {one.check:<20}{timed:>10}  {said}".rstrip()
