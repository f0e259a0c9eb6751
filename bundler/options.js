/** Options of every bundle: the deployed functions, the functions of tests, and the command. */
export const COMMON = /** @type {const} */ ({
  bundle: true,
  splitting: true,
  format: 'esm',
  platform: 'node',
  target: 'node20.9',
  legalComments: 'none',
  // Node has URL built in; the clients' polyfill and its tables are a third of their load time
  alias: { 'whatwg-url': 'node:url' },
});

/** The clients are CommonJS and use globals that ES modules lack. */
export const COMMONJS = [
  "import{createRequire as __createRequire}from'node:module'",
  "import{fileURLToPath as __toPath}from'node:url'",
  'const require=__createRequire(import.meta.url)',
  'const __filename=__toPath(import.meta.url)',
  "const __dirname=__toPath(new URL('.',import.meta.url))",
].join(';');

/**
 * Requires these modules of Node instead of importing them. An import reads every export, and some of these load
 * what nobody asked for: from Node 22 on, `node:http` loads the whole of fetch, which doubles a cold start.
 * @type {import('esbuild').Plugin}
 */
export const requiredBuiltins = {
  name: 'required-builtins',
  setup(esbuild) {
    esbuild.onResolve({ filter: /^(node:)?(crypto|events|https?|util)$/ }, ({ path, kind }) => {
      const isImport = kind === 'import-statement' || kind === 'dynamic-import';
      return isImport ? { path: path.replace('node:', ''), namespace: 'builtin' } : undefined;
    });
    esbuild.onLoad({ filter: /^/, namespace: 'builtin' }, ({ path }) => ({
      contents: `module.exports=require("node:${path}")`,
      loader: 'js',
    }));
  },
};
