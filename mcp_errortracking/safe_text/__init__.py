"""Text from outside, made fit to be shown. The lowest room: every other may use it."""
