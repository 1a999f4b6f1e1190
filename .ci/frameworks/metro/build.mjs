// The steps of a release build of React Native: Metro, Hermes' compiler, and React Native's script that composes both maps.
import { execFileSync } from "node:child_process";
import { mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";

const require = createRequire(import.meta.url);
const run = (program, ...words) => execFileSync(program, words, { stdio: "inherit" });
mkdirSync("out");
const options = ["--platform", "ios", "--dev", "false", "--minify", "true", "--source-map", "--config", "metro.config.js"];
run("npx", "metro", "build", "src/main.ts", "--out", "out/packager", ...options);
const compiler = "node_modules/hermes-engine-cli/linux64-bin/hermesc";
run(compiler, "-emit-binary", "-O", "-w", "-output-source-map", "-out", "out/main.jsbundle", "out/packager.js");

const { composeSourceMaps } = require("metro-source-map");
const [packager, bytecode] = ["out/packager.map", "out/main.jsbundle.map"].map((name) =>
  JSON.parse(readFileSync(name, "utf8")),
);
const composed = composeSourceMaps([packager, bytecode]);
const ids = { chunkId: packager.chunkId, debugId: packager.debugId }; // `posthog-cli hermes clone` copies them
writeFileSync("out/main.jsbundle.map", JSON.stringify({ ...composed, ...ids }));
for (const name of ["packager.js", "packager.map"]) rmSync(`out/${name}`);
