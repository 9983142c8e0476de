"""A backup of a running home, and what a restore makes of it."""

from __future__ import annotations

import gzip
import hashlib
import io
import json
import os
import resource
import shutil
import signal
import sqlite3
import subprocess
import sys
import tarfile
import threading
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from antmediad.applications.backup import make_backup
from antmediad.applications.home import Home
from tests.ams_home import picture_of
from tests.cli.test_commands import antmediad, write
from tests.daemon import DAEMON, SECRET, Daemon
from tests.manager import Manager, first_user
from tests.rest_api import create

FORM = b'--x\r\nContent-Disposition: form-data; name="file"\r\n\r\nvideo\r\n--x--\r\n'
PEM = "-----BEGIN PRIVATE KEY-----\n"
# Runs the command, and ends it as a power failure would when it is about to do something for the
# nth time.
KILLED_AT = """
import os, signal, sys
place = int(sys.argv[1])
def counted(do):
    def count(*arguments, **options):
        global place
        place -= 1
        if place < 0:
            os.kill(os.getpid(), signal.SIGKILL)
        return do(*arguments, **options)
    return count
for name in ("rename", "mkdir", "fsync", "unlink", "rmdir"):
    setattr(os, name, counted(getattr(os, name)))
from antmediad.cli.main import main
sys.exit(main(sys.argv[2:]))
"""


def upload(daemon: Daemon) -> str:
    answer = daemon.request(
        "POST",
        "/LiveApp/rest/v2/vods/create?name=a.mp4",
        FORM,
        {"Content-Type": "multipart/form-data; boundary=x"},
    ).json
    assert answer["success"], answer
    return str(answer["dataId"])


def made(home: Path, archive: Path, *options: str, **more: Any) -> Path:
    done = antmediad("backup", "--home", str(home), str(archive), *options, **more)
    assert done.returncode == 0, done.stderr
    return archive


def restored(home: Path, archive: Path, *options: str) -> Path:
    done = antmediad("restore", "--home", str(home), str(archive), *options)
    assert done.returncode == 0, done.stderr
    return home


def names_in(archive: Path) -> set[str]:
    with tarfile.open(archive) as tar:
        return set(tar.getnames())


@pytest.fixture
def archive(tmp_path: Path) -> Path:
    """Where a backup is to be."""
    return tmp_path / "backup.tar.gz"


@pytest.fixture
def old(home: Path) -> Path:
    """A home that was served, and now is not."""
    write(home, jwtSecretKey="old")
    (home / "conf").mkdir()
    (home / "conf" / "red5.properties").write_text("https.port=0\n")
    with Daemon(home) as daemon:
        create(daemon, streamId="old")
    return home


def test_a_home_in_use_comes_back_with_all_that_was_acknowledged(
    daemon: Daemon, archive: Path, tmp_path: Path
) -> None:
    first_user(daemon)
    daemon.write(hlsTime="4", jwtSecretKey=SECRET)
    vod = upload(daemon)
    (daemon.home / "conf").mkdir()
    (daemon.home / "conf" / "privkey.pem").write_text(PEM)
    (daemon.home / "conf" / "privkey.pem").chmod(0o600)
    acknowledged: list[str] = []
    enough, over = threading.Event(), threading.Event()

    def go_on() -> None:
        while not over.is_set():
            name = f"s{len(acknowledged)}"
            create(daemon, streamId=name)
            acknowledged.append(name)
            if len(acknowledged) == 50:
                enough.set()

    writer = threading.Thread(target=go_on)
    writer.start()
    try:
        assert enough.wait(20)
        before = list(acknowledged)
        made(daemon.home, archive, "--streams")
    finally:
        over.set()
        writer.join()
    daemon.stop()
    assert archive.stat().st_mode & 0o777 == 0o600

    new = restored(tmp_path / "elsewhere" / "new", archive)

    for path in new.rglob("*.db"):
        with closing(sqlite3.connect(path)) as database:
            assert database.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    assert (new / "conf" / "privkey.pem").stat().st_mode & 0o777 == 0o600
    with Daemon(new) as again:
        assert Manager(again).log_in().json["success"]
        for name in before:
            assert again.call("GET", f"/broadcasts/{name}").status == 200
        # What was created during the backup is there up to a moment, and nothing after that.
        there = [again.call("GET", f"/broadcasts/{name}").status == 200 for name in acknowledged]
        assert there == sorted(there, reverse=True)
        assert again.call("GET", f"/vods/{vod}").json["vodName"] == "a.mp4"
        assert again.request("GET", f"/LiveApp/streams/{vod}.mp4").body == b"video"
    history = json.loads(
        antmediad("settings", "history", "LiveApp", "--json", "--home", str(new)).stdout
    )
    assert {one["generation"] for one in history} >= {1, 2}


def test_videos_and_what_is_not_finished_or_elsewhere_stay_out(
    home: Path, archive: Path, tmp_path: Path
) -> None:
    write(home)
    streams = home / "webapps" / "LiveApp" / "streams"
    (streams / "sub").mkdir(parents=True)
    for name in ("a.mp4", "sub/b.mp4", ".c.mp4.upload"):
        (streams / name).write_text("video")
    (streams / "imported").symlink_to(tmp_path)
    os.mkfifo(streams / "pipe.mp4")
    (home / "conf").mkdir()
    certificate = tmp_path / "elsewhere.pem"
    certificate.write_text(PEM)
    (home / "conf" / "red5.properties").write_text(f"http.ssl_certificate_file={certificate}\n")
    settings = {
        "home/conf/red5.properties",
        "home/webapps/LiveApp/WEB-INF/red5-web.properties",
        "manifest.json",
    }

    done = antmediad("backup", "--home", str(home), str(archive))

    assert names_in(archive) == settings
    assert f"not in it: {certificate}" in done.stderr
    assert "holds secrets" in done.stderr
    done = antmediad("backup", "--home", str(home), str(archive), "--streams", "--force")
    videos = {f"home/webapps/LiveApp/streams/{name}" for name in ("a.mp4", "sub/b.mp4")}
    assert names_in(archive) == settings | videos
    assert f"{streams}/imported: is a link" in done.stderr


class Interrupted(io.BytesIO):
    """A file that has something done when the first of what is in an archive comes."""

    def __init__(self, do: Callable[[], object]) -> None:
        super().__init__()
        self._do = do

    def write(self, text: Any) -> int:
        # What is shorter is the head of the archive.
        if len(text) > 100 and not self.getvalue()[100:]:
            self._do()
        return super().write(text)


def test_what_is_removed_meanwhile_stays_out(home: Path) -> None:
    for name in ("First", "Second"):
        database = home / "data" / name / f"{name}.db"
        database.parent.mkdir(parents=True)
        with closing(sqlite3.connect(database)) as connection:
            connection.execute("CREATE TABLE t (x BLOB)")
            connection.execute("INSERT INTO t VALUES (randomblob(1000000))")
            connection.commit()
        write(home, name)

    def remove() -> None:
        shutil.rmtree(home / "data" / "Second")
        shutil.rmtree(home / "webapps" / "Second")

    made = make_backup(Home(home), Interrupted(remove))

    assert set(made.manifest.entries) == {
        "data/First/First.db",
        "home/webapps/First/WEB-INF/red5-web.properties",
    }


def test_links_of_a_config_map_are_kept_as_what_they_lead_to(
    home: Path, archive: Path, tmp_path: Path
) -> None:
    path = write(home, hlsTime="7")
    content = path.read_bytes()
    path.rename(tmp_path / "mounted")
    path.symlink_to(tmp_path / "mounted")

    new = restored(tmp_path / "new", made(home, archive))

    again = new / path.relative_to(home)
    assert not again.is_symlink()
    assert again.read_bytes() == content


def test_a_backup_replaces_nothing_unless_told_so(old: Path, archive: Path) -> None:
    archive.write_text("precious")

    done = antmediad("backup", "--home", str(old), str(archive))

    assert done.returncode == 2
    assert "--force" in done.stderr
    assert archive.read_text() == "precious"
    assert names_in(made(old, archive, "--force"))
    assert [one.name for one in archive.parent.glob(".*")] == []


def test_a_backup_goes_through_a_pipe(old: Path, tmp_path: Path) -> None:
    environment = {**os.environ, "PYTHONPATH": str(DAEMON)}
    command = [sys.executable, "-m", "antmediad"]
    done = subprocess.run(
        [*command, "backup", "--home", str(old), "-"], capture_output=True, env=environment
    )
    assert done.returncode == 0, done.stderr

    again = subprocess.run(
        [*command, "restore", "--home", str(tmp_path / "new"), "-"],
        input=done.stdout,
        capture_output=True,
        env=environment,
    )

    assert again.returncode == 0, again.stderr
    assert (tmp_path / "new" / "data" / "LiveApp" / "LiveApp.db").exists()


def test_data_that_is_elsewhere_goes_there_and_the_home_stays(
    home: Path, archive: Path, tmp_path: Path
) -> None:
    path = write(home)
    own = tmp_path / "own"
    with Daemon(home, "--data", str(own)) as daemon:
        create(daemon, streamId="one")
        made(home, archive, "--data", str(own))
        create(daemon, streamId="two")
    path.write_text(path.read_text() + "hlsTime=9\n")
    before = picture_of(home)

    options = ("--data", str(own), "--force", "--data-only")
    done = antmediad("restore", "--home", str(home), str(archive), *options)

    assert done.stdout.startswith(f"restored to {own / 'data'}: "), done.stderr
    assert picture_of(home) == before
    with Daemon(home, "--data", str(own)) as daemon:
        assert daemon.call("GET", "/broadcasts/one").status == 200
        assert daemon.call("GET", "/broadcasts/two").status == 404


# What keeps a restore from being made


def test_a_home_that_is_served_is_left_alone(daemon: Daemon, archive: Path) -> None:
    made(daemon.home, archive)
    before = picture_of(daemon.home / "webapps")

    done = antmediad("restore", "--home", str(daemon.home), str(archive), "--force")

    assert done.returncode == 2
    assert "in use by another antmediad" in done.stderr
    assert picture_of(daemon.home / "webapps") == before
    assert daemon.get("/LiveApp/rest/v2/version") == 200


def test_a_home_with_something_in_it_is_replaced_when_told_so_only(
    old: Path, archive: Path
) -> None:
    path = old / "webapps" / "LiveApp" / "WEB-INF" / "red5-web.properties"
    settings = path.read_bytes()
    made(old, archive)
    path.write_text("hlsTime=9\n")
    write(old, "New")
    with Daemon(old) as daemon:
        create(daemon, streamId="new")
    before = content_of(old)

    refused = antmediad("restore", "--home", str(old), str(archive))

    assert refused.returncode == 2
    assert "--force" in refused.stderr
    assert content_of(old) == before
    restored(old, archive, "--force")
    assert path.read_bytes() == settings
    with Daemon(old) as daemon:
        assert daemon.call("GET", "/broadcasts/old").status == 200
        assert daemon.call("GET", "/broadcasts/new").status == 404
        assert daemon.get("/New/rest/v2/version") == 200
    assert not list(old.rglob(".*"))


def packed(*files: tuple[str, bytes], listed: Any = None, **changes: Any) -> bytes:
    """Return an archive of *files*, with a list that fits, or *listed*."""
    entries = [
        {"path": name, "size": len(text), "sha256": hashlib.sha256(text).hexdigest(), "mode": 0o600}
        for name, text in files
    ]
    manifest = {
        "format": "antmediad-backup",
        "version": 1,
        "madeBy": "1",
        "madeAt": "now",
        "files": entries if listed is None else listed,
        **changes,
    }
    return tarred(*files, ("manifest.json", json.dumps(manifest).encode()))


def tarred(
    *files: tuple[str, bytes], change: Callable[[tarfile.TarInfo], None] | None = None
) -> bytes:
    packed_up = io.BytesIO()
    with tarfile.open(fileobj=packed_up, mode="w:gz") as tar:
        for name, text in files:
            header = tarfile.TarInfo(name)
            header.size = len(text)
            if change is not None:
                change(header)
            tar.addfile(header, io.BytesIO(text))
    return packed_up.getvalue()


def header_of(name: str, size: int, type_: bytes = tarfile.REGTYPE) -> bytes:
    header = tarfile.TarInfo(name)
    header.size, header.type = size, type_
    return header.tobuf(tarfile.GNU_FORMAT)


def kind(type_: bytes) -> Callable[[tarfile.TarInfo], None]:
    def change(header: tarfile.TarInfo) -> None:
        header.type, header.linkname = type_, "/etc/passwd"

    return change


GOOD = ("home/conf/red5.properties", b"http.port=1\n")


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        pytest.param(b"", "is no backup, or damaged", id="empty"),
        pytest.param(b"text", "is no backup, or damaged", id="text"),
        pytest.param(gzip.compress(b"x" * 4096), "is no backup, or damaged", id="no tar"),
        pytest.param(packed(GOOD)[:-40], "damaged", id="cut short"),
        pytest.param(tarred(GOOD), "incomplete", id="no list"),
        pytest.param(packed(GOOD, version=2), "unknown version", id="newer"),
        pytest.param(packed(GOOD, format="other"), "no backup of antmediad", id="another's"),
        pytest.param(packed(GOOD, listed=[]), "not what its list says", id="not in the list"),
        pytest.param(packed(GOOD, listed=[1]), "malformed", id="malformed list"),
        pytest.param(
            packed(listed=[{"path": "data/x", "size": 1, "sha256": "", "mode": 0}]),
            "not what its list says",
            id="in the list only",
        ),
        pytest.param(
            packed(
                GOOD,
                listed=[{"path": GOOD[0], "size": len(GOOD[1]), "sha256": "0" * 64, "mode": 0}],
            ),
            "not what its list says",
            id="another content",
        ),
        pytest.param(packed(GOOD, GOOD), "two members", id="twice"),
        pytest.param(packed(("../evil", b"")), "where no backup has one", id="above"),
        pytest.param(packed(("data/../../evil", b"")), "where no backup has one", id="up"),
        pytest.param(packed(("/etc/evil", b"")), "where no backup has one", id="absolute"),
        pytest.param(packed(("data//evil", b"")), "where no backup has one", id="empty name"),
        pytest.param(packed(("home/start.sh", b"")), "where no backup has one", id="elsewhere"),
        pytest.param(
            packed(("home/webapps/root/../x/WEB-INF/red5-web.properties", b"")),
            "where no backup has one",
            id="no application",
        ),
        pytest.param(
            packed(("home/conf/large.pem", bytes(17 * 1024 * 1024))), "too large", id="too large"
        ),
        pytest.param(tarred(GOOD, change=kind(tarfile.SYMTYPE)), "no regular file", id="link"),
        pytest.param(tarred(GOOD, change=kind(tarfile.LNKTYPE)), "no regular file", id="hard link"),
        pytest.param(tarred(GOOD, change=kind(tarfile.CHRTYPE)), "no regular file", id="device"),
        pytest.param(tarred(GOOD, change=kind(tarfile.FIFOTYPE)), "no regular file", id="pipe"),
        pytest.param(tarred(GOOD, change=kind(tarfile.DIRTYPE)), "no regular file", id="directory"),
        pytest.param(
            tarred(("data/x", bytes(9999)), change=kind(tarfile.XHDTYPE)),
            "no regular file",
            id="header that grows",
        ),
        pytest.param(
            gzip.compress(header_of("data/x", 2**70) + b"x" * 4096),
            "damaged",
            id="cut short inside",
        ),
        pytest.param(
            gzip.compress((header_of("name", 2, tarfile.GNUTYPE_LONGNAME) + bytes(512)) * 5000),
            "damaged",
            id="names of names",
        ),
    ],
)
def test_an_archive_that_cannot_be_trusted_changes_nothing(
    old: Path, archive: Path, content: bytes, expected: str
) -> None:
    archive.write_bytes(content)
    before = picture_of(old.parent)

    checked = antmediad("restore", "--check", str(archive))
    done = antmediad("restore", "--home", str(old), str(archive), "--force")

    for one in (checked, done):
        assert one.returncode == 2
        assert expected in one.stderr
        assert "Traceback" not in one.stderr
    assert picture_of(old.parent) == before


@pytest.fixture(scope="module")
def larger(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A backup that differs from `old` in everything."""
    home = tmp_path_factory.mktemp("larger") / "home"
    write(home, jwtSecretKey="new")
    write(home, "Second")
    (home / "conf").mkdir()
    (home / "conf" / "red5.properties").write_text("https.port=0\n# new\n")
    with Daemon(home) as daemon:
        create(daemon, streamId="new")
    streams = home / "webapps" / "Second" / "streams"
    streams.mkdir()
    (streams / "large.mp4").write_bytes(os.urandom(4 * 1024 * 1024))
    return made(home, home.parent / "backup.tar.gz", "--streams")


def content_of(home: Path) -> dict[str, str]:
    """Return what a home holds, without locks and logs."""
    return {
        name: content
        for name, (_, _, content) in picture_of(home).items()
        if content and "/log/" not in name and not name.endswith("/lock")
    }


def test_a_restore_that_is_killed_leaves_the_old_home_or_the_new_one(
    old: Path, larger: Path, tmp_path: Path
) -> None:
    reference = tmp_path / "reference"
    subprocess.run(["cp", "-a", str(old), str(reference)], check=True)
    before = content_of(old)
    restored(old, larger, "--force")
    after = content_of(old)
    assert after != before
    arguments = ["restore", "--home", str(old), str(larger), "--force"]
    ends = set()
    for place in range(200):
        subprocess.run(["rm", "-r", str(old)], check=True)
        subprocess.run(["cp", "-a", str(reference), str(old)], check=True)
        status = subprocess.run(
            [sys.executable, "-c", KILLED_AT, str(place), *arguments],
            env={**os.environ, "PYTHONPATH": str(DAEMON)},
            capture_output=True,
        ).returncode
        if status == 0:
            break
        assert status == -signal.SIGKILL

        # What a daemon does before it looks at anything.
        subprocess.run(
            [sys.executable, "-c", LOOK, str(old)],
            env={**os.environ, "PYTHONPATH": str(DAEMON)},
            check=True,
        )

        found = content_of(old)
        assert found in (before, after), place
        ends.add(found == after)
    else:
        raise AssertionError("the restore never came to its end")
    assert ends == {False, True}


LOOK = """
import sys
from pathlib import Path
from antmediad.applications.home import Home
from antmediad.applications.restore import lock_to_serve
lock_to_serve(Home(Path(sys.argv[1]))).release()
"""


def test_a_daemon_begins_with_putting_back_what_a_restore_took(old: Path, larger: Path) -> None:
    arguments = ["restore", "--home", str(old), str(larger), "--force"]
    journal = old / ".restore.json"
    for place in range(20, 200):
        subprocess.run(
            [sys.executable, "-c", KILLED_AT, str(place), *arguments],
            env={**os.environ, "PYTHONPATH": str(DAEMON)},
            capture_output=True,
        )
        if journal.exists() and not (old / "data").exists():
            break
    assert not (old / "data").exists()

    with Daemon(old) as daemon:
        assert daemon.call("GET", "/broadcasts/old").status == 200
        daemon.wait_for_log("interrupted restore undone")
    assert not journal.exists()


@pytest.mark.parametrize("room", [0, 100, 8192, 1024 * 1024])
def test_without_room_nothing_is_changed(old: Path, larger: Path, archive: Path, room: int) -> None:
    before = content_of(old)

    def limit() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (room, room))

    done = antmediad("restore", "--home", str(old), str(larger), "--force", preexec_fn=limit)

    assert done.returncode == 2
    assert "File too large" in done.stderr
    assert content_of(old) == before
    assert not list(old.rglob(".*"))
    backup = antmediad("backup", "--home", str(old), str(archive), preexec_fn=limit)
    if room < 8192:
        assert backup.returncode == 2
        assert not archive.exists()


def test_a_backup_in_a_new_home_that_fails_leaves_no_home(tmp_path: Path, larger: Path) -> None:
    def limit() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (1024 * 1024, 1024 * 1024))

    done = antmediad(
        "restore", "--home", str(tmp_path / "a" / "new"), str(larger), preexec_fn=limit
    )

    assert done.returncode == 2
    assert not (tmp_path / "a").exists()


as_root = pytest.mark.skipif(
    os.geteuid() != 0 and os.environ.get("CI") != "true", reason="only root can be somebody else"
)


@as_root
def test_as_root_everything_belongs_to_whom_it_belonged(
    old: Path, larger: Path, archive: Path
) -> None:
    """As `make install` leaves a home: root's, with settings and data of the daemon's user."""
    for path in (old / "webapps", old / "data"):
        for one in (path, *path.rglob("*")):
            os.chown(one, 4711, 4712)
    os.chown(old / "conf" / "red5.properties", 4711, 4712)

    restored(old, larger, "--force")

    owners = {
        str(path.relative_to(old)): path.stat().st_uid for path in old.rglob("*") if path.is_file()
    }
    assert owners.pop("conf/red5.properties") == 4711
    assert {uid for name, uid in owners.items() if not name.startswith(("log", "data/lock"))} == {
        4711
    }
    assert (old / "data").stat().st_uid == 4711
    assert (old / "conf").stat().st_uid == 0


@as_root
def test_root_follows_no_link_that_the_daemons_user_has_made(
    old: Path, larger: Path, tmp_path: Path
) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    (old / "webapps" / "Second").symlink_to(outside)
    os.lchown(old / "webapps" / "Second", 4711, 4711)

    done = antmediad("restore", "--home", str(old), str(larger), "--force")

    assert done.returncode == 2
    assert "is a link" in done.stderr
    assert list(outside.iterdir()) == []
