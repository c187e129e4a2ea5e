"""Every bench runs and prints its figures, or an error."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

import pytest

from bench.__main__ import BENCHES
from bench.daemons import poll_while_starting
from bench.figures import median, percentile

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[3]
LONGEST = 500
"""Seconds that a bench may take on a busy machine."""
KEYS = {
    "readiness": {"assess_s"},
    "looks": {
        "cpu_ratio_to_httpx",
        "lateness_p99_ms",
        "burst_p99_ms",
        "many_lateness_p99_ms",
        "memory_per_target_kb",
        "looks_per_core_second",
        "origin_ms",
        "origin_ratio_to_httpx",
        "floor_ratio_to_httpx",
    },
    "budget": {
        "hot_to_optimum",
        "hot_to_equal",
        "zipf_to_optimum",
        "zipf_longest_gap",
        "slot_175_proved",
    },
    "pool": {"ours_ms_20_in_flight_5_hosts", "ratio_to_httpx_20_in_flight_5_hosts"},
    "files": {
        "missing_get_ms",
        "missing_head_ratio",
        "there_get_by_etag_connections",
        "bare_there_head_ratio",
    },
    "store": {"rows_per_second", "bytes_per_quiet_release", "bytes_of_a_monthly_series"},
    "upkeep": {"bytes_before", "bytes_after", "commit_longest_ms", "loop_longest_ms"},
    "judge": {"judgements_per_second", "replayed_looks_per_second"},
    "calendar": {
        "first_seconds",
        "stored_seconds",
        "blind_seconds",
        "unchanged_seconds",
        "grew_by_mb",
    },
    "live": {"alone_late_p99_ms", "live_late_p99_ms", "live_core_share", "board_p99_ms"},
    "board": {"board_p50_ms", "board_p99_ms", "releases_p99_ms", "start_cpu_seconds", "start_mb"},
    "detect": {"detect_p50_ms", "detect_p99_ms", "late_p50_ms", "late_p99_ms"},
    "start": {"check_seconds", "first_look_seconds"},
    "memory": {
        "rss_mb",
        "rss_with_drafts_mb",
        "growth_percent",
        "looks",
        "simulated_days",
        "idle_cpu_percent",
    },
    "scale": {
        "start_cpu_seconds",
        "start_mb",
        "plan_cpu_seconds",
        "export_peak_mb",
        "period_peak_mb_exponent",
    },
    "fleet": {
        "requests_ratio_2",
        "interval_ratio_2",
        "takeover_s",
        "widest_gap_s",
        "duplicates",
        "cut_off_ratio",
    },
    "rules": {"core_share_10", "release_rules_ms_10", "all_rules_ms_10", "missed_10"},
    "hostile": {
        "healthy_gap_seconds",
        "healthz_seconds",
        "rss_more_mb",
        "stop_seconds",
        "inputs_asked",
        "file_seconds",
        "file_mb",
    },
}
PARTS = {"fleet": "postgresql", "rules": "prometheus"}


@pytest.mark.parametrize(
    "name",
    [
        pytest.param(name, marks=[pytest.mark.needs(PARTS[name])] if name in PARTS else [])
        for name in BENCHES
    ],
)
def test_every_bench_prints_its_figures(name: str) -> None:
    """A case is a bench, which runs as a command."""
    command = [sys.executable, "-m", "bench", name, "--quick", "--json"]
    with subprocess.Popen(
        command,
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    ) as process:
        try:
            printed_figures, faults = process.communicate(timeout=LONGEST)
        finally:
            # Its daemons must not outlive it and slow down other tests.
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
    assert process.returncode == 0, printed_figures + faults
    figures = json.loads(printed_figures)
    assert figures["bench"] == name
    assert KEYS[name] <= set(figures)


DAEMON = "import threading, time\nwhile time.process_time() < {cpu}: pass\n{then}"


@pytest.mark.parametrize(
    ("cpu", "then", "why"),
    [
        (0.0, "raise SystemExit(3)", "ended with status 3"),
        (0.0, "threading.Event().wait()", "did nothing for 0.3 s"),
        (0.6, "raise SystemExit(4)", "ended with status 4"),
    ],
)
def test_a_starting_daemon_is_waited_for_while_it_makes_progress(
    cpu: float, then: str, why: str
) -> None:
    """A case is the CPU seconds that the process uses, and what it does then.

    A pause of 0.3 s is no progress.
    """
    process = subprocess.Popen([sys.executable, "-c", DAEMON.format(cpu=cpu, then=then)])
    try:
        with pytest.raises(RuntimeError, match=why):
            list(poll_while_starting(process, patience=0.3))
    finally:
        process.kill()
        process.wait()


def test_an_unknown_bench_is_refused_with_the_names_there_are() -> None:
    misspelt = [sys.executable, "-m", "bench", "loks"]
    refused = subprocess.run(misspelt, cwd=ROOT, capture_output=True, text=True, check=False)
    assert refused.returncode == 2
    assert "looks" in refused.stderr


def test_percentiles_are_values_that_were_measured() -> None:
    values_from_100_to_1 = [float(number) for number in range(100, 0, -1)]
    percentiles = {
        percent: percentile(values_from_100_to_1, percent) for percent in (0, 50, 99, 100)
    }
    assert percentiles == {0: 1.0, 50: 51.0, 99: 100.0, 100: 100.0}
    assert median([3.0, 1.0, 2.0]) == 2.0
    assert percentile([], 99) == 0.0
