import type { Subcommand } from './subcommand.ts';
export const replay: Subcommand = {
  summary: 'publishes stored events again',
  help: '',
  parse() {
    throw new Error('soon');
  },
};
