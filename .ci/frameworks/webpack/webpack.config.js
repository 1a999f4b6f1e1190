module.exports = {
  mode: "production",
  devtool: "source-map",
  entry: "./src/main.ts",
  module: { rules: [{ test: /\.ts$/, loader: "ts-loader", options: { transpileOnly: true } }] },
  resolve: { extensions: [".ts", ".js"] },
  output: { filename: "[name].[contenthash].js" },
  plugins: [
    {
      apply(compiler) {
        compiler.hooks.thisCompilation.tap("page", (compilation) => {
          compilation.hooks.processAssets.tap({ name: "page", stage: 5000 }, (assets) => {
            const script = Object.keys(assets).find((name) => /^main.*\.js$/.test(name));
            const page = `<!doctype html><button id="fail">Pay</button><script src="/${script}"></script>`;
            compilation.emitAsset("index.html", new compiler.webpack.sources.RawSource(page));
          });
        });
      },
    },
  ],
};
