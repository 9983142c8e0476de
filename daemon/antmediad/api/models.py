"""The JSON objects that both REST APIs answer with."""

from __future__ import annotations

from antmediad.api.fields import Field, Model, boolean, int32, text

RESULT = Model(
    "Result",
    (
        Field("success", boolean, False),
        Field("message", text, ""),
        Field("dataId", text, ""),
        Field("errorId", int32, 0),
    ),
)

VERSION = Model(
    "Version",
    (
        Field("versionName", text),
        Field("versionType", text),
        Field("buildNumber", text),
    ),
)
