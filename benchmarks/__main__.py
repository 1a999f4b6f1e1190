"""All that the README claims in numbers: `python -m benchmarks` (`make bench`)."""

from benchmarks import speed, tokens

tokens.main()
print()
speed.main()
