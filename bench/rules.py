"""Measures what scraping and our alert rules cost Prometheus, with 50, 500 and 3,000 releases near
their slots.
"""

from __future__ import annotations

import gzip
import re
import subprocess
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import httpx
import yaml

from bench.daemons import ROOT, free_port
from bench.figures import cpu_seconds_of, median
from bench.world import promise, release, temporary_folder
from monitor.clock import SystemClock
from monitor.health.collector import MonitorState, ReleaseState, StateCollector
from monitor.health.metrics import MOST_HOSTS, Metrics
from monitor.judge.judge import ReleaseCase
from monitor.judge.policy import Policies
from schedules.contract.verdict import VerdictKind

_RELEASES = (50, 500, 3000)
_WARM_UP, _MEASURED = 20.0, 60.0
_EVERY_OVERDUE = 10
_RULES = "ninethirty-releases"


def run(*, quick: bool = False) -> Iterator[Mapping[str, float]]:
    """Yield for each number of releases: the share of a core, and the evaluation time of the rules.

    One release in ten is overdue. `release_rules_ms` is the median time of the group about
    releases, which is evaluated every two seconds; `all_rules_ms` that of all groups together.
    `missed` counts evaluations that came too late.
    """
    for count in (10,) if quick else _RELEASES:
        with (
            temporary_folder() as place,
            _exporter(_page(count)) as exporter,
            _prometheus(place, exporter) as (pid, address),
        ):
            yield {
                f"{name}_{count}": value
                for name, value in _measured(pid, address, quick=quick).items()
            }


def _measured(pid: int, address: str, *, quick: bool) -> dict[str, float]:
    _await_rules(address)
    time.sleep(0.0 if quick else _WARM_UP)
    began, spent = time.monotonic(), cpu_seconds_of(pid)
    releases, total = [], []
    while True:
        seconds = _durations(address)
        releases.append(seconds[_RULES])
        total.append(sum(seconds.values()))
        if time.monotonic() - began > (0.0 if quick else _MEASURED):
            break
        time.sleep(1.0)
    share = (cpu_seconds_of(pid) - spent) / (time.monotonic() - began)
    return {
        "core_share": share,
        "release_rules_ms": 1000 * median(releases),
        "all_rules_ms": 1000 * median(total),
        "missed": sum(_read(address, "prometheus_rule_group_iterations_missed_total").values()),
    }


def _page(count: int) -> bytes:
    """Return the metrics of a monitor that watches this many releases at as many hosts as have
    series of their own.
    """
    now = SystemClock().now()
    slot = now - timedelta(minutes=5)
    judged = replace(
        ReleaseCase(release(0), [promise(0, slot)], {}).judge(Policies(), now), findings=()
    )
    shown = [
        ReleaseState(
            replace(judged, release=f"example-statistics-{number}", verdict=_word(number)), None
        )
        for number in range(count)
    ]
    metrics = Metrics(
        "bench",
        {"bench": timedelta(minutes=10)},
        [f"host-{one}" for one in range(MOST_HOSTS)],
        ["mail"],
    )
    states = StateCollector(lambda: shown, MonitorState, lambda: now, metrics)
    return b"".join(metrics.render(states))


def _word(number: int) -> VerdictKind:
    return VerdictKind.OVERDUE if number % _EVERY_OVERDUE == 0 else VerdictKind.ON_TIME


@contextmanager
def _exporter(page: bytes) -> Iterator[str]:
    """Serve the page to every request, compressed as the monitor does it; yields the address."""
    packed = gzip.compress(page, 1)

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("Content-Type", "text/plain; version=0.0.4; charset=utf-8")
            self.send_header("Content-Encoding", "gzip")
            self.end_headers()
            self.wfile.write(packed)

        def log_message(self, *_: object) -> None:
            """Log nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


@contextmanager
def _prometheus(place: Path, exporter: str) -> Iterator[tuple[int, str]]:
    """Run Prometheus with our rules and intervals against an exporter; yields its process id and
    address.
    """
    shipped = ROOT / "deploy" / "prometheus"
    table = yaml.safe_load((shipped / "prometheus.yml").read_text(encoding="utf-8"))
    table["rule_files"] = [str(shipped / name) for name in table["rule_files"]]
    table["scrape_configs"] = [
        job for job in table["scrape_configs"] if job["job_name"] == "ninethirty"
    ]
    del table["alerting"], table["scrape_configs"][0]["authorization"]
    table["scrape_configs"][0]["static_configs"] = [{"targets": [exporter]}]
    (place / "prometheus.yml").write_text(yaml.safe_dump(table), encoding="utf-8")
    address = f"127.0.0.1:{free_port()}"
    flags = {
        "config.file": place / "prometheus.yml",
        "storage.tsdb.path": place / "tsdb",
        "web.listen-address": address,
    }
    command = ["prometheus", *(f"--{name}={value}" for name, value in flags.items())]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
        try:
            yield process.pid, address
        finally:
            process.terminate()


def _await_rules(address: str) -> None:
    """Wait until the rules about releases were evaluated.

    Raises `RuntimeError` if that takes more than a minute.
    """
    ends = time.monotonic() + 60.0
    while time.monotonic() < ends:
        try:
            if _durations(address).get(_RULES):
                return
        except httpx.TransportError:
            pass
        time.sleep(0.2)
    raise RuntimeError("Prometheus did not evaluate the rules")


def _durations(address: str) -> dict[str, float]:
    """Return how many seconds the last evaluation of each group of rules took."""
    return _read(address, "prometheus_rule_group_last_duration_seconds")


def _read(address: str, metric: str) -> dict[str, float]:
    """Return a metric of Prometheus itself for each group of rules."""
    text = httpx.get(f"http://{address}/metrics", trust_env=False).text
    found = re.findall(rf'^{metric}\{{rule_group="[^"]*;([\w-]+)"\}} (\S+)$', text, re.MULTILINE)
    return {group: float(value) for group, value in found}
