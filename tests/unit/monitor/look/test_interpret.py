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


def target(url: str = URL, recognise: str = "status", view: View = View.EDGE, *, file: bool = False) -> Target:
    return Target("r/page/edge", "r", "page", view, url, "www.gov.uk", recognise, "Figures: July 2026", is_file=file)


def answer(
    status: int = 200, body: bytes = PAGE, *, seconds_after_noon: float = 0.0, url: str = URL, **headers: str
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


@pytest.mark.parametrize(
    ("status", "state"),
    [
        (200, State.PRESENT),
        (203, State.PRESENT),
        (404, State.ABSENT),
        (410, State.WITHDRAWN),
        *((status, State.UNKNOWN) for status in (100, 400, 401, 403, 407, 418, 429, 451, 500, 502, 503, 504, 600)),
    ],
)
def test_status_codes_give_their_states(status: int, state: State) -> None:
    assert interpret(answer(status)).state is state


def test_success_without_a_body_is_unknown() -> None:
    assert interpret(answer(body=b"")).why == "empty"
    assert interpret(answer(204, b"")).state is State.UNKNOWN


def test_govuk_recogniser_accepts_only_200_as_success() -> None:
    assert interpret(answer(203), target(recognise="govuk")).state is State.UNKNOWN


@pytest.mark.parametrize("backend", ["mirrorS3", "mirrorS3Replica", "mirrorGCS", "error"])
@pytest.mark.parametrize("status", [200, 404])
def test_answer_of_a_mirror_is_unknown(backend: str, status: int) -> None:
    """GOV.UK's CDN uses a mirror, which has older copies, if the origin fails. This header names it."""
    assert interpret(answer(status, fastly_backend_name=backend)).why == "mirror"


def test_stale_copy_is_unknown() -> None:
    assert interpret(answer(age="1914", cache_control="max-age=300, public")).why == "stale"


@pytest.mark.parametrize("status", [200, 202, 403, 404, 503])
@pytest.mark.parametrize("mark", [{"cf_mitigated": "challenge"}, {"x_amzn_waf_action": "captcha"}])
def test_answer_of_a_firewall_is_unknown(status: int, mark: dict[str, str]) -> None:
    assert interpret(answer(status, **mark)).why == "challenge"


@pytest.mark.parametrize(
    "body",
    [
        b"<html><head><title>Just a moment...</title></head></html>",
        b"<title>Attention Required! | Cloudflare</title>",
        b"<html><script src='/cdn-cgi/challenge-platform/x.js'></script></html>",
        b"<iframe src='/_Incapsula_Resource?x'></iframe>",
        b"<TITLE>Access Denied</TITLE>",
        b"<title>Sign in to your account</title>",
        b"<form><input type='password' name='p'></form>",
    ],
)
@pytest.mark.parametrize("recognise", ["status", "govuk", "text:a", "link:a"])
def test_challenge_and_sign_in_pages_are_unknown_for_every_recogniser(body: bytes, recognise: str) -> None:
    """A challenge is a page that must be passed before the real page, for example "Just a moment..."."""
    sighting = interpret(answer(body=body, content_type="text/html"), target(recognise=recognise))
    assert sighting.state is State.UNKNOWN
    assert sighting.why in ("challenge", "sign-in page")


@pytest.mark.parametrize("script", [b"/cdn-cgi/challenge-platform/scripts/jsd/main.js", b"/_Incapsula_Resource?x=1"])
def test_release_page_with_script_of_a_firewall_is_present(script: bytes) -> None:
    """Cloudflare and Imperva put these scripts into every page, not only into challenges."""
    body = PAGE + b"<p>Figures</p><script src='" + script + b"'></script>"
    sighting = interpret(answer(body=body, content_type="text/html"))
    assert (sighting.state, sighting.why) == (State.PRESENT, "")


def test_page_of_release_with_sign_in_field_is_no_challenge() -> None:
    assert find_challenge(answer(body=PAGE + b"<input type=password>", content_type="text/html")) is None


def test_file_with_the_words_of_a_challenge_is_no_challenge() -> None:
    assert find_challenge(answer(body=b"<title>Just a moment</title>", content_type="text/csv")) is None


FILE = "https://assets.publishing.service.gov.uk/media/1/a.csv"


@pytest.mark.parametrize(
    ("url", "location", "state"),
    [
        (FILE, "https://draft-assets.publishing.service.gov.uk/media/1/a.csv", State.ABSENT),
        (FILE, "https://www.gov.uk/government/statistics/example", State.WITHDRAWN),
        (FILE, "https://assets.publishing.service.gov.uk/media/2/b.csv", State.UNKNOWN),
        (f"{URL}/bulletin", URL, State.WITHDRAWN),
        (URL, "/government/statistics/other", State.UNKNOWN),
        (URL, "https://login.example/", State.UNKNOWN),
        (URL, URL, State.UNKNOWN),
        (URL, "http://[broken", State.UNKNOWN),
        (URL, "", State.UNKNOWN),
    ],
)
@pytest.mark.parametrize("status", [301, 302, 307, 308])
def test_redirect_proves_what_its_destination_shows(url: str, location: str, state: State, status: int) -> None:
    # For example, a file that redirects to a host for drafts is absent: it is not out yet. On GOV.UK, a withdrawn file
    # redirects to a page, and a withdrawn page to the one above it. Any other destination proves nothing.
    assert interpret(answer(status, b"", url=url, location=location), target(url)).state is state


def test_only_redirect_within_host_sets_address_of_next_look() -> None:
    """One answer redirects to another page of www.gov.uk, and a second one to another host. The address of the next
    look is in `found`, with the role `redirect`."""
    found = interpret(answer(301, location="/government/statistics/other#top")).found
    assert [(each.role, each.url) for each in found] == [("redirect", "https://www.gov.uk/government/statistics/other")]
    assert interpret(answer(301, location="https://login.example/")).found == ()


@pytest.mark.parametrize(
    ("location", "why", "is_followed"),
    [
        ("/other", "redirected", True),
        (f"{URL}?turn=1", "redirected to itself", True),
        ("http://www.gov.uk/other", "redirected to another port or scheme", False),
        ("https://login.example/", "redirected to another host", False),
    ],
)
def test_reason_of_redirect_names_its_kind(*, location: str, why: str, is_followed: bool) -> None:
    """For example, a redirect to the same address with a query is "redirected to itself", and is followed. One to
    another host is not. If a redirect is followed, its destination is found in the role `redirect`."""
    sighting = interpret(answer(302, url=URL, location=location))
    assert sighting.why == why
    roles = [address.role for address in sighting.found]
    assert roles == (["redirect"] if is_followed else [])


@pytest.mark.parametrize(
    "location",
    [
        "http://www.gov.uk/government/statistics/other",
        "https://www.gov.uk:8443/government/statistics/other",
        "https://name@www.gov.uk/government/statistics/other",
        "ftp://www.gov.uk/other",
        "https://www.gov.uk:99999/other",
        "https://[::1/other",
    ],
)
def test_redirect_to_other_scheme_port_or_user_is_not_followed(location: str) -> None:
    """The redirect is from https on the usual port. No address is found for the next look."""
    sighting = interpret(answer(302, location=location))
    assert (sighting.state, sighting.found) == (State.UNKNOWN, ())


def test_a_redirect_to_encryption_is_followed() -> None:
    found = interpret(answer(301, url="http://stats.example/a", location="https://stats.example/a")).found
    assert [each.url for each in found] == ["https://stats.example/a"]


def test_replaced_file_with_same_beginning_differs_by_its_length() -> None:
    # Only the beginning of a file is fetched. So its digest, a checksum, includes the length that the server names.
    interpreter, part = Interpreter(), target(FILE, file=True)

    def digest_of_beginning(length: str) -> str | None:
        beginning = replace(answer(200, b"a,b\n1,2\n", url=FILE, content_length=length), whole=False)
        return interpreter.interpret_now(part, beginning).digest

    first = digest_of_beginning("90")
    assert digest_of_beginning("90") == first
    assert digest_of_beginning("91") != first


def test_redirect_with_status_303_is_not_followed() -> None:
    """GOV.UK's content API answers 303 for a path that is part of another content item."""
    sighting = interpret(answer(303, b"", location="/api/content/government/statistics/parent"))
    assert (sighting.state, sighting.found) == (State.UNKNOWN, ())


def test_cached_404_proves_absence_when_it_was_copied() -> None:
    absent = interpret(answer(404, age="17", cache_control="max-age=30"))
    # Caches round ages, so an age of 17 s means from 16 to 19 s. The look took 0.1 s.
    sent, received = NOON, NOON + timedelta(seconds=0.1)
    assert absent.proved_from == sent - timedelta(seconds=19)
    assert absent.proved_to == received - timedelta(seconds=16)


def test_not_modified_repeats_the_result_of_the_last_body() -> None:
    """The first answer has the page and an ETag. The next request sends the ETag, and gets 304: not modified."""
    interpreter = Interpreter()
    first = interpreter.interpret_now(target(), answer(etag='"1"'))
    assert interpreter.make_request(target()).etag == '"1"'
    not_modified = interpreter.interpret_now(target(), answer(304, b"", seconds_after_noon=1))
    assert (not_modified.state, not_modified.digest) == (State.PRESENT, first.digest)


def test_not_modified_since_an_unread_body_is_unknown() -> None:
    assert interpret(answer(304, b"")).state is State.UNKNOWN


def test_etag_and_date_are_sent_only_to_their_address() -> None:
    """An answer of one address has an ETag and a date. The next requests to that address send them back."""
    interpreter, moved_to = Interpreter(), f"{URL}-2"
    interpreter.interpret_now(target(), answer(etag='"1"', last_modified=NOON_DATE))
    here, there = interpreter.make_request(target()), interpreter.make_request(target(), moved_to)
    assert (here.etag, here.modified) == ('"1"', NOON_DATE)
    assert (there.etag, there.modified) == (None, None)
    # Only the headers of the last answer are kept. It now comes from the other address.
    interpreter.interpret_now(target(), answer(url=moved_to, seconds_after_noon=1, etag='"2"'))
    here, there = interpreter.make_request(target()), interpreter.make_request(target(), moved_to)
    assert (here.etag, there.etag) == (None, '"2"')


def test_a_repeated_body_is_not_read_again() -> None:
    interpreter, part = Interpreter(), target(recognise="govuk")
    with_a_file = PAGE + b"<a href='https://assets.publishing.service.gov.uk/media/1/a.csv'>Figures</a>"
    first, repeated = (interpreter.interpret_now(part, answer(body=with_a_file)) for _ in range(2))
    assert first.found
    # A second reading would find equal files, but not the same object.
    assert repeated.found is first.found


def test_unknown_recogniser_gives_an_unknown_sighting() -> None:
    assert interpret(answer(), target(recognise="nonsense")).state is State.UNKNOWN


def test_recogniser_changed_takes_the_first_body_for_its_baseline() -> None:
    interpreter, part = Interpreter(), target(recognise="changed")
    states = [interpreter.interpret_now(part, answer(body=body)).state for body in (OLD, OLD, NEW, OLD)]
    # The first body proves nothing. Later ones are present if they differ from it.
    assert states == [State.UNKNOWN, State.ABSENT, State.PRESENT, State.ABSENT]


def test_recogniser_changed_uses_the_baseline_of_an_earlier_process() -> None:
    """The recogniser compares each body with the first one, the baseline. Its digest, a checksum, is stored."""
    part = target(recognise="changed")
    earlier = Interpreter().interpret_now(part, answer(body=OLD))
    later = Interpreter()
    later.restore_known(part, Known(baseline=earlier.digest))
    assert later.interpret_now(part, answer(body=NEW)).state is State.PRESENT


def test_forgotten_target_has_no_baseline() -> None:
    """The recogniser `changed` compares each body with the first one, the baseline."""
    interpreter, part = Interpreter(), target(recognise="changed")
    interpreter.interpret_now(part, answer(body=OLD))
    interpreter.forget(part.id)
    assert interpreter.interpret_now(part, answer(body=NEW)).why == NO_BASELINE


def test_looks_are_unknown_while_our_clock_may_be_far_off() -> None:
    """By the host's date it is noon, so our clock is 45 s ahead. That is more than the 30 s that are tolerated."""
    interpreter = Interpreter(unproven_offset=timedelta(seconds=30))
    assert interpreter.interpret_now(target(), answer(404, seconds_after_noon=45, date=NOON_DATE)).why == "clock"


@pytest.mark.parametrize(
    ("is_shared", "seconds_ahead", "state", "why"),
    [
        (True, 10, State.UNKNOWN, "clock"),
        (True, -10, State.UNKNOWN, "clock"),
        (False, 10, State.ABSENT, "404"),
        (True, 0.5, State.ABSENT, "404"),
    ],
)
def test_with_shared_store_looks_by_wrong_clock_are_unknown(
    *, is_shared: bool, seconds_ahead: float, state: State, why: str
) -> None:
    # For example, a clock that is 10 s ahead makes a 404 unknown ("clock") in a shared store, and absent in any other.
    # Looks of several monitors are put in one order, so their clocks must be right. One monitor may be up to 30 s off.
    # A date is a whole second, so half a second does not show that our clock is wrong.
    look = answer(404, seconds_after_noon=seconds_ahead, date=NOON_DATE)
    sighting = Interpreter(is_shared=is_shared).interpret_now(target(), look)
    assert (sighting.state, sighting.why) == (state, why)


def test_old_date_of_cached_copy_is_ignored_once_age_grew() -> None:
    """At noon, 2 s and 6 s later, an answer is the same copy of 11:55, with its date. Our clock is right."""
    interpreter = Interpreter()
    date_of_copy, copied_at = "Thu, 26 Nov 2026 11:55:00 GMT", NOON - timedelta(minutes=5)
    sightings = []
    for second in (0, 2, 6):
        look = answer(404, seconds_after_noon=second, date=date_of_copy, age=str(300 + second))
        sightings.append(interpreter.interpret_now(target(), look))
    # At first, the date may also be the time of the look. Then our clock would be 300 s ahead. At second 6 it is still
    # the same date, so it is that of the copy.
    assert [sighting.why for sighting in sightings] == ["clock", "clock", "404"]
    # Caches round ages, so a copy may be up to two seconds older.
    assert sightings[-1].proved_from == copied_at - timedelta(seconds=2)


def test_wrong_clock_widens_proved_interval_to_contain_true_time() -> None:
    """By the host's date, both answers are from noon. By our clock they are from 10 s after and 10 s before noon."""
    by_fast_clock = Interpreter().interpret_now(target(), answer(404, seconds_after_noon=10, date=NOON_DATE))
    assert by_fast_clock.proved_from <= NOON
    by_slow_clock = Interpreter().interpret_now(target(), answer(200, seconds_after_noon=-10, date=NOON_DATE))
    assert by_slow_clock.proved_to >= NOON


def test_first_answer_after_our_clock_was_set_is_unknown() -> None:
    """Before the third look, our clock is set 10 s ahead. The host's clock is right."""
    interpreter = Interpreter()
    for host_second, our_second, why in ((0, 0, "404"), (1, 1, "404"), (2, 12, "clock"), (3, 13, "404")):
        look = answer(404, seconds_after_noon=our_second, date=f"Thu, 26 Nov 2026 12:00:0{host_second} GMT")
        assert interpreter.interpret_now(target(), look).why == why


def test_whole_pages_and_64_kilobytes_of_files_are_requested() -> None:
    """`cap`: the most bytes of a body that are read. If it is longer, it is cut (`may_cut`) or else refused."""
    page, file = Interpreter().make_request(target()), Interpreter().make_request(target(file=True))
    assert (page.cap, page.may_cut) == (1_000_000, False)
    assert (file.cap, file.may_cut) == (65_536, True)


def test_origin_view_bypasses_caches_and_content_view_requests_json() -> None:
    """`bust`: the address of the request gets a number that no cache has seen."""
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
    states = {}
    for sample in (SAMPLES / "headers").iterdir():
        head, _, _ = sample.read_text().partition("\n\n")
        status_line, *header_lines = head.splitlines()
        status = int(status_line.split()[1])
        headers = {}
        for line in header_lines:
            name, value = line.split(": ", 1)
            headers[name.replace("-", "_")] = value
        # The samples were taken at 09:30, and our clock says noon. Without their dates, it counts as right.
        headers["date"] = ""
        # The samples have no body. Each gets that of a published release: a page, a file or a content item.
        kind = sample.stem.partition("_")[0]
        url, recognise, body = _RELEASE_BY_KIND_OF_SAMPLE.get(kind, _RELEASE_PAGE)
        states[sample.stem] = interpret(answer(status, body, url=url, **headers), target(url, recognise)).state
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
    """A copy is stale if it is older than its lifetime (`max-age`), here 3600 s instead of 300 s."""
    interpreter, constant_age = Interpreter(), {"age": "3600", "cache_control": "max-age=300"}
    looks = [
        interpreter.interpret_now(target(), answer(404, seconds_after_noon=at, **constant_age)) for at in (0, 5, 10)
    ]
    assert [look.why for look in looks] == ["stale", "stale", "404"]
    present = interpreter.interpret_now(target(), answer(seconds_after_noon=15, **constant_age))
    # Without an age, the answer proves presence when it was received, not an hour before.
    assert (present.state, present.proved_to) == (State.PRESENT, present.received)
