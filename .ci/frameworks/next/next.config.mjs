export default {
  productionBrowserSourceMaps: true,
  experimental: { serverSourceMaps: true },
  serverExternalPackages: ["posthog-node"],
};
