"""Every error of antmediad.

AntmediadError
├── SettingsError           a properties file cannot be used; the snapshot in force stays
│   ├── SettingsConflictError  it is not the file any more that is to be replaced
│   ├── SettingsWriteError  it cannot be replaced
│   └── PropertyTypeError   a posted property has another JSON type
├── BackupError             a backup cannot be made, or cannot be used
├── HomeInUseError          another process serves the home
├── ApplicationError        an application cannot be created or removed
│   └── ApplicationExistsError  there is one of this name
├── GuardError              the request is refused
│   ├── AddressError        by the IP filter
│   ├── RateError           by a limit of requests a second
│   └── TokenError          by the JWT filter
├── KeySetError             a JSON Web Key Set cannot be had or used
├── CertificateError        a certificate cannot be served
├── StoreError              data cannot be read or kept
│   ├── RecordExistsError   the id is taken
│   └── StoreBusyError      too many changes wait
├── LastAdministratorError  nobody would be left who may do everything
├── RequestError            the request is let through, and cannot be answered as asked
│   └── PlayError           it is to play, which is not allowed
└── UsageError              a command line cannot be carried out
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Literal


class AntmediadError(Exception):
    """Root of all errors that antmediad raises on purpose."""


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing that is wrong with a properties file.

    Attributes:
        severity: an ``error`` keeps the file from being used, a ``warning`` does not.
        message: what is wrong and what was expected; never a value, which may be a secret.
        line: physical line, from 1; 0 when the file as a whole is meant.
        key: the key as spelled in the file; empty when no key is meant.
    """

    severity: Literal["error", "warning"]
    message: str
    line: int = 0
    key: str = ""

    def __str__(self) -> str:
        place = f"line {self.line}: " if self.line else ""
        key = f"{self.key}: " if self.key else ""
        return f"{place}{key}{self.message}"

    def log_fields(self) -> dict[str, object]:
        """Return what a structured log has of it."""
        return {"line": self.line, "key": self.key, "problem": self.message}


class SettingsError(AntmediadError):
    """A properties file cannot be used.  ``problems`` holds all that is wrong, warnings too."""

    def __init__(self, problems: tuple[Problem, ...]) -> None:
        super().__init__("; ".join(str(p) for p in problems if p.severity == "error"))
        self.problems = problems


class SettingsConflictError(SettingsError):
    """A properties file changed since it was read; nothing was written."""

    def __init__(self) -> None:
        super().__init__((Problem("error", "the file changed since it was read; read it again"),))


class SettingsWriteError(SettingsError):
    """A properties file cannot be written; it is as it was, unless the text says otherwise."""

    def __init__(self, message: str) -> None:
        super().__init__((Problem("error", message),))


class PropertyTypeError(SettingsError):
    """A posted property has a JSON type that cannot be turned into its own."""


class BackupError(AntmediadError):
    """A backup cannot be made, or is none that can be used."""


class HomeInUseError(AntmediadError):
    """Another process serves the home, or restores it."""


class ApplicationError(AntmediadError):
    """An application cannot be created or removed; the text is for whoever wants that."""


class ApplicationExistsError(ApplicationError):
    """There is an application, or something else, of this name."""


class GuardError(AntmediadError):
    """The request is refused.

    ``message`` is all that a client is told (the texts of Ant Media Server); ``reason`` is one
    word for the log and the metrics.
    """

    status: ClassVar[int] = 403
    message: ClassVar[str] = "Forbidden"
    headers: tuple[tuple[str, str], ...] = ()

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class AddressError(GuardError):
    """The IP filter refuses the client's address."""

    message = "Not allowed IP"


class RateError(GuardError):
    """There were too many requests lately.

    Attributes:
        wait_s: after which the next one may pass, whole seconds.
    """

    status = 429
    message = "Too many requests"

    def __init__(self, wait_s: int) -> None:
        super().__init__("rate_limited")
        self.wait_s = wait_s
        self.headers = (("Retry-After", str(wait_s)),)


class TokenError(GuardError):
    """The JWT filter refuses the request's token, or the lack of one."""

    message = "Invalid App JWT Token"


class KeySetError(AntmediadError):
    """A JSON Web Key Set cannot be fetched or holds no usable key.  Keys held stay usable."""


class CertificateError(AntmediadError):
    """A certificate cannot be served; the text names settings, never what is in the files."""


class StoreError(AntmediadError):
    """Data cannot be read or kept; nothing was changed."""


class RecordExistsError(StoreError):
    """A record with this id is stored already."""


class StoreBusyError(StoreError):
    """Too many changes wait to be written; this one was not taken."""


class LastAdministratorError(AntmediadError):
    """A user cannot go, or lose rights: no administrator of the system would be left."""


class RequestError(AntmediadError):
    """A request that cannot be answered as asked; becomes the JSON result object.

    ``reason`` is one word for the log, if it was refused.
    """

    reason = ""

    def __init__(
        self, status: int, message: str, headers: tuple[tuple[str, str], ...] = ()
    ) -> None:
        super().__init__(message)
        self.status = status
        self.message = message
        self.headers = headers


class PlayError(RequestError):
    """The request to play is refused; ``reason`` is one word for the metrics."""

    def __init__(self, reason: str, message: str, status: int = 403) -> None:
        super().__init__(status, message)
        self.reason = reason


class UsageError(AntmediadError):
    """A command line cannot be carried out; the text says why and what to do."""
