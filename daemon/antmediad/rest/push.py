"""Push notifications: tokens for subscribers; nothing is sent (rest-v2.md, section 2.14)."""

from __future__ import annotations

import secrets
import string

import orjson

from antmediad.api.answer import Answer, result
from antmediad.api.routes import Query, Route
from antmediad.guard.issue import issue_with_secret
from antmediad.rest.call import Call
from antmediad.rest.models import PUSH_NOTIFICATION

DEFAULT_LIFESPAN_S = 3600
KEY_CHARS = 32

_ALPHANUMERIC = string.ascii_letters + string.digits
_NO_SERVICE = result(
    False,
    "Push Notification Service is not available community edition. Please use enterprise edition",
)

# Of the process, not of a snapshot of settings: a reload must not make tokens worthless.
_random_keys: dict[str, str] = {}


def subscriber_token(call: Call) -> Answer:
    """Return a token with which a subscriber registers for push notifications, in ``dataId``."""
    lifespan_s = call.integer("timeoutSeconds")
    subscriber_id = call.query.get("subscriberId", "")
    if not subscriber_id.strip():
        message = "subscriberId is blank. Please give subscriberId as query parameter"
        return result(False, message)
    if lifespan_s <= 0:
        lifespan_s = DEFAULT_LIFESPAN_S
    claims = {"subscriberId": subscriber_id, "exp": int(call.now()) + lifespan_s}
    token = issue_with_secret(claims, _key(call))
    return result(True, "Token is available in dataId field", token)


def notify_subscribers(call: Call) -> Answer:
    """Send a notification to subscribers."""
    value = call.json()
    if isinstance(value, dict) and _is_object(PUSH_NOTIFICATION.create(value)["jsonMessage"] or ""):
        return _NO_SERVICE
    message = "JSON content cannot be parsed. Make sure JSON content is in correct format"
    return result(False, message)


def notify_topic(call: Call) -> Answer:
    """Send a notification, the JSON object in the body, to all who subscribed to a topic."""
    if not _is_object(call.body):
        return result(False, "JSON content cannot be parsed")
    return _NO_SERVICE


def _key(call: Call) -> str:
    configured = call.settings.subscriber_authentication_key
    if configured:
        return configured
    key = _random_keys.get(call.application)
    if key is None:
        key = "".join(secrets.choice(_ALPHANUMERIC) for _ in range(KEY_CHARS))
        _random_keys[call.application] = key
    return key


def _is_object(text: str | bytes) -> bool:
    try:
        return isinstance(orjson.loads(text), dict)
    except orjson.JSONDecodeError:
        return False


_SERVICE = (Query("serviceName", description="fcm or apn; all of them, when it is not given"),)

ROUTES = (
    Route(
        "GET",
        "/push-notification/subscriber-auth-token",
        subscriber_token,
        query=(
            Query("subscriberId", description="whose token it is"),
            Query("timeoutSeconds", "integer", "how long it is valid (3600)"),
        ),
    ),
    Route(
        "POST",
        "/push-notification/subscribers",
        notify_subscribers,
        consumes_json=True,
        query=_SERVICE,
        body=PUSH_NOTIFICATION,
    ),
    Route(
        "POST",
        "/push-notification/topics/{topic}",
        notify_topic,
        consumes_json=True,
        query=_SERVICE,
        body="text",
    ),
)
