"""What Ant Media Server's management API has, called as its own clients do.

The rows are those of the contract's tables (management.md, sections 3 to 9), with the bodies and
headers that its two panels, its scripts and its Java tests send.  None of them leaves anything
behind.
"""

from __future__ import annotations

from collections.abc import Mapping
from hashlib import md5
from types import MappingProxyType
from typing import Any, NamedTuple
from urllib.parse import quote

from antmediad.settings.setting import MASK
from tests.manager import EMAIL, PASSWORD

HASHED = md5(PASSWORD.encode()).hexdigest()
JSON = {"Content-Type": "application/json"}
JSON_UTF8 = {"Content-Type": "application/json;charset=utf-8"}
FORM = {"Content-Type": "application/x-www-form-urlencoded"}
BOUNDARY = "----WebKitFormBoundary7MA4YWxk"
MULTIPART = {"Content-Type": f"multipart/form-data; boundary={BOUNDARY}"}
# What a browser sends with a call of Angular's HttpClient.
ANGULAR = {"Accept": "application/json, text/plain, */*"}
NUMBER = (int, float)


def result(success: bool, message: str | type[str] = "", error_id: int = 0) -> dict[str, Any]:
    return {"success": success, "message": message, "dataId": "", "errorId": error_id}


def numbers(*names: str) -> dict[str, Any]:
    return dict.fromkeys(names, NUMBER)


def form(**files: str) -> str:
    """Return a multipart body, as a browser makes it of files."""
    parts = [
        f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="{name}"; filename="{name}"\r\n'
        f"Content-Type: application/octet-stream\r\n\r\n{content}\r\n"
        for name, content in files.items()
    ]
    return f"{''.join(parts)}--{BOUNDARY}--\r\n"


CPU = numbers("processCPUTime", "systemCPULoad", "processCPULoad", "systemLoadAverageLastMinute")
MEMORY = numbers(
    "virtualMemory",
    "totalMemory",
    "freeMemory",
    "inUseMemory",
    "totalSwapSpace",
    "freeSwapSpace",
    "inUseSwapSpace",
    "availableMemory",
)
HEAP = numbers("maxMemory", "totalMemory", "freeMemory", "inUseMemory")
DISK = numbers("usableSpace", "totalSpace", "freeSpace", "inUseSpace")
SYSTEM = {"osName": str, "osArch": str, "javaVersion": str, "processorCount": int}
TIMES = {"up-time": int, "start-time": int}
VERSION = {"versionName": str, "versionType": "Community Edition", "buildNumber": str}
RESOURCES = {
    "instanceId": str,
    "cpuUsage": CPU,
    "jvmMemoryUsage": HEAP,
    "systemInfo": SYSTEM,
    "systemMemoryInfo": MEMORY,
    "fileSystemInfo": DISK,
    "jvmNativeMemoryUsage": numbers("inUseMemory", "maxMemory"),
    "softwareVersion": VERSION,
    "gpuUsageInfo": [],
    "ffmpegBuildInfo": str,
    "dbAverageQueryTimeMs": int,
    "localWebRTCLiveStreams": 0,
    "localLiveStreams": 0,
    "localWebRTCViewers": 0,
    "localHLSViewers": 0,
    "localDASHViewers": 0,
    "encoders-blocked": 0,
    "encoders-not-opened": 0,
    "publish-timeout-errors": 0,
    "vertx-worker-thread-queue-size": 0,
    "webrtc-vertx-worker-thread-queue-size": 0,
    "server-timing": TIMES,
    "totalLiveStreamSize": 0,
    "license": {},
}
USER = {
    "email": str,
    "userType": (str, None),
    "scope": (str, None),
    "appNameUserType": dict,
    "firstName": (str, None),
    "lastName": (str, None),
    "fullName": (str, None),
    "picture": (str, None),
}
SERVER_SETTINGS = {
    **dict.fromkeys(("allowedDashboardCIDR", "serverName", "logLevel", "nativeLogLevel"), str),
    **dict.fromkeys(("nodeGroup", "appIngestsSrtStreamsWithoutStreamId", "hostAddress"), str),
    **dict.fromkeys(("licenceKey", "jwtServerSecretKey"), MASK),
    **dict.fromkeys(("marketplace", "proxyAddress", "webRTCLogLevel", "jwksURL"), (str, None)),
    **dict.fromkeys(("serverStatusWebHookURL", "localLicenceServerIps"), (str, None)),
    **dict.fromkeys(("buildForMarket", "offlineLicense", "heartbeatEnabled", "useGlobalIp"), bool),
    **dict.fromkeys(("jwtServerControlEnabled", "sslEnabled"), bool),
    **dict.fromkeys(("cpuMeasurementPeriodMs", "cpuMeasurementWindowSize"), int),
    **dict.fromkeys(("defaultHttpPort", "originServerPort", "srtPort", "rtmpPort"), int),
}
PIECE = {"logContent": str, "logContentSize": int, "logFileSize": int}
INFO = {"name": str, "liveStreamCount": 0, "vodCount": 0, "storage": int}
NO_LOG = {"logContent": "There is no log yet"}
NOTHING = b""
DOCUMENT = {"openapi": str, "info": dict, "paths": dict, ...: object}


class Row(NamedTuple):
    """One call, and what a client gets.

    Attributes:
        answer: bytes for the body itself; else the JSON: a type or a tuple of them for a value
            of that type, ``[...]`` with one item for items like it, an object with all its
            members (``...`` as a name: and others), anything else for itself.
        body: text, or a value that is sent as JSON.
    """

    method: str
    path: str
    answer: Any
    status: int = 200
    body: Any = None
    headers: Mapping[str, str] = MappingProxyType({})

    def name(self) -> str:
        """Return what pytest calls it."""
        return f"{self.method} {self.path} {self.body or ''}"[:70]


WRONG_LOGIN = result(False, "Wrong e-mail or password")
EXISTS = result(False, "User with the same e-mail already exists")
REGEXP = "appname contains invalid character and does not match regexp ^[a-zA-Z0-9_-]*$"
MISSING = (
    "Missing parameters for custom SSL certificate. Please provide domain name, fullChain,"
    " private key, and chain"
)
NOT_SERVED = (
    "Either server may not be initialized or application name that does not exist is requested. "
)

USERS = [
    Row(
        "POST",
        "/users/authenticate",
        result(True, "system/ADMIN"),
        200,
        {"email": EMAIL, "password": HASHED},
        JSON_UTF8 | ANGULAR,
    ),
    Row(
        "POST",
        "/users/authenticate",
        result(True, "system/ADMIN"),
        200,
        {"email": EMAIL, "password": PASSWORD},
    ),
    # The first two logins that Ant Media Server's Java test tries, with Gson leaving nulls out.
    Row("POST", "/users/authenticate", WRONG_LOGIN, 200, {}),
    Row("POST", "/users/authenticate", WRONG_LOGIN, 200, {"email": "any_email"}),
    Row("POST", "/users/authenticate", result(False, str), 400, "{email"),
    Row("POST", "/users/authenticate", result(False, str), 415, "email=x", FORM),
    Row("GET", "/authentication-status", result(True)),
    Row("GET", "/first-login-status", result(False), headers=JSON),
    Row(
        "POST",
        "/users/initial",
        result(False, str, -1),
        200,
        {"email": "any_email", "password": "any_pass"},
    ),
    Row("GET", "/admin-status", result(True, "User is admin")),
    Row("GET", f"/users/{EMAIL}/blocked", result(False)),
    Row("GET", f"/users/{quote(EMAIL)}/blocked", result(False)),
    Row("GET", "/user-list", [USER]),
    Row("POST", "/users", EXISTS, 200, {"email": EMAIL, "password": HASHED, "userType": "ADMIN"}),
    Row("POST", "/users", EXISTS, 200, {"email": "you@example.com"}),
    Row("POST", "/users", result(False, "User object is null"), 200, "null"),
    Row(
        "PUT",
        "/users",
        result(False, "Edited user is not found in database"),
        200,
        {"email": "nobody@x"},
    ),
    Row("DELETE", "/users/nobody%40x", result(False, str), headers=FORM),
    Row("GET", "/users", result(False, str), 405),
]
# About the caller's own user: there is none behind a token.
ONESELF = [
    Row(
        "PUT",
        "/users",
        result(False, "User cannot edit itself"),
        200,
        {"email": EMAIL, "userType": "USER"},
    ),
    Row("DELETE", f"/users/{EMAIL}", result(False, "You cannot delete yourself"), headers=FORM),
    Row(
        "POST",
        "/users/password",
        result(False, "User not exist with that name and pass"),
        200,
        {"email": EMAIL, "password": "no", "newPassword": "1"},
    ),
    Row(
        "POST",
        "/users/password",
        result(False, "User name does not exist or there is no new password"),
        200,
        {"password": HASHED},
    ),
]
APPLICATIONS = [
    Row("GET", "/applications", {"applications": ["LiveApp", "live"]}, headers=ANGULAR),
    Row("GET", "/applications-info", [INFO]),
    Row("GET", "/applications/live-streams/LiveApp", []),
    Row("GET", "/applications/live-streams/nothing", result(False, str), 404),
    Row(
        "POST",
        "/applications/LiveApp",
        result(False, "Application with the same name already exists"),
        200,
        {},
    ),
    Row(
        "POST",
        "/applications/LiveApp",
        result(False, "Application with the same name already exists"),
        headers=JSON,
    ),
    Row(
        "POST",
        "/applications/a.b",
        result(
            False, "Application name is not alphanumeric. Please provide alphanumeric characters"
        ),
        200,
        {},
    ),
    Row("PUT", "/applications/new", result(False, str), 200, form(file="PK"), MULTIPART),
    Row(
        "DELETE",
        "/applications/nothing?deleteDB=false",
        result(
            False,
            "AppSettings is not available for app: nothing."
            " It's not available or it's being initialized",
        ),
    ),
    Row("DELETE", "/applications/a.b", result(False, REGEXP), headers=FORM),
    Row("POST", "/applications/LiveApp/reset", result(True, "Successfull operations: 0")),
    Row(
        "POST",
        "/applications/nothing/reset",
        result(False, "No application adaptor with this name nothing"),
    ),
    Row("GET", "/applications/settings/nothing", result(False, str), 404),
    Row(
        "POST",
        "/applications/settings/LiveApp",
        b'{"success":true,"message":"","dataId":"","errorId":0}',
        200,
        {},
    ),
    Row(
        "POST",
        "/applications/settings/LiveApp",
        b'{"success":true,"message":"","dataId":"","errorId":0}',
        200,
        {"noSuchSetting": 1},
        JSON_UTF8,
    ),
    Row(
        "POST",
        "/applications/settings/LiveApp",
        result(False, str),
        200,
        {"encoderSettings": [{"height": 0, "videoBitrate": 200000, "audioBitrate": 300000}]},
    ),
    Row(
        "POST",
        "/applications/settings/LiveApp",
        result(False, str),
        200,
        {"playTokenControlEnabled": True, "enableTimeTokenForPlay": True},
    ),
    Row(
        "POST",
        "/applications/settings/LiveApp",
        result(False, str),
        400,
        {"mp4MuxingEnabled": "perhaps"},
    ),
    Row(
        "POST",
        "/applications/settings/LiveApp",
        result(False, str),
        400,
        '{"hlsMuxingEnabled": true,}',
    ),
    Row("GET", "/shutdown-proper-status?appNames=LiveApp,live", result(True)),
    Row("GET", "/shutdown-proper-status?appNames=LiveApp%2Clive", result(True)),
    Row("GET", "/shutdown-proper-status", result(False, "Bad parameter for appNames. "), 400),
    Row("GET", "/shutdown-proper-status?appNames=nothing", result(False, NOT_SERVED), 404),
    Row("GET", "/shutdown-properly?appNames=LiveApp", b"true"),
    Row("GET", "/shutdown-properly", result(False, str), 400),
]
SERVER = [
    Row("GET", "/server-settings", SERVER_SETTINGS),
    Row("POST", "/server-settings", result(True), 200, {}),
    Row("POST", "/server-settings", result(False, str), 200, {"logLevel": "LOUD"}),
    Row("GET", "/ssl-settings/", result(False, str), 405),
    Row(
        "POST",
        "/ssl-settings?domain=&type=CUSTOM_CERTIFICATE",
        result(False, "Invalid domain name parameter"),
        200,
        form(),
        MULTIPART,
    ),
    Row(
        "POST",
        "/ssl-settings?domain=a.example.com&type=CUSTOM_CERTIFICATE",
        result(False, MISSING),
        200,
        form(chainFile="x"),
        MULTIPART,
    ),
    Row(
        "POST",
        "/ssl-settings?domain=a.example.com&type=CUSTOM_DOMAIN",
        result(False, str),
        200,
        form(),
        MULTIPART,
    ),
    Row(
        "POST",
        "/ssl-settings?domain=&type=ANTMEDIA_SUBDOMAIN",
        result(False, str),
        200,
        form(),
        MULTIPART,
    ),
    Row(
        "POST",
        "/ssl-settings?domain=a.example.com&type=OTHER",
        result(False, "Unknown SSL configuration type"),
        200,
        form(),
        MULTIPART,
    ),
    Row(
        "POST",
        "/ssl-settings?domain=a.example.com",
        result(False, "Undefined configuration type"),
        200,
        form(),
        MULTIPART,
    ),
    Row("GET", "/version", VERSION),
    Row("GET", "/enterprise-edition", result(False, str)),
    Row("GET", "/licence-status/?key=abc", NOTHING, 204),
    Row("GET", "/licence-status", NOTHING, 204),
    Row("GET", "/last-licence-status", NOTHING, 204),
    Row("GET", "/cluster-mode-status", result(False, str)),
    Row("GET", "/log-file/-1/10000/?logType=server", PIECE),
    Row("GET", "/log-file/0/512", PIECE),
    Row("GET", "/log-file/0/10000?logType=error", (PIECE, NO_LOG)),
    Row("GET", "/liveness", {"host": str, "status": "ok"}),
    Row(
        "POST",
        "/support/request",
        result(False, str),
        200,
        {"name": "x", "email": "x@y", "title": "t", "description": "d", "sendSystemInfo": False},
    ),
]
MACHINE = [
    Row("GET", "/system-status", SYSTEM),
    Row("GET", "/cpu-status", CPU),
    Row("GET", "/system-memory-status", MEMORY),
    Row("GET", "/jvm-memory-status", HEAP),
    Row("GET", "/file-system-status", DISK),
    Row("GET", "/server-time", TIMES),
    Row("GET", "/system-resources", RESOURCES),
    Row("GET", "/live-clients-size", {"totalConnectionSize": 0, "totalLiveStreamSize": 0}),
    Row("GET", "/gpu-status", []),
    Row(
        "GET", "/threads", {"dead-locked-thread": [], "thread-count": int, "thread-peek-count": int}
    ),
    Row("GET", "/thread-dump", result(False, str), headers={"Accept": "text/plain"}),
    Row("GET", "/thread-dump-json", []),
    Row("GET", "/heap-dump", result(False, str), 404),
    Row("POST", "/system/gc", result(True)),
]
# What a newer panel asks for and copes without.
NEWER = [
    Row("GET", "/system-resources/history", result(False, str), 404),
    Row("GET", "/network-status", result(False, str), 404),
    Row("GET", "/applications/LiveApp/metrics-history", result(False, str), 404),
]
CLUSTER = [
    Row("GET", "/cluster/node-count", {"number": 1}),
    Row("GET", "/cluster/nodes/0/10", []),
    Row("DELETE", "/cluster/node/abc", result(False, str), 404),
    Row("GET", "/openapi.json", DOCUMENT),
]
OPEN = frozenset(
    {
        "/users/authenticate",
        "/authentication-status",
        "/first-login-status",
        "/users/initial",
        f"/users/{EMAIL}/blocked",
        f"/users/{quote(EMAIL)}/blocked",
        "/liveness",
    }
)
"""The paths that answer whoever calls."""
EVERYBODY = (*USERS, *APPLICATIONS, *SERVER, *MACHINE, *NEWER, *CLUSTER)
ROWS = (*EVERYBODY, *ONESELF)


def difference(value: Any, shape: Any, place: str = "answer") -> str:
    """Return where *value* is not as a row says; empty when it is."""
    if isinstance(shape, tuple):
        return (
            "" if not all(difference(value, one, place) for one in shape) else f"{place}: {value!r}"
        )
    if isinstance(shape, type):
        fits = isinstance(value, shape) and (shape is not int or not isinstance(value, bool))
        return "" if fits else f"{place}: {value!r} is no {shape.__name__}"
    if isinstance(shape, dict) and isinstance(value, dict):
        others = value.keys() ^ (shape.keys() - {...})
        if others - (value.keys() if ... in shape else set()):
            return f"{place}: {sorted(map(str, others))}"
        found = (
            difference(value[name], one, f"{place}.{name}")
            for name, one in shape.items()
            if name is not ...
        )
        return next(filter(None, found), "")
    if isinstance(shape, list) and len(shape) == 1 and isinstance(value, list) and value:
        found = (difference(one, shape[0], f"{place}[{at}]") for at, one in enumerate(value))
        return next(filter(None, found), "")
    return "" if value == shape else f"{place}: {value!r}, not {shape!r}"
