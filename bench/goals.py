"""The goals of all benches: which figure is too large or too small."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class Goal:
    """The bounds of a figure. A figure that equals its bound meets the goal."""

    most: float | None = None
    least: float | None = None

    def is_met(self, figure: float) -> bool:
        """Return whether a figure is within the bounds."""
        is_too_large = self.most is not None and figure > self.most
        is_too_small = self.least is not None and figure < self.least
        return not (is_too_large or is_too_small)

    def __str__(self) -> str:
        bounds = (("at most", self.most), ("at least", self.least))
        return ", ".join(f"{word} {bound:g}" for word, bound in bounds if bound is not None)

    def as_json(self) -> dict[str, float]:
        """Return the bounds that there are."""
        bounds = {"most": self.most, "least": self.least}
        return {word: bound for word, bound in bounds.items() if bound is not None}


def _at_most(**figures: float) -> dict[str, Goal]:
    return {name: Goal(most=most) for name, most in figures.items()}


def _at_least(**figures: float) -> dict[str, Goal]:
    return {name: Goal(least=least) for name, least in figures.items()}


# A look costs far less than others' requests and starts within milliseconds. A finding becomes a
# draft within a second. The board answers at once, and memory does not grow. Names end in their
# unit; ratios and shares have none.
GOALS: Mapping[str, Mapping[str, Goal]] = {
    "looks": _at_most(
        cpu_ratio_to_httpx=0.15,
        origin_ratio_to_httpx=0.15,
        cpu_ratio_to_blackbox=0.5,
        lateness_p99_ms=10,
        many_lateness_p99_ms=10,
        burst_p99_ms=200,
        memory_per_target_kb=10,
    ),
    "budget": {
        **_at_most(
            worst_width_60=1.05, worst_width_1000=1.05, hot_to_optimum=1.05, zipf_to_optimum=1.05
        ),
        **_at_least(late_0_to_best=0.85, late_20_to_best=0.85),
    },
    "pool": _at_most(ratio_to_httpx_20_in_flight_5_hosts=0.5),
    "files": _at_least(missing_head_ratio=0.8),
    "store": {
        **_at_most(bytes_per_quiet_release=4096),
        **_at_least(rows_per_second=1000),
    },
    "upkeep": _at_most(commit_longest_ms=500, loop_longest_ms=100),
    "judge": _at_least(
        judgements_per_second=300, folded_looks_per_second=20_000, replayed_looks_per_second=5000
    ),
    "calendar": _at_most(first_seconds=30, blind_seconds=0, unchanged_seconds=0.5),
    "board": _at_most(
        board_p99_ms=100,
        releases_p99_ms=100,
        release_p99_ms=100,
        search_p99_ms=100,
        start_cpu_seconds=1,
    ),
    "live": _at_most(live_late_p99_ms=10, board_p99_ms=100),
    "readiness": _at_most(assess_s=1),
    "detect": _at_most(detect_p99_ms=1000, late_p99_ms=1000),
    "start": _at_most(first_look_seconds=3),
    "memory": _at_most(rss_with_drafts_mb=150, growth_percent=10, idle_cpu_percent=0.1),
    "hostile": _at_most(
        healthy_gap_seconds=2, healthz_seconds=1, rss_more_mb=200, file_seconds=2, file_mb=256
    ),
    "scale": _at_most(start_cpu_seconds_exponent=1.2, start_mb_exponent=1.2),
    "fleet": _at_most(
        requests_ratio_2=1.02,
        interval_ratio_2=1.05,
        takeover_s=3,
        widest_gap_s=3.2,
        duplicates=0,
        cut_off_ratio=1.02,
    ),
    "rules": _at_most(core_share_3000=0.5, missed_3000=0),
}
