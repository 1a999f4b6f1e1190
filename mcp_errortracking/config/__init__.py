"""Every setting, declared once. Only this package reads the environment."""

from mcp_errortracking.config.build_settings import xcode_settings
from mcp_errortracking.config.client_folders import ClientFolders, client_folders
from mcp_errortracking.config.log import LogSettings, load_log
from mcp_errortracking.config.logins import Login, Logins, Place
from mcp_errortracking.config.oauth import OAuthSettings, ScopeGrant, load_oauth
from mcp_errortracking.config.posthog import (
    DEFAULT_HOST,
    DEFAULT_PROJECT,
    LOOPBACK,
    PostHogSettings,
    for_sandbox,
    http_proxy_for,
    key_variable,
    load_address,
    load_posthog,
    read_host,
    read_key,
)
from mcp_errortracking.config.selection import ToolSelection, load_confirm, load_tool_selection, roots_for
from mcp_errortracking.config.serving import HttpSettings, ListenSettings, load_http, load_listen, load_timeout
from mcp_errortracking.config.table import GROUPS, SETTINGS, VARIABLES, warn_of_misspelled_variables
from mcp_errortracking.config.user_folders import cache_folder, state_folder
from mcp_errortracking.config.values import ConfigError, Secret

__all__ = [
    "DEFAULT_HOST",
    "DEFAULT_PROJECT",
    "GROUPS",
    "LOOPBACK",
    "SETTINGS",
    "VARIABLES",
    "ClientFolders",
    "ConfigError",
    "HttpSettings",
    "ListenSettings",
    "LogSettings",
    "Login",
    "Logins",
    "OAuthSettings",
    "Place",
    "PostHogSettings",
    "ScopeGrant",
    "Secret",
    "ToolSelection",
    "cache_folder",
    "client_folders",
    "for_sandbox",
    "http_proxy_for",
    "key_variable",
    "load_address",
    "load_confirm",
    "load_http",
    "load_listen",
    "load_log",
    "load_oauth",
    "load_posthog",
    "load_timeout",
    "load_tool_selection",
    "read_host",
    "read_key",
    "roots_for",
    "state_folder",
    "warn_of_misspelled_variables",
    "xcode_settings",
]
