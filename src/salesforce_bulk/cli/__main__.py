"""``python -m salesforce_bulk.cli``."""

import sys

from .main import main

sys.exit(main())
