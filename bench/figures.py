"""Measures CPU time and memory, and computes percentiles, for several benches."""

from __future__ import annotations

import gc
import os
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

_TICKS = os.sysconf("SC_CLK_TCK")
_PAGE_KB = os.sysconf("SC_PAGE_SIZE") / 1024


def percentile(values: Sequence[float], percent: float) -> float:
    """Return the value that `percent` of the values do not exceed, or 0 without values."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(len(ordered) * percent / 100))] if ordered else 0.0


def median(values: Sequence[float]) -> float:
    """Return the middle value (the lower of the two middle values)."""
    return percentile(values, 49.999)


def cpu_seconds() -> float:
    """Return the CPU seconds, user and system, of this process and all its threads."""
    return time.process_time()


def cpu_seconds_of(pid: int) -> float:
    """Return the CPU seconds of another process, to a hundredth of a second."""
    fields = Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / _TICKS


def rss_kb() -> float:
    """Return the resident memory of this process in KB, after a garbage collection."""
    gc.collect()
    return int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1]) * _PAGE_KB


def round_figures(figures: Mapping[str, float]) -> dict[str, float]:
    """Return the figures rounded to four significant digits."""
    return {name: float(f"{value:.4g}") for name, value in figures.items()}
