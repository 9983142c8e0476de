"""The audit log."""

from __future__ import annotations

import asyncio
import dataclasses
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from antmediad.store.audit import MAX_TEXT_CHARS, Audit, AuditEntry
from antmediad.store.management import ManagementStore

LOGIN = AuditEntry(
    at=1_700_000_000.5,
    actor="ann@example.com",
    source="panel",
    address="192.0.2.1",
    action="login",
    target="ann@example.com",
    success=True,
)
CHANGE = AuditEntry(
    at=1_700_000_001.5,
    actor="token:ci",
    source="api",
    address="2001:db8::1",
    action="settings changed",
    target="LiveApp",
    success=False,
    detail="jwtControlEnabled",
)


@pytest.fixture(params=["file", "memory"])
def audit(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Audit]:
    store = ManagementStore(tmp_path / "management.db" if request.param == "file" else None)
    yield store.audit
    asyncio.run(store.close())


def record(audit: Audit, *entries: AuditEntry) -> None:
    for entry in entries:
        asyncio.run(audit.record(entry))


def test_entries_come_back_the_newest_first(audit: Audit) -> None:
    record(audit, LOGIN, CHANGE)

    assert audit.entries(0, 10) == [
        dataclasses.replace(CHANGE, id=2),
        dataclasses.replace(LOGIN, id=1),
    ]
    assert audit.count() == 2


@pytest.mark.parametrize(
    ("offset", "size", "ids"),
    [
        pytest.param(0, 2, [5, 4], id="the first page"),
        pytest.param(4, 2, [1], id="the last page"),
        pytest.param(5, 2, [], id="after it"),
        pytest.param(-1, 1, [5], id="less than nothing"),
        pytest.param(0, -1, [], id="no less than none"),
    ],
)
def test_entries_are_paged(audit: Audit, offset: int, size: int, ids: list[int]) -> None:
    record(audit, *[LOGIN] * 5)

    assert [entry.id for entry in audit.entries(offset, size)] == ids


def test_entries_about_one_target_are_found_by_its_whole_name(audit: Audit) -> None:
    record(audit, LOGIN, CHANGE, dataclasses.replace(CHANGE, target="LiveApp2"), CHANGE)

    assert [entry.id for entry in audit.entries(0, 10, "LiveApp")] == [4, 2]
    assert audit.count("LiveApp") == 2
    assert audit.entries(0, 10, "liveapp") == []


def test_texts_of_requests_are_bounded(audit: Audit) -> None:
    record(audit, dataclasses.replace(LOGIN, target="x" * 100_000, actor="\ud800"))

    (entry,) = audit.entries(0, 1)
    assert entry.target == "x" * MAX_TEXT_CHARS
    assert entry.actor == "\\ud800"


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE audit SET actor = 'nobody'",
        "DELETE FROM audit",
        "REPLACE INTO audit SELECT id, 0, actor, source, address, action, target, success, detail"
        " FROM audit",
    ],
)
def test_the_database_refuses_to_change_the_log(tmp_path: Path, statement: str) -> None:
    store = ManagementStore(tmp_path / "management.db")
    record(store.audit, LOGIN)

    with closing(sqlite3.connect(tmp_path / "management.db")) as connection:
        with pytest.raises(sqlite3.IntegrityError, match="append-only"):
            connection.execute(statement)

    assert store.audit.entries(0, 10) == [dataclasses.replace(LOGIN, id=1)]
    asyncio.run(store.close())
