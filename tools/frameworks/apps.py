"""The apps below .ci/frameworks: the build of each, the folder to upload, and the programs that run it."""

import shutil
from dataclasses import dataclass
from pathlib import Path

PLACES = ({"line": 15, "function": "total"}, {"line": 7, "function": "checkout"})
"""The calls in the module that throws, innermost first; it is the same in every app."""


@dataclass(frozen=True, slots=True)
class App:
    """An app. Paths are relative to its folder;"""

    name: str
    """Its folder below .ci/frameworks."""
    label: str
    package: str
    """The npm package whose version is shown."""
    cart: str
    """The place of the throwing module."""
    build: str
    """The command, as a user of the framework runs it."""
    output: str
    """The folder that is uploaded."""
    site: str | None = None
    """The folder that is served to a browser as a static site."""
    server: str | None = None
    """The command that serves the app on $PORT: a browser opens /, and GET `fails_at` throws on the server."""
    fails_at: str | None = None
    node: str | None = None
    """The command that runs the built program, which sends its exception to $CAPTURE itself."""
    folder: str | None = None
    """The folder of .ci/frameworks, if several apps share one."""
    setting: str = "none"
    """The setting that makes the framework write maps, for the table."""
    command: str | None = None
    """The build in the table, if `build` is not what a user types."""
    program: str = "Node"
    """The program that runs the server or `node`, for the table."""
    has_page: bool = True
    """The server has a page for a browser."""

    @property
    def source(self) -> str:
        return self.folder or self.name


FOLDER = Path(__file__).parents[2] / ".ci" / "frameworks"
"""The folder of the apps' sources."""
DRIVER = FOLDER / "driver"
"""The program that opens a page in a browser."""


def copy_sources(app: App, folder: Path) -> None:
    """Copy the sources of an app into a folder, with the module that throws."""
    shutil.copytree(FOLDER / app.source, folder, dirs_exist_ok=True)
    (folder / app.cart).parent.mkdir(parents=True, exist_ok=True)
    shutil.copy(FOLDER / "shop" / "cart.ts", folder / app.cart)


_VITE = "`build.sourcemap`"

APPS = (
    App("vite", "Vite (Rolldown)", "vite", "src/cart.ts", "npx vite build", "dist", site="dist", setting=_VITE),
    App(
        "webpack",
        "webpack",
        "webpack",
        "src/cart.ts",
        "npx webpack",
        "dist",
        site="dist",
        setting="`devtool: source-map`",
    ),
    App("esbuild", "esbuild", "esbuild", "src/cart.ts", "node build.mjs", "dist", site="dist", setting="`sourcemap`"),
    App(
        "rollup",
        "Rollup (Terser)",
        "rollup",
        "src/cart.ts",
        "npx rollup --config",
        "dist",
        node="node dist/main.mjs",
        setting="`output.sourcemap`",
    ),
    App(
        "next-webpack",
        "Next.js (webpack)",
        "next",
        "app/lib/cart.ts",
        "npx next build --webpack",
        ".next",
        server="npx next start",
        fails_at="/fails",
        folder="next",
        setting="`productionBrowserSourceMaps`, `experimental.serverSourceMaps`",
    ),
    App(
        "next-turbopack",
        "Next.js (Turbopack)",
        "next",
        "app/lib/cart.ts",
        "npx next build",
        ".next",
        server="npx next start",
        fails_at="/fails",
        folder="next",
        setting="`productionBrowserSourceMaps`, `experimental.serverSourceMaps`",
    ),
    App(
        "nuxt",
        "Nuxt (Nitro)",
        "nuxt",
        "app/utils/cart.ts",
        "npx nuxt build",
        ".output",
        server="node .output/server/index.mjs",
        fails_at="/fails",
        setting="`sourcemap.client`, `sourcemap.server`",
    ),
    App(
        "sveltekit",
        "SvelteKit",
        "@sveltejs/kit",
        "src/lib/cart.ts",
        "npx vite build",
        "build",
        server="node build",
        fails_at="/fails",
        setting=_VITE,
    ),
    App(
        "astro",
        "Astro",
        "astro",
        "src/lib/cart.ts",
        "npx astro build",
        "dist",
        server="node dist/server/entry.mjs",
        fails_at="/fails",
        setting="`vite.build.sourcemap`, `vite.build.assetsInlineLimit: 0`",
    ),
    App(
        "react-router",
        "React Router",
        "react-router",
        "app/cart.ts",
        "npx react-router build",
        "build",
        server="npx react-router-serve build/server/index.js",
        fails_at=None,
        setting=_VITE,
    ),
    App(
        "angular",
        "Angular",
        "@angular/core",
        "src/app/cart.ts",
        "npx ng build",
        "dist",
        site="dist/shop/browser",
        setting="`sourceMap.scripts`",
    ),
    App(
        "bun",
        "Bun",
        "@oven/bun-linux-x64",
        "src/cart.ts",
        "npm run build",
        "dist",
        node="node_modules/@oven/bun-linux-x64/bin/bun dist/main.js",
        setting="`--sourcemap=linked`",
        command="bun build --target=bun --minify --outdir=dist src/main.ts",
        program="Bun",
    ),
    App(
        "workers",
        "Cloudflare Workers (Wrangler)",
        "wrangler",
        "src/cart.ts",
        "npx wrangler deploy --dry-run --outdir dist",
        "dist",
        server="npx workerd serve workerd.capnp --socket-addr http=127.0.0.1:$PORT",
        fails_at="/fails",
        setting="`upload_source_maps`",
        program="workerd",
        has_page=False,
    ),
    App(
        "electron",
        "Electron (electron-vite), main and renderer",
        "electron-vite",
        "src/cart.ts",
        "npx electron-vite build",
        "out",
        node="node out/main/index.js",
        site="out/renderer",
        setting=_VITE,
    ),
    App(
        "metro",
        "React Native (Metro, Hermes 0.12, PostHog's Metro plugin)",
        "metro",
        "src/cart.ts",
        "node build.mjs",
        "out",
        node="node send.mjs",
        setting="`--source-map`",
        command="metro build --minify true, hermesc -O -output-source-map",
        program="Hermes",
    ),
)
