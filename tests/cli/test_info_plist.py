"""The release in an Info.plist: XML and binary, Xcode's build settings, and files that are refused."""

import plistlib
from dataclasses import replace
from pathlib import Path

import pytest

from mcp_errortracking.cli.info_plist import LARGEST, AppRelease, read_info_plist
from mcp_errortracking.config import ConfigError, xcode_settings
from tests import command

FULL = {"CFBundleIdentifier": "com.example.shop", "CFBundleShortVersionString": "1.4.2", "CFBundleVersion": "57"}
SETTINGS = {"VERSION": "1.2.3", "INDIRECT": "$(VERSION)", "MARKETING_VERSION": "9.9"}
BOMB = b"""<?xml version="1.0"?><!DOCTYPE plist [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;">]>
<plist version="1.0"><dict><key>CFBundleVersion</key><string>&b;</string></dict></plist>"""
FILE = b"""<?xml version="1.0"?><!DOCTYPE plist [<!ENTITY a SYSTEM "file:///etc/hostname">]>
<plist version="1.0"><dict><key>CFBundleVersion</key><string>&a;</string></dict></plist>"""


@pytest.mark.parametrize("form", [plistlib.FMT_XML, plistlib.FMT_BINARY])
def test_both_forms_are_read(tmp_path: Path, form: plistlib.PlistFormat) -> None:
    path = tmp_path / "Info.plist"
    path.write_bytes(plistlib.dumps(FULL, fmt=form))
    found = read_info_plist(path, {})
    assert found == AppRelease("com.example.shop", "1.4.2", "57")
    assert (found.full_version(), replace(found, build="58").full_version()) == ("1.4.2+57", "1.4.2+58")


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("1.4.2", "1.4.2"),
        ("$(VERSION)", "1.2.3"),
        ("${VERSION}", "1.2.3"),
        ("$(MISSING)", "9.9"),
        ("v$(VERSION)", "9.9"),
        ("$(INDIRECT)", "9.9"),
        ("", "9.9"),
        (["1.4.2"], "9.9"),
        (None, "9.9"),
    ],
)
def test_build_settings_are_resolved_as_by_posthogs_command_line(tmp_path: Path, value: object, expected: str) -> None:
    path = tmp_path / "Info.plist"
    path.write_bytes(plistlib.dumps({} if value is None else {"CFBundleShortVersionString": value}))
    assert read_info_plist(path, SETTINGS) == AppRelease(None, expected, None)


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"{}",
        b"bplist00" + b"\xff" * 64,
        b"<plist",
        BOMB,
        FILE,
        plistlib.dumps([FULL]),
        b"<plist><dict><key>a</key><date>x</date></dict></plist>",
        b"<plist><integer>x</integer></plist>",
        b"<plist>" + b"<array>" * 40_000,
        plistlib.dumps(FULL) + b" " * LARGEST,
    ],
)
def test_other_files_are_refused(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "Info.plist"
    path.write_bytes(content)
    with pytest.raises(ConfigError, match=r"is not a property list|more than 1 MiB"):
        read_info_plist(path, {})


@pytest.mark.parametrize(
    ("content", "words", "reason"),
    [
        (None, ("Info.plist",), "cannot be read: No such file"),
        (plistlib.dumps({}), ("Info.plist",), "names no version: give --release."),
        (None, ("",), "--info-plist is empty: check that its variable is set."),
    ],
)
def test_the_command_says_what_is_wrong_and_sends_nothing(
    tmp_path: Path, content: bytes | None, words: tuple[str, ...], reason: str
) -> None:
    if content:
        (tmp_path / "Info.plist").write_bytes(content)
    settings = {"POSTHOG_HOST": "http://127.0.0.1:9", "POSTHOG_PERSONAL_API_KEY": "phx_a", "POSTHOG_PROJECT_ID": "1"}
    code, out, err = command.run_here("source-maps", "upload", ".", "--info-plist", *words, folder=tmp_path, **settings)
    assert (code, out) == (2, "")
    assert reason in err


def test_a_plist_cannot_name_the_key(tmp_path: Path) -> None:
    settings = xcode_settings({"MARKETING_VERSION": "2.0", "POSTHOG_PERSONAL_API_KEY": "phx_0123456789abcdef"})
    (tmp_path / "Info.plist").write_bytes(
        plistlib.dumps({"CFBundleShortVersionString": "$(POSTHOG_PERSONAL_API_KEY)", "CFBundleIdentifier": "a.b"})
    )

    assert settings == {"MARKETING_VERSION": "2.0"}
    assert "phx_" not in str(read_info_plist(tmp_path / "Info.plist", settings))
