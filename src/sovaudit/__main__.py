"""`python -m sovaudit`."""

import sys

from sovaudit.cli.main import main

sys.exit(main())
