const { createPostHogMetroSerializer } = require("posthog-react-native/metro");

module.exports = {
  resolver: { sourceExts: ["ts", "js", "json"] },
  transformer: { babelTransformerPath: require.resolve("@react-native/metro-babel-transformer") },
  serializer: { customSerializer: createPostHogMetroSerializer() },
};
