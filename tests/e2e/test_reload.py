"""What a change on disk does to a running daemon, whoever makes the change and however."""

from __future__ import annotations

import collections
import http.client
import os
import random
import re
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.daemon import SECRET, Daemon, signed, wait_until, write_properties
from tests.java import find_java

LIST = "/LiveApp/rest/v2/broadcasts/list/0/10"
OTHER = "another secret of 32 characters!"
WRITER = Path(__file__).parent / "PropertiesWriter.java"


def text_of(secret: str = SECRET, more: str = "") -> str:
    """Return a file whose JWT filter is on, and that is wrong wherever it is cut short."""
    return (
        "webapp.contextPath=/LiveApp\nwebapp.virtualHosts=*\n"
        f"{more}settings.jwtSecretKey={secret}\nsettings.jwtControlEnabled=true\n"
    )


def numbered(number: int) -> str:
    return f"a secret of 32 characters: {number:06}"


def is_guarded_by(daemon: Daemon, secret: str, application: str = "LiveApp") -> bool:
    path = LIST.replace("LiveApp", application)
    return daemon.get(path, signed(secret=secret)) == 200 and daemon.get(path) == 403


def wait_for_secret(daemon: Daemon, secret: str, application: str = "LiveApp") -> None:
    wait_until(lambda: is_guarded_by(daemon, secret, application), "the new secret is in force")


def generations(daemon: Daemon, application: str = "LiveApp") -> list[int]:
    pattern = rf"settings in force: application={application} generation=(\d+)"
    return [int(number) for number in re.findall(pattern, daemon.log())]


def skip_or_fail(why: str) -> None:
    """Skip what is not possible here; where CI is true, nothing is left out in silence."""
    if os.environ.get("CI") == "true":
        pytest.fail(why, pytrace=False)
    pytest.skip(why)


class Outsider(threading.Thread):
    """Sends requests without a token, one after another, for as long as the block goes on."""

    def __init__(self, daemon: Daemon) -> None:
        super().__init__()
        self._port = daemon.port
        self._done = threading.Event()
        self.statuses: collections.Counter[int] = collections.Counter()

    def __enter__(self) -> Outsider:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        wait_until(lambda: self.statuses.total() >= 20 or not self.is_alive(), "requests are sent")
        self._done.set()
        self.join()

    def run(self) -> None:
        connection = http.client.HTTPConnection("127.0.0.1", self._port, timeout=20)
        while not self._done.is_set():
            connection.request("GET", LIST)
            response = connection.getresponse()
            response.read()
            self.statuses[response.status] += 1
        connection.close()


@pytest.fixture
def guarded(daemon: Daemon) -> Daemon:
    """A running daemon whose one application has its JWT filter on."""
    daemon.properties().write_text(text_of())
    wait_for_secret(daemon, SECRET)
    return daemon


# Ways to save a file


def in_place(path: Path, text: str) -> None:
    path.write_text(text)


def in_two_steps(path: Path, text: str) -> None:
    with path.open("w") as file:
        file.write(text[: len(text) // 2])
        file.flush()
        path.chmod(0o640)
        time.sleep(0.3)
        file.write(text[len(text) // 2 :])


def in_two_openings(path: Path, text: str) -> None:
    with path.open("w") as file:
        file.write(text[: len(text) // 2])
    time.sleep(0.3)
    with path.open("a") as file:
        file.write(text[len(text) // 2 :])


def with_sed(path: Path, text: str) -> None:
    secret = re.findall("jwtSecretKey=(.*)", text)[0]
    subprocess.run(["sed", "-i", f"s/\\(jwtSecretKey\\)=.*/\\1={secret}/", path], check=True)


def as_vim_does(path: Path, text: str) -> None:
    (path.parent / "4913").touch()
    (path.parent / "4913").unlink()
    backup = path.with_name(f"{path.name}~")
    path.rename(backup)
    with path.open("w") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    path.chmod(0o644)
    backup.unlink()


def as_nano_does(path: Path, text: str) -> None:
    lock = path.with_name(f".{path.name}.swp")
    lock.write_bytes(b"b0nano")
    shutil.copy2(path, path.with_name(f"{path.name}~"))
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
    for line in text.splitlines(keepends=True):
        os.write(descriptor, line.encode())
    os.close(descriptor)
    lock.unlink()


def by_renaming(path: Path, text: str) -> None:
    temporary = path.with_name(f".{path.name}.new")
    temporary.write_text(text)
    temporary.rename(path)


def by_renaming_from_elsewhere(path: Path, text: str) -> None:
    temporary = path.parents[3] / "elsewhere"
    temporary.write_text(text)
    temporary.rename(path)


def keeping_size_and_times(path: Path, text: str) -> None:
    status = path.stat()
    assert len(text) == status.st_size
    path.write_text(text)
    os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns))


def by_deleting_first(path: Path, text: str) -> None:
    path.unlink()
    time.sleep(0.2)
    path.write_text(text)


def through_a_hard_link_and_back(path: Path, text: str) -> None:
    other = path.parents[2] / "linked"
    os.link(path, other)
    other.write_text(text)
    other.rename(path.with_name("moved"))
    path.with_name("moved").unlink()
    os.utime(path)


@pytest.mark.parametrize(
    "save",
    [
        in_place,
        in_two_steps,
        in_two_openings,
        with_sed,
        as_vim_does,
        as_nano_does,
        by_renaming,
        by_renaming_from_elsewhere,
        keeping_size_and_times,
        by_deleting_first,
        through_a_hard_link_and_back,
    ],
)
def test_a_save_takes_effect_and_opens_the_guard_for_nobody(
    guarded: Daemon, save: Callable[[Path, str], None]
) -> None:
    with Outsider(guarded) as outsider:
        save(guarded.properties(), text_of(OTHER))
        wait_for_secret(guarded, OTHER)
        save(guarded.properties(), text_of(SECRET))
        wait_for_secret(guarded, SECRET)

    assert set(outsider.statuses) == {403}
    assert generations(guarded) == sorted(set(generations(guarded)))


@pytest.mark.parametrize("save", [in_place, in_two_steps, with_sed, as_nano_does, by_renaming])
def test_a_file_that_is_still_being_written_is_not_read(
    guarded: Daemon, save: Callable[[Path, str], None]
) -> None:
    save(guarded.properties(), text_of(OTHER))
    wait_for_secret(guarded, OTHER)

    assert "settings kept" not in guarded.log()
    assert generations(guarded) == [1, 2, 3]


def test_a_swapped_link_as_of_a_kubernetes_volume_takes_effect(guarded: Daemon) -> None:
    directory = guarded.properties().parent

    def publish(version: str, secret: str) -> None:
        (directory / version).mkdir()
        (directory / version / guarded.properties().name).write_text(text_of(secret))
        (directory / "..data_tmp").symlink_to(version)
        (directory / "..data_tmp").rename(directory / "..data")

    publish("..2026_01", OTHER)
    guarded.properties().with_name("link").symlink_to(f"..data/{guarded.properties().name}")
    with Outsider(guarded) as outsider:
        guarded.properties().with_name("link").rename(guarded.properties())
        wait_for_secret(guarded, OTHER)
        publish("..2026_02", SECRET)
        shutil.rmtree(directory / "..2026_01")
        wait_for_secret(guarded, SECRET)
        publish("..2026_03", OTHER)
        wait_for_secret(guarded, OTHER)

    assert set(outsider.statuses) == {403}


def test_an_application_moved_in_is_served_and_moved_out_is_not(daemon: Daemon) -> None:
    outside = daemon.home / "Other"
    inside = daemon.home / "webapps" / "Other"
    write_properties(
        outside / "WEB-INF" / "red5-web.properties", jwtControlEnabled="true", jwtSecretKey=OTHER
    )
    path = LIST.replace("LiveApp", "Other")
    before = daemon.get(path)

    for _ in range(2):
        outside.rename(inside)
        wait_for_secret(daemon, OTHER, "Other")
        inside.rename(outside)
        wait_until(lambda: daemon.get(path) == 404, "the application is gone")

    assert before == 404
    assert daemon.get(LIST) == 200
    daemon.wait_for_log("application removed: application=Other")
    assert generations(daemon, "Other") == [1, 3]


def test_an_application_copied_in_is_served(guarded: Daemon) -> None:
    shutil.copytree(guarded.home / "webapps/LiveApp", guarded.home / "webapps/Copy")
    wait_for_secret(guarded, SECRET, "Copy")
    guarded.properties("Copy").write_text(text_of(OTHER))

    wait_for_secret(guarded, OTHER, "Copy")
    assert is_guarded_by(guarded, SECRET)


def test_a_new_application_that_is_written_slowly_is_never_open(daemon: Daemon) -> None:
    path = daemon.properties("Slow")
    path.parent.mkdir(parents=True)
    text = text_of()
    seen = set()
    with path.open("w") as file:
        for start in range(0, len(text), 8):
            file.write(text[start : start + 8])
            file.flush()
            seen.add(daemon.get(LIST.replace("LiveApp", "Slow")))
    wait_for_secret(daemon, SECRET, "Slow")

    assert seen <= {403, 404, 503}


def test_a_replaced_application_is_served_without_a_gap(guarded: Daemon) -> None:
    webapps = guarded.home / "webapps"
    shutil.copytree(webapps / "LiveApp", guarded.home / "new")
    (guarded.home / "new/WEB-INF/red5-web.properties").write_text(text_of(OTHER))
    with Outsider(guarded) as outsider:
        (webapps / "LiveApp").rename(guarded.home / "old")
        (guarded.home / "new").rename(webapps / "LiveApp")
        wait_for_secret(guarded, OTHER)

    assert set(outsider.statuses) == {403}
    assert "application removed" not in guarded.log()


@pytest.fixture
def unprivileged(home: Path) -> Iterator[Daemon]:
    """A daemon that no permission is waived for, though root may have started it."""
    daemon = Daemon(home)
    daemon.properties().parent.mkdir(parents=True)
    daemon.properties().write_text(text_of())
    command = '"$0" "$@"'
    if os.geteuid() == 0:
        if shutil.which("setpriv") is None:
            skip_or_fail("root, and no setpriv to be less with: put it on PATH (util-linux)")
        less = "-dac_override,-dac_read_search"
        command = f"setpriv --bounding-set {less} --inh-caps {less} -- {command}"
    daemon.start(executable=wrapper(home, command))
    yield daemon
    for path in (home / "webapps" / "LiveApp").rglob("*"):
        path.chmod(0o700)
    daemon.stop()


def wrapper(home: Path, command: str) -> str:
    """Return a program that runs *command*, in which ``"$0" "$@"`` stands for the daemon's."""
    script = home.parent / "wrapper"
    script.write_text(
        f'#!/bin/sh\nset -- {sys.executable} "$@"\nexec sh -c \'exec {command}\' "$@"\n'
    )
    script.chmod(0o755)
    return str(script)


@pytest.mark.parametrize("what", ["", "..", "../.."], ids=["file", "WEB-INF", "application"])
def test_permission_lost_keeps_the_settings_and_regained_reads_them(
    unprivileged: Daemon, what: str
) -> None:
    path = Path(os.path.normpath(unprivileged.properties() / what))
    mode = path.stat().st_mode
    path.chmod(0)
    unprivileged.wait_for_log("state=stale")
    kept = is_guarded_by(unprivileged, SECRET)
    path.chmod(mode)
    unprivileged.properties().write_text(text_of(OTHER))

    wait_for_secret(unprivileged, OTHER)
    assert kept
    assert "Permission denied" in unprivileged.log()


def test_a_directory_that_may_be_searched_but_not_read_is_polled(unprivileged: Daemon) -> None:
    unprivileged.properties().parent.chmod(0o300)
    unprivileged.wait_for_log("watching falls back to polling")

    unprivileged.properties().write_text(text_of(OTHER))

    wait_for_secret(unprivileged, OTHER)
    unprivileged.properties().parent.chmod(0o700)


def test_of_a_hundred_saves_in_a_second_the_last_wins(guarded: Daemon) -> None:
    with Outsider(guarded) as outsider:
        for number in range(100):
            save = (in_place, by_renaming)[number % 2]
            save(guarded.properties(), text_of(numbered(number)))
            time.sleep(0.008)
        wait_for_secret(guarded, numbered(99))

    assert set(outsider.statuses) == {403}
    assert generations(guarded) == sorted(set(generations(guarded)))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        pytest.param("", "no settings in it", id="empty"),
        pytest.param("# a comment\n", "no settings in it", id="comment"),
        pytest.param(
            text_of(OTHER).replace("=true", "=ture"),
            "line 4: settings.jwtControlEnabled: expected true or false",
            id="misspelled-switch",
        ),
        pytest.param(
            text_of(OTHER, "remoteAllowedCIDR=127.0.0.1,10.0.0.0/33\n"),
            "line 3: remoteAllowedCIDR: ",
            id="bad-network",
        ),
        pytest.param(text_of(OTHER, "jwksURL=ftp://issuer\n"), "line 3: jwksURL: ", id="bad-url"),
        pytest.param(text_of(OTHER)[:-20], "jwtControlEnabled", id="cut-short"),
        pytest.param("webapp.contextPath=/LiveApp\n", "jwtControlEnabled", id="cut-much-shorter"),
    ],
)
def test_a_wrong_file_changes_nothing_that_is_served_and_the_log_says_where_and_why(
    guarded: Daemon, text: str, message: str
) -> None:
    with Outsider(guarded) as outsider:
        guarded.properties().write_text(text)
        guarded.wait_for_log(f"state=stale file={guarded.properties()} ")
        kept = is_guarded_by(guarded, SECRET)

    assert kept
    assert set(outsider.statuses) == {403}
    assert message in guarded.log()
    assert OTHER not in guarded.log()


def test_a_large_file_is_loaded_while_the_daemon_answers(guarded: Daemon) -> None:
    filler = "".join(f"# comment {number}\nunknown.{number}=x\n" for number in range(140_000))
    with Outsider(guarded) as outsider:
        guarded.properties().write_text(text_of(OTHER, filler))
        before = outsider.statuses.total()
        wait_until(
            lambda: outsider.statuses.total() > before + 50 and generations(guarded) == [1, 2],
            "requests are answered before the file is in force",
        )
        wait_for_secret(guarded, OTHER)

    assert guarded.properties().stat().st_size > 4 * 1024 * 1024
    assert set(outsider.statuses) == {403}


@pytest.mark.parametrize("make", [Path.mkdir, os.mkfifo], ids=["directory", "fifo"])
def test_what_is_no_file_makes_an_application_unavailable(
    daemon: Daemon, make: Callable[[Path], None]
) -> None:
    path = daemon.properties("Odd")
    path.parent.mkdir(parents=True)
    make(path)

    wait_until(lambda: daemon.get(LIST.replace("LiveApp", "Odd")) == 503, "it is refused")
    daemon.wait_for_log("not a regular file")
    assert daemon.get(LIST) == 200


@pytest.mark.parametrize("make", [Path.mkdir, os.mkfifo], ids=["directory", "fifo"])
def test_what_is_no_file_in_place_of_one_leaves_its_settings_in_force(
    guarded: Daemon, make: Callable[[Path], None]
) -> None:
    guarded.properties().unlink()
    make(guarded.properties())

    guarded.wait_for_log("not a regular file")
    assert is_guarded_by(guarded, SECRET)


def test_javas_own_writer_changes_settings_and_opens_the_guard_for_nobody(
    guarded: Daemon,
) -> None:
    java = find_java()
    # As long as what Ant Media Server writes: more than one write of its buffer.
    guarded.properties().write_text(text_of(more="".join(f"key{n}={n:0100}\n" for n in range(150))))
    secrets = [numbered(number) for number in range(200)]
    with Outsider(guarded) as outsider:
        command = [java, str(WRITER), str(guarded.properties()), "settings.jwtSecretKey", *secrets]
        written = subprocess.run(command, capture_output=True, text=True, check=True)
        wait_for_secret(guarded, secrets[-1])

    assert written.stdout.splitlines() == secrets
    assert set(outsider.statuses) == {403}


def test_of_a_thousand_applications_each_answers_and_a_change_in_one_is_seen(home: Path) -> None:
    daemon = Daemon(home)
    names = [f"App{number}" for number in range(1000)]
    for name in names:
        daemon.write(name)
    with daemon:
        statuses = {daemon.get(f"/{name}/rest/v2/version") for name in names}
        daemon.write("App567", jwtControlEnabled="true", jwtSecretKey=OTHER)
        wait_for_secret(daemon, OTHER, "App567")
        shutil.copytree(home / "webapps/App567", home / "webapps/OneMore")
        wait_for_secret(daemon, OTHER, "OneMore")

        assert statuses == {200}
        assert daemon.get(LIST.replace("LiveApp", "App568")) == 200


ISOLATED = "unshare --user --map-root-user sh -c"
TAKE_ALL_INSTANCES = """
import ctypes, resource
hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
taken = 0
while ctypes.CDLL(None).inotify_init() >= 0:
    taken += 1
print(taken, flush=True)
input()
"""


def limits_that_can_be_lowered() -> list[str]:
    """Return the limits of inotify that a user namespace of our own lets us lower.

    Without one, those of the user are exhausted, which other tests at that moment may notice.
    """
    lower = "echo 100 > /proc/sys/user/max_inotify_watches"
    trial = subprocess.run([*ISOLATED.split(), lower], capture_output=True, check=False)
    return ["taken"] if trial.returncode else ["watches", "instances"]


def expect_polling(daemon: Daemon, limit: str) -> None:
    with_limit = daemon.log()
    daemon.properties().write_text(text_of(OTHER))
    wait_for_secret(daemon, OTHER)
    shutil.copytree(daemon.home / "webapps/LiveApp", daemon.home / "webapps/Copy")
    wait_for_secret(daemon, OTHER, "Copy")
    shutil.rmtree(daemon.home / "webapps/Copy")
    wait_until(lambda: daemon.get(LIST.replace("LiveApp", "Copy")) == 404, "it is gone")
    assert with_limit.count("watching falls back to polling") == 1
    assert f"fs.inotify.max_user_{limit}" in with_limit


@contextmanager
def all_instances_taken() -> Iterator[None]:
    takers: list[subprocess.Popen[bytes]] = []
    took = 1
    try:
        while took:
            command = [sys.executable, "-c", TAKE_ALL_INSTANCES]
            taker = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
            takers.append(taker)
            assert taker.stdout is not None
            took = int(taker.stdout.readline())
        yield
    finally:
        for taker in takers:
            taker.communicate(b"\n")


@pytest.mark.parametrize("reached", limits_that_can_be_lowered())
def test_where_a_limit_of_inotify_is_reached_files_are_polled(home: Path, reached: str) -> None:
    daemon = Daemon(home)
    daemon.properties().parent.mkdir(parents=True)
    daemon.properties().write_text(text_of())
    if reached == "taken":
        with all_instances_taken(), daemon:
            expect_polling(daemon, "instances")
        return
    lower = f"echo {3 if reached == 'watches' else 0} > /proc/sys/user/max_inotify_{reached}"
    command = f'{ISOLATED} "{lower}; exec \\"\\$0\\" \\"\\$@\\"" "$0" "$@"'
    daemon.start(executable=wrapper(home, command))
    try:
        expect_polling(daemon, reached)
    finally:
        daemon.stop()


def test_sighup_looks_at_everything(guarded: Daemon) -> None:
    assert guarded.process is not None
    # A change that raises no event in the directory of the file: by a name elsewhere.
    os.link(guarded.properties(), guarded.home / "linked")
    (guarded.home / "linked").write_text(text_of(OTHER))
    guarded.process.send_signal(signal.SIGHUP)

    wait_for_secret(guarded, OTHER)
    guarded.wait_for_log("signal=SIGHUP")


def test_a_kill_keeps_generation_settings_and_guard(guarded: Daemon) -> None:
    guarded.properties().write_text(text_of(OTHER))
    wait_for_secret(guarded, OTHER)
    before = generations(guarded)
    recorded = guarded.home / "data" / "settings.db"
    wait_until(recorded.exists, "the history is there")
    guarded.write(jwtControlEnabled="ture")
    guarded.wait_for_log("state=stale")

    guarded.stop(signal.SIGKILL)
    guarded.start()
    of_a_broken_file = is_guarded_by(guarded, OTHER)
    guarded.stop(signal.SIGKILL)
    guarded.write(jwtSecretKey=OTHER)
    guarded.start()
    of_a_file_cut_short = is_guarded_by(guarded, OTHER)
    guarded.write(jwtSecretKey=OTHER, jwtControlEnabled="false")
    wait_until(lambda: guarded.get(LIST) == 200, "the filter is off")

    assert (of_a_broken_file, of_a_file_cut_short) == (True, True)
    assert generations(guarded) == [*before, before[-1], before[-1], before[-1] + 1]


@pytest.mark.parametrize("workers", ["1", "2"])
def test_sighup_ends_no_daemon_that_is_starting(home: Path, workers: str) -> None:
    daemon = Daemon(home, "--workers", workers)
    for number in range(300):
        daemon.write(f"App{number}")
    signals: list[int] = []

    def signal_while_starting() -> None:
        daemon.wait_for_log("settings in force: server")
        while "serving: url=" not in daemon.log():
            assert daemon.process is not None
            daemon.process.send_signal(signal.SIGHUP)
            signals.append(signal.SIGHUP)

    thread = threading.Thread(target=signal_while_starting)
    thread.start()
    with daemon:
        thread.join()

        assert signals
        assert daemon.get("/App299/rest/v2/version") == 200


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def test_a_new_port_is_listened_on_and_one_that_cannot_be_is_not(home: Path) -> None:
    first, second = free_port(), free_port()
    taken = socket.create_server(("127.0.0.1", 0))
    daemon = Daemon(home)
    daemon.write()
    file = home / "conf" / "red5.properties"
    write_properties(file, http__host="127.0.0.1", http__port=str(first))
    # The file decides where none is named on the command line.
    script = home.parent / "by-file"
    script.write_text(f"#!/bin/sh\nexec {sys.executable} -m antmediad serve --home {home}\n")
    script.chmod(0o755)
    daemon.start(executable=str(script))
    try:
        at_first = daemon.port
        write_properties(file, http__host="127.0.0.1", http__port=str(second))
        daemon.wait_for_log(f"listening: url=http://127.0.0.1:{second}")
        daemon.port = second
        moved = daemon.get(LIST)
        write_properties(file, http__host="127.0.0.1", http__port=str(taken.getsockname()[1]))
        daemon.wait_for_log("listening stays as it was")
        write_properties(file, http__host="127.0.0.1", http__port="eighty")
        daemon.wait_for_log("line 2: http.port: ")
        kept = daemon.get(LIST)
        write_properties(file, http__host="127.0.0.1", http__port=str(first))
        daemon.port = first
        wait_until(lambda: accepts(first), "it listens on the first port again")
        back = daemon.get(LIST)
        wait_until(lambda: not accepts(second), "it listens on the second no longer")
    finally:
        daemon.stop()
        taken.close()

    assert (at_first, moved, kept, back) == (first, 200, 200, 200)


def accepts(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port), 1).close()
    except OSError:
        return False
    return True


def test_many_writers_of_torn_and_wrong_files_never_open_the_guard(guarded: Daemon) -> None:
    path = guarded.properties()
    good = [text_of(numbered(number)) for number in range(8)]
    end = time.monotonic() + 4
    failures: list[BaseException] = []

    def write(seed: int) -> None:
        chance = random.Random(seed)
        while time.monotonic() < end:
            text = chance.choice(good)
            wrong = chance.choice(
                [
                    text,
                    text[: chance.randrange(len(text))],
                    text.replace("true", chance.choice(["", "ture", "\\uzzzz"])),
                    "",
                    "\0" * 4096,
                    text.encode("utf-16").decode("latin-1"),
                ]
            )
            try:
                if chance.random() < 0.3:
                    temporary = path.with_name(f"temporary{seed}")
                    temporary.write_text(wrong)
                    temporary.rename(path)
                else:
                    with path.open(chance.choice(["w", "r+"])) as file:
                        file.write(wrong[: len(wrong) // 2])
                        file.flush()
                        time.sleep(chance.random() / 50)
                        file.write(wrong[len(wrong) // 2 :])
            except FileNotFoundError:
                continue
            except BaseException as error:
                failures.append(error)
                raise

    writers = [threading.Thread(target=write, args=(seed,)) for seed in range(8)]
    with Outsider(guarded) as outsider:
        for writer in writers:
            writer.start()
        for writer in writers:
            writer.join()
        by_renaming(path, text_of(OTHER))
        wait_for_secret(guarded, OTHER)

    assert failures == []
    assert set(outsider.statuses) == {403}
    assert len(generations(guarded)) > 2
    assert generations(guarded) == sorted(generations(guarded))
