"""The clients that `install` knows: where each keeps its servers on each system, and where that is documented.

`install`, the links, the entries in README.md, and docs/clients.md with a page for each client are made from it.
"""

from dataclasses import dataclass
from typing import Literal

from mcp_errortracking.clients.entry import Form

System = Literal["linux", "macos", "windows"]


@dataclass(frozen=True, slots=True)
class Client:
    """One client.

    It has a file, or a `program` with a command of its own, or neither: then the entry is printed, and `advice` says
    where it belongs.
    """

    name: str
    title: str
    source: str
    """The page, or the source file, on which the facts below are based."""
    advice: str
    """The next step after an installation, or the place for a printed entry."""
    check: str = ""
    """The client's own command that shows the entry, with `{name}` for its name; "" if it has none."""
    form: Form = "plain"
    members: tuple[str, ...] = ("mcpServers",)
    """The path to the object of all servers in the file."""
    below_home: str = ""
    """The path of the file below the home folder, for a client with the same one on every system."""
    linux: str = ""
    """The path on each system; "" if the client does not run there."""
    macos: str = ""
    windows: str = ""
    program: str = ""
    link: Literal["cursor", "vscode", "lmstudio", "kiro", "goose", ""] = ""

    def path(self, system: System) -> str:
        """Return the path of the file as users write it, with `~`, `%APPDATA%` or `%USERPROFILE%`."""
        if self.below_home:
            backslashes = self.below_home.replace("/", "\\")
            return f"%USERPROFILE%\\{backslashes}" if system == "windows" else f"~/{self.below_home}"
        return {"linux": self.linux, "macos": self.macos, "windows": self.windows}[system]

    @property
    def has_file(self) -> bool:
        """True if the client has a file on some system."""
        return bool(self.below_home or self.linux or self.macos or self.windows)


CLIENTS: tuple[Client, ...] = (
    Client(
        "amp",
        "Amp",
        "its own `amp mcp add --help`",
        "New sessions have it.",
        check="amp mcp list",
        members=("amp.mcpServers",),
        below_home=".config/amp/settings.json",
    ),
    Client(
        "claude-code",
        "Claude Code",
        "its own `claude mcp add --help`",
        "New sessions have it.",
        check="claude mcp get {name}",
        program="claude",
    ),
    Client(
        "claude-desktop",
        "Claude Desktop",
        "https://modelcontextprotocol.io/docs/develop/connect-local-servers",
        "Quit Claude Desktop, also from the tray, and start it again.",
        macos="~/Library/Application Support/Claude/claude_desktop_config.json",
        windows="%APPDATA%\\Claude\\claude_desktop_config.json",
    ),
    Client(
        "cline",
        "Cline CLI",
        "its own `cline mcp add --yes`",
        "New sessions have it.",
        form="cline",
        below_home=".cline/data/settings/cline_mcp_settings.json",
    ),
    Client(
        "codex",
        "Codex",
        "its own `codex mcp add --help`",
        "New sessions have it.",
        check="codex mcp list",
        program="codex",
    ),
    Client(
        "copilot-cli",
        "GitHub Copilot CLI",
        "https://docs.github.com/en/copilot/how-tos/copilot-cli/customize-copilot/add-mcp-servers",
        "New sessions have it.",
        check="copilot mcp get {name}",
        form="copilot",
        below_home=".copilot/mcp-config.json",
    ),
    Client(
        "cursor",
        "Cursor",
        "https://cursor.com/docs/context/mcp",
        "Enable the server in Cursor's settings, Tools & MCP, if it asks.",
        link="cursor",
        below_home=".cursor/mcp.json",
    ),
    Client(
        "droid",
        "Factory Droid",
        "its own `droid mcp add`",
        "New sessions have it.",
        check="droid mcp list",
        form="stdio",
        below_home=".factory/mcp.json",
    ),
    Client(
        "gemini",
        "Gemini CLI",
        "its own `gemini mcp add --help`",
        "New sessions have it.",
        check="gemini mcp list",
        below_home=".gemini/settings.json",
    ),
    Client(
        "goose",
        "goose",
        "https://block.github.io/goose/docs/guides/config-files",
        "Put it below extensions in ~/.config/goose/config.yaml "
        "(Windows: %APPDATA%\\Block\\goose\\config\\config.yaml).",
        link="goose",
    ),
    Client(
        "jetbrains",
        "JetBrains AI Assistant",
        "https://www.jetbrains.com/help/ai-assistant/mcp.html",
        "Paste it in Settings, Tools, AI Assistant, Model Context Protocol (MCP), Add.",
    ),
    Client(
        "kimi",
        "Kimi Code",
        "the skill mcp-config in its package",
        "New sessions have it.",
        below_home=".kimi-code/mcp.json",
    ),
    Client(
        "kiro",
        "Kiro",
        "https://kiro.dev/docs/mcp/configuration",
        "Kiro connects when the file is saved.",
        link="kiro",
        below_home=".kiro/settings/mcp.json",
    ),
    Client(
        "lm-studio",
        "LM Studio",
        "https://lmstudio.ai/docs/app/mcp",
        "Enable it in the chat's integrations. Some installations keep the file elsewhere: see Install, Edit mcp.json.",
        link="lmstudio",
        below_home=".lmstudio/mcp.json",
    ),
    Client(
        "opencode",
        "opencode",
        "https://opencode.ai/docs/mcp-servers",
        "New sessions have it.",
        check="opencode mcp list",
        form="opencode",
        members=("mcp",),
        below_home=".config/opencode/opencode.json",
    ),
    Client(
        "qwen",
        "Qwen Code",
        "its own `qwen mcp add`",
        "New sessions have it.",
        check="qwen mcp list",
        below_home=".qwen/settings.json",
    ),
    Client(
        "vscode",
        "VS Code",
        "https://code.visualstudio.com/docs/copilot/reference/mcp-configuration",
        "Start the server from the file (MCP: Open User Configuration), or restart VS Code.",
        form="stdio",
        members=("servers",),
        linux="~/.config/Code/User/mcp.json",
        macos="~/Library/Application Support/Code/User/mcp.json",
        windows="%APPDATA%\\Code\\User\\mcp.json",
        link="vscode",
    ),
    Client(
        "windsurf",
        "Windsurf",
        "https://docs.windsurf.com/windsurf/cascade/mcp",
        "Refresh the servers in Cascade's MCP settings, or restart Windsurf.",
        below_home=".codeium/windsurf/mcp_config.json",
    ),
    Client(
        "zed",
        "Zed",
        "https://zed.dev/docs/ai/mcp, zed-industries/zed crates/paths/src/paths.rs",
        "Zed connects when the file is saved.",
        form="zed",
        members=("context_servers",),
        linux="~/.config/zed/settings.json",
        macos="~/.config/zed/settings.json",
        windows="%APPDATA%\\Zed\\settings.json",
    ),
)
"""In the order of their names."""

BY_NAME = {client.name: client for client in CLIENTS}
