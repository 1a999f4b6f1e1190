"""The signals that ask a process to stop."""

import signal

STOP_SIGNALS = tuple(getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGBREAK") if hasattr(signal, name))
"""Windows has SIGBREAK: it comes with Ctrl-Break, the one signal that a program can send to another there."""
