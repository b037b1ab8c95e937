"""What every test shares: one thread in each process."""

from __future__ import annotations

import os

# Tests are small and run side by side: threads that wait for one another's cores made them ten times slower. torch
# reads this when it is imported, and so do the processes that tests start.
os.environ.setdefault("OMP_NUM_THREADS", "1")
