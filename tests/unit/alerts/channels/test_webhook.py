from __future__ import annotations

import base64
import hashlib
import hmac
import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from random import Random

import pytest

from alerts.channel import Accepted, Attachment, Message, Refused
from alerts.channels.http import outcome_of_status
from alerts.channels.webhook import Webhook, webhook_body
from alerts.delivery import RetryAt, RetryPolicy, decide_after_attempt
from tests.loopback import Asked, http_server
from tests.worlds.channels import DIRECT, channel_settings

NOW = datetime(2018, 1, 5, 9, 40, tzinfo=UTC)


def has_valid_signature(asked: Asked, secret: str) -> bool:
    """Check a signature as a receiver would, from the documented recipe alone."""
    fields = dict(part.split("=", 1) for part in asked.headers["x-signature"].split(","))
    expected = hmac.new(
        secret.encode(), fields["t"].encode() + b"." + asked.body, hashlib.sha256
    ).hexdigest()
    return hmac.compare_digest(expected, fields["v1"]) and int(fields["t"]) == int(NOW.timestamp())


async def test_webhook_request_has_valid_signature_and_idempotency_key(message: Message) -> None:
    async with http_server(lambda _: (204, "", {})) as server:
        channel = Webhook(
            channel_settings("webhook", url=f"{server.url}/hook", secret="s3"), lambda: NOW, DIRECT
        )
        assert await channel.send(message) == Accepted("204")
    (asked,) = server.asked
    assert has_valid_signature(asked, "s3")
    assert not has_valid_signature(asked, "other")
    assert asked.headers["idempotency-key"] == message.id
    assert (asked.json["schema"], asked.json["thread"]) == ("ninethirty.notice/1", message.notice)


async def test_without_a_secret_nothing_is_signed(message: Message) -> None:
    async with http_server(lambda _: (200, "", {})) as server:
        await Webhook(channel_settings("webhook", url=server.url), lambda: NOW, DIRECT).send(
            message
        )
    assert "x-signature" not in server.asked[0].headers


async def test_a_redirect_is_not_followed(message: Message) -> None:
    async with http_server(lambda _: (302, "", {"Location": "/elsewhere"})) as server:
        outcome = await Webhook(
            channel_settings("webhook", url=server.url), lambda: NOW, DIRECT
        ).send(message)
    assert outcome == Refused(permanent=False, reason="302 was a redirect, which is not followed")
    assert len(server.asked) == 1


@pytest.mark.parametrize("url", ["http://[bad", "https://a.example:99999"])
async def test_an_invalid_address_is_refused_without_an_exception(
    message: Message, url: str
) -> None:
    outcome = await Webhook(
        channel_settings("webhook", url=url, timeout=1), lambda: NOW, DIRECT
    ).send(message)
    assert isinstance(outcome, Refused)


def test_the_body_of_a_webhook_contains_the_draft(message: Message, draft: Attachment) -> None:
    assert json.loads(webhook_body(message))["files"] == [
        {
            "name": draft.name,
            "media_type": draft.media_type,
            "size": len(draft.content),
            "sha256": hashlib.sha256(draft.content).hexdigest(),
            "base64": base64.b64encode(draft.content).decode(),
        }
    ]


def test_the_same_message_makes_the_same_bytes(message: Message) -> None:
    shuffled = replace(message, data=dict(reversed(message.data.items())))
    assert webhook_body(message) == webhook_body(shuffled)


ABSURD = (
    "1000000000000",
    "9" * 5000,
    "Fri, 31 Dec 9999 23:59:59 GMT",
    "Fri, 31 Dec 9999 23:59:59 -1200",
    "soon",
    "",
)


@pytest.mark.parametrize("retry_after", ABSURD)
def test_absurd_retry_after_neither_delays_nor_ends_attempts(retry_after: str) -> None:
    """A server refuses with 503 and a header Retry-After such as 1000000000000 seconds, the year
    9999, or “soon”. The header is ignored: the next attempt follows after at most 5 s, the usual
    first wait.
    """
    refused = outcome_of_status(503, retry_after, NOW)
    rng = Random(1)  # noqa: S311 # it only spreads attempts
    policy = RetryPolicy(first=timedelta(seconds=5))
    notice_written = NOW - timedelta(hours=1)
    step = decide_after_attempt(
        refused, attempts=1, at=notice_written, now=NOW, rng=rng, policy=policy
    )
    assert isinstance(step, RetryAt)
    assert step.at - NOW <= policy.first


@pytest.mark.parametrize("status", [400, 410, 413, 415, 422])
def test_a_status_that_rejects_the_message_is_a_permanent_refusal(status: int) -> None:
    assert outcome_of_status(status, "5", NOW) == Refused(
        permanent=True, reason=f"{status} was the answer"
    )


@pytest.mark.parametrize("status", [301, 401, 404, 408, 429, 500, 503])
def test_status_of_temporary_trouble_is_retried_after_requested_wait(status: int) -> None:
    """For example 404, 429 or 503. The response asks for a wait of 5 seconds."""
    outcome = outcome_of_status(status, retry_header="5", now=NOW)
    assert isinstance(outcome, Refused)
    assert (outcome.permanent, outcome.retry_after) == (False, timedelta(seconds=5))
