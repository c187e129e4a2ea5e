"""Sign-on by an OpenID provider: checks of its tokens, and the rights from its claims."""

from __future__ import annotations

import json
import re
from html import unescape
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest
from authlib.common.encoding import to_unicode, urlsafe_b64encode
from joserfc import jwt
from joserfc.jwk import OctKey
from structlog.testing import capture_logs

from monitor.app.reporting_options import make_openid
from monitor.config.settings import Settings
from monitor.look.guard import make_guard
from monitor.look.http.resolve import Resolver
from monitor.look.http.transport import HttpTransport
from monitor.web.openid import OpenID
from monitor.web.sessions import SESSION_SECONDS
from tests.loopback import rude_server
from tests.unit.monitor.web.openid_provider import BOARD, SECRET, Idp, SignOn, key, signing_on, web
from tests.unit.monitor.web.people import users_file
from tests.unit.monitor.web.test_signin import SECRET as WORD
from tests.unit.monitor.web.test_signin import hidden

HOST = "board.example"
DESCRIBED = "/.well-known/openid-configuration"


def is_refused(answer: httpx.Response, status: int, word: str) -> bool:
    """Return whether the response is a sign-in page with this word and no new session."""
    result = [line for line in answer.text.splitlines() if 'role="alert"' in line]
    assert (answer.status_code, len(result)) == (status, 1), answer.text
    return word in result[0] and "ninethirty=" not in answer.headers.get("set-cookie", "")


@pytest.mark.parametrize(
    ("groups", "seen", "signs"),
    [
        (["stats-duty"], [200, 200, 200], False),
        (["readers", "stats-heads", "others"], [200, 200, 200], True),
        (["readers"], [200, 200, 403], False),
        ("stats-duty", [200, 200, 200], False),
    ],
)
async def test_right_depends_only_on_the_configured_claim(
    tmp_path: Path, groups: list[str] | str, seen: list[int], *, signs: bool
) -> None:
    idp = Idp(claims={"groups": groups, "preferred_username": "anne"})
    async with signing_on(tmp_path, idp) as one:
        assert await one.statuses() == [303] * 3
        answer = await one.sign_on("/incidents")
        assert (answer.status_code, answer.headers["location"]) == (303, "/incidents")
        assert await one.statuses() == seen
        page = (await one.client.get(f"/incidents/{one.board.incident}")).text
        assert ("Sign or waive" in page, "anne" in page, "Sign out" in page) == (signs, True, True)


async def test_sign_on_requests_a_code_bound_to_this_browser(tmp_path: Path) -> None:
    async with signing_on(tmp_path) as one:
        await one.sign_on()
        sent = one.idp.sent
        fixed = ("response_type", "client_id", "redirect_uri", "code_challenge_method")
        assert [sent[name] for name in fixed] == ["code", "ninethirty", f"{BOARD}/sign-in/oidc/return", "S256"]
        assert sent["scope"].split()[0] == "openid"
        assert len({sent["state"], sent["nonce"], sent["code_challenge"]}) == 3
        assert one.idp.asked == [DESCRIBED, "/token", "/keys"]


async def test_a_session_ends_after_its_time(tmp_path: Path) -> None:
    async with signing_on(tmp_path) as one:
        await sign_out(one)
        one.client.cookies.clear()
        await one.sign_on()
        one.board.clock.seconds += SESSION_SECONDS + 1
        assert await one.statuses() == [303] * 3


async def sign_out(one: SignOn) -> httpx.Response:
    """Sign on, then out, and check that the old session cookie is refused."""
    await one.sign_on()
    kept, guard = one.client.cookies["ninethirty"], hidden(await one.client.get("/incidents"), "guard")
    answer = await one.client.post("/sign-out", data={"guard": guard})
    one.client.cookies.set("ninethirty", kept, domain=HOST)
    assert await one.statuses() == [303] * 3
    return answer


@pytest.mark.parametrize("path", ["/out", "/out?tenant=1"])
async def test_sign_out_leads_to_the_sign_out_page_of_the_provider(tmp_path: Path, path: str) -> None:
    async with signing_on(tmp_path) as one:
        one.idp.configuration = {"end_session_endpoint": f"{one.idp.url}{path}"}
        page = await sign_out(one)
        assert (page.status_code, "Sign out</button>" in page.text) == (200, False)
        (there,) = re.findall(r'http-equiv="refresh" content="0; url=([^"]+)"', page.text)
        where = urlsplit(unescape(there))
        assert f'href="{there}"' in page.text
        assert unescape(there).startswith(f"{one.idp.url}{path}")
        asked = {name: values[0] for name, values in parse_qs(where.query).items()}
        claims = jwt.decode(asked["id_token_hint"], key()).claims
        assert (asked["client_id"], claims["sub"], claims["nonce"]) == ("ninethirty", "0815", one.idp.sent["nonce"])


@pytest.mark.parametrize("endpoint", [None, "javascript:alert(1)", "/out", 5])
async def test_sign_out_works_if_the_provider_has_no_sign_out_page(tmp_path: Path, endpoint: object) -> None:
    async with signing_on(tmp_path) as one:
        one.idp.configuration = {"end_session_endpoint": endpoint}
        answer = await sign_out(one)
        assert (answer.status_code, answer.headers["location"]) == (303, "/")


async def test_long_token_is_left_out_of_the_sign_out_address(tmp_path: Path) -> None:
    idp = Idp(claims={"groups": ["stats-duty"], "more": "x" * 4000})
    async with signing_on(tmp_path, idp) as one:
        idp.configuration = {"end_session_endpoint": f"{idp.url}/out"}
        page = await sign_out(one)
        assert f'href="{idp.url}/out?client_id=ninethirty"' in page.text


async def test_sign_out_works_while_the_provider_does_not_answer(tmp_path: Path) -> None:
    async with signing_on(tmp_path) as one:
        one.idp.configuration = {"end_session_endpoint": f"{one.idp.url}/out"}
        await one.sign_on()
        guard = hidden(await one.client.get("/incidents"), "guard")
        one.idp.answers[DESCRIBED] = (500, "", {})
        one.board.clock.seconds += 700
        answer = await one.client.post("/sign-out", data={"guard": guard})
        assert (answer.status_code, await one.statuses()) == (303, [303] * 3)


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
async def test_token_for_another_client_or_time_is_refused(tmp_path: Path, claims: dict[str, Any]) -> None:
    async with signing_on(tmp_path) as one:
        one.idp.claims |= claims
        with capture_logs() as logs:
            answer = await one.sign_on()
        assert is_refused(answer, 403, "cannot be")
        assert await one.statuses() == [303] * 3
        (result,) = [line for line in logs if line["event"] == "sign_on_failed"]
        assert SECRET not in str(logs)
        assert "cannot be" in result["why"]


def unsigned(idp: Idp) -> str:
    _, body, _ = idp.sign_token().split(".")
    return f"{to_unicode(urlsafe_b64encode(json.dumps({'alg': 'none'}).encode()))}.{body}."


def by_secret(idp: Idp) -> str:
    claims = jwt.decode(idp.sign_token(), key()).claims
    return jwt.encode({"alg": "HS256"}, claims, OctKey.import_key(SECRET), algorithms=["HS256"])


def altered(idp: Idp) -> str:
    head, _, mark = idp.sign_token().split(".")
    idp.claims["groups"] = ["stats-heads"]
    return f"{head}.{idp.sign_token().split('.')[1]}.{mark}"


FORGED = {
    "by an unknown key": lambda idp: idp.sign_token(key("two")),
    "by an unknown key of a known name": lambda idp: idp.sign_token(key("two"), {"kid": "one"}),
    "by nobody": unsigned,
    "by the secret": by_secret,
    "altered": altered,
    "no token": lambda _: "x.y.z",
    "nothing": lambda _: " ",
}


@pytest.mark.parametrize("how", FORGED)
async def test_token_with_an_invalid_signature_is_refused(tmp_path: Path, how: str) -> None:
    async with signing_on(tmp_path) as one:
        query = await one.start()
        one.idp.token = FORGED[how](one.idp)
        assert is_refused(await one.finish(query), 403, "cannot be")
        assert await one.statuses() == [303] * 3


async def test_sign_on_must_end_in_the_browser_where_it_began(tmp_path: Path) -> None:
    async with signing_on(tmp_path) as one:
        query = await one.start()
        for wrong in ({**query, "state": "x"}, {"code": "c0de"}, {**query, "state": "ä"}, {}):
            assert is_refused(await one.finish(wrong), 400, "too old")
            await one.start()
        one.client.cookies.clear()
        assert is_refused(await one.finish(query), 400, "too old")
        assert "/token" not in one.idp.asked


async def test_sign_on_can_be_finished_only_once(tmp_path: Path) -> None:
    async with signing_on(tmp_path) as one:
        query = await one.start()
        assert (await one.finish(query)).status_code == 303
        assert is_refused(await one.finish(query), 400, "too old")


async def test_sign_on_replaces_an_earlier_session(tmp_path: Path) -> None:
    async with signing_on(tmp_path) as one:
        await one.sign_on()
        first = one.client.cookies["ninethirty"]
        await one.sign_on()
        second = one.client.cookies["ninethirty"]
        one.client.cookies.set("ninethirty", first, domain=HOST)
        assert (first != second, await one.statuses()) == (True, [303] * 3)
        one.client.cookies.clear()
        one.client.cookies.set("ninethirty", "chosen-by-another", domain=HOST)
        await one.sign_on()
        assert one.client.cookies["ninethirty"] != "chosen-by-another"


@pytest.mark.parametrize(
    "where", ["//evil.example", "https://evil.example/", "/\\evil.example", "javascript:x", "", "/" + "a" * 2000]
)
async def test_sign_on_never_redirects_to_another_site(tmp_path: Path, where: str) -> None:
    async with signing_on(tmp_path) as one:
        assert (await one.sign_on(where)).headers["location"] == "/"
        query = await one.start()
        kept = one.client.cookies["ninethirty-flow"].strip('"')
        one.client.cookies.set("ninethirty-flow", f"{kept[:43]}//evil.example", domain=HOST)
        assert (await one.finish(query)).headers.get("location", "/") == "/"


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
async def test_claim_without_a_configured_right_is_refused(tmp_path: Path, claim: str, claims: dict[str, Any]) -> None:
    async with signing_on(tmp_path, claim=claim) as one:
        one.idp.claims |= claims
        assert is_refused(await one.sign_on(), 403, "no rights here")
        assert await one.statuses() == [303] * 3


async def test_verified_email_address_gives_a_right(tmp_path: Path) -> None:
    async with signing_on(tmp_path, claim="email", rights={"anne@dept.example": "head"}) as one:
        one.idp.claims = {"email": "anne@dept.example", "email_verified": True}
        await one.sign_on()
        assert await one.statuses() == [200] * 3


@pytest.mark.parametrize(
    ("path", "reply", "status", "word"),
    [
        (DESCRIBED, (500, "{}", {}), 502, "it answered 500"),
        (DESCRIBED, (302, "", {"Location": "http://127.0.0.1:1/"}), 502, "it answered 302"),
        (DESCRIBED, (200, "[]", {}), 502, "without a JSON object"),
        (DESCRIBED, (200, "[" * 100_000, {}), 502, "without a JSON object"),
        (DESCRIBED, (200, '{"issuer": "https://another.example"}', {}), 502, "another issuer"),
        (DESCRIBED, (200, " " * 600_000, {}), 503, "too_large"),
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
    tmp_path: Path, path: str, reply: tuple[int, str, dict[str, str]], status: int, word: str
) -> None:
    async with signing_on(tmp_path) as one:
        one.idp.answers[path] = reply
        with capture_logs() as logs:
            answer = await one.client.get("/sign-in/oidc")
            if path != DESCRIBED:
                answer = await one.finish(one.idp.approve(answer))
        assert is_refused(answer, status, word)
        (result,) = [line for line in logs if line["event"] == "sign_on_failed"]
        assert "\n" not in result["why"]


@pytest.mark.parametrize("endpoint", ["token_endpoint", "jwks_uri", "authorization_endpoint"])
async def test_invalid_endpoint_is_not_used(tmp_path: Path, endpoint: str) -> None:
    async with signing_on(tmp_path) as one:
        one.idp.configuration[endpoint] = "file:///etc/passwd"
        assert is_refused(await one.client.get("/sign-in/oidc"), 502, endpoint)


async def test_provider_must_be_in_an_allowed_network(tmp_path: Path) -> None:
    async with signing_on(tmp_path, allow=[]) as one:
        assert is_refused(await one.client.get("/sign-in/oidc"), 503, "refused_address")
        assert one.idp.asked == []


async def test_secret_is_sent_in_the_form_if_the_provider_requires_it(tmp_path: Path) -> None:
    async with signing_on(tmp_path) as one:
        one.idp.configuration["token_endpoint_auth_methods_supported"] = ["client_secret_post"]
        await one.sign_on()
        assert await one.statuses() == [200] * 3


@pytest.mark.parametrize("how", ["hangs", "drips", "garbage"])
async def test_a_sign_on_at_a_slow_provider_is_refused_after_a_time_limit(tmp_path: Path, how: str) -> None:
    async with signing_on(tmp_path) as one, rude_server(how) as server:
        door = one.board.queries.sessions
        provider = make_openid(Settings(web=web(tmp_path, server.url)), one.board.clock)
        assert door is not None
        assert isinstance(provider, OpenID)
        guard = make_guard(["127.0.0.0/8"], [server.port])
        clock = one.board.clock
        door.provider = OpenID(provider.provider, clock, lambda: HttpTransport(clock, Resolver(guard), seconds=0.2))
        assert is_refused(await one.client.get("/sign-in/oidc"), 503, "does not answer")
        # The next request fails at once, and a moment later the provider is requested again.
        assert is_refused(await one.client.get("/sign-in/oidc"), 503, "does not answer")
        server.released.set()


async def test_provider_is_used_again_after_a_failure(tmp_path: Path) -> None:
    async with signing_on(tmp_path) as one:
        one.idp.answers[DESCRIBED] = (503, "", {})
        for _ in range(3):
            assert is_refused(await one.client.get("/sign-in/oidc"), 502, "503")
        assert one.idp.asked == [DESCRIBED]
        one.idp.answers.clear()
        one.board.clock.seconds += 6
        assert (await one.sign_on()).status_code == 303


async def test_removed_right_ends_at_once(tmp_path: Path) -> None:
    async with signing_on(tmp_path) as one:
        await one.sign_on()
        door = one.board.queries.sessions
        assert door is not None
        for rights, seen in (({"stats-duty": "viewer"}, [200, 200, 403]), ({"others": "head"}, [303] * 3)):
            table = Settings(web=web(tmp_path, one.idp.url, rights=rights))
            door.provider = make_openid(table, one.board.clock)
            assert await one.statuses() == seen


@pytest.mark.parametrize("other", [{"claim": "roles"}, {"issuer": "https://login.example"}, None])
async def test_claims_of_another_provider_give_no_right(tmp_path: Path, other: dict[str, str] | None) -> None:
    async with signing_on(tmp_path) as one:
        await one.sign_on()
        door = one.board.queries.sessions
        assert door is not None
        table = Settings() if other is None else Settings(web=web(tmp_path, one.idp.url, **other))
        door.provider = make_openid(table, one.board.clock)
        assert await one.statuses() != [200] * 3


async def test_repeated_refusals_delay_a_client_but_provider_faults_do_not(
    tmp_path: Path,
) -> None:
    async with signing_on(tmp_path) as one:
        one.idp.answers["/token"] = (500, "", {})
        for _ in range(25):
            assert (await one.sign_on()).status_code == 502
        one.idp.answers["/token"] = (400, '{"error": "invalid_grant"}', {})
        result = [(await one.sign_on()).status_code for _ in range(22)]
        assert result == [403] * 20 + [429] * 2


async def test_sign_in_page_offers_the_configured_ways(tmp_path: Path) -> None:
    async with signing_on(tmp_path) as one:
        page = (await one.client.get("/sign-in", params={"next": "/incidents?q=1&a=2"})).text
        assert 'href="/sign-in/oidc?next=/incidents%3Fq%3D1%26a%3D2"' in page
        assert ("127.0.0.1" in page, 'type="password"' in page) == (True, False)


async def test_same_name_in_users_file_and_provider_is_two_people(tmp_path: Path) -> None:
    async with signing_on(tmp_path, users=users_file(tmp_path)) as one:
        one.idp.claims = {"groups": ["readers"], "preferred_username": "hope"}
        await one.sign_on()
        assert await one.statuses() == [200, 200, 403]
        one.client.cookies.clear()
        page = await one.client.get("/sign-in")
        form = {"name": "hope", "password": WORD, "mark": hidden(page, "mark")}
        assert (await one.client.post("/sign-in", data=form)).status_code == 303
        assert await one.statuses() == [200] * 3


async def finish_refused_sign_on(one: SignOn, error: str) -> httpx.Response:
    query = await one.start()
    return await one.finish({"state": query["state"], "error": error})


async def test_refusal_of_the_provider_is_shown(tmp_path: Path) -> None:
    async with signing_on(tmp_path) as one:
        assert is_refused(await finish_refused_sign_on(one, "access_denied"), 403, "refused: access_denied")
        assert is_refused(
            await finish_refused_sign_on(one, "<script>\n" + "x" * 500), 403, "refused: &lt;script&gt; xxx"
        )
