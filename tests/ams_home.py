"""A home as Ant Media Server leaves it, for tests."""

from __future__ import annotations

import hashlib
import os
import stat
from pathlib import Path

# conf/red5.properties as it is shipped: settings.md of the contract, section 11.
SERVER_PROPERTIES = """\
# Ant Media Server
http.host=0.0.0.0
http.port=5080
https.port=5443
http.URIEncoding=UTF-8
http.max_keep_alive_requests=-1
http.max_threads=300
http.acceptor_thread_count=10
http.processor_cache=150
http.upgradeHttp2Protocol=true
http.ssl_certificate_file=conf/fullchain.pem
http.ssl_certificate_chain_file=conf/chain.pem
http.ssl_certificate_key_file=conf/privkey.pem
server.name=
server.licence_key=
nodeGroup=default
logLevel=INFO
nativeLogLevel=ERROR
server.allowed_dashboard_CIDR=0.0.0.0/0
server.jwtServerControlEnabled=false
server.jwtServerSecretKey=
server.jwksURL=
server.heartbeatEnabled=true
server.marketplace=
server.market_build=false
server.kafka_brokers=
server.cpu_limit=75
server.memory_limit_percentage=75
server.min_free_ram=10
server.cpu_measurement_period_ms=1000
server.cpu_measurement_window_size=5
rtmp.port=1935
rtmps.enabled=false
appIngestsSrtStreamsWithoutStreamId=LiveApp
useGlobalIp=false
war.deploy.server.check.interval=600000
clusterdb.host=localhost
clusterdb.user=
clusterdb.password=
"""
APPLICATIONS = ("LiveApp", "WebRTCAppEE", "live")


def make_ams_home(home: Path, segments: int = 300) -> None:
    """Make a home of Ant Media Server that has been in use for a while."""
    _write(home / "conf" / "red5.properties", SERVER_PROPERTIES)
    for name in ("jee-container.xml", "logback.xml", "red5-core.xml", "quartz.properties"):
        _write(home / "conf" / name)
    for name in ("start.sh", "ant-media-server.jar", "antmedia.service", "LICENSE"):
        _write(home / name)
    for name in ("server.db", "liveapp.db", "webrtcappee.db", "live.db", "liveapp.db.wal.0"):
        (home / name).write_bytes(b"MapDB\0\0\1" + bytes(256))
    _write(home / "lib" / "ant-media-server-common.jar")
    _write(home / "plugins" / "readme.txt")
    _write(home / "log" / "ant-media-server.log", "2026-06-16 12:00:00,000 [main] INFO started\n")
    webapps = home / "webapps"
    for name in (*APPLICATIONS, "root"):
        inner = webapps / name / "WEB-INF"
        for file in ("web.xml", "red5-web.xml", "classes/logback.xml", "lib/app.jar"):
            _write(inner / file)
        context = f"/{name}"
        _write(
            inner / "red5-web.properties",
            f"#\n#Tue Jun 16 12:00:00 UTC 2026\nwebapp.contextPath={context}\n"
            f"webapp.virtualHosts=*\nappName={name}\ndb.name={name.lower()}\ndb.type=mapdb\n"
            "db.host=localhost\njwksURL=\njwtSecretKey=\njwtControlEnabled=false\n",
        )
        _write(webapps / name / "META-INF" / "MANIFEST.MF")
        _write(webapps / name / ".initialized")
        _write(webapps / name / "index.html")
    _write(
        webapps / "root" / "WEB-INF" / "red5-web.properties",
        "webapp.contextPath=/root\nwebapp.virtualHosts=*\ndb.app.name=ConsoleApp\n"
        "db.name=server\ndb.type=mapdb\ndb.host=localhost\ndb.user=\ndb.password=\n",
    )
    for name in ("StreamApp.war", "root.war.bak"):
        (webapps / name).write_bytes(b"PK\3\4")
    # What an interrupted deployment leaves: a directory that is no application.
    _write(webapps / "old-app" / "WEB-INF" / "web.xml")
    _write(webapps / "LiveApp" / "streams" / "stream1.mp4", "video")
    _write(webapps / "LiveApp" / "streams" / "stream1.m3u8", "#EXTM3U\n")
    _write(webapps / "LiveApp" / "streams" / ".vod.mp4.upload", "of somebody else")
    _write(webapps / "LiveApp" / "previews" / "stream1.png")
    for number in range(segments):
        _write(webapps / "LiveApp" / "streams" / f"stream1{number:09d}.ts", "segment")


def _write(path: Path, text: str = "x") -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)


def picture_of(home: Path) -> dict[str, tuple[int, int, str]]:
    """Return everything below *home*: mode, time of change and content of each path."""
    picture = {}
    for path in sorted([home, *home.rglob("*")]):
        status = os.lstat(path)
        content = (
            hashlib.sha256(path.read_bytes()).hexdigest() if stat.S_ISREG(status.st_mode) else ""
        )
        picture[str(path)] = (status.st_mode, status.st_mtime_ns, content)
    return picture
