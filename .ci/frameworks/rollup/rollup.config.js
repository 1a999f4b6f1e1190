import terser from "@rollup/plugin-terser";
import typescript from "@rollup/plugin-typescript";

export default {
  input: "src/main.ts",
  external: ["posthog-node"],
  plugins: [typescript(), terser()],
  output: { file: "dist/main.mjs", format: "es", sourcemap: true },
};
