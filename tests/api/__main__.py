"""Write `public.txt` anew from the code:

python tests/api              takes in what is new, and refuses what breaks users
python tests/api --breaking   takes in everything, if CHANGELOG.md says so under "### Breaking"
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from api_around import public_facts
from api_breaking import changes
from api_changelog import CHANGELOG, unnamed
from api_facts import SNAPSHOT, Facts, read, write


def refresh(snapshot: Path, new: Facts, changelog: str, *, breaking: bool) -> tuple[str, int]:
    """Bring a snapshot up to date, or leave it as it is: what there is to say, and the exit status."""
    old = read(snapshot.read_text(encoding="utf-8")) if snapshot.exists() else {}
    found = changes(old, new)
    said = [str(change) for change in found]
    broken = [change for change in found if change.breaks]
    if broken and not breaking:
        return "\n".join([*said, f"{len(broken)} break users: nothing written; --breaking takes them in"]), 1
    missing = unnamed(broken, changelog)
    if missing:
        wanted = [f"no entry names {change.subject}" for change in missing]
        return "\n".join(
            [*wanted, 'nothing written: say it in CHANGELOG.md, under "### Breaking" of the newest version']
        ), 1
    snapshot.write_text(write(new), encoding="utf-8")
    return "\n".join([*said, f"{snapshot.name}: {len(new)} facts, {len(found)} changes"]), 0


def main() -> int:
    assert __doc__ is not None
    parser = argparse.ArgumentParser(
        prog="python tests/api", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--breaking", action="store_true", help="take in changes that break users")
    asked = parser.parse_args()
    text, status = refresh(SNAPSHOT, public_facts(), CHANGELOG.read_text(encoding="utf-8"), breaking=asked.breaking)
    sys.stdout.write(f"{text}\n")
    return status


if __name__ == "__main__":
    sys.exit(main())
