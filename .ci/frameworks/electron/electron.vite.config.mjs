import { defineConfig } from "electron-vite";

export default defineConfig({
  main: { build: { sourcemap: true, minify: true, externalizeDeps: true } },
  renderer: { build: { sourcemap: true, minify: true } },
});
