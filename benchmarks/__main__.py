"""All that the README claims in numbers: `python -m benchmarks` (`make bench`)."""

from benchmarks import speed, speed_http, tokens

tokens.main()
print()
speed.main()
speed_http.main()
