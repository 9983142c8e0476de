"""Who has a database open."""

from __future__ import annotations

import asyncio
from pathlib import Path

import orjson
import pytest

from antmediad.errors import StoreError
from antmediad.rest.models import VOD
from antmediad.store.application import ApplicationStore
from antmediad.store.use import Use
from tests.together import run


def test_the_first_user_is_told_so_and_the_others_are_not(tmp_path: Path) -> None:
    first = Use(tmp_path / "app.db")
    first.share()
    second = Use(tmp_path / "app.db")
    first.end()
    second.end()
    third = Use(tmp_path / "app.db")
    third.end()

    assert [first.is_first, second.is_first, third.is_first] == [True, False, True]


def test_databases_in_memory_are_nobody_elses() -> None:
    assert [Use(None).is_first, Use(None).is_first] == [True, True]


def test_a_directory_that_cannot_be_used_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "file").touch()

    with pytest.raises(StoreError, match="cannot use"):
        Use(tmp_path / "file" / "app.db")


def test_what_another_process_is_at_has_not_failed(tmp_path: Path) -> None:
    async def status(store: ApplicationStore) -> str | None:
        found = store.vods.find_json("1")
        return None if found is None else orjson.loads(found)["processStatus"]

    store = ApplicationStore(tmp_path / "app.db")
    run(store.vods.insert({**VOD.create({}), "vodId": "1", "processStatus": "processing"}))
    beside = ApplicationStore(tmp_path / "app.db")
    meanwhile = run(status(beside))
    asyncio.run(beside.close())
    asyncio.run(store.close())
    after = ApplicationStore(tmp_path / "app.db")

    assert meanwhile == ["processing"]
    assert run(status(after)) == ["failed"]
    asyncio.run(after.close())
