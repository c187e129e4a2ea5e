"""Assess the hosts with parts of the releases."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from monitor.readiness.facts import Facts, HostFacts
from monitor.readiness.line import Area, Line, Readiness
from schedules.times.words import moment


def assess_hosts(facts: Facts, now: datetime) -> Iterator[Line]:
    """Yield for each host whether it answers, its budget is enough, and its certificate is
    valid.
    """
    for host in facts.hosts:
        state, reason, todo = _assess_answers(host, now, facts.timezone)
        yield Line(Area.ADDRESS, "host", host.host, state, reason, todo)
        yield from _assess_budget(host, facts.timezone)
        if host.certificate_ends is not None:
            yield _assess_certificate(host, host.certificate_ends, now, facts.timezone)


def _assess_answers(host: HostFacts, now: datetime, zone: str) -> tuple[Readiness, str, str]:
    if host.failed is not None:
        answered = (
            "" if host.answered is None else f"; last answer {moment(host.answered, zone, now)}"
        )
        return (
            Readiness.NOT_READY,
            f"looks fail at {moment(host.failed, zone, now)}: {host.why}{answered}",
            "Ask the host's operator, and look at its pages yourself at the slot.",
        )
    if host.answered is None:
        return Readiness.NOT_KNOWN, "not looked at yet", "Check that a monitor is running."
    return Readiness.READY, f"answered at {moment(host.answered, zone, now)}", ""


def _assess_budget(host: HostFacts, zone: str) -> Iterator[Line]:
    """Yield a line for each slot that the budget cannot prove, or one that it is enough."""
    short = [one for one in host.forecasts if one.unproved]
    for forecast in short:
        todo = f"Agree {forecast.sufficient_rate}/s with the host, then set it in `[budget]`."
        if forecast.sufficient_rate is None:
            todo = "Set `on_time_within` to more than 3 s: few releases come sooner."
        yield Line(
            Area.ADDRESS,
            "budget",
            host.host,
            Readiness.NOT_READY,
            forecast.describe(zone),
            todo,
        )
    if not short:
        reason = f"{host.rate:g}/s can prove every part"
        yield Line(Area.ADDRESS, "budget", host.host, Readiness.READY, reason)


def _assess_certificate(host: HostFacts, ends: datetime, now: datetime, zone: str) -> Line:
    state, todo = Readiness.READY, ""
    reason = f"its certificate is valid until {moment(ends, zone, now)}"
    if ends <= host.last_slot:
        state, todo = Readiness.NOT_READY, "Ask the host's operator to renew the certificate."
    return Line(Area.ADDRESS, "certificate", host.host, state, reason, todo)
