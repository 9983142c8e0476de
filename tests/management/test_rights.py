"""What a user may do where."""

from __future__ import annotations

import pytest

from antmediad.errors import LastAdministratorError
from antmediad.management.rights import (
    Role,
    check_administrator_stays,
    is_system,
    rights_of,
    role_for,
)
from antmediad.store.accounts import User

READ_ONLY, USER, ADMIN = Role.READ_ONLY, Role.USER, Role.ADMIN


def user(
    app_types: dict[str, str] | None = None,
    scope: str | None = None,
    user_type: str | None = None,
    email: str = "ann@example.com",
) -> User:
    return User(email=email, app_types=app_types or {}, scope=scope, user_type=user_type)


@pytest.mark.parametrize(
    ("one", "rights"),
    [
        pytest.param(user(), {}, id="nothing is said"),
        pytest.param(user({"live": "ADMIN"}), {"live": ADMIN}, id="map"),
        pytest.param(
            user({"live": "USER", "vod": "READ_ONLY", "system": "ADMIN"}),
            {"live": USER, "vod": READ_ONLY, "system": ADMIN},
            id="map of several",
        ),
        pytest.param(user({}, "system", "ADMIN"), {"system": ADMIN}, id="pair"),
        pytest.param(user({}, "live", "READ_ONLY"), {"live": READ_ONLY}, id="pair of one"),
        pytest.param(user({}, None, "ADMIN"), {}, id="type without scope"),
        pytest.param(user({}, "", "ADMIN"), {}, id="type with empty scope"),
        pytest.param(user({}, "system", None), {}, id="scope without type"),
        pytest.param(user({}, "system", ""), {}, id="scope with empty type"),
        pytest.param(user({"": "ADMIN"}), {}, id="role in nothing"),
        pytest.param(user({"live": ""}), {}, id="empty type"),
        pytest.param(user({"live": "OWNER"}), {}, id="unknown type"),
        pytest.param(user({"live": "admin"}), {}, id="type in another case"),
        pytest.param(user({}, "system", "ROOT"), {}, id="unknown type of a pair"),
        pytest.param(
            user({"live": "OWNER", "vod": "USER"}), {"vod": USER}, id="one unknown type of two"
        ),
        pytest.param(
            user({"system": "ADMIN"}, "system", "ADMIN"), {"system": ADMIN}, id="both agree"
        ),
        pytest.param(
            user({"system": "ADMIN"}, "system", "USER"), {"system": USER}, id="pair says less"
        ),
        pytest.param(
            user({"system": "READ_ONLY"}, "system", "ADMIN"),
            {"system": READ_ONLY},
            id="map says less",
        ),
        pytest.param(
            user({"live": "ADMIN"}, "system", "READ_ONLY"),
            {"live": ADMIN, "system": READ_ONLY},
            id="of different names",
        ),
        pytest.param(
            user({"system": "ADMIN"}, "system", None), {"system": ADMIN}, id="pair says nothing"
        ),
        pytest.param(
            user({"system": "ADMIN"}, "system", "NONE"), {}, id="pair says what nobody knows"
        ),
        pytest.param(
            user({"system": "NONE"}, "system", "ADMIN"), {}, id="map says what nobody knows"
        ),
    ],
)
def test_rights_are_what_map_and_pair_say(one: User, rights: dict[str, Role]) -> None:
    assert rights_of(one) == rights


@pytest.mark.parametrize(
    ("rights", "application", "role"),
    [
        pytest.param({}, "live", None, id="none"),
        pytest.param({"live": USER}, "live", USER, id="own"),
        pytest.param({"live": USER}, "live2", None, id="longer name"),
        pytest.param({"live2": USER}, "live", None, id="shorter name"),
        pytest.param({"live": USER}, "Live", None, id="another case"),
        pytest.param({"live": USER}, "live/../vod", None, id="dot segments"),
        pytest.param({"live": USER}, "", None, id="no name"),
        pytest.param({"system": READ_ONLY}, "live", READ_ONLY, id="system"),
        pytest.param({"system": READ_ONLY, "live": ADMIN}, "live", ADMIN, id="own is higher"),
        pytest.param({"system": ADMIN, "live": READ_ONLY}, "live", ADMIN, id="system is higher"),
        pytest.param({"live": ADMIN}, "system", None, id="system, of an application's"),
        pytest.param({"system": USER, "live": ADMIN}, "system", USER, id="system itself"),
        pytest.param({"system2": ADMIN}, "live", None, id="not quite system"),
    ],
)
def test_a_role_is_for_a_whole_name(
    rights: dict[str, Role], application: str, role: Role | None
) -> None:
    assert role_for(rights, application) == role


@pytest.mark.parametrize(
    ("rights", "role", "expected"),
    [
        ({"system": ADMIN}, ADMIN, True),
        ({"system": USER}, ADMIN, False),
        ({"system": USER}, READ_ONLY, True),
        ({"live": ADMIN}, READ_ONLY, False),
        ({}, READ_ONLY, False),
    ],
)
def test_system_rights_are_rights_on_the_system(
    rights: dict[str, Role], role: Role, expected: bool
) -> None:
    assert is_system(rights, role) is expected


@pytest.mark.parametrize(
    "others",
    [
        pytest.param([], id="alone"),
        pytest.param([user({"live": "ADMIN"}, email="b@b")], id="beside an application's"),
        pytest.param([user({"system": "USER"}, email="b@b")], id="beside a user"),
    ],
)
def test_the_last_administrator_stays(others: list[User]) -> None:
    ann = user({"system": "ADMIN"})

    with pytest.raises(LastAdministratorError):
        check_administrator_stays([ann, *others], "ANN@example.com")
    check_administrator_stays([ann, *others], "nobody@example.com")


def test_one_of_two_administrators_may_go() -> None:
    both = [user({"system": "ADMIN"}), user({"system": "ADMIN"}, email="b@b")]

    check_administrator_stays(both, "ANN@example.com")
