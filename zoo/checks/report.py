"""What came of checking one model: each check's outcome, and the line that counts them."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any, Literal

Status = Literal["passed", "skipped", "failed", "expected failure"]


@dataclass(frozen=True, slots=True)
class Outcome:
    """One check on one model. reason: the declaration behind a skip, or the figure and bound of a failure."""

    check: str
    status: Status
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Report:
    """The outcomes of one model. A model for which no check passed or failed has not been tested, and is not ok."""

    name: str
    outcomes: tuple[Outcome, ...]

    @property
    def passed(self) -> int:
        return sum(outcome.status in ("passed", "expected failure") for outcome in self.outcomes)

    @property
    def skipped(self) -> int:
        return sum(outcome.status == "skipped" for outcome in self.outcomes)

    @property
    def failed(self) -> int:
        return sum(outcome.status == "failed" for outcome in self.outcomes)

    @property
    def ok(self) -> bool:
        return self.failed == 0 and self.passed > 0

    def __str__(self) -> str:
        reasons = dict.fromkeys(o.reason for o in self.outcomes if o.status == "skipped")
        why = f" ({'; '.join(reasons)})" if reasons else ""
        lines = [f"{self.name}: {self.passed} passed, {self.skipped} skipped{why}, {self.failed} failed"]
        if not self.passed and not self.failed:
            lines.append("  FAILED: no check ran")
        lines += [f"  FAILED {o.check}: {o.reason}" for o in self.outcomes if o.status == "failed"]
        lines += [f"  expected failure {o.check}: {o.reason}" for o in self.outcomes if o.status == "expected failure"]
        return "\n".join(lines)

    def to_json(self) -> dict[str, Any]:
        return {
            "name": self.name,
            "ok": self.ok,
            "passed": self.passed,
            "skipped": self.skipped,
            "failed": self.failed,
            "outcomes": [asdict(outcome) for outcome in self.outcomes],
        }
