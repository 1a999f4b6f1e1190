"""`python -m mcp_errortracking.sandbox`: the sandbox alone."""

import argparse
import sys

from mcp_errortracking.sandbox.command import add_arguments, run

_parser = argparse.ArgumentParser(prog="mcp-errortracking sandbox", description="A small PostHog on this machine.")
add_arguments(_parser)
sys.exit(run(_parser.parse_args()))
