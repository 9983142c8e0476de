"""What tests of the REST API call and compare."""

from __future__ import annotations

from typing import Any

from tests.daemon import Daemon


def result(
    success: bool,
    message: str | None = "",
    data_id: str | None = "",
    error_id: int = 0,
) -> dict[str, Any]:
    """Return a ``Result`` as the API writes it."""
    return {"success": success, "message": message, "dataId": data_id, "errorId": error_id}


OK, FAIL = result(True), result(False)


def create(daemon: Daemon, application: str = "LiveApp", **properties: Any) -> Any:
    """Create a broadcast, and return it."""
    response = daemon.call("POST", "/broadcasts/create", properties, application)
    assert response.status == 200, response.body
    return response.json


def read(daemon: Daemon, stream_id: str, application: str = "LiveApp") -> Any:
    """Return a broadcast."""
    response = daemon.call("GET", f"/broadcasts/{stream_id}", application=application)
    assert response.status == 200, response.body
    return response.json


def answered(
    daemon: Daemon, method: str, path: str, value: Any = None, application: str = "LiveApp"
) -> Any:
    """Return the JSON of a call's answer, whose status is 200."""
    response = daemon.call(method, path, value, application)
    assert response.status == 200, response.body
    return response.json
