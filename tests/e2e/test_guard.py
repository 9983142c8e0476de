"""The guard of a running daemon: who gets in, what the others are told, what the log says."""

from __future__ import annotations

import http.client
import itertools
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import jwt
import pytest

from tests.daemon import DEADLINE_S, SECRET, Daemon, Response, signed, wait_until
from tests.key_server import KeyServer
from tests.keys import jwk, key_set, public_pem, signed_by

VERSION = "/LiveApp/rest/v2/version"
NO_TOKEN = "Invalid App JWT Token"
NO_ADDRESS = "Not allowed IP"
HERE = "127.0.0.1"
NODE_SECRET = "the key that the nodes of a cluster share"
FAR_AHEAD = 9_999_999_999

Headers = Sequence[tuple[str, str]]


def send(daemon: Daemon, path: str, headers: Headers = (), method: str = "GET") -> Response:
    """Send one request with exactly these headers, which may repeat."""
    connection = http.client.HTTPConnection("127.0.0.1", daemon.port, timeout=DEADLINE_S)
    try:
        connection.putrequest(method, path)
        for name, value in headers:
            connection.putheader(name, value)
        connection.endheaders()
        response = connection.getresponse()
        names = {name.lower(): value for name, value in response.getheaders()}
        return Response(response.status, names, response.read())
    finally:
        connection.close()


def bearer(token: str) -> Headers:
    return [("Authorization", f"Bearer {token}")]


def refused_with(response: Response) -> str:
    """Return the message of a refusal, which has to be the JSON result object."""
    assert response.headers["content-type"] == "application/json"
    assert response.json["success"] is False
    return str(response.json["message"])


# The truth table: one application for each combination of settings, all in one daemon.

GOOD_HS256 = {"good HS256": lambda: bearer(signed())}
NO_HEADER: dict[str, Callable[[], Headers]] = {"none": lambda: []}
BAD_HS256: dict[str, Callable[[], Headers]] = {
    "malformed": lambda: bearer("x.y.z"),
    "wrong signature": lambda: bearer(signed(secret="another secret of 32 characters!")),
    "wrong algorithm": lambda: bearer(jwt.encode({}, SECRET * 2, "HS512")),
    "expired": lambda: bearer(signed({"exp": 1})),
    "not yet valid": lambda: bearer(signed({"nbf": FAR_AHEAD})),
}
GOOD_RS256: dict[str, Callable[[], Headers]] = {
    "RS256": lambda: bearer(signed_by("RSA", "RS256", {"exp": FAR_AHEAD}, kid="rsa")),
    "RS256 without exp": lambda: bearer(signed_by("RSA", "RS256", kid="rsa")),
}
EXPIRED_RS256: dict[str, Callable[[], Headers]] = {
    "expired RS256": lambda: bearer(signed_by("RSA", "RS256", {"exp": 1}, kid="rsa")),
}
AHEAD_RS256: dict[str, Callable[[], Headers]] = {
    "RS256 not yet valid": lambda: bearer(signed_by("RSA", "RS256", {"nbf": FAR_AHEAD}, kid="rsa")),
}
UNKNOWN_KEY: dict[str, Callable[[], Headers]] = {
    "unknown kid": lambda: bearer(signed_by("RSA", "RS256", kid="made up")),
    "no kid": lambda: bearer(signed_by("RSA", "RS256")),
}
OTHER_KINDS: dict[str, Callable[[], Headers]] = {
    "ES256": lambda: bearer(signed_by("P-256", "ES256", kid="ec")),
    "EdDSA": lambda: bearer(signed_by("Ed25519", "EdDSA", kid="ed")),
    "PS256": lambda: bearer(signed_by("RSA", "PS256", kid="rsa")),
}
NODE_TOKEN: dict[str, Callable[[], Headers]] = {
    "node token": lambda: [("ClusterAuthorization", signed(secret=NODE_SECRET))],
}
ANY: dict[str, Callable[[], Headers]] = {
    **NO_HEADER,
    **BAD_HS256,
    **GOOD_HS256,
    **GOOD_RS256,
    **UNKNOWN_KEY,
}
ANY_TOKEN = {name: headers for name, headers in ANY.items() if name != "none"}
BOTH = (False, True)


@dataclass(frozen=True)
class Row:
    """One row of the table; several values in a column stand for its dash.

    Attributes:
        jwks: what jwksURL holds: a working source, none, or a way not to work.
        secret: what jwtSecretKey holds; None leaves the key away.
        messages: empty when the request has to pass.
    """

    tokens: dict[str, Callable[[], Headers]]
    jwt: bool = True
    jwks: tuple[str, ...] = ("none",)
    secret: tuple[str | None, ...] = (SECRET,)
    ip_filter: tuple[bool, ...] = (False,)
    ip_allowed: tuple[bool, ...] = BOTH
    messages: tuple[str, ...] = ()
    status: int = 403
    path: str = "version"
    extra: tuple[tuple[str, str], ...] = ()

    def applications(self) -> list[tuple[tuple[str, str], ...]]:
        """Return the properties of each combination."""
        return [
            (
                ("jwtControlEnabled", str(self.jwt).lower()),
                *((("jwtSecretKey", secret),) if secret is not None else ()),
                *((("jwksURL", jwks),) if jwks != "none" else ()),
                ("ipFilterEnabled", str(ip_filter).lower()),
                ("remoteAllowedCIDR", HERE if ip_allowed else "10.0.0.0/8"),
                *self.extra,
            )
            for jwks, secret, ip_filter, ip_allowed in itertools.product(
                self.jwks, self.secret, self.ip_filter, self.ip_allowed
            )
        ]


SECRETS, KEY_SETS = (SECRET, "", None), ("none", "keys")
ROWS = {
    1: Row(ANY, jwt=False, jwks=KEY_SETS, secret=SECRETS),
    2: Row(ANY, jwt=False, jwks=KEY_SETS, secret=SECRETS, ip_filter=(True,), ip_allowed=(True,)),
    3: Row(
        ANY,
        jwt=False,
        jwks=KEY_SETS,
        secret=SECRETS,
        ip_filter=(True,),
        ip_allowed=(False,),
        messages=(NO_ADDRESS,),
    ),
    4: Row(NO_HEADER, jwks=KEY_SETS, secret=SECRETS, messages=(NO_TOKEN,)),
    5: Row(
        NO_HEADER,
        jwks=KEY_SETS,
        secret=SECRETS,
        ip_filter=(True,),
        ip_allowed=(True,),
        messages=(NO_TOKEN,),
    ),
    6: Row(
        NO_HEADER,
        jwks=KEY_SETS,
        secret=SECRETS,
        ip_filter=(True,),
        ip_allowed=(False,),
        messages=(NO_TOKEN, NO_ADDRESS),
    ),
    7: Row(GOOD_HS256),
    8: Row(GOOD_HS256, ip_filter=(True,), ip_allowed=(True,)),
    9: Row(GOOD_HS256, ip_filter=(True,), ip_allowed=(False,), messages=(NO_ADDRESS,)),
    10: Row(BAD_HS256, ip_filter=BOTH, messages=(NO_TOKEN, NO_ADDRESS)),
    11: Row(ANY_TOKEN, secret=("",), ip_filter=BOTH, messages=(NO_TOKEN, NO_ADDRESS)),
    12: Row(ANY_TOKEN, secret=(None,), ip_filter=BOTH, messages=(NO_TOKEN, NO_ADDRESS)),
    13: Row(GOOD_RS256, jwks=("keys",), secret=SECRETS),
    14: Row(GOOD_RS256, jwks=("keys",), secret=SECRETS, ip_filter=(True,), ip_allowed=(True,)),
    15: Row(
        GOOD_RS256,
        jwks=("keys",),
        secret=SECRETS,
        ip_filter=(True,),
        ip_allowed=(False,),
        messages=(NO_ADDRESS,),
    ),
    16: Row({**EXPIRED_RS256, **AHEAD_RS256}, jwks=("keys",), secret=SECRETS, messages=(NO_TOKEN,)),
    17: Row(
        {**EXPIRED_RS256, **AHEAD_RS256},
        jwks=("keys",),
        secret=SECRETS,
        ip_filter=(True,),
        ip_allowed=(True,),
        messages=(NO_TOKEN,),
    ),
    18: Row(
        EXPIRED_RS256,
        jwks=("keys",),
        secret=SECRETS,
        ip_filter=(True,),
        ip_allowed=(False,),
        messages=(NO_TOKEN, NO_ADDRESS),
    ),
    19: Row(GOOD_HS256, jwks=("keys",), ip_filter=BOTH, messages=(NO_TOKEN, NO_ADDRESS)),
    20: Row(
        UNKNOWN_KEY,
        jwks=("keys",),
        secret=SECRETS,
        ip_filter=BOTH,
        messages=(NO_TOKEN, NO_ADDRESS),
    ),
    21: Row(OTHER_KINDS, jwks=("keys",), secret=SECRETS),
    22: Row(
        ANY,
        jwks=("down", "missing", "broken"),
        secret=SECRETS,
        ip_filter=BOTH,
        messages=(NO_TOKEN, NO_ADDRESS),
    ),
    23: Row(
        ANY,
        jwks=("https://idp example/",),
        messages=("Application is not available: its settings cannot be used",),
        status=503,
    ),
    24: Row(
        ANY,
        extra=(("remoteAllowedCIDR", "nonsense"),),
        messages=("Application is not available: its settings cannot be used",),
        status=503,
    ),
    25: Row(
        NODE_TOKEN,
        ip_filter=BOTH,
        messages=(NO_TOKEN, NO_ADDRESS),
        extra=(("clusterCommunicationKey", NODE_SECRET),),
    ),
    26: Row(
        ANY,
        jwt=False,
        ip_filter=(True,),
        ip_allowed=(False,),
        messages=(NO_ADDRESS,),
        path="acm/msg",
    ),
}


class Table(NamedTuple):
    """A daemon with an application for each combination of settings in the table."""

    daemon: Daemon
    names: dict[tuple[tuple[str, str], ...], str]


@pytest.fixture(scope="module")
def table(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Table]:
    """The daemon of the truth table."""
    daemon = Daemon(tmp_path_factory.mktemp("table") / "home")
    down = KeyServer()
    with KeyServer() as source:
        source.publish(
            key_set(jwk("RSA", kid="rsa"), jwk("P-256", kid="ec"), jwk("Ed25519", kid="ed")),
        )
        source.publish(b"<html>", "/broken")
        urls = {
            "keys": source.url,
            "down": down.url,
            "missing": f"{source.url}/missing",
            "broken": f"{source.url}/broken",
        }
        with down:
            pass
        names: dict[tuple[tuple[str, str], ...], str] = {}
        for row in ROWS.values():
            for properties in row.applications():
                if properties in names:
                    continue
                names[properties] = f"App{len(names)}"
                values = dict(properties)
                if "jwksURL" in values:
                    values["jwksURL"] = urls.get(values["jwksURL"], values["jwksURL"])
                daemon.write(names[properties], **values)
        with daemon:
            yield Table(daemon, names)


@pytest.mark.parametrize("number", ROWS, ids="row-{}".format)
def test_the_truth_table_holds(table: Table, number: int) -> None:
    row = ROWS[number]

    answers = {
        (properties, token): send(
            table.daemon, f"/{table.names[properties]}/rest/v2/{row.path}", headers()
        )
        for properties in row.applications()
        for token, headers in row.tokens.items()
    }

    for (properties, token), answer in answers.items():
        values = dict(properties)
        is_blocked = values["ipFilterEnabled"] == "true" and values["remoteAllowedCIDR"] != HERE
        messages = [text for text in row.messages if is_blocked or text != NO_ADDRESS]
        assert answer.status == (row.status if row.messages else 200), (token, values)
        assert not messages or refused_with(answer) in messages, (token, values)


def test_no_refusal_of_the_table_was_a_failure(table: Table) -> None:
    log = table.daemon.log()

    assert "Traceback" not in log
    assert " ERROR request failed" not in log


# What the log says of a refusal, and what it never says.


@pytest.fixture(scope="module")
def guarded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Daemon]:
    """A daemon with a secret for LiveApp and a key set for JwksApp."""
    daemon = Daemon(tmp_path_factory.mktemp("guarded") / "home")
    with KeyServer(key_set(jwk("RSA", kid="known"))) as source:
        daemon.write(jwtControlEnabled="true", jwtSecretKey=SECRET, ipFilterEnabled="true")
        daemon.write("JwksApp", jwtControlEnabled="true", jwksURL=f"{source.url}/")
        with daemon:
            yield daemon


@pytest.mark.parametrize(
    ("application", "headers", "reason"),
    [
        pytest.param("LiveApp", [], "no_token", id="no token"),
        pytest.param(
            "LiveApp", bearer(signed(secret="x" * 32)), "bad_signature", id="wrong secret"
        ),
        pytest.param("LiveApp", bearer(signed({"exp": 1})), "expired", id="expired"),
        pytest.param(
            "LiveApp", bearer(signed({"nbf": FAR_AHEAD})), "not_yet_valid", id="not yet valid"
        ),
        pytest.param(
            "LiveApp",
            bearer("eyJhbGciOiJub25lIn0.e30."),
            "algorithm_not_allowed",
            id="alg none",
        ),
        pytest.param("LiveApp", [("Authorization", "Basic YTpi")], "malformed", id="Basic"),
        pytest.param(
            "LiveApp", [*bearer(signed()), *bearer(signed())], "several_tokens", id="two headers"
        ),
        pytest.param(
            "LiveApp",
            [("authorization", "\xff\x80")],
            "malformed",
            id="rubbish",
        ),
        pytest.param("JwksApp", bearer(signed()), "algorithm_not_allowed", id="HS256, key set"),
        pytest.param(
            "JwksApp",
            bearer("eyJhbGciOiJub25lIiwia2lkIjoia25vd24ifQ.e30."),
            "algorithm_not_allowed",
            id="alg none, key set",
        ),
        pytest.param(
            "JwksApp",
            bearer(signed_by("RSA", "RS256", kid="other")),
            "unknown_kid",
            id="unknown kid",
        ),
        pytest.param(
            "JwksApp",
            bearer(signed_by("RSA other", "RS256", kid="known")),
            "bad_signature",
            id="another key of the name",
        ),
        pytest.param(
            "JwksApp",
            bearer(signed_by("RSA", "RS256", {"exp": 1}, kid="known")),
            "expired",
            id="expired, key set",
        ),
    ],
)
@pytest.mark.parametrize("method", ["GET", "HEAD", "POST", "DELETE", "OPTIONS", "PATCH"])
def test_a_refusal_is_403_and_the_log_knows_why(
    guarded: Daemon, application: str, headers: Headers, reason: str, method: str
) -> None:
    seen = len(guarded.log())

    answer = send(guarded, f"/{application}/rest/v2/version?token=abc", headers, method)

    assert answer.status == 403
    if method != "HEAD":
        assert refused_with(answer) == NO_TOKEN
    line = (
        f"request refused: application={application} client=127.0.0.1 reason={reason}"
        f" method={method} path=/{application}/rest/v2/version\n"
    )
    wait_until(lambda: line in guarded.log()[seen:], line)


def test_a_public_key_is_no_secret(guarded: Daemon) -> None:
    header, payload, _ = signed(kid="known").split(".")
    forged = jwt.get_algorithm_by_name("HS256").sign(
        f"{header}.{payload}".encode(), public_pem("RSA").encode()
    )
    signature = jwt.utils.base64url_encode(forged).decode()

    answer = send(guarded, "/JwksApp/rest/v2/version", bearer(f"{header}.{payload}.{signature}"))

    assert (answer.status, refused_with(answer)) == (403, NO_TOKEN)


@pytest.mark.parametrize(
    "path",
    [
        "/LiveApp",
        "/LiveApp/",
        "/LiveApp/anything",
        "/LiveApp/rest/v2/nothing/here",
        "/LiveApp/rest/v2/broadcasts/list/0/10",
        "/LiveApp//rest/v2/version",
        "/LiveApp/rest;x=y/v2/version",
        "/Live%41pp/rest/v2/version",
        "/LiveApp/rest/v2/version/",
    ],
)
def test_everything_of_an_application_is_behind_its_guard(guarded: Daemon, path: str) -> None:
    answer = send(guarded, path)

    assert (answer.status, refused_with(answer)) == (403, NO_TOKEN)


def test_neither_token_nor_secret_is_ever_logged(guarded: Daemon) -> None:
    tokens = [signed({"exp": 1}), signed(secret="x" * 32), signed_by("RSA", "RS256", kid="made-up")]
    for token in tokens:
        send(guarded, f"{VERSION}?token={token}", bearer(token))
        send(guarded, "/JwksApp/rest/v2/version", bearer(token))
    send(guarded, f"{VERSION}?last=one")
    guarded.wait_for_log("reason=unknown_kid")
    seen = guarded.log()

    for part in {part for token in tokens for part in token.split(".")}:
        assert part not in seen
    assert SECRET not in seen


def test_a_new_secret_is_the_only_one_from_the_next_generation_on(daemon: Daemon) -> None:
    old, new = signed(), signed(secret="a new secret of thirty characters")
    daemon.write(jwtControlEnabled="true", jwtSecretKey=SECRET)
    wait_until(lambda: send(daemon, VERSION).status == 403, "the JWT filter is on")
    before = [send(daemon, VERSION, bearer(old)).status for _ in range(2)]

    daemon.write(jwtControlEnabled="true", jwtSecretKey="a new secret of thirty characters")

    wait_until(lambda: send(daemon, VERSION, bearer(new)).status == 200, "the new secret is used")
    assert before == [200, 200]
    assert send(daemon, VERSION, bearer(old)).status == 403


# Proxies.


@pytest.mark.parametrize(
    ("headers", "reason"),
    [
        pytest.param([("X-Forwarded-For", "10.1.2.3")], "", id="allowed"),
        pytest.param([("Forwarded", 'for="10.1.2.3:80";proto=https')], "", id="RFC 7239"),
        pytest.param([("X-Forwarded-For", "8.8.8.8")], "ip_not_allowed", id="not allowed"),
        pytest.param(
            [("X-Forwarded-For", "10.1.2.3, 8.8.8.8")], "ip_not_allowed", id="spoofed in a line"
        ),
        pytest.param(
            [("X-Forwarded-For", "10.1.2.3"), ("X-Forwarded-For", "8.8.8.8")],
            "ip_not_allowed",
            id="spoofed in a line of its own",
        ),
        pytest.param(
            [("X-Forwarded-For", "8.8.8.8"), ("Forwarded", "for=10.1.2.3")],
            "ip_not_allowed",
            id="spoofed in the other header",
        ),
        pytest.param([("X-Forwarded-For", "unknown")], "ip_unreadable", id="unknown"),
        pytest.param([("Forwarded", 'for="')], "ip_unreadable", id="broken"),
        pytest.param([], "ip_not_allowed", id="the proxy itself"),
    ],
)
def test_a_trusted_proxy_tells_whose_address_is_checked(
    proxied: Daemon, headers: Headers, reason: str
) -> None:
    answer = send(proxied, VERSION, headers)

    if reason:
        assert (answer.status, refused_with(answer)) == (403, NO_ADDRESS)
        proxied.wait_for_log(f"reason={reason}")
    else:
        assert answer.status == 200


@pytest.fixture(scope="module")
def proxied(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Daemon]:
    """A daemon that trusts proxies on this machine and allows 10.0.0.0/8."""
    daemon = Daemon(tmp_path_factory.mktemp("proxied") / "home")
    daemon.write(ipFilterEnabled="true", remoteAllowedCIDR="10.0.0.0/8")
    (daemon.home / "conf").mkdir()
    server = daemon.home / "conf" / "red5.properties"
    server.write_text("http.trusted_proxies=127.0.0.0/8\n", encoding="ascii")
    with daemon:
        yield daemon


def test_without_trusted_proxies_nobody_speaks_for_somebody_else(daemon: Daemon) -> None:
    daemon.write(ipFilterEnabled="true", remoteAllowedCIDR="10.0.0.0/8")
    wait_until(lambda: send(daemon, VERSION).status == 403, "the IP filter is on")

    for headers in ([("X-Forwarded-For", "10.1.2.3")], [("Forwarded", "for=10.1.2.3")]):
        answer = send(daemon, VERSION, headers)
        assert (answer.status, refused_with(answer)) == (403, NO_ADDRESS)


# CORS: any origin, never with credentials.

ORIGIN = ("Origin", "https://panel.example")
ASK = "Access-Control-Request-Method"
ASK_HEADERS = "Access-Control-Request-Headers"


def cors_of(answer: Response) -> dict[str, str]:
    return {
        name: value
        for name, value in answer.headers.items()
        if name.startswith("access-control-") or name == "vary"
    }


@pytest.mark.parametrize("origin", ["https://panel.example", "http://localhost:4200", "null"])
@pytest.mark.parametrize("wanted", ["", "Authorization", "authorization,content-type", "ACCEPT"])
def test_a_preflight_passes_without_a_token(guarded: Daemon, origin: str, wanted: str) -> None:
    answer = send(
        guarded, VERSION, [("Origin", origin), (ASK, "PUT"), (ASK_HEADERS, wanted)], "OPTIONS"
    )

    assert (answer.status, answer.body) == (200, b"")
    assert cors_of(answer) == {
        "access-control-allow-origin": "*",
        "access-control-allow-methods": "GET,POST,HEAD,OPTIONS,PUT,DELETE",
        "access-control-allow-headers": "Accept,Origin,X-Requested-With,"
        "Access-Control-Request-Headers,Content-Type,Access-Control-Request-Method,Authorization",
        "access-control-max-age": "1800",
        "vary": "Origin, Access-Control-Request-Method, Access-Control-Request-Headers",
    }


@pytest.mark.parametrize(
    ("method", "headers"),
    [
        pytest.param("OPTIONS", [ORIGIN, (ASK, "PATCH")], id="preflight for PATCH"),
        pytest.param("OPTIONS", [ORIGIN, (ASK, "get")], id="preflight for get"),
        pytest.param(
            "OPTIONS", [ORIGIN, (ASK, "GET"), (ASK_HEADERS, "X-Other")], id="preflight for X-Other"
        ),
        pytest.param(
            "OPTIONS",
            [ORIGIN, (ASK, "GET"), (ASK_HEADERS, "Accept"), (ASK_HEADERS, "X-Other")],
            id="preflight for X-Other in a second line",
        ),
        pytest.param(
            "OPTIONS",
            [ORIGIN, (ASK, "GET"), (ASK_HEADERS, "ClusterAuthorization")],
            id="preflight for ClusterAuthorization",
        ),
        pytest.param(
            "OPTIONS",
            [ORIGIN, (ASK, "GET"), (ASK_HEADERS, "X-Authorization")],
            id="preflight for a name with authorization in it",
        ),
        pytest.param("PATCH", [ORIGIN], id="PATCH"),
        pytest.param("GET", [("Origin", "panel.example")], id="no origin"),
        pytest.param("GET", [("Origin", "https://a/b")], id="a URL"),
        pytest.param("GET", [("Origin", "")], id="empty"),
    ],
)
def test_what_is_not_listed_is_refused_across_origins(
    guarded: Daemon, method: str, headers: Headers
) -> None:
    answer = send(guarded, VERSION, [*headers, *bearer(signed())], method)

    assert answer.status == 403
    assert refused_with(answer)
    assert "access-control-allow-origin" not in answer.headers


@pytest.mark.parametrize(
    ("method", "headers", "status"),
    [
        pytest.param("GET", bearer(signed()), 200, id="a good token"),
        pytest.param("GET", [], 403, id="no token"),
        pytest.param("GET", [("ProxyAuthorization", "x")], 403, id="another header"),
        pytest.param("OPTIONS", [], 403, id="OPTIONS that is no preflight"),
        pytest.param("OPTIONS", [(ASK, "")], 403, id="OPTIONS for an empty method"),
        pytest.param("OPTIONS", bearer(signed()), 200, id="OPTIONS with a token"),
    ],
)
@pytest.mark.parametrize("origin", ["https://panel.example", "http://localhost:4200", "null"])
def test_any_origin_may_read_the_answer_and_none_with_credentials(
    guarded: Daemon, method: str, headers: Headers, status: int, origin: str
) -> None:
    answer = send(guarded, VERSION, [("Origin", origin), *headers], method)

    assert answer.status == status
    assert cors_of(answer) == {"access-control-allow-origin": "*", "vary": "Origin"}


@pytest.mark.parametrize("method", ["GET", "OPTIONS"])
def test_without_an_origin_there_is_no_word_of_cors(guarded: Daemon, method: str) -> None:
    refused = send(guarded, VERSION, [(ASK, "GET")], method)
    passed = send(guarded, VERSION, bearer(signed()), method)

    assert (refused.status, passed.status) == (403, 200)
    assert cors_of(refused) == cors_of(passed) == {}


def test_a_preflight_for_what_is_no_application_is_404(guarded: Daemon) -> None:
    answer = send(guarded, "/Nothing/rest/v2/version", [ORIGIN, (ASK, "GET")], "OPTIONS")

    assert answer.status == 404
