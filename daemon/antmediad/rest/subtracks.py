"""Subtracks, which make a broadcast a room of several (rest-v2.md, section 2.8)."""

from __future__ import annotations

from antmediad.api.answer import FAIL, OK, Answer, answer, answer_list, result
from antmediad.api.fields import ListOf
from antmediad.api.models import RESULT
from antmediad.api.routes import Query, Route
from antmediad.errors import RequestError
from antmediad.rest.broadcasts import circle, leads_back
from antmediad.rest.call import Call
from antmediad.rest.models import BROADCAST, SIMPLE_STAT
from antmediad.store.interface import BroadcastTransaction, Subtracks


async def add(call: Call) -> Answer:
    """Make a broadcast a subtrack of another."""
    main_id, sub_id = call.parameters["id"], call.query.get("id")

    def change(broadcasts: BroadcastTransaction) -> Answer:
        main = broadcasts.find(main_id)
        sub = None if sub_id is None else broadcasts.find(sub_id)
        if sub_id is None or main is None or sub is None or leads_back(broadcasts, sub_id, main_id):
            return result(False, circle(sub_id, main_id))
        limit = main["subtracksLimit"]
        active = Subtracks(main_track=main_id, active=True)
        if limit != -1 and broadcasts.count_subtracks(active) >= limit:
            message = f"Subtrack limit is reached for the main track:{main_id}"
            return result(False, message)
        broadcasts.replace({**sub, "mainTrackStreamId": main_id})
        if not main["virtual"]:
            broadcasts.replace({**main, "virtual": True})
        return OK

    return await call.store.broadcasts.transact(change)


async def remove(call: Call) -> Answer:
    """Make a subtrack a broadcast of its own again."""
    main_id, sub_id = call.parameters["id"], call.query.get("id", "")
    if not sub_id.strip():
        return FAIL

    def change(broadcasts: BroadcastTransaction) -> Answer:
        sub = broadcasts.find(sub_id)
        if sub is None or sub["mainTrackStreamId"] != main_id:
            message = f"Main track of the stream {sub_id} which is {main_id} cannot be updated"
            return result(False, message)
        broadcasts.replace({**sub, "mainTrackStreamId": ""})
        return OK

    return await call.store.broadcasts.transact(change)


def list_page(call: Call) -> Answer:
    """Return one page of the subtracks of a broadcast."""
    return _list_page(call, active=False)


def list_active_page(call: Call) -> Answer:
    """Return one page of the live subtracks of a broadcast."""
    return _list_page(call, active=True)


def count_active(call: Call) -> Answer:
    """Return how many subtracks of a broadcast are live."""
    return answer({"number": call.store.broadcasts.count_subtracks(_asked(call, active=True))})


def _list_page(call: Call, *, active: bool) -> Answer:
    page = call.store.broadcasts.list_subtracks_json(_asked(call, active), *call.page())
    return answer_list(page)


def _asked(call: Call, active: bool) -> Subtracks:
    main_id, role = call.parameters["id"], call.query.get("role", "")
    if call.store.broadcasts.find_json(main_id) is None:
        raise RequestError(404, f"Broadcast not found with id: {main_id}")
    return Subtracks(main_track=main_id, role=role if role.strip() else "", active=active)


_SUBTRACK = (Query("id", description="stream id of the subtrack"),)
_ROLE = (Query("role", description="only subtracks of exactly this role"),)

ROUTES = (
    Route("POST", "/broadcasts/{id}/subtrack", add, consumes_json=True, query=_SUBTRACK),
    Route("DELETE", "/broadcasts/{id}/subtrack", remove, consumes_json=True, query=_SUBTRACK),
    Route(
        "GET",
        "/broadcasts/{id}/subtracks/{offset:int}/{size:int}",
        list_page,
        consumes_json=True,
        query=_ROLE,
        answers={200: ListOf(BROADCAST), 404: RESULT},
    ),
    Route(
        "GET",
        "/broadcasts/{id}/active-subtracks/{offset:int}/{size:int}",
        list_active_page,
        consumes_json=True,
        query=_ROLE,
        answers={200: ListOf(BROADCAST), 404: RESULT},
    ),
    Route(
        "GET",
        "/broadcasts/{id}/active-subtracks-count",
        count_active,
        consumes_json=True,
        query=_ROLE,
        answers={200: SIMPLE_STAT, 404: RESULT},
    ),
)
