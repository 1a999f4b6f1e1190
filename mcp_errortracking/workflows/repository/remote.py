"""The public address of a remote."""

import re
from urllib.parse import urlsplit

_SCHEMES = frozenset(["http", "https", "ssh", "git", "git+ssh", "ssh+git", "git+https", "ftp", "ftps"])
_SCP = re.compile(r"(?:[^@/:]*@)*([A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)+|\[[0-9A-Fa-f:]+\]):([^\s?#@]+)")
_HELPER = re.compile(r"(?!ext::|fd::)[A-Za-z][A-Za-z0-9]*::")  # an address does not follow these two


def public_address(url: str) -> str:
    """Return `scheme://host/path` or `host:path` of a remote; "" for local paths and what cannot be read.

    User names, passwords, queries and fragments can hold tokens. A remote helper's prefix (`hg::`) is dropped too.
    """
    url = _HELPER.sub("", url, count=1)
    if not url.isprintable() or " " in url:
        return ""
    if "://" not in url:
        match = _SCP.fullmatch(re.split(r"[?#]", url, maxsplit=1)[0])
        return f"{match[1]}:{match[2]}" if match else ""
    try:
        parts = urlsplit(url)
        port = f":{parts.port}" if parts.port else ""
    except ValueError:
        return ""
    if parts.scheme not in _SCHEMES or not parts.hostname or "@" in parts.path:
        return ""
    host = f"[{parts.hostname}]" if ":" in parts.hostname else parts.hostname
    return f"{parts.scheme}://{host}{port}{parts.path}"
