"""What a process holds of memory, and how many threads its libraries use."""

from __future__ import annotations

import os
import resource
from pathlib import Path


def resident_mb(pid: int | None = None) -> float:
    """Resident memory of a process, by default this one, in MB (10^6 bytes); 0 when it has ended."""
    try:
        pages = int(Path(f"/proc/{pid or os.getpid()}/statm").read_text().split()[1])
    except (OSError, IndexError):
        return 0.0
    return pages * resource.getpagesize() / 1e6


def one_thread() -> dict[str, str]:
    """The environment that keeps numerical libraries to one thread: processes are the parallelism here."""
    return dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1")
