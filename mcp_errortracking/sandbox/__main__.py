"""`python -m mcp_errortracking.sandbox`: the sandbox by itself."""

import sys

if not sys.flags.safe_path:  # `-m` put the working folder first: nothing in it may pass for a module
    del sys.path[0]

import argparse

from mcp_errortracking.sandbox.command import add_arguments, run
from mcp_errortracking.system.standard_streams import use_utf8

use_utf8()
_parser = argparse.ArgumentParser(prog="mcp-errortracking sandbox", description="A small PostHog on this machine.")
add_arguments(_parser)
sys.exit(run(_parser.parse_args()))
