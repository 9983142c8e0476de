"""What is remembered of the settings that clients have read."""

from __future__ import annotations

from antmediad.management.served import Served, ServedSettings
from antmediad.settings.schema import Settings

SERVED = Served(Settings(), ())


def test_each_session_and_file_has_its_own() -> None:
    served = ServedSettings()

    served.remember(b"one", "LiveApp", SERVED)

    assert served.find(b"one", "LiveApp") is SERVED
    assert served.find(b"two", "LiveApp") is None
    assert served.find(b"one", "") is None


def test_of_too_many_the_one_that_was_read_longest_ago_is_forgotten() -> None:
    served = ServedSettings(limit=2)

    for session in (b"one", b"two", b"one", b"three"):
        served.remember(session, "LiveApp", SERVED)

    known = [one for one in (b"one", b"two", b"three") if served.find(one, "LiveApp")]
    assert known == [b"one", b"three"]


def test_callers_without_a_session_are_not_taken_for_one() -> None:
    served = ServedSettings()

    served.remember(b"", "LiveApp", SERVED)

    assert served.find(b"", "LiveApp") is None
