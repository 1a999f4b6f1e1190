"""Digests of a file in each form that build tools record them, and the texts in a file that may be digests.

A digest may be shortened: then it is its first digits in hex.
"""

import base64
import hashlib
import re
from collections.abc import Collection, Iterator

_ALGORITHMS = (("md5", 32, 22), ("sha1", 40, 27), ("sha256", 64, 43), ("sha384", 96, 64), ("sha512", 128, 86))
"""Each with the lengths of its digest in hex, and in base 64 without padding."""
_HEX_LENGTHS = frozenset(length for _, length, _ in _ALGORITHMS)
_BASE64_LENGTHS = frozenset(length for *_, length in _ALGORITHMS)
_MD5, _SHA1 = 22, 27
_FOR_URLS = bytes.maketrans(b"+/", b"-_")
# \b instead of a lookbehind is twice as fast, and a digest begins a word except after the + or / of a longer text.
_RUN = re.compile(rb"(?:\b|(?<=[\"'\s=])[+/-])[A-Za-z0-9+/_-]{21,150}+(?![A-Za-z0-9+/_-])")
_HEX = re.compile(rb"(?<![0-9A-Fa-f])[0-9A-Fa-f]{32,128}+(?![0-9A-Fa-f])")
_SHORT = re.compile(rb"\b[0-9a-f]{8,31}+\b")
_SHORT_OF = ("md5", "sha1", "sha256")
SURE = 12
"""Hex digits of a shortened digest that no other text of a build has by accident."""
_PREFIX = re.compile(rb"(?:[Ss][Hh][Aa]-?\d{1,3}|[Mm][Dd]5|[0-9a-f]{1,8})-")
"""`sha384-` of subresource integrity, and the size in an `ETag`."""


def find_digests(text: bytes) -> Iterator[bytes]:
    """Yield the texts that have the form of a digest: hex or base 64, without a prefix and padding."""
    for found in _RUN.finditer(text):
        run, end = found[0], found.end()
        if prefix := _PREFIX.match(run):
            run = run[prefix.end() :]
        if _is_digest(run, is_padded=text.startswith(b"==", end)):
            yield run
        elif len(run) > min(_HEX_LENGTHS):
            yield from (one for one in _HEX.findall(run) if len(one) in _HEX_LENGTHS)
        if prefix and _is_digest(found[0], is_padded=False):  # a digest for URLs can look as if it had a prefix
            yield found[0]


def find_short_digests(text: bytes) -> Iterator[bytes]:
    """Yield the texts that may be the beginning of a digest in hex, as build tools shorten it: from 8 digits on."""
    return (found[0] for found in _SHORT.finditer(text))


def short_digests_of(content: bytes, lengths: Collection[int]) -> list[bytes]:
    """Return the beginnings of a content's digests, of each of the lengths, always in the same order."""
    digests = (hashlib.new(name, content, usedforsecurity=False).hexdigest().encode() for name in _SHORT_OF)
    return [digest[:length] for digest in digests for length in sorted(lengths, reverse=True)]


def _is_digest(run: bytes, *, is_padded: bool) -> bool:
    """True if a text may be a digest, and not a long name: those of code would make every file be hashed."""
    if len(run) in _BASE64_LENGTHS:
        return is_padded if len(run) == _MD5 else len(run) == _SHA1 or not run.isalpha()
    return len(run) in _HEX_LENGTHS and _HEX.fullmatch(run) is not None


def digests_of(content: bytes, lengths: Collection[int]) -> list[bytes]:
    """Return the digests of a content in each form whose length is among those, always in the same order.

    The standard form of base 64 comes before the form for URLs, to which it is often equal.
    """
    forms = list[bytes]()
    for name, hex_length, length in _ALGORITHMS:
        if hex_length not in lengths and length not in lengths:
            continue
        digest = hashlib.new(name, content, usedforsecurity=False).digest()
        hexadecimal, standard = digest.hex(), base64.b64encode(digest).rstrip(b"=")
        forms += [hexadecimal.encode(), hexadecimal.upper().encode(), standard, standard.translate(_FOR_URLS)]
    return forms
