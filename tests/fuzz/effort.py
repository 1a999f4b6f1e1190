"""The effort of fuzzing: in the suite seconds and always the same examples, by `make fuzz` minutes and new ones."""

import os

from hypothesis import HealthCheck, Phase, settings

TIMES = int(os.environ.get("MCP_FUZZ_TIMES", "0"))
"""The factor of the number of examples, which are then chosen at random; 0: as many as in the suite."""


def effort(examples: int) -> settings:
    """Settings for a test with so many examples in the suite. What fails is printed; it becomes a test by name."""
    return settings(
        max_examples=examples * max(TIMES, 1),
        derandomize=TIMES == 0,
        database=None,
        deadline=None,
        print_blob=True,
        phases=[Phase.explicit, Phase.generate, *([Phase.shrink] if TIMES else [])],
        suppress_health_check=[
            HealthCheck.too_slow,
            HealthCheck.data_too_large,
            HealthCheck.large_base_example,
            HealthCheck.filter_too_much,
        ],
    )
