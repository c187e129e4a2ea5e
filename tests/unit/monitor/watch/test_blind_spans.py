"""Each kind of blind span is stored with its cause, counted once and logged, and proves nothing.

A blind span is a time in which looks proved nothing.
"""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from monitor.app.options import make_policies
from monitor.config.settings import Settings
from monitor.judge.explain.explain import explain
from monitor.judge.runs import Blind
from monitor.look.fetch import Failure, Reason
from monitor.look.interpret import Interpreter
from monitor.look.sighting import State
from monitor.store.writer import DELAY as REAL_COMMIT_DELAY
from monitor.watch.rejudge import replay, stored_case
from tests.unit.monitor.app.monitor_in_test import (
    HEAD,
    HOST,
    NEVER_PUBLISHED,
    PAGE,
    PUBLISHED_AT_SLOT,
    MonitorInTest,
    reopened,
    run_monitor,
    with_daemon,
)

OTHER = "files.example"
TWO_HOSTS = (
    HEAD + f'part = [{{ id = "sheet", role = "data", url = "https://{OTHER}/claims.csv" }}]\n'
)


BOTH_PUBLISHED_AT_SLOT = (
    PUBLISHED_AT_SLOT
    + f'[[answer]]\nurl = "https://{OTHER}/claims.csv"\nat = 2026-11-26T09:30:00\nbody = "a,1"\n'
)


def fault_table(kind: str, host: str, begins: str, ends: str) -> str:
    return (
        f'[[fault]]\nhost = "{host}"\nfrom = 2026-11-26T{begins}\nuntil = 2026-11-26T{ends}\nkind ='
        f' "{kind}"\n'
    )


def stored_blind_spans(monitor: MonitorInTest) -> list[Blind]:
    return monitor.daemon.core.store.runs.blind(monitor.script.begins, monitor.clock.now())


def counted_blind_seconds(monitor: MonitorInTest, cause: str) -> float:
    value = monitor.daemon.core.metrics.registry.get_sample_value(
        "ninethirty_blind_seconds_total", {"cause": cause}
    )
    return value or 0.0


def explained_blind_spans(monitor: MonitorInTest) -> list[str]:
    policies = make_policies(monitor.settings)
    case = stored_case(monitor.daemon.core.store, "claims-q3")
    verdict = case.judge(policies, monitor.clock.now())
    explanation = explain(verdict, case, policies.of(case.release))
    return [fact.text for fact in explanation.facts if fact.kind == "blind"]


def assert_one_blind_span(monitor: MonitorInTest, cause: str, *, seconds: float) -> None:
    """Check that there is one blind span of this cause and about this length, counted and
    explained.
    """
    mine = [span for span in stored_blind_spans(monitor) if span.cause == cause]
    length = sum((span.ends - span.begins).total_seconds() for span in mine)
    assert (len(mine), length) == (1, pytest.approx(seconds, abs=20.0))
    assert counted_blind_seconds(monitor, cause) == pytest.approx(length, abs=0.01)
    assert sum(cause in text for text in explained_blind_spans(monitor)) == 1


@pytest.mark.parametrize(("kind", "cause"), [("dns", "dns"), ("timeout", "network")])
def test_monitor_is_blind_if_no_host_can_be_reached(tmp_path: Path, kind: str, cause: str) -> None:
    """From 09:29:30 to 09:33, neither of two hosts can be reached: connections time out, or DNS
    finds no address. The page comes in that time, so its release is unproven. A replay, which
    judges again from the store, finds the same verdict.
    """
    begins, ends = "09:29:30", "09:33:00"
    faults = fault_table(kind, HOST, begins, ends) + fault_table(kind, OTHER, begins, ends)

    async def read_verdict(monitor: MonitorInTest) -> None:
        await monitor.until("09:45:00")
        assert_one_blind_span(monitor, cause, seconds=3.5 * 60)
        assert monitor.stored_verdict() == "unproven"

    settings = run_monitor(tmp_path, BOTH_PUBLISHED_AT_SLOT + faults, read_verdict, head=TWO_HOSTS)
    store = reopened(settings)
    no_differences: list[str] = []
    assert dict(replay(store, make_policies(settings), begin=None, end=None)) == {
        "claims-q3": no_differences
    }
    store.close()


@pytest.mark.parametrize("kind", ["timeout", "dns", "reset"])
def test_monitor_is_not_blind_if_one_host_answers(tmp_path: Path, kind: str) -> None:
    """A blind span is a time in which looks prove nothing. From 09:29:30 to 09:33, one of two hosts
    cannot be reached. The other one answers, so the fault is not the monitor's. Then there is no
    blind span.
    """

    async def read_blind_spans(monitor: MonitorInTest) -> None:
        await monitor.until("09:35:00")
        assert stored_blind_spans(monitor) == []

    fault_of_one_host = fault_table(kind, HOST, "09:29:30", "09:33:00")
    run_monitor(
        tmp_path, BOTH_PUBLISHED_AT_SLOT + fault_of_one_host, read_blind_spans, head=TWO_HOSTS
    )


@pytest.mark.slow
@with_daemon(NEVER_PUBLISHED)
async def test_suspended_machine_is_blind_for_that_time(monitor: MonitorInTest) -> None:
    """At 09:29, the machine is suspended for 3 minutes. It makes no looks in that time. So that is
    a blind span, a time in which looks proved nothing.
    """
    await monitor.until("09:29:00")
    # A suspended machine runs no code, and its clock shows the right time when it resumes.
    monitor.clock.suspended += 180
    monitor.clock.offset += timedelta(seconds=180)
    monitor.true_clock.offset += timedelta(seconds=180)
    await monitor.until("09:45:00")
    assert_one_blind_span(monitor, "suspended", seconds=180)


@with_daemon(NEVER_PUBLISHED)
async def test_clock_wrong_for_3_s_blinds_for_these(monitor: MonitorInTest) -> None:
    """At 09:29, the machine's clock is set an hour ahead, and right again after 3 s. Only the looks
    in between prove nothing.
    """
    await monitor.until("09:29:00")
    monitor.clock.offset += timedelta(hours=1)
    await monitor.until("10:29:03")
    assert "clock" in monitor.daemon.core.health.unready(monitor.daemon.core.clock.now())[0]
    monitor.clock.offset -= timedelta(hours=1)
    await monitor.until("09:29:30")
    (span,) = stored_blind_spans(monitor)
    assert span.cause == "clock"
    set_ahead = monitor.clock.now().replace(minute=29, second=0, microsecond=0)
    assert set_ahead <= span.begins < span.ends <= set_ahead + timedelta(seconds=5)
    last_run = monitor.runs()[-1]
    assert last_run.state is State.ABSENT
    assert last_run.last_received > span.ends


@with_daemon(NEVER_PUBLISHED)
async def test_looks_prove_as_before_if_clock_is_set_back_a_little(monitor: MonitorInTest) -> None:
    """Just after 09:29, the machine's clock is set back by 20 s. Ours counts steady time, and the
    dates of hosts show that it is right.
    """
    await monitor.until("09:29:00.500")
    monitor.clock.offset -= timedelta(seconds=20)
    await monitor.until("09:29:10")
    assert stored_blind_spans(monitor) == []
    true_time = monitor.clock.now() + timedelta(seconds=20)
    assert true_time - monitor.runs()[-1].last_received < timedelta(seconds=5)


@with_daemon(NEVER_PUBLISHED, delay=REAL_COMMIT_DELAY, head=TWO_HOSTS)
async def test_start_with_a_clock_ahead_leaves_nothing_in_the_future(
    monitor: MonitorInTest,
) -> None:
    """The monitor starts again by a clock that is an hour ahead. The dates of its two hosts show
    that, so all that it dated until then is corrected.
    """
    await monitor.until("09:28:10")
    await monitor.kill()
    monitor.clock.offset = timedelta(hours=1)
    await monitor.start()
    await monitor.until("10:28:40")
    now = monitor.true_clock.now() + timedelta(seconds=1)
    assert all(span.ends <= now for span in stored_blind_spans(monitor))
    assert all(run.last_received <= now for run in monitor.runs())
    promises = monitor.daemon.core.ledger.promises("claims-q3")
    assert all(promise.learnt <= now for promise in promises)
    stored_runs = stored_case(monitor.daemon.core.store, "claims-q3").runs[PAGE]
    assert all(run.last_received <= now for run in stored_runs)


@with_daemon(NEVER_PUBLISHED)
async def test_span_that_is_being_written_is_corrected_with_the_clock(
    monitor: MonitorInTest,
) -> None:
    """A span is noted by a clock that is an hour ahead, and the clock is moved before the write."""
    await monitor.until("09:29:00")
    blind, now, hour = monitor.daemon.core.blind, monitor.clock.now(), timedelta(hours=1)
    span = Blind(now + hour - timedelta(seconds=5), now + hour, "network", monitor=blind.monitor)
    blind.note(span)
    blind.correct_dates(-hour, now)
    await monitor.until("09:29:10")
    right = [span.moved_back(-hour, now)]
    assert list(blind.spans) == right
    assert monitor.daemon.core.store.runs.blind(now - hour, now + 2 * hour) == right


@with_daemon(NEVER_PUBLISHED)
async def test_small_step_back_of_clock_is_a_blind_span(monitor: MonitorInTest) -> None:
    """Our clock is set back by less than a second. So two new looks seem to be made 0.9 and 0.5 s
    before the last one. Their order cannot be right. So a blind span, in which nothing is proved,
    goes from the first of the two to the last look.
    """
    await monitor.until("09:29:10.500")
    target = monitor.daemon.parts.watch.releases["claims-q3"].targets[PAGE]
    last_look = monitor.runs()[-1].last_received
    first, second = last_look - timedelta(seconds=0.9), last_look - timedelta(seconds=0.5)
    for at in (first, second):
        # Only the time of a look matters here, so both fail.
        failure = Failure(target.url, Reason.RESET, "", at, at)
        monitor.daemon.parts.intake.see(
            target, Interpreter().interpret_now(target, failure), failure
        )
    await monitor.until("09:29:12")
    assert stored_blind_spans(monitor) == [
        Blind(first, last_look, "clock", target=PAGE, monitor="edge")
    ]


ONE_LOOK_IN_TEN_SECONDS = Settings.model_validate({"budget": {HOST: "0.1/s"}})


@with_daemon(PUBLISHED_AT_SLOT, base=ONE_LOOK_IN_TEN_SECONDS)
async def test_too_small_budget_is_a_blind_span_of_its_host(monitor: MonitorInTest) -> None:
    """From 09:28 on, a look each second is planned. The budget allows the host one request in ten
    seconds. So there is a blind span with the cause `budget`, which is counted and explained.
    """
    await monitor.until("09:33:00")
    (span,) = (span for span in stored_blind_spans(monitor) if span.cause == "budget")
    assert span.host == HOST
    # It is 09:33. The budget was too small from the first minute on, so before 09:29.
    assert span.begins < monitor.clock.now() - timedelta(minutes=4)
    seconds = (span.ends - span.begins).total_seconds()
    assert counted_blind_seconds(monitor, "budget") == pytest.approx(seconds, abs=0.01)
    assert any("budget" in text for text in explained_blind_spans(monitor))


@with_daemon(PUBLISHED_AT_SLOT, delay=REAL_COMMIT_DELAY)
async def test_looks_that_the_writer_refuses_make_a_blind_span(monitor: MonitorInTest) -> None:
    """The writer stores the results of looks as runs. From 09:29:30 to 09:29:35, it refuses them.
    Looks that are not stored prove nothing, so that time is a blind span, with the cause `store`.
    Later looks are stored again.
    """
    await monitor.until("09:29:30")
    runs_before = monitor.runs()
    monitor.daemon.core.writer.queue_run = lambda _run: False  # type: ignore[method-assign]
    await monitor.until("09:29:35")
    assert monitor.runs() == runs_before
    del monitor.daemon.core.writer.queue_run  # the writer accepts runs again
    await monitor.until("09:30:10")
    assert [span.cause for span in stored_blind_spans(monitor)] == ["store"]
    assert monitor.runs()[-1].state is State.PRESENT


@with_daemon(NEVER_PUBLISHED)
async def test_growing_blind_span_is_logged_once_a_minute(monitor: MonitorInTest) -> None:
    """While it goes on, it is written each second with a later end, here 130 times. Only a few of
    them are logged.
    """
    await monitor.until("09:29:00")
    begins = monitor.clock.now() - timedelta(minutes=5)
    with capture_logs() as logged:
        for seconds in range(130):
            span = Blind(begins, begins + timedelta(seconds=seconds), "clock")
            await monitor.daemon.core.blind.write(span, monitor.daemon.core.writer)
    lines = [line for line in logged if line["event"] == "blind" and line["log_level"] == "warning"]
    # It is logged while it has no length yet, with its first second, and after one and two minutes.
    logged_ends = [(begins + timedelta(seconds=seconds)).isoformat() for seconds in (0, 1, 60, 120)]
    assert [line["ends"] for line in lines] == logged_ends


@with_daemon(NEVER_PUBLISHED)
async def test_growing_blind_span_is_stored_and_counted_once(monitor: MonitorInTest) -> None:
    """One span grows: it is written as 5, 10 and 20 s long. It is stored once, and counted as 20 s."""
    await monitor.until("09:29:00")
    begins = monitor.clock.now() - timedelta(minutes=1)
    for seconds in (5, 10, 20):
        span = Blind(begins, begins + timedelta(seconds=seconds), "clock")
        await monitor.daemon.core.blind.write(span, monitor.daemon.core.writer)
    assert counted_blind_seconds(monitor, "clock") == 20
    (stored,) = stored_blind_spans(monitor)
    assert stored.ends - stored.begins == timedelta(seconds=20)
