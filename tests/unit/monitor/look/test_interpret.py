"""What `cases/interpret.toml` does not say: requests, digests, instants and baselines.

The recogniser `changed` compares each body with the first one, the baseline.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from monitor.look.challenge import find_challenge
from monitor.look.fetch import Answer, Failure, Reason
from monitor.look.interpret import Interpreter
from monitor.look.recognise.changed import NO_BASELINE
from monitor.look.recognise.result import Known
from monitor.look.sighting import Sighting, State
from monitor.plan.targets import Target, View

NOON = datetime(2026, 11, 26, 12, tzinfo=UTC)
NOON_DATE = "Thu, 26 Nov 2026 12:00:00 GMT"
URL = "https://www.gov.uk/government/statistics/example"
SAMPLES = Path(__file__).parents[5] / "shared" / "samples" / "govuk"
OLD, NEW = b"<h1>Old figures</h1>", b"<h1>New figures</h1>"
PAGE = b"<title>Figures: July 2026 - GOV.UK</title><h1>Figures: July 2026</h1>"


def target(
    url: str = URL, recognise: str = "status", view: View = View.EDGE, *, file: bool = False
) -> Target:
    return Target(
        "r/page/edge",
        "r",
        "page",
        view,
        url,
        "www.gov.uk",
        recognise,
        "Figures: July 2026",
        is_file=file,
    )


def answer(
    status: int = 200,
    body: bytes = PAGE,
    *,
    seconds_after_noon: float = 0.0,
    url: str = URL,
    **headers: str,
) -> Answer:
    sent = NOON + timedelta(seconds=seconds_after_noon)
    header_lines = {name.replace("_", "-"): value for name, value in headers.items()}
    return Answer(url, status, header_lines, body, sent, sent + timedelta(seconds=0.1))


def interpret(outcome: Answer | Failure, part: Target | None = None) -> Sighting:
    return Interpreter().interpret_now(part or target(), outcome)


@pytest.mark.parametrize("reason", list(Reason))
def test_failed_look_is_unknown(reason: Reason) -> None:
    sighting = interpret(Failure(URL, reason, "x", NOON, NOON))
    assert (sighting.state, sighting.why, sighting.status) == (State.UNKNOWN, reason.value, None)


def test_page_of_release_with_sign_in_field_is_no_challenge() -> None:
    assert (
        find_challenge(answer(body=PAGE + b"<input type=password>", content_type="text/html"))
        is None
    )


def test_file_with_the_words_of_a_challenge_is_no_challenge() -> None:
    assert (
        find_challenge(answer(body=b"<title>Just a moment</title>", content_type="text/csv"))
        is None
    )


FILE = "https://assets.publishing.service.gov.uk/media/1/a.csv"


def test_replaced_file_with_same_beginning_differs_by_its_length() -> None:
    """Only the beginning of a file is fetched. Its digest, a checksum, also covers the length that
    the server names. So the digest differs if a file is replaced by one with the same beginning but
    another length.
    """
    interpreter, part = Interpreter(), target(FILE, file=True)

    def digest_of_file(length: str) -> str | None:
        beginning = replace(
            answer(200, b"a,b\n1,2\n", url=FILE, content_length=length), whole=False
        )
        return interpreter.interpret_now(part, beginning).digest

    original = digest_of_file(length="90")
    same_again = digest_of_file(length="90")
    replaced = digest_of_file(length="91")
    assert same_again == original
    assert replaced != original


def test_cached_404_proves_absence_when_it_was_copied() -> None:
    """At noon, a cache answers with a copy of a 404 that is 17 s old. It proves absence 17 s before
    noon, not at noon. Caches round ages, so an age of 17 s means from 16 to 19 s. The look took 0.1
    s.
    """
    absent = interpret(answer(404, age="17", cache_control="max-age=30"))
    sent, received = NOON, NOON + timedelta(seconds=0.1)
    assert absent.proved_from == sent - timedelta(seconds=19)
    assert absent.proved_to == received - timedelta(seconds=16)


def test_not_modified_repeats_the_result_of_the_last_body() -> None:
    """The first answer has the page and an ETag, which names this version of it. The next request
    sends the ETag back. The answer is 304 without a body: the page is not modified. So it is
    present as before, with the same digest.
    """
    interpreter = Interpreter()
    first = interpreter.interpret_now(target(), answer(etag='"1"'))
    assert interpreter.make_request(target()).etag == '"1"'
    not_modified = interpreter.interpret_now(target(), answer(304, b"", seconds_after_noon=1))
    assert (not_modified.state, not_modified.digest) == (State.PRESENT, first.digest)


def test_etag_and_date_are_sent_only_to_their_address() -> None:
    """An answer has an ETag and a date (`Last-Modified`), which name the version of a page. The
    next request to that address sends them back. A request to another address does not, because
    that page has other versions.
    """
    interpreter, other_address = Interpreter(), f"{URL}-2"
    interpreter.interpret_now(target(), answer(etag='"1"', last_modified=NOON_DATE))
    to_same, to_other = (
        interpreter.make_request(target()),
        interpreter.make_request(target(), other_address),
    )
    assert (to_same.etag, to_same.modified) == ('"1"', NOON_DATE)
    assert (to_other.etag, to_other.modified) == (None, None)
    # Now the other address answers. Only the headers of the last answer are kept, so the roles
    # change.
    interpreter.interpret_now(target(), answer(url=other_address, seconds_after_noon=1, etag='"2"'))
    to_first, to_other = (
        interpreter.make_request(target()),
        interpreter.make_request(target(), other_address),
    )
    assert (to_first.etag, to_other.etag) == (None, '"2"')


def test_a_repeated_body_is_not_read_again() -> None:
    """Two answers have the same page with a link to a file. Reading the page finds the file."""
    interpreter, part = Interpreter(), target(recognise="govuk")
    with_a_file = (
        PAGE + b"<a href='https://assets.publishing.service.gov.uk/media/1/a.csv'>Figures</a>"
    )
    first = interpreter.interpret_now(part, answer(body=with_a_file))
    repeated = interpreter.interpret_now(part, answer(body=with_a_file))
    assert first.found
    # A second reading would find an equal file, but not the same object.
    assert repeated.found is first.found


def test_recogniser_changed_uses_the_baseline_of_an_earlier_process() -> None:
    """An earlier process stored the digest (a checksum) of the old body. So a later process knows
    that the new body differs.
    """
    part = target(recognise="changed")
    earlier = Interpreter().interpret_now(part, answer(body=OLD))
    later_process = Interpreter()
    later_process.restore_known(part, Known(baseline=earlier.digest))
    assert later_process.interpret_now(part, answer(body=NEW)).state is State.PRESENT


def test_first_body_of_the_origin_is_no_baseline_if_the_edge_has_one() -> None:
    """The origin is first looked at when the edge has shown the new body. Compared with that, the
    old body would be the release.
    """
    interpreter = Interpreter()
    edge = target(recognise="changed")
    origin = replace(edge, view=View.ORIGIN)
    for body in (OLD, NEW):
        interpreter.interpret_now(edge, answer(body=body))
    states = [interpreter.interpret_now(origin, answer(body=body)).state for body in (NEW, OLD)]
    assert states == [State.PRESENT, State.ABSENT]


def test_forgotten_target_has_no_baseline() -> None:
    """Once the target is forgotten, the next body is the first one again."""
    interpreter, part = Interpreter(), target(recognise="changed")
    interpreter.interpret_now(part, answer(body=OLD))
    interpreter.forget(part.id)
    assert interpreter.interpret_now(part, answer(body=NEW)).why == NO_BASELINE


def test_looks_are_unknown_while_our_clock_may_be_far_off() -> None:
    """By our clock, a look is 45 s after noon. By the host's date, it is noon. Up to 30 s are
    tolerated. So the 404 proves nothing, because of our clock.
    """
    interpreter = Interpreter(unproven_offset=timedelta(seconds=30))
    assert (
        interpreter.interpret_now(target(), answer(404, seconds_after_noon=45, date=NOON_DATE)).why
        == "clock"
    )


def test_old_date_of_cached_copy_is_ignored_once_age_grew() -> None:
    """Our clock is right. A cache answers three looks with one copy of a 404 from 11:55, with that
    date. The date might be that of the look. Then our clock would be 300 s ahead, so the first two
    looks are unknown. Looks are compared if they are 5 s apart. At second 6, the age has grown and
    the date has not, so it is that of the copy.
    """
    interpreter = Interpreter()
    date_of_copy, copied_at = "Thu, 26 Nov 2026 11:55:00 GMT", NOON - timedelta(minutes=5)
    sightings = []
    for second_after_noon in (0, 2, 6):
        age = str(300 + second_after_noon)
        look = answer(404, seconds_after_noon=second_after_noon, date=date_of_copy, age=age)
        sightings.append(interpreter.interpret_now(target(), look))
    assert [sighting.why for sighting in sightings] == ["clock", "clock", "404"]
    # The 404 proves absence at 11:55. Caches round ages, so the copy may be up to two seconds
    # older.
    assert sightings[-1].proved_from == copied_at - timedelta(seconds=2)


def test_wrong_clock_widens_proved_interval_to_contain_true_time() -> None:
    """Two looks are at noon, by the date of the host. Our clock is 10 s ahead at the first, and 10
    s behind at the second. What a look proves holds for an interval (`proved_from` to `proved_to`).
    It must contain noon.
    """
    by_fast_clock = Interpreter().interpret_now(
        target(), answer(404, seconds_after_noon=10, date=NOON_DATE)
    )
    assert by_fast_clock.proved_from <= NOON
    by_slow_clock = Interpreter().interpret_now(
        target(), answer(200, seconds_after_noon=-10, date=NOON_DATE)
    )
    assert by_slow_clock.proved_to >= NOON


def test_whole_pages_but_only_first_64_kilobytes_of_files_are_read() -> None:
    """A request says how many bytes of the body to read (`cap`). A page of more than a megabyte is
    refused. A file is cut after 65,536 bytes (`may_cut`).
    """
    page, file = Interpreter().make_request(target()), Interpreter().make_request(target(file=True))
    assert (page.cap, page.may_cut) == (1_000_000, False)
    assert (file.cap, file.may_cut) == (65_536, True)


def test_origin_view_bypasses_caches_and_content_view_requests_json() -> None:
    """The edge view may get a copy of a cache. The origin view may not, so its request has `bust`:
    a number that no cache has seen is added to the address.
    """
    interpreter = Interpreter()
    assert not interpreter.make_request(target(view=View.EDGE)).bust
    assert interpreter.make_request(target(view=View.ORIGIN)).bust
    assert interpreter.make_request(target(view=View.CONTENT)).accept == "application/json"


def test_request_is_for_address_to_which_target_was_redirected() -> None:
    assert Interpreter().make_request(target(), f"{URL}/moved").url == f"{URL}/moved"


_RELEASE_PAGE = (URL, "status", PAGE)
"""Address, recogniser and body of the published page of the release."""
_RELEASE_BY_KIND_OF_SAMPLE = {
    "announcement": _RELEASE_PAGE,
    "asset": (FILE.replace("a.csv", "a.ods"), "status", b"PK\x03\x04"),
    "content": (URL, "govuk", b'{"schema_name": "publication", "title": "Figures: July 2026"}'),
}


@pytest.mark.skipif(not SAMPLES.exists(), reason="the shared samples are not beside the repository")
def test_sampled_statuses_and_headers_give_expected_states() -> None:
    """Each sample is a file with the status and the headers of a real answer of GOV.UK.

    Its name says what it is.
    """
    states = {}
    for sample in (SAMPLES / "headers").iterdir():
        head, _, _ = sample.read_text().partition("\n\n")
        status_line, *header_lines = head.splitlines()
        status = int(status_line.split()[1])
        headers = {}
        for line in header_lines:
            name, value = line.split(": ", 1)
            headers[name.replace("-", "_")] = value
        # The samples were taken at 09:30, but this look is at noon. So omit their dates: our clock
        # counts as right.
        headers["date"] = ""
        # The samples have no body. Each gets that of a published release: a page, a file or JSON,
        # by its name.
        kind = sample.stem.partition("_")[0]
        url, recognise, body = _RELEASE_BY_KIND_OF_SAMPLE.get(kind, _RELEASE_PAGE)
        states[sample.stem] = interpret(
            answer(status, body, url=url, **headers), target(url, recognise)
        ).state
    assert states == {
        "announcement_301_after_release": State.UNKNOWN,
        "error_503_all_backends_failed": State.UNKNOWN,
        "mirror_200": State.UNKNOWN,
        "rate_limited_429_origin": State.UNKNOWN,
        "stale_if_error_hit": State.UNKNOWN,
        "asset_302_still_draft": State.ABSENT,
        "asset_404": State.ABSENT,
        "page_404_hit_age_17": State.ABSENT,
        "page_404_miss": State.ABSENT,
        "page_404_stale_after_release_age_22": State.ABSENT,
        "asset_410_deleted": State.WITHDRAWN,
        "asset_200": State.PRESENT,
        "content_api_200_ttl_five_seconds": State.PRESENT,
        "content_api_200_ttl_shortened": State.PRESENT,
        "page_200_first_seen_age_2": State.PRESENT,
    }


def test_age_is_ignored_after_three_looks_if_it_stays_constant() -> None:
    """A server sends an age of 3600 s with every answer, and a lifetime (`max-age`) of 300 s. An
    answer that is older than its lifetime is stale, and proves nothing. But a true age grows. At
    the third look it has not, so it is ignored.
    """
    interpreter, constant_age = Interpreter(), {"age": "3600", "cache_control": "max-age=300"}
    looks = [
        interpreter.interpret_now(target(), answer(404, seconds_after_noon=at, **constant_age))
        for at in (0, 5, 10)
    ]
    assert [look.why for look in looks] == ["stale", "stale", "404"]
    present = interpreter.interpret_now(target(), answer(seconds_after_noon=15, **constant_age))
    # Without an age, the page was present when the answer was received, not an hour before.
    assert (present.state, present.proved_to) == (State.PRESENT, present.received)
