"""The code in a script that registers its chunk id with PostHog's SDK when it runs.

The id that the SDK sends is this one. The comment at the end of the script only repeats it for tools, and minifiers
remove comments.
"""

import re

_NAME = b"_posthogChunkIds"
_CODE = re.compile(
    rb"_posthogChunkIds[\"'`]?\]?\s{0,9}"
    rb"(?:(?:\|\||\?\?)=?\s{0,9}\{\s{0,9}\}\s{0,9}\)\s{0,9})?"  # the table, made if it is missing
    rb"\[[^\]\"'`\n]{1,80}\]\s{0,9}=\s{0,9}"  # its key: the stack
    rb"([\"'`])(?P<id>[^\"'`\\\s]{1,128})\1"
)
_PLACEHOLDER = b"__POSTHOG"  # in a bundle that holds PostHog's own build tools


def registered_ids(script: bytes) -> list[str]:
    """Return the chunk ids that a script, or the part of one, registers; each once, in order."""
    if _NAME not in script:
        return []
    found = (one["id"] for one in _CODE.finditer(script))
    return list(dict.fromkeys(one.decode("utf-8", "replace") for one in found if not one.startswith(_PLACEHOLDER)))
