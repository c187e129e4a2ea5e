"""ready: what is not ready for the next slots."""

from __future__ import annotations

from tests.unit.monitor.cli.conftest import RunCli


def test_ready_lists_what_is_not_ready_with_what_to_do_and_exits_with_1(run_cli: RunCli) -> None:
    """No monitor runs on this store, and the calendar was never read."""
    result = run_cli("ready", "--date", "2030-01-04")
    lines = result.out.splitlines()
    assert result.status == 1
    assert lines[0].startswith("Friday 4 January 2030, 09:30: 13 checks: ")
    assert "NOT READY" in lines
    assert "  - monitor: no monitor writes to the store. Start one: `ninethirty run`." in lines


def test_ready_prints_each_check_as_json(run_cli: RunCli) -> None:
    body = run_cli("ready", "--date", "2030-01-04", "--json").json
    assert body["ready"] is False
    assert {line["release"] for line in body["lines"]} == {"", "deaths-2029"}


def test_channel_that_took_a_test_is_ready(run_cli: RunCli) -> None:
    def read_state() -> str:
        lines = run_cli("ready", "--date", "2030-01-04", "--json").json["lines"]
        return next(line["state"] for line in lines if line["subject"] == "desk")

    assert read_state() == "not_known"
    assert run_cli("channel", "test", "desk").status == 0
    assert read_state() == "ready"


def test_ready_is_done_if_no_slot_is_ahead(run_cli: RunCli) -> None:
    result = run_cli("ready", "--date", "2030-01-05")
    assert (result.status, result.out) == (0, "Saturday 5 January 2030: no slot is ahead\n")
