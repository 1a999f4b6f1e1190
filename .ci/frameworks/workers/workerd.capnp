# Runs the built worker in workerd, as Cloudflare does.
using Workerd = import "/workerd/workerd.capnp";

const config :Workerd.Config = (
  services = [
    (
      name = "main",
      worker = (
        modules = [(name = "main.js", esModule = embed "dist/main.js")],
        compatibilityDate = "2026-08-01",
        compatibilityFlags = ["nodejs_compat"],
        bindings = [(name = "CAPTURE", fromEnvironment = "CAPTURE")],
        globalOutbound = "outside",
      ),
    ),
    (name = "outside", network = (allow = ["local", "private", "public"])),
  ],
  sockets = [(name = "http", address = "127.0.0.1:8080", http = (), service = "main")],
);
