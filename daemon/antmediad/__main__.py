"""``python -m antmediad``."""

import sys

from antmediad.cli.main import main

sys.exit(main())
