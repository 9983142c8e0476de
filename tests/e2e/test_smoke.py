"""The thin path through everything."""

from pathlib import Path

from tests.daemon import SECRET, Daemon, signed, wait_until

LIST = "/LiveApp/rest/v2/broadcasts/list/0/10"


def test_a_saved_file_guards_the_api_without_a_restart(daemon: Daemon) -> None:
    created = daemon.call("POST", "/broadcasts/create", {"name": "stream1"})
    daemon.write(settings__jwtControlEnabled="true", settings__jwtSecretKey=SECRET)

    wait_until(lambda: daemon.get(LIST) == 403, "the JWT filter is on")
    assert created.status == 200
    assert daemon.get(LIST, signed()) == 200
    assert daemon.get(LIST, f"Bearer {signed()}") == 200
    assert daemon.get(LIST, signed(secret="another secret of 32 characters!")) == 403
    daemon.wait_for_log("reason=no_token")
    daemon.wait_for_log("reason=bad_signature")


def test_a_record_that_cannot_be_read_opens_no_guard(home: Path) -> None:
    daemon = Daemon(home)
    daemon.write(jwtControlEnabled="true", jwtSecretKey=SECRET)
    with daemon:
        assert daemon.get(LIST) == 403
    for path in (home / "data").glob("settings.db*"):
        path.write_bytes(b"garbage " * 1000)
    daemon.write()

    with daemon:
        assert daemon.get(LIST) == 503
        assert "settings are not put on record" in daemon.log()
