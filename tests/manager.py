"""A client of the management API, as a browser's session or a script is one."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

from tests.daemon import Daemon, Response

EMAIL, PASSWORD = "me@example.com", "correct horse"


class Manager:
    """Calls the management API of a daemon, with the cookie that it was given."""

    def __init__(self, daemon: Daemon) -> None:
        self.daemon = daemon
        self.cookie = ""

    def call(
        self, method: str, path: str, value: Any = None, headers: Mapping[str, str] | None = None
    ) -> Response:
        """Call ``/rest/v2`` + *path*, with *value* as JSON body unless it is None."""
        sent = dict(headers or {})
        if self.cookie:
            sent.setdefault("Cookie", f"JSESSIONID={self.cookie}")
        body = None if value is None else json.dumps(value)
        response = self.daemon.request(method, f"/rest/v2{path}", body, sent)
        given = re.match(r"JSESSIONID=([^;]*)", response.headers.get("set-cookie", ""))
        if given is not None:
            self.cookie = given[1]
        return response

    def proxied(self, method: str, path: str, value: Any = None, query: str = "") -> Response:
        """Call an application's API through the proxy; *path* begins with its name."""
        return self.call(method, f"/request?_path={quote(path, safe='')}{query}", value)

    def log_in(self, email: str = EMAIL, password: str = PASSWORD) -> Response:
        """Log in."""
        return self.call("POST", "/users/authenticate", {"email": email, "password": password})


def first_user(daemon: Daemon) -> Manager:
    """Make the first user, and return that user's session."""
    manager = Manager(daemon)
    made = manager.call("POST", "/users/initial", {"email": EMAIL, "password": PASSWORD})
    assert made.json["success"], made.body
    assert manager.log_in().json["success"]
    return manager


def user_with(daemon: Daemon, admin: Manager, **rights: str) -> Manager:
    """Make a user with *rights* by application or ``system``, and return that user's session."""
    email = "-".join(["user", *(f"{name}-{role}" for name, role in rights.items())])
    user = {"email": email, "password": PASSWORD, "appNameUserType": rights}
    assert admin.call("POST", "/users", user).json["success"]
    manager = Manager(daemon)
    assert manager.log_in(email).json["success"]
    return manager
