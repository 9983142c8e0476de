"""``python -m benchmarks [rates] [lists] [reloads] [workers]``: print the figures."""

from __future__ import annotations

import os
import platform
import sys

from benchmarks import lists, rates, reloads, workers

SECTIONS = {"rates": rates.run, "lists": lists.run, "reloads": reloads.run, "workers": workers.run}

if __name__ == "__main__":
    print(f"Python {platform.python_version()}, {os.cpu_count()} cores, {platform.machine()}")
    for name in sys.argv[1:] or SECTIONS:
        SECTIONS[name]()
