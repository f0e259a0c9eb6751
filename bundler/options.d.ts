import type { Plugin } from 'esbuild';

export declare const COMMON: {
  bundle: true;
  splitting: true;
  format: 'esm';
  platform: 'node';
  target: string;
  legalComments: 'none';
  alias: Record<string, string>;
};
export declare const COMMONJS: string;
export declare const requiredBuiltins: Plugin;
