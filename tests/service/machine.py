"""A Debian 12 with a systemd that is booted, in a container that is thrown away."""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import shutil
import signal
import subprocess
import sys
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

from tests.daemon import wait_until

RELEASE = "bookworm"
PACKAGES = ("curl", "dbus", "make", "python3", "python3-venv", "systemd", "systemd-sysv")
DEFAULT_MIRROR = "http://deb.debian.org/debian"
TOOLS = {"debootstrap": "debootstrap", "systemd-nspawn": "systemd-container"}
REPOSITORY = Path(__file__).parents[2]
LOAD = Path(__file__).with_name("load.py")
NOT_COPIED = shutil.ignore_patterns(
    ".*", "__pycache__", "*.egg-info", "build", "dist", "home", "tests", "benchmarks"
)
BUILD_S = 600
COMMAND_S = 120


class Loaded(NamedTuple):
    """What became of requests; by status, or by the kind of error of those without an answer."""

    results: dict[str, int]
    longest_s: float


class Machine:
    """The container.

    Attributes:
        shared: a directory outside, which is ``/shared`` inside.
    """

    def __init__(self, tree: Path, shared: Path) -> None:
        """Boot what is in *tree*, which itself stays as it is."""
        self.shared = shared
        self._log = shared / "console.log"
        with self._log.open("wb") as log:
            self._process = subprocess.Popen(
                [
                    *container(tree, shared),
                    f"--machine=antmediad-tests-{os.getpid()}",
                    "--private-network",
                    "--kill-signal=SIGRTMIN+3",
                    "--boot",
                ],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )
        try:
            self._leader = str(wait_until(self._find_leader, "systemd runs"))
            wait_until(lambda: self._state() in ("running", "degraded"), "systemd has booted")
        except AssertionError:
            self.close()
            raise AssertionError(
                "no systemd could be booted, which takes a machine that lets root make namespaces"
                f" and control groups: {self._log.read_text(errors='replace')}"
            ) from None

    def close(self) -> None:
        """Shut it down."""
        self._process.send_signal(signal.SIGTERM)
        try:
            self._process.wait(30)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()

    def run(self, *command: str, check: bool = True) -> str:
        """Run a command inside as root, and return what it printed."""
        done = subprocess.run(
            [*self._enter("--all"), *command],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            timeout=COMMAND_S,
            check=False,
            text=True,
        )
        assert done.returncode == 0 or not check, f"{command}: {done.stdout}"
        return done.stdout.strip()

    def path(self, path: str) -> Path:
        """Return where a file of the container is to be found from outside."""
        return Path(f"/proc/{self._leader}/root") / path.lstrip("/")

    def show(self, name: str, unit: str = "antmedia.service") -> str:
        """Return a property of a unit."""
        return self.run("systemctl", "show", "--value", f"--property={name}", unit)

    def status_of(self, path: str, *options: str, port: int = 5080) -> int:
        """Return the status of a GET, 0 when there is no answer."""
        url = f"http://127.0.0.1:{port}{path}"
        told = self.run(
            "curl", "-s", "-o", "/dev/null", "-w", "%{http_code}", *options, url, check=False
        )
        return int(told)

    def start_load(self, requests: int) -> subprocess.Popen[str]:
        """Begin to send requests, and return when a quarter of them is sent."""
        load = subprocess.Popen(
            [*self._enter("--net"), sys.executable, str(LOAD), "5080", str(requests), "8"],
            stdout=subprocess.PIPE,
            text=True,
        )
        assert load.stdout is not None
        assert "sent" in load.stdout.readline()
        return load

    @staticmethod
    def finish_load(load: subprocess.Popen[str]) -> Loaded:
        """Return what became of the requests."""
        told, _ = load.communicate(timeout=COMMAND_S)
        assert load.returncode == 0
        return Loaded(**json.loads(told))

    def _enter(self, *namespaces: str) -> list[str]:
        return ["nsenter", f"--target={self._leader}", *namespaces, "--"]

    def _state(self) -> str:
        return self.run("systemctl", "is-system-running", check=False)

    def _find_leader(self) -> int:
        assert self._process.poll() is None
        pid = self._process.pid
        for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split():
            with suppress(OSError):
                if Path(f"/proc/{child}/comm").read_text().strip() == "systemd":
                    return int(child)
        return 0


def container(tree: Path, shared: Path) -> list[str]:
    """Return the beginning of a command that runs something in *tree* without changing it."""
    return [
        "systemd-nspawn",
        "--quiet",
        f"--directory={tree}",
        "--volatile=overlay",
        "--register=no",
        # Beside a systemd the container gets a unit from it; without there is none to get.
        *([] if Path("/run/systemd/system").is_dir() else ["--keep-unit"]),
        f"--bind={shared}:/shared",
        "--console=pipe",
        "--link-journal=no",
        "--timezone=off",
    ]


def cache() -> Path:
    """Return where trees are kept between runs."""
    base = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(base) / "antmediad-tests"


def build_tree() -> Path:
    """Return a Debian 12, made on first use."""
    digest = hashlib.sha256(" ".join((RELEASE, *PACKAGES)).encode()).hexdigest()[:8]
    tree = cache() / f"{RELEASE}-{digest}"
    cache().mkdir(parents=True, exist_ok=True)
    with (cache() / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not tree.exists():
            made = tree.with_suffix(".new")
            shutil.rmtree(made, ignore_errors=True)
            _run(
                [
                    "debootstrap",
                    "--variant=minbase",
                    f"--include={','.join(PACKAGES)}",
                    RELEASE,
                    str(made),
                    find_mirror(),
                ],
                **find_proxy(),
            )
            made.rename(tree)
    return tree


def build_wheels(tree: Path, shared: Path) -> None:
    """Put into *shared* a copy of the repository, and all that it takes to install it offline."""
    shutil.copytree(REPOSITORY, shared / "source", ignore=NOT_COPIED)
    names = [name for name in os.environ if name.startswith("PIP_") or name.endswith("_proxy")]
    certificates = "/etc/ssl/certs/ca-certificates.crt"
    read = [path for path in (certificates, "/etc/pip.conf") if Path(path).exists()]
    script = (
        "python3 -m venv /tmp/venv && /tmp/venv/bin/pip wheel -q --cache-dir /pip"
        " --wheel-dir /shared/wheels setuptools wheel /shared/source"
    )
    (cache() / "pip").mkdir(exist_ok=True)
    _run(
        [
            *container(tree, shared),
            *(f"--setenv={name}={os.environ[name]}" for name in names),
            *(f"--bind-ro={path}" for path in read),
            f"--bind={cache() / 'pip'}:/pip",
            "--resolv-conf=replace-host",
            "--as-pid2",
            "sh",
            "-c",
            script,
        ]
    )


def find_mirror() -> str:
    """Return the Debian mirror that this machine is configured with."""
    sources = [Path("/etc/apt/sources.list"), *Path("/etc/apt/sources.list.d").glob("*")]
    for path in sources:
        for line in path.read_text().splitlines() if path.is_file() else ():
            for word in line.partition("#")[0].split():
                if word.startswith("http") and word.rstrip("/").endswith("/debian"):
                    return word
    return DEFAULT_MIRROR


def find_proxy() -> dict[str, str]:
    """Return the environment with the proxy that apt is configured with."""
    told = subprocess.run(
        ["apt-config", "shell", "proxy", "Acquire::http::Proxy"],
        capture_output=True,
        text=True,
        check=False,
    ).stdout
    _, _, proxy = told.strip().partition("=")
    return {"http_proxy": proxy.strip("'")} if proxy else {}


def _run(command: list[str], **environment: str) -> None:
    done = subprocess.run(
        command,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        timeout=BUILD_S,
        check=False,
        text=True,
        env={**os.environ, **environment},
    )
    assert done.returncode == 0, f"{command[0]}: {done.stdout[-2000:]}"
