"""The command `zoo`, and `python -m zoo`."""

from __future__ import annotations

import gc


def main() -> None:
    """Run the command line."""
    # By default the collector runs 75 times while a short command starts, a twentieth of its time, and finds nothing.
    gc.set_threshold(20_000, 10, 10)
    from zoo.cli.main import main as run

    run()


if __name__ == "__main__":
    main()
