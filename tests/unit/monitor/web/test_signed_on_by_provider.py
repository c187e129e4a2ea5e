"""Sign-on by an OpenID provider: checks of its tokens, and the rights from its claims."""

from __future__ import annotations

import json
import re
from collections.abc import AsyncIterator
from html import unescape
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import httpx
import pytest
from authlib.common.encoding import to_unicode, urlsafe_b64encode
from joserfc import jwt
from joserfc.jwk import OctKey
from structlog.testing import capture_logs

from monitor.app.options import make_openid
from monitor.config.settings import Settings
from monitor.look.guard import make_guard
from monitor.look.http.resolve import Resolver
from monitor.look.http.transport import HttpTransport
from monitor.web.openid import OpenID
from monitor.web.sessions import SESSION_SECONDS
from tests.loopback import rude_server
from tests.unit.monitor.web.openid_provider import (
    BOARD,
    SECRET,
    SUBJECT,
    Idp,
    Visitor,
    board_with_provider,
    key,
    web_settings,
)
from tests.unit.monitor.web.people import SECRET as PASSWORD
from tests.unit.monitor.web.people import SESSION_COOKIE, hidden_field

HOST = "board.example"
CONFIGURATION_PATH = "/.well-known/openid-configuration"


@pytest.fixture
async def visitor(tmp_path: Path) -> AsyncIterator[Visitor]:
    async with board_with_provider(tmp_path) as visitor:
        yield visitor


def is_refused(answer: httpx.Response, status: int, word: str) -> bool:
    """Return whether the response is a sign-in page with this word and no new session."""
    result = [line for line in answer.text.splitlines() if 'role="alert"' in line]
    assert (answer.status_code, len(result)) == (status, 1), answer.text
    return word in result[0] and "ninethirty=" not in answer.headers.get("set-cookie", "")


@pytest.mark.parametrize(
    ("groups", "access", "may_sign"),
    [
        (["stats-duty"], "every page", False),
        (["readers", "stats-heads", "others"], "every page", True),
        (["readers"], "every page but /status", False),
        ("stats-duty", "every page", False),
    ],
)
async def test_right_depends_only_on_the_configured_claim(
    tmp_path: Path, groups: list[str] | str, access: str, *, may_sign: bool
) -> None:
    # The claim `groups` is configured: stats-heads may sign, stats-duty may act, readers may only
    # read. The best right counts. The name anne gives none.
    idp = Idp(claims={"groups": groups, "preferred_username": "anne"})
    async with board_with_provider(tmp_path, idp) as visitor:
        assert await visitor.access() == "no page before sign-in"
        answer = await visitor.sign_on("/incidents")
        assert (answer.status_code, answer.headers["location"]) == (303, "/incidents")
        assert await visitor.access() == access
        page = (await visitor.client.get(f"/incidents/{visitor.board.incident}")).text
        assert ("Sign or waive" in page) is may_sign
        assert "anne" in page
        assert "Sign out" in page


async def test_sign_on_requests_a_code_bound_to_this_browser(visitor: Visitor) -> None:
    """`state`, `nonce` and `code_challenge` are new for each sign-on, so no other browser can use
    the code.
    """
    await visitor.sign_on()
    query = visitor.idp.authorization_query
    assert query.items() >= {
        ("response_type", "code"),
        ("client_id", "ninethirty"),
        ("redirect_uri", f"{BOARD}/sign-in/oidc/return"),
        ("code_challenge_method", "S256"),
    }
    assert query["scope"].split()[0] == "openid"
    assert len({query["state"], query["nonce"], query["code_challenge"]}) == 3
    # The board itself requests only these. The browser opens the page where the person approves.
    assert visitor.idp.requested_paths == [CONFIGURATION_PATH, "/token", "/keys"]


async def test_a_session_ends_after_its_time(visitor: Visitor) -> None:
    await visitor.sign_on()
    assert await visitor.access() == "every page"
    visitor.board.clock.seconds += SESSION_SECONDS + 1
    assert await visitor.access() == "no page before sign-in"


async def sign_out_and_check_session_ended(visitor: Visitor) -> httpx.Response:
    """Sign on, then out, and check that the old session cookie is refused.

    Return the response of the sign-out.
    """
    await visitor.sign_on()
    cookie = visitor.client.cookies[SESSION_COOKIE]
    guard = hidden_field(await visitor.client.get("/incidents"), "guard")
    answer = await visitor.client.post("/sign-out", data={"guard": guard})
    visitor.client.cookies.set(SESSION_COOKIE, cookie, domain=HOST)
    assert await visitor.access() == "no page before sign-in"
    return answer


@pytest.mark.parametrize("sign_out_path", ["/out", "/out?tenant=1"])
async def test_sign_out_leads_to_the_providers_sign_out_page(
    visitor: Visitor, sign_out_path: str
) -> None:
    """The provider signs people in.

    A case is the address of its page for signing out, with or without a query.
    """
    visitor.idp.configuration = {"end_session_endpoint": f"{visitor.idp.url}{sign_out_path}"}
    # The content security policy forbids forms that lead to other sites, so a page leads there and
    # not a redirect.
    page = await sign_out_and_check_session_ended(visitor)
    assert page.status_code == 200
    assert "Sign out</button>" not in page.text
    (target,) = re.findall(r'http-equiv="refresh" content="0; url=([^"]+)"', page.text)
    assert f'href="{target}"' in page.text
    assert unescape(target).startswith(f"{visitor.idp.url}{sign_out_path}")
    # The address also names this board, and has the token of the person as a hint.
    query = dict(parse_qsl(urlsplit(unescape(target)).query))
    assert query["client_id"] == "ninethirty"
    claims = jwt.decode(query["id_token_hint"], key()).claims
    assert (claims["sub"], claims["nonce"]) == (SUBJECT, visitor.idp.authorization_query["nonce"])


@pytest.mark.parametrize("endpoint", [None, "javascript:alert(1)", "/out", 5])
async def test_sign_out_works_if_provider_has_no_sign_out_page(
    visitor: Visitor, endpoint: object
) -> None:
    """A case is the configured address: none, or one that is no whole web address and so is not
    used.
    """
    visitor.idp.configuration = {"end_session_endpoint": endpoint}
    answer = await sign_out_and_check_session_ended(visitor)
    assert (answer.status_code, answer.headers["location"]) == (303, "/")


async def test_long_token_is_left_out_of_the_sign_out_address(tmp_path: Path) -> None:
    """At sign-out, the board links to the sign-out page of the provider (`idp`). The address
    contains the token of the person, unless the token has more than 4000 characters.
    """
    # makes the token longer than 4000 characters
    idp = Idp(claims={"groups": ["stats-duty"], "more": "x" * 4000})
    async with board_with_provider(tmp_path, idp) as visitor:
        idp.configuration = {"end_session_endpoint": f"{idp.url}/out"}
        page = await sign_out_and_check_session_ended(visitor)
        # A shorter token would follow as `&id_token_hint=`.
        assert f'href="{idp.url}/out?client_id=ninethirty"' in page.text


async def test_sign_out_works_while_the_provider_does_not_answer(visitor: Visitor) -> None:
    visitor.idp.configuration = {"end_session_endpoint": f"{visitor.idp.url}/out"}
    await visitor.sign_on()
    # it proves the session of a form
    guard = hidden_field(await visitor.client.get("/incidents"), "guard")
    visitor.idp.fixed_answers[CONFIGURATION_PATH] = (500, "", {})
    # The board keeps the configuration of the provider for ten minutes.
    visitor.board.clock.seconds += 700
    answer = await visitor.client.post("/sign-out", data={"guard": guard})
    assert answer.status_code == 303
    assert await visitor.access() == "no page before sign-in"


@pytest.mark.parametrize(
    "claims",
    [
        {"aud": "another"},
        {"aud": ["another"], "azp": "ninethirty"},
        {"aud": ["ninethirty", "another"], "azp": "another"},
        {"aud": None},
        {"iss": "https://another.example"},
        {"iss": None},
        {"nonce": "another"},
        {"nonce": None},
        {"exp": 1},
        {"exp": None},
        {"exp": "soon"},
        {"iat": 99999999999},
        {"nbf": 99999999999},
        {"sub": None},
        {"at_hash": "of-another-token"},
    ],
    ids=str,
)
async def test_token_for_another_client_provider_or_time_is_refused(
    visitor: Visitor, claims: dict[str, Any]
) -> None:
    """A case replaces one claim of a valid token (None: removes it). For example, `aud`, the client
    that may use the token, is `another`. `iss` is the provider.
    """
    visitor.idp.claims |= claims
    with capture_logs() as logs:
        answer = await visitor.sign_on()
    assert is_refused(answer, 403, "a token that cannot be trusted")
    assert await visitor.access() == "no page before sign-in"
    (failure,) = [line for line in logs if line["event"] == "sign_on_failed"]
    assert SECRET not in str(logs)
    assert "a token that cannot be trusted" in failure["why"]


def unsigned_token(idp: Idp) -> str:
    _, body, _ = idp.sign_token().split(".")
    return f"{to_unicode(urlsafe_b64encode(json.dumps({'alg': 'none'}).encode()))}.{body}."


def token_signed_with_secret(idp: Idp) -> str:
    claims = jwt.decode(idp.sign_token(), key()).claims
    return jwt.encode({"alg": "HS256"}, claims, OctKey.import_key(SECRET), algorithms=["HS256"])


def altered_token(idp: Idp) -> str:
    head, _, mark = idp.sign_token().split(".")
    idp.claims["groups"] = ["stats-heads"]
    return f"{head}.{idp.sign_token().split('.')[1]}.{mark}"


FORGERIES = {
    "signed with an unknown key": lambda idp: idp.sign_token(key("two")),
    "signed with an unknown key that has a known name": lambda idp: idp.sign_token(
        key("two"), {"kid": "one"}
    ),
    "not signed": unsigned_token,
    "signed with the client's secret": token_signed_with_secret,
    "altered": altered_token,
    "no token": lambda _: "x.y.z",
    "blank": lambda _: " ",
}


@pytest.mark.parametrize("forgery", FORGERIES)
async def test_token_with_an_invalid_signature_is_refused(visitor: Visitor, forgery: str) -> None:
    """A case is a forgery of the token that the provider would send, such as one signed with an
    unknown key.
    """
    query = await visitor.approve_at_provider()
    visitor.idp.token = FORGERIES[forgery](visitor.idp)
    assert is_refused(await visitor.return_to_board(query), 403, "a token that cannot be trusted")
    assert await visitor.access() == "no page before sign-in"


async def test_sign_on_must_end_in_the_browser_where_it_began(visitor: Visitor) -> None:
    query = await visitor.approve_at_provider()
    for wrong in ({**query, "state": "x"}, {"code": "c0de"}, {**query, "state": "ä"}, {}):
        assert is_refused(await visitor.return_to_board(wrong), 400, "too old")
        # The refusal ended this sign-on, so another one begins.
        query = await visitor.approve_at_provider()
    # Without its cookie, this is another browser.
    visitor.client.cookies.clear()
    assert is_refused(await visitor.return_to_board(query), 400, "too old")
    assert "/token" not in visitor.idp.requested_paths


async def test_sign_on_can_be_finished_only_once(visitor: Visitor) -> None:
    query = await visitor.approve_at_provider()
    assert (await visitor.return_to_board(query)).status_code == 303
    assert is_refused(await visitor.return_to_board(query), 400, "too old")


async def test_sign_on_replaces_an_earlier_session(visitor: Visitor) -> None:
    await visitor.sign_on()
    first = visitor.client.cookies[SESSION_COOKIE]
    await visitor.sign_on()
    assert visitor.client.cookies[SESSION_COOKIE] != first
    visitor.client.cookies.set(SESSION_COOKIE, first, domain=HOST)
    assert await visitor.access() == "no page before sign-in"


async def test_sign_on_replaces_a_session_cookie_that_another_person_chose(
    visitor: Visitor,
) -> None:
    visitor.client.cookies.set(SESSION_COOKIE, "chosen-by-another", domain=HOST)
    await visitor.sign_on()
    assert visitor.client.cookies[SESSION_COOKIE] != "chosen-by-another"


@pytest.mark.parametrize(
    "next_page",
    [
        "//evil.example",
        "https://evil.example/",
        "/\\evil.example",
        "javascript:x",
        "",
        "/" + "a" * 2000,
    ],
)
async def test_sign_on_never_redirects_to_another_site(visitor: Visitor, next_page: str) -> None:
    """A case is a page to go to that is not one of this board, so sign-on leads to the first page
    instead.
    """
    assert (await visitor.sign_on(next_page)).headers["location"] == "/"


async def test_forged_sign_on_cookie_never_redirects_to_another_site(visitor: Visitor) -> None:
    query = await visitor.approve_at_provider()
    # The cookie is a key of 43 characters and the page to go to.
    cookie = visitor.client.cookies["ninethirty-flow"].strip('"')
    visitor.client.cookies.set("ninethirty-flow", f"{cookie[:43]}//evil.example", domain=HOST)
    answer = await visitor.return_to_board(query)
    assert (answer.status_code, answer.headers["location"]) == (303, "/")


@pytest.mark.parametrize(
    ("claim", "claims"),
    [
        ("groups", {"groups": ["others"]}),
        ("groups", {"groups": None}),
        ("groups", {"groups": {"stats-heads": True}}),
        ("groups", {"groups": [["stats-heads"], 1, None]}),
        ("email", {"email": "stats-heads"}),
        ("email", {"email": "stats-heads", "email_verified": "true"}),
    ],
)
async def test_claim_without_a_configured_right_is_refused(
    tmp_path: Path, claim: str, claims: dict[str, Any]
) -> None:
    """Only plain text in the configured claim counts, and an address only if `email_verified` is
    true. For example, the group `others` has no right.
    """
    async with board_with_provider(tmp_path, claim=claim) as visitor:
        visitor.idp.claims |= claims
        assert is_refused(await visitor.sign_on(), 403, "no rights here")
        assert await visitor.access() == "no page before sign-in"


async def test_verified_email_address_gives_a_right(tmp_path: Path) -> None:
    async with board_with_provider(
        tmp_path, claim="email", rights={"anne@dept.example": "head"}
    ) as visitor:
        visitor.idp.claims = {"email": "anne@dept.example", "email_verified": True}
        await visitor.sign_on()
        assert await visitor.access() == "every page"


@pytest.mark.parametrize(
    ("faulty_path", "reply", "status", "reason"),
    [
        (CONFIGURATION_PATH, (500, "{}", {}), 502, "it answered 500"),
        (
            CONFIGURATION_PATH,
            (302, "", {"Location": "http://127.0.0.1:1/"}),
            502,
            "it answered 302",
        ),
        (CONFIGURATION_PATH, (200, "[]", {}), 502, "without a JSON object"),
        (CONFIGURATION_PATH, (200, "[" * 100_000, {}), 502, "without a JSON object"),
        (
            CONFIGURATION_PATH,
            (200, '{"issuer": "https://another.example"}', {}),
            502,
            "another issuer",
        ),
        (CONFIGURATION_PATH, (200, " " * 600_000, {}), 503, "too_large"),
        ("/token", (500, "<html>", {}), 502, "no token"),
        ("/token", (200, "[]", {}), 502, "no token"),
        ("/token", (400, '{"error": "invalid_grant\\n"}', {}), 403, "refused: invalid_grant"),
        ("/token", (200, '{"access_token": "a"}', {}), 403, "cannot be"),
        ("/keys", (404, "", {}), 502, "it answered 404"),
        ("/keys", (200, "{}", {}), 403, "cannot be"),
        ("/keys", (200, '{"keys": [{"kty": "RSA", "n": "!", "e": 3}, 7]}', {}), 403, "cannot be"),
    ],
)
async def test_fault_of_the_provider_is_shown_in_one_line(
    visitor: Visitor,
    faulty_path: str,
    reply: tuple[int, str, dict[str, str]],
    status: int,
    reason: str,
) -> None:
    # The provider gives a faulty answer, such as 404, at one address: its configuration, its tokens
    # or its keys.
    visitor.idp.fixed_answers[faulty_path] = reply
    with capture_logs() as logs:
        answer = await visitor.client.get("/sign-in/oidc")
        # With a faulty configuration, the board does not send the browser to the provider.
        if faulty_path != CONFIGURATION_PATH:
            answer = await visitor.return_to_board(visitor.idp.approve(answer))
    assert is_refused(answer, status, reason)
    (failure,) = [line for line in logs if line["event"] == "sign_on_failed"]
    assert "\n" not in failure["why"]


@pytest.mark.parametrize("endpoint", ["token_endpoint", "jwks_uri", "authorization_endpoint"])
async def test_invalid_endpoint_is_not_used(visitor: Visitor, endpoint: str) -> None:
    """A case is an endpoint in the configuration of the provider, which here names a file."""
    visitor.idp.configuration[endpoint] = "file:///etc/passwd"
    assert is_refused(await visitor.client.get("/sign-in/oidc"), 502, endpoint)


async def test_provider_must_be_in_an_allowed_network(tmp_path: Path) -> None:
    # The provider is on 127.0.0.1, and no private network is allowed.
    async with board_with_provider(tmp_path, allow=[]) as visitor:
        assert is_refused(await visitor.client.get("/sign-in/oidc"), 503, "refused_address")
        assert visitor.idp.requested_paths == []


async def test_secret_is_sent_in_form_if_the_provider_requires_it(visitor: Visitor) -> None:
    # By default, the board sends its secret in a header. This provider refuses that.
    visitor.idp.configuration["token_endpoint_auth_methods_supported"] = ["client_secret_post"]
    await visitor.sign_on()
    assert await visitor.access() == "every page"


@pytest.mark.parametrize("provider_fault", ["hangs", "drips", "garbage"])
async def test_unresponsive_provider_fails_sign_on_and_gets_no_second_request(
    tmp_path: Path, provider_fault: str
) -> None:
    """A person tries twice to sign on. The provider hangs, sends a byte now and then, or sends
    garbage that is not HTTP. The board gives up after 0.2 s and reports that the provider does not
    answer.
    """
    async with board_with_provider(tmp_path) as visitor, rude_server(provider_fault) as server:
        # The server is on this machine, so the board may use addresses in 127.0.0.0/8.
        clock, resolver = visitor.board.clock, Resolver(make_guard(["127.0.0.0/8"], [server.port]))
        configured = make_openid(Settings(web=web_settings(tmp_path, server.url)), clock)
        assert configured is not None
        # Each request to the provider uses a new transport.
        transports: list[HttpTransport] = []

        def open_impatient_transport() -> HttpTransport:
            transports.append(HttpTransport(clock, resolver, seconds=0.2))
            return transports[-1]

        visitor.use_provider(OpenID(configured.provider, clock, open_impatient_transport))
        for _ in range(2):
            assert is_refused(await visitor.client.get("/sign-in/oidc"), 503, "does not answer")
        # The second sign-on made no request, because the first has just failed.
        assert len(transports) == 1


async def test_provider_is_used_again_after_a_failure(visitor: Visitor) -> None:
    """The provider answers the first sign-on with 503, and then gets no request for five seconds.
    Six seconds later it works, and so does sign-on.
    """
    visitor.idp.fixed_answers[CONFIGURATION_PATH] = (503, "", {})
    for _ in range(3):
        assert is_refused(await visitor.client.get("/sign-in/oidc"), 502, "503")
    # Of these three sign-ons, only the first sent a request to the provider.
    assert visitor.idp.requested_paths == [CONFIGURATION_PATH]
    visitor.idp.fixed_answers.clear()
    visitor.board.clock.seconds += 6
    assert (await visitor.sign_on()).status_code == 303


@pytest.mark.parametrize(
    ("changed_setting", "remaining_access"),
    [
        ({"rights": {"stats-duty": "viewer"}}, "every page but /status"),
        ({"rights": {"others": "head"}}, "no page before sign-in"),
        ({"claim": "roles"}, "no page before sign-in"),
        ({"issuer": "https://login.example"}, "no page before sign-in"),
        (None, "no page"),
    ],
    ids=["fewer rights", "no right", "another claim", "another provider", "no provider"],
)
async def test_changed_configuration_limits_existing_sessions_at_once(
    visitor: Visitor, tmp_path: Path, changed_setting: dict[str, Any] | None, remaining_access: str
) -> None:
    """The person is in the group stats-duty, which may act and so sees every page. In one case the
    changed configuration lets this group only read, so the person cannot see /status any more.
    """
    await visitor.sign_on()
    assert await visitor.access() == "every page"
    # Without a setting, the changed configuration has no provider.
    changed = Settings()
    if changed_setting is not None:
        changed = Settings(web=web_settings(tmp_path, visitor.idp.url, **changed_setting))
    visitor.use_provider(make_openid(changed, visitor.board.clock))
    assert await visitor.access() == remaining_access


async def test_repeated_refusals_delay_a_client_but_provider_faults_do_not(
    visitor: Visitor,
) -> None:
    # A 500 is a fault of the provider. The answer invalid_grant may be to a guessed code, and
    # twenty are allowed.
    visitor.idp.fixed_answers["/token"] = (500, "", {})
    for _ in range(25):
        assert (await visitor.sign_on()).status_code == 502
    visitor.idp.fixed_answers["/token"] = (400, '{"error": "invalid_grant"}', {})
    statuses = [(await visitor.sign_on()).status_code for _ in range(22)]
    assert statuses == [403] * 20 + [429] * 2


async def test_sign_in_page_without_users_file_offers_only_the_provider(visitor: Visitor) -> None:
    page = (await visitor.client.get("/sign-in", params={"next": "/incidents?q=1&a=2"})).text
    assert 'href="/sign-in/oidc?next=/incidents%3Fq%3D1%26a%3D2"' in page
    assert urlsplit(visitor.idp.url).hostname in page
    assert 'type="password"' not in page


async def test_same_name_in_users_file_and_provider_is_two_people(
    tmp_path: Path, users: Path
) -> None:
    async with board_with_provider(tmp_path, users=users) as visitor:
        # At the provider, hope is only a viewer. In the users file, hope is a head.
        visitor.idp.claims = {"groups": ["readers"], "preferred_username": "hope"}
        await visitor.sign_on()
        assert await visitor.access() == "every page but /status"
        visitor.client.cookies.clear()
        page = await visitor.client.get("/sign-in")
        form = {"name": "hope", "password": PASSWORD, "mark": hidden_field(page, "mark")}
        assert (await visitor.client.post("/sign-in", data=form)).status_code == 303
        assert await visitor.access() == "every page"


async def finish_refused_sign_on(visitor: Visitor, error: str) -> httpx.Response:
    query = await visitor.approve_at_provider()
    return await visitor.return_to_board({"state": query["state"], "error": error})


async def test_refusal_by_the_provider_is_shown_as_one_escaped_line(visitor: Visitor) -> None:
    denied = await finish_refused_sign_on(visitor, "access_denied")
    assert is_refused(denied, 403, "refused: access_denied")
    hostile = await finish_refused_sign_on(visitor, "<script>\n" + "x" * 500)
    assert is_refused(hostile, 403, "refused: &lt;script&gt; xxx")
