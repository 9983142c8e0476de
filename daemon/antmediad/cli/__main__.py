"""``python -m antmediad.cli``."""

import sys

from antmediad.cli.main import main

sys.exit(main())
