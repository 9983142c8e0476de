"""The machine on which the service is tested."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator

import pytest

from tests.service.machine import TOOLS, Machine, build_tree, build_wheels


@pytest.fixture(scope="session")
def machine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Machine]:
    """A booted Debian 12, with the repository and what it needs in ``/shared``."""
    if os.geteuid() != 0:
        message = "needs root: only root can boot a systemd of its own"
        if os.environ.get("CI") == "true":
            pytest.fail(message, pytrace=False)
        pytest.skip(message)
    missing = [package for tool, package in TOOLS.items() if shutil.which(tool) is None]
    assert not missing, f"missing: {' '.join(missing)}; `make test-service` installs them"
    shared = tmp_path_factory.mktemp("shared")
    shared.chmod(0o755)
    tree = build_tree()
    build_wheels(tree, shared)
    machine = Machine(tree, shared)
    yield machine
    machine.close()
