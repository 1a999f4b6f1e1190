"""Programs of others that the documentation shows, and what runs each in the way that is shown."""

RUN_BY = {
    "amp": "tests/clients/test_installed.py",
    "bun": ".ci/frameworks/bun/package.json",
    "claude": "tests/clients/test_installed.py",
    "cline": "tests/clients/test_installed.py",
    "codex": "tests/clients/test_installed.py",
    "copilot": "tests/clients/test_installed.py",
    "curl": "tests/cli/approve.py",
    "droid": "tests/clients/test_installed.py",
    "echo": "tests/docs/test_commands.py",
    "export": "tests/test_tutorial.py",
    "gemini": "tests/clients/test_installed.py",
    "helm": "tests/test_helm.py",
    "node": ".ci/frameworks/esbuild/build.mjs",
    "npx": "tools/frameworks/apps.py",
    "opencode": "tests/clients/test_installed.py",
    "posthog-cli": ".ci/node-tools",
    "pytest": "Makefile",
    "qwen": "tests/clients/test_installed.py",
    "uvicorn": "tests/server/http/test_replicas.py",
}
"""The program, and the file that runs it; for curl, echo and export, the file that does the same without it."""

NOT_RUN = {
    "expo": "needs React Native's tools; .ci/frameworks/metro runs the bundler that it calls",
    "kubectl": "needs a cluster; tests/test_deploy.py validates the objects",
    "metro": "a library here: .ci/frameworks/metro/build.mjs",
    "objcopy": "a part of binutils; the fixtures of tests/workflows/source_maps hold its output",
    "ulimit": "a setting of the shell",
    "which": "a part of the shell",
}
"""The program, and the reason for which nothing runs it."""
