import { once } from 'node:events';
import type { Command } from '../common/command.ts';
import { parseOptions, wholeNumber } from '../common/options.ts';
import { runSubcommand } from '../common/run.ts';
import { SERVICE_HELP, SERVICE_OPTIONS } from '../common/service.ts';
import type { Io, Opener, Session, Subcommand } from '../common/subcommand.ts';

interface Place {
  local?: string | undefined;
  cloud: boolean;
}

interface Context extends Session {
  env: NodeJS.ProcessEnv;
}

const OPTIONS = {
  port: { type: 'string' },
  'frames-bucket': { type: 'string' },
  'state-bucket': { type: 'string' },
  table: { type: 'string' },
  topic: { type: 'string' },
  project: { type: 'string' },
  app: { type: 'string' },
  ...SERVICE_OPTIONS,
} as const;

const serve: Subcommand<Context, Place> = {
  summary: 'serves a page that shows uploads, events and dead letters',
  help: `usage: pipeline console [options]

Serves the console on this machine, prints its address, and runs until Ctrl-C. The address has a token that changes
with every start: whoever has it may use the console with your rights. "npm start" serves a console of its own.

With --cloud, the console shows a deployed project with your application default credentials. Looking needs
roles/storage.objectViewer on the buckets; a replay, a discard or a question needs what the command of that name needs.

  --port N           port of the console (default: a free one)
  --frames-bucket B  where frames and manifests are (default: FRAMES_BUCKET, or frames locally)
  --state-bucket B   where records and dead letters are (default: STATE_BUCKET, or state locally)
  --table gs://BUCKET/FOLDER  the table of events (default: LAKE_BUCKET and LAKE_PATH, or gs://lake/events locally)
  --topic T          where questions are published (default: QUESTIONS_TOPIC, or questions locally)
  --project P        project of the topics (default: GOOGLE_CLOUD_PROJECT, or local locally)
  --app DIR          folder of the app (default: the app of the local cloud, or PIPELINE_APP, or the core)
${SERVICE_HELP}
Exit code: 130 after Ctrl-C, 1 it could not be served, 2 wrong usage.
`,

  parse(args) {
    const { port: text, ...options } = parseOptions(args, OPTIONS);
    const port = wholeNumber('port', text, { min: 1, max: 65_535 });
    return {
      place: options,
      async run({ out, env, signal }) {
        const { startConsole } = await import('../../console/server.ts');
        const running = await startConsole(options, env, { port });
        await out.line(`console  ${running.url}`);
        await out.line('Ctrl-C ends it.');
        try {
          if (!signal.aborted) await once(signal, 'abort');
        } finally {
          await running.close();
        }
        throw signal.reason;
      },
    };
  },
};

const opener: Opener<Context, Place> = {
  open: (_place, session, env) => ({ ...session, env }),
  explain: async (error) => (error instanceof Error ? error.message : String(error)),
};

export const consoleCommand: Command = {
  summary: serve.summary,
  run: (args) => runConsole(args, process),
};

export function runConsole(args: string[], io: Io): Promise<number> {
  return runSubcommand('console', serve, opener, args, io);
}
