"""The command `zoo`, and `python -m zoo`."""

from __future__ import annotations

import gc


def main() -> None:
    """Run the command line."""
    # By default the collector runs 75 times while a short command starts, a twentieth of its time, and finds nothing.
    gc.set_threshold(20_000, 10, 10)
    from zoo.cli.damage import ignore

    ignore()
    from zoo.cli.main import main as run
    from zoo.cli.output import nothing_more

    try:
        run()
    finally:
        nothing_more()


if __name__ == "__main__":
    main()
