"""Uploads that an earlier process could not bring to an end."""

from __future__ import annotations

import asyncio
import logging

from antmediad.errors import StoreError
from antmediad.rest.vod_files import STREAMS, find_unfinished, settle, taken_over
from antmediad.server.served import Served

logger = logging.getLogger(__name__)


async def settle_uploads(served: Served) -> None:
    """Remove what such uploads of an application left."""
    streams = served.files.directory / STREAMS
    for name in await asyncio.to_thread(find_unfinished, streams):
        try:
            # Its record is looked for only when nobody can be about to make one.
            with taken_over(streams, name) as is_ours:
                is_removed = is_ours and await asyncio.to_thread(
                    settle, streams, name, _is_on_record(served, name)
                )
        except StoreError as error:
            logger.error(
                "unfinished upload stays: application=%s error=%s", served.application, error
            )
            return
        if is_removed:
            logger.info("unfinished upload removed: application=%s", served.application)


def _is_on_record(served: Served, file_name: str) -> bool:
    return served.open_store().vods.find_json(file_name.partition(".")[0]) is not None
