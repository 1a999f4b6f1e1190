"""One issue on one page: its facts, its stack with the source at hand, and the commits to suspect."""
