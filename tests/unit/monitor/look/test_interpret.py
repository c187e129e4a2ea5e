from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from monitor.look.challenge import find_challenge
from monitor.look.fetch import Answer, Failure, Reason
from monitor.look.interpret import Interpreter, Known
from monitor.look.recognise.changed import NO_BASELINE
from monitor.look.redirect import REDIRECTED
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


def answer(status: int = 200, body: bytes = PAGE, *, at: float = 0.0, url: str = URL, **headers: str) -> Answer:
    sent = NOON + timedelta(seconds=at)
    told = {name.replace("_", "-"): value for name, value in headers.items()}
    return Answer(url, status, told, body, sent, sent + timedelta(seconds=0.1))


def see(said: Answer | Failure, seen: Target | None = None) -> Sighting:
    return Interpreter().interpret_now(seen or target(), said)


@pytest.mark.parametrize("reason", list(Reason))
def test_failed_look_is_unknown(reason: Reason) -> None:
    sighting = see(Failure(URL, reason, "x", NOON, NOON))
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
    assert see(answer(status)).state is state


def test_success_without_a_body_is_unknown() -> None:
    assert see(answer(body=b"")).why == "empty"
    assert see(answer(204, b"")).state is State.UNKNOWN


def test_only_status_accepts_other_successes_than_200() -> None:
    assert see(answer(203), target(recognise="govuk")).state is State.UNKNOWN


@pytest.mark.parametrize("backend", ["mirrorS3", "mirrorS3Replica", "mirrorGCS", "error"])
@pytest.mark.parametrize("status", [200, 404])
def test_answer_of_a_mirror_is_unknown(backend: str, status: int) -> None:
    assert see(answer(status, fastly_backend_name=backend)).why == "mirror"


def test_stale_copy_is_unknown() -> None:
    assert see(answer(age="1914", cache_control="max-age=300, public")).why == "stale"


@pytest.mark.parametrize("status", [200, 202, 403, 404, 503])
@pytest.mark.parametrize("mark", [{"cf_mitigated": "challenge"}, {"x_amzn_waf_action": "captcha"}])
def test_answer_of_a_firewall_is_unknown(status: int, mark: dict[str, str]) -> None:
    assert see(answer(status, **mark)).why == "challenge"


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
    sighting = see(answer(body=body, content_type="text/html"), target(recognise=recognise))
    assert (sighting.state, sighting.why in ("challenge", "sign-in page")) == (State.UNKNOWN, True)


def test_page_with_a_sign_in_field_is_a_page() -> None:
    assert find_challenge(answer(body=PAGE + b"<input type=password>", content_type="text/html")) is None


def test_file_that_contains_the_words_of_a_challenge_is_a_file() -> None:
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
    assert see(answer(status, b"", url=url, location=location), target(url)).state is state


def test_redirect_within_the_host_sets_the_address_of_the_next_look() -> None:
    found = see(answer(301, location="/government/statistics/other#top")).found
    assert [(each.role, each.url) for each in found] == [("redirect", "https://www.gov.uk/government/statistics/other")]
    assert see(answer(301, location="https://login.example/")).found == ()


@pytest.mark.parametrize(("location", "why"), [(f"{URL}?turn=1", "redirected to itself"), ("/other", REDIRECTED)])
def test_a_redirect_to_the_same_path_leads_to_no_publication(location: str, why: str) -> None:
    sighting = see(answer(302, location=location))
    assert (sighting.why, len(sighting.found)) == (why, 1)


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
def test_a_redirect_that_gives_up_encryption_or_leaves_the_port_is_not_followed(location: str) -> None:
    sighting = see(answer(302, location=location))
    assert (sighting.state, sighting.found) == (State.UNKNOWN, ())


def test_a_redirect_to_encryption_is_followed() -> None:
    found = see(answer(301, url="http://stats.example/a", location="https://stats.example/a")).found
    assert [each.url for each in found] == ["https://stats.example/a"]


def test_replaced_long_file_with_the_same_beginning_differs_by_its_length() -> None:
    interpreter, seen = Interpreter(), target(FILE, file=True)
    lengths = ("90", "90", "91")
    said = [replace(answer(200, b"a,b\n1,2\n", url=FILE, content_length=length), whole=False) for length in lengths]
    digests = [interpreter.interpret_now(seen, one).digest for one in said]
    assert (digests[0] == digests[1], digests[1] == digests[2]) == (True, False)


def test_a_path_that_is_part_of_another_item_leads_nowhere() -> None:
    sighting = see(answer(303, b"", location="/api/content/government/statistics/parent"))
    assert (sighting.state, sighting.found) == (State.UNKNOWN, ())


def test_proved_instants_allow_for_the_age_of_the_answer() -> None:
    absent = see(answer(404, age="17", cache_control="max-age=30"))
    assert absent.proved_from == NOON - timedelta(seconds=19)
    assert absent.proved_to == NOON + timedelta(seconds=0.1 - 16)


def test_not_modified_repeats_the_result_of_the_last_body() -> None:
    interpreter = Interpreter()
    first = interpreter.interpret_now(target(), answer(etag='"1"'))
    assert interpreter.make_request(target()).etag == '"1"'
    second = interpreter.interpret_now(target(), answer(304, b"", at=1))
    assert (second.state, second.digest) == (first.state, first.digest) == (State.PRESENT, first.digest)


def test_not_modified_since_an_unread_body_is_unknown() -> None:
    assert see(answer(304, b"")).state is State.UNKNOWN


def test_etag_of_one_address_is_not_sent_to_another() -> None:
    interpreter, there = Interpreter(), f"{URL}-2"
    interpreter.interpret_now(target(), answer(etag='"1"', last_modified=NOON_DATE))
    assert (interpreter.make_request(target()).etag, interpreter.make_request(target()).modified) == ('"1"', NOON_DATE)
    elsewhere = interpreter.make_request(target(), there)
    assert (elsewhere.etag, elsewhere.modified) == (None, None)
    interpreter.interpret_now(target(), answer(url=there, at=1, etag='"2"'))
    assert (interpreter.make_request(target(), there).etag, interpreter.make_request(target()).etag) == ('"2"', None)


def test_a_repeated_body_is_not_read_again_even_by_another_recogniser() -> None:
    interpreter = Interpreter()
    interpreter.interpret_now(target(recognise="govuk"), answer())
    first = interpreter.interpret_now(target(recognise="govuk"), answer())
    assert first.found is interpreter.interpret_now(target(recognise="nonsense"), answer()).found


def test_unknown_recogniser_gives_an_unknown_sighting() -> None:
    assert see(answer(), target(recognise="nonsense")).state is State.UNKNOWN


def test_changed_takes_the_first_body_for_its_baseline() -> None:
    interpreter, seen = Interpreter(), target(recognise="changed")
    states = [interpreter.interpret_now(seen, answer(body=body)).state for body in (OLD, OLD, NEW, OLD)]
    assert states == [State.UNKNOWN, State.ABSENT, State.PRESENT, State.ABSENT]


def test_changed_uses_the_baseline_of_an_earlier_process() -> None:
    seen = target(recognise="changed")
    earlier = Interpreter().interpret_now(seen, answer(body=OLD))
    later = Interpreter()
    later.restore_known(seen, Known(earlier.digest))
    assert later.interpret_now(seen, answer(body=NEW)).state is State.PRESENT


def test_forgotten_target_has_no_baseline() -> None:
    interpreter, seen = Interpreter(), target(recognise="changed")
    interpreter.interpret_now(seen, answer(body=OLD))
    interpreter.forget(seen.id)
    assert interpreter.interpret_now(seen, answer(body=NEW)).why == NO_BASELINE


def test_page_that_appears_is_absent_with_another_period_and_unknown_with_another_title() -> None:
    interpreter, seen = Interpreter(), target(recognise="govuk")
    wrong, other = PAGE.replace(b"July", b"June"), PAGE.replace(b"Figures", b"Prisons")
    assert interpreter.interpret_now(seen, answer(body=wrong)).state is State.ABSENT
    again = Interpreter()
    again.interpret_now(seen, answer(404, b""))
    assert again.interpret_now(seen, answer(body=wrong)).state is State.ABSENT
    assert again.interpret_now(seen, answer(body=other)).state is State.UNKNOWN


def test_every_look_is_unknown_while_our_clock_may_be_far_off() -> None:
    interpreter = Interpreter(unproven_offset=timedelta(seconds=30))
    assert interpreter.interpret_now(target(), answer(404, at=45, date=NOON_DATE)).why == "clock"


def test_on_a_shared_store_a_clock_known_to_be_wrong_makes_sightings_unknown() -> None:
    whys = [
        Interpreter(is_shared=shared).interpret_now(target(), answer(404, at=at, date=NOON_DATE)).why
        for shared, at in ((True, 10), (True, -10), (False, 10), (True, 0.5))
    ]
    assert whys == ["clock", "clock", "404", "404"]


def test_second_answer_with_a_grown_age_dates_the_clock() -> None:
    interpreter = Interpreter()
    looks = [answer(404, at=at, date="Thu, 26 Nov 2026 11:55:00 GMT", age=str(300 + at)) for at in (0, 2, 6)]
    sightings = [interpreter.interpret_now(target(), look) for look in looks]
    assert [sighting.why for sighting in sightings] == ["clock", "clock", "404"]
    assert sightings[-1].proved_from == NOON - timedelta(seconds=302)


def test_wrong_clock_widens_the_proved_interval_until_it_contains_the_truth() -> None:
    ahead = Interpreter().interpret_now(target(), answer(404, at=10, date=NOON_DATE))
    assert ahead.proved_from <= NOON
    behind = Interpreter().interpret_now(target(), answer(200, at=-10, date=NOON_DATE))
    assert behind.proved_to >= NOON


def test_first_answer_after_our_clock_was_set_is_unknown() -> None:
    interpreter = Interpreter()
    dates = [f"Thu, 26 Nov 2026 12:00:0{n} GMT" for n in range(4)]
    sightings = [
        interpreter.interpret_now(target(), answer(404, at=n + (10 if n >= 2 else 0), date=dates[n])) for n in range(4)
    ]
    assert [sighting.why for sighting in sightings] == ["404", "404", "clock", "404"]


def test_requests_fit_the_view_and_kind_of_target() -> None:
    interpreter = Interpreter()
    page, file = interpreter.make_request(target()), interpreter.make_request(target(file=True))
    assert (page.cap, page.enough, page.bust) == (1_000_000, False, False)
    assert (file.cap, file.enough) == (65_536, True)
    assert interpreter.make_request(target(view=View.ORIGIN)).bust
    assert interpreter.make_request(target(view=View.CONTENT)).accept == "application/json"
    assert interpreter.make_request(target(), f"{URL}/moved").url == f"{URL}/moved"


_A_PAGE = (URL, "status", PAGE)
_SAMPLED = {
    "announcement": _A_PAGE,
    "asset": (FILE.replace("a.csv", "a.ods"), "status", b"PK\x03\x04"),
    "content": (URL, "govuk", b'{"schema_name": "publication", "title": "Figures: July 2026"}'),
}


@pytest.mark.skipif(not SAMPLES.exists(), reason="the shared samples are not beside the repository")
def test_sampled_headers_give_the_expected_states() -> None:
    proved = {}
    for sample in (SAMPLES / "headers").iterdir():
        head, _, _ = sample.read_text().partition("\n\n")
        first, *rest = head.splitlines()
        headers = {name.replace("-", "_"): value for name, value in (line.split(": ", 1) for line in rest)}
        url, recognise, body = _SAMPLED[sample.stem.partition("_")[0]] if sample.stem[0] in "ac" else _A_PAGE
        said = answer(int(first.split()[1]), body, url=url, **headers | {"date": ""})
        proved[sample.stem] = see(said, target(url, recognise)).state
    assert {name for name, state in proved.items() if state is State.UNKNOWN} == {
        "announcement_301_after_release",
        "error_503_all_backends_failed",
        "mirror_200",
        "rate_limited_429_origin",
        "stale_if_error_hit",
    }
    assert proved["asset_302_still_draft"] is proved["asset_404"] is proved["page_404_hit_age_17"] is State.ABSENT
    assert proved["asset_410_deleted"] is State.WITHDRAWN


def test_constant_age_does_not_change_proved_times() -> None:
    interpreter, told = Interpreter(), {"age": "3600", "cache_control": "max-age=300"}
    looks = [interpreter.interpret_now(target(), answer(404, at=at, **told)) for at in (0, 5, 10)]
    assert [one.why for one in looks] == ["stale", "stale", "404"]
    out = interpreter.interpret_now(target(), answer(at=15, **told))
    assert (out.state, out.proved_to) == (State.PRESENT, out.received)
