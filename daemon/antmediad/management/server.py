"""The server as one of a cluster, and its licence: there is neither (management.md, 6 and 9)."""

from __future__ import annotations

from antmediad.api.answer import Answer, answer, result
from antmediad.api.json_schema import BOOLEAN, INTEGER, OBJECT, TEXT, list_of, object_of
from antmediad.api.routes import Query, Schema
from antmediad.errors import RequestError
from antmediad.management.access import Access
from antmediad.management.call import Call
from antmediad.management.routes import Route

_ALONE = "This server is not part of a cluster"
_NUMBER = Schema(object_of({"number": INTEGER}))
_NODES = Schema(list_of(OBJECT))
_REQUEST = Schema(
    object_of(
        {
            **dict.fromkeys(("name", "email", "title", "description"), TEXT),
            "sendSystemInfo": BOOLEAN,
        }
    )
)


def cluster_mode_status(_: Call) -> Answer:
    """Tell whether this is a node of a cluster, which it is not."""
    return result(False, _ALONE)


def count_nodes(_: Call) -> Answer:
    """Return how many servers there are: this one."""
    return answer({"number": 1})


def list_nodes(_: Call) -> Answer:
    """Return the nodes of the cluster: there is none."""
    return Answer(b"[]")


def remove_node(call: Call) -> Answer:
    """Remove a node of the cluster, which there is not."""
    call.note.action, call.note.target = "node not removed", call.parameters["id"]
    raise RequestError(404, _ALONE)


def licence_status(_: Call) -> Answer:
    """Return the licence: there is none, and none is needed."""
    return Answer(b"", 204)


def request_support(call: Call) -> Answer:
    """Refuse to mail the logs to somebody: nothing leaves this machine."""
    call.note.action = "support not requested"
    return result(False, "antmediad sends nothing to anybody; the log is at /rest/v2/log-file")


ROUTES = (
    Route("GET", "/cluster-mode-status", cluster_mode_status, access=Access.SYSTEM_READ),
    Route(
        "GET",
        "/cluster/node-count",
        count_nodes,
        access=Access.SYSTEM_READ,
        answers={200: _NUMBER},
    ),
    Route(
        "GET",
        "/cluster/nodes/{offset:int}/{size:int}",
        list_nodes,
        access=Access.SYSTEM_READ,
        answers={200: _NODES},
    ),
    Route("DELETE", "/cluster/node/{id}", remove_node, access=Access.SYSTEM_ADMIN, answers={}),
    Route(
        "GET",
        "/licence-status",
        licence_status,
        query=(Query("key", description="of no use here"),),
        access=Access.SYSTEM_READ,
        answers={204: None},
    ),
    Route(
        "GET",
        "/last-licence-status",
        licence_status,
        access=Access.SYSTEM_READ,
        answers={204: None},
    ),
    Route(
        "POST",
        "/support/request",
        request_support,
        consumes_json=True,
        body=_REQUEST,
        access=Access.SIGNED_IN,
    ),
)
