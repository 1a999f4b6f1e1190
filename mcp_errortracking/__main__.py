"""`python -m mcp_errortracking`: the same as the command `mcp-errortracking`."""

import sys

from mcp_errortracking.cli import main

sys.exit(main())
