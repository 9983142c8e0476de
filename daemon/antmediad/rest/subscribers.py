"""Subscribers of a stream: time-based codes, blocking, events (rest-v2.md, sections 2.6 and 7)."""

from __future__ import annotations

import orjson

from antmediad.api.answer import FAIL, OK, Answer, answer, answer_list, result
from antmediad.api.fields import ListOf
from antmediad.api.routes import Query, Route
from antmediad.guard.stream import decode_base32, subscriber_secret, totp
from antmediad.rest.call import MAX_PAGE, Call
from antmediad.rest.models import CONNECTION_EVENT, SUBSCRIBER, SUBSCRIBER_STATS

MIN_ID_CHARS = 4
MIN_PERIOD_S = 10
MAX_TIME_MS = (1 << 63) - 1
TYPES = ("play", "publish")
BLOCK_TYPES = ("play", "publish", "publish_play")

# Says 3, means 4, and "lenght": as in the original.
INCOMPLETE = (
    "Missing parameter: Make sure you set subscriber object correctly"
    " and make subscriberId's length at least 3"
)
SECRET_INVALID = (
    "Secret code is not multiple of 8 bytes length. Use b32Secret which is a string"  # noqa: S105
    " and its lenght is multiple of 8 bytes and allowed characters A-Z, 2-7"
)
PERIOD_INVALID = "Custom TOTP expiry period must be between 10 and 2147483647"
BLANK = "streamId or subscriberId is blank"
NO_SECRET = (
    "Secret is not set in AppSettings."  # noqa: S105
    " Please set timetokensecret publish or play in Application settings"
)
BLOCK_INVALID = "Block type must be play, publish or publish_play, and seconds at least 0"


async def add(call: Call) -> Answer:
    """Add a subscriber to a stream, or replace the one of that id; a block stays in force."""
    value = call.json()
    record = SUBSCRIBER.create({} if value is None else value)
    subscriber_id, secret = record["subscriberId"] or "", record["b32Secret"] or ""
    if not subscriber_id.strip() or len(subscriber_id) < MIN_ID_CHARS:
        return result(False, INCOMPLETE)
    if secret.strip():
        try:
            decode_base32(secret)
        except ValueError:
            return result(False, SECRET_INVALID)
    else:
        record["b32Secret"] = None
    if record["totpExpiryPeriodSeconds"] is None:
        record["totpExpiryPeriodSeconds"] = call.settings.time_token_period
    if record["totpExpiryPeriodSeconds"] < MIN_PERIOD_S:
        return result(False, PERIOD_INVALID)
    if record["type"] not in TYPES:
        record["type"] = None
    record["streamId"] = call.parameters["id"]
    await call.store.subscribers.put(record)
    return OK


def list_page(call: Call) -> Answer:
    """Return one page of a stream's subscribers, without their secrets."""
    return answer_list(call.store.subscribers.list_json(call.parameters["id"], *call.page()))


async def delete(call: Call) -> Answer:
    """Remove a subscriber, with the connection events."""
    stream_id, subscriber_id = call.parameters["id"], call.parameters["subscriberId"]
    return OK if await call.store.subscribers.delete(stream_id, subscriber_id) else FAIL


async def delete_all(call: Call) -> Answer:
    """Remove all subscribers of a stream, with the connection events."""
    return OK if await call.store.subscribers.delete_all(call.parameters["id"]) else FAIL


def get_code(call: Call) -> Answer:
    """Return a subscriber's time-based code of this moment, in ``dataId``.

    Its key is the subscriber's own secret, or else made of the application's secret for ``type``.
    """
    stream_id, subscriber_id = call.parameters["id"], call.parameters["subscriberId"]
    if _is_blank(call):
        return result(False, BLANK)
    settings, now = call.settings, call.now()
    found = call.store.subscribers.find(stream_id, subscriber_id)
    if found is not None and found.b32_secret:
        period_s = found.record["totpExpiryPeriodSeconds"] or settings.time_token_period
        return result(True, data_id=totp(decode_base32(found.b32_secret), period_s, now))
    type_ = call.query.get("type")
    secret = (
        settings.time_token_secret_for_play
        if type_ == "play"
        else settings.time_token_secret_for_publish
    ) or ""
    if not secret.strip():
        return result(False, NO_SECRET)
    key = subscriber_secret(secret, subscriber_id, stream_id, type_)
    return result(True, data_id=totp(key, settings.time_token_period, now))


async def block(call: Call) -> Answer:
    """Block a subscriber, known or not, for some seconds; 0 ends a block."""
    type_, seconds = call.parameters["type"], call.number("seconds")
    if _is_blank(call):
        return result(False, BLANK)
    if type_ not in BLOCK_TYPES or seconds < 0:
        return result(False, BLOCK_INVALID)
    record = SUBSCRIBER.create({"subscriberId": call.parameters["subscriberId"]})
    record["streamId"] = call.parameters["id"]
    record["blockedType"] = type_
    record["blockedUntilUnitTimeStampMs"] = min(
        int(call.now() * 1000) + seconds * 1000, MAX_TIME_MS
    )
    await call.store.subscribers.block(record)
    return OK


def list_events(call: Call) -> Answer:
    """Return one page of a stream's connection events, of all subscribers or of one."""
    subscriber_id = call.query.get("subscriberId", "")
    return answer_list(
        call.store.subscribers.list_events_json(
            call.parameters["id"], subscriber_id if subscriber_id.strip() else "", *call.page()
        )
    )


def list_stats(call: Call) -> Answer:
    """Return one page of subscribers with their first connection events, as before 3.0."""
    stream_id, store = call.parameters["id"], call.store.subscribers
    stats = []
    for text in store.list_json(stream_id, *call.page()):
        record = orjson.loads(text)
        events = store.list_events_json(stream_id, record["subscriberId"], 0, MAX_PAGE)
        stats.append(
            {
                "subscriberId": record["subscriberId"],
                "streamId": stream_id,
                "connectionEvents": [orjson.Fragment(event) for event in events],
                "avgVideoBitrate": record["avgVideoBitrate"],
                "avgAudioBitrate": record["avgAudioBitrate"],
            }
        )
    return answer(stats)


def _is_blank(call: Call) -> bool:
    return not (call.parameters["id"].strip() and call.parameters["subscriberId"].strip())


ROUTES = (
    Route("POST", "/broadcasts/{id}/subscribers", add, consumes_json=True, body=SUBSCRIBER),
    Route(
        "GET",
        "/broadcasts/{id}/subscribers/list/{offset:int}/{size:int}",
        list_page,
        answers={200: ListOf(SUBSCRIBER)},
    ),
    Route("DELETE", "/broadcasts/{id}/subscribers/{subscriberId}", delete, consumes_json=True),
    Route("DELETE", "/broadcasts/{id}/subscribers", delete_all, consumes_json=True),
    Route(
        "GET",
        "/broadcasts/{id}/subscribers/{subscriberId}/totp",
        get_code,
        consumes_json=True,
        query=(Query("type", description="play or publish: which secret of the application"),),
    ),
    Route(
        "PUT",
        "/broadcasts/{id}/subscribers/{subscriberId}/block/{seconds:long}/{type}",
        block,
        consumes_json=True,
    ),
    Route(
        "GET",
        "/broadcasts/{id}/connection-events/{offset:int}/{size:int}",
        list_events,
        query=(Query("subscriberId", description="only events of this subscriber"),),
        answers={200: ListOf(CONNECTION_EVENT)},
    ),
    Route(
        "GET",
        "/broadcasts/{id}/subscriber-stats/list/{offset:int}/{size:int}",
        list_stats,
        answers={200: ListOf(SUBSCRIBER_STATS)},
    ),
)
