import { writeFileSync } from "node:fs";
import { build } from "esbuild";

await build({
  entryPoints: ["src/main.ts"],
  outdir: "dist",
  bundle: true,
  minify: true,
  sourcemap: true,
  target: "es2020",
});
writeFileSync("dist/index.html", '<!doctype html><button id="fail">Pay</button><script src="/main.js"></script>\n');
