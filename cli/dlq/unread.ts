import { printable } from '../../local/terminal-text.ts';
import type { App } from '../../shared/app/define-app.ts';
import { writeRecord } from '../../shared/records/record.ts';
import { tableLines } from '../common/columns.ts';
import { currentUser } from '../common/current-user.ts';
import { bytesText, count, counted } from '../common/numbers.ts';
import { oneOf, parseCommand, quoted, UsageError, wholeNumber } from '../common/options.ts';
import { openPublisher } from '../common/publisher.ts';
import { openPuller, type Pulled, type Pulling } from '../common/puller.ts';
import type { Dlq, DlqSubcommand } from './dlq.ts';
import { shortTime } from './groups.ts';
import { PLACE_HELP, PLACE_OPTIONS } from './place.ts';
import { parseReason } from './reason.ts';
import { savePayload } from './save-payload.ts';
import { putBackMessage, readUnread } from './unread-letter.ts';

const HINT = 'deploy.sh creates it; UNREAD_SUBSCRIPTION names it';

export const unread: DlqSubcommand = {
  summary: 'shows, puts back or drops dead letters that the inspector gave up on',
  help: `usage: pipeline dlq unread [<message id>...] [options]

Dead letters that inspectDeadLetter gave up on after its last attempt: poison that it cannot read, or any letter if
the inspector was broken for hours. They wait in a subscription of their own for 31 days and fire no function. This command
reads their attributes only. Without an option, it lists them and changes nothing.

  --put-back         publish them to the dead-letter topic again, for the inspector; fix that first
  --function NAME    the function of the app that they were for, if they do not name it
  --drop             remove them for good; requires --reason TEXT, which is kept with their ids
  --payload FILE     save the payload of the named message in this new file, byte for byte
  --all              with --put-back or --drop: all that are waiting
  --limit N          read at most N messages (default 1000)
${PLACE_HELP}`,

  parse(args) {
    const { values, positionals } = parseCommand(args, {
      ...PLACE_OPTIONS,
      'put-back': { type: 'boolean', default: false },
      function: { type: 'string' },
      drop: { type: 'boolean', default: false },
      reason: { type: 'string' },
      payload: { type: 'string' },
      all: { type: 'boolean', default: false },
      limit: { type: 'string' },
      json: { type: 'boolean', default: false },
    });
    const wrong = positionals.find((id) => !/^\d{1,32}$/.test(id));
    if (wrong !== undefined) throw new UsageError(`a message id must be digits, got ${quoted(wrong)}`);
    const { 'put-back': putBack, drop, payload, all } = values;
    if (Number(putBack) + Number(drop) + Number(payload !== undefined) > 1) {
      throw new UsageError('--put-back, --drop and --payload cannot be combined');
    }
    if ((putBack || drop) && all === positionals.length > 0) {
      throw new UsageError('nothing selected: name messages or pass --all');
    }
    if (payload !== undefined && (payload === '' || positionals.length !== 1)) {
      throw new UsageError('--payload needs the name of a new file and exactly one message id');
    }
    const options: Options = {
      ids: positionals,
      action: putBack ? 'put-back' : drop ? 'drop' : payload === undefined ? 'list' : 'save',
      function: values.function,
      reason: drop ? parseReason(values.reason) : '',
      file: payload ?? '',
      limit: wholeNumber('limit', values.limit, { min: 1, max: 100_000 }) ?? 1_000,
      isJson: values.json,
    };
    return { place: values, run: (dlq) => run(dlq, options) };
  },
};

interface Options {
  /** Empty for all. */
  ids: string[];
  action: 'list' | 'put-back' | 'drop' | 'save';
  function: string | undefined;
  reason: string;
  file: string;
  limit: number;
  isJson: boolean;
}

async function run(dlq: Dlq, options: Options): Promise<number> {
  const { place, signal } = dlq;
  const { project, unreadSubscription: subscription } = place;
  const app = await dlq.app();
  if (options.function !== undefined) {
    const names = app.functions
      .filter(({ givesUpTo }) => givesUpTo === 'dead-letters')
      .map(({ name }) => name);
    oneOf('function', options.function, names);
  }
  if (project === undefined) {
    throw new UsageError("--project or GOOGLE_CLOUD_PROJECT must be given: the subscription's project");
  }
  const pulling = openPuller(place, { project, subscription, hint: HINT }, signal);
  let held: Pulled[] = [];
  try {
    held = await pulling.pull(options.limit);
    const done = await act(dlq, app, project, pulling, held, options);
    held = held.filter((message) => !done.has(message));
    return await report(dlq, app, held, done, options);
  } finally {
    // best effort: other messages are delivered again after their ack deadline
    await pulling.giveBack(held).catch(() => undefined);
    pulling.close();
  }
}

/** Performs the action and returns the messages that it removed from the subscription. */
async function act(
  dlq: Dlq,
  app: App,
  project: string,
  pulling: Pulling,
  held: readonly Pulled[],
  options: Options,
): Promise<Set<Pulled>> {
  const { ids, action, file } = options;
  const named = ids.length === 0 ? held : held.filter(({ messageId }) => ids.includes(messageId));
  const [first] = named;
  if (action === 'save' && first) savePayload(file, first.data);
  if (action === 'list' || action === 'save') return new Set();
  const done = new Set<Pulled>();
  const finish = async (message: Pulled): Promise<void> => {
    await pulling.acknowledge([message]);
    done.add(message);
  };
  if (action === 'drop') {
    const [by, at] = [currentUser(), new Date(dlq.clock.now()).toISOString()];
    for (const message of named) {
      const { messageId, data } = message;
      const record = { schemaVersion: 1, messageId, bytes: data.length, reason: options.reason, by, at };
      await writeRecord(dlq.state, `unread/${messageId}.json`, record, { signal: dlq.signal });
      await finish(message);
    }
    return done;
  }
  const publishing = openPublisher(dlq.place, project, dlq.signal);
  try {
    for (const message of named) {
      dlq.signal.throwIfAborted();
      const outgoing = putBackMessage(message, options.function ?? readUnread(message, app).function);
      if (!outgoing) continue;
      await publishing.publish(dlq.place.deadLetterTopic, [outgoing]);
      await finish(message);
    }
  } finally {
    publishing.close();
  }
  return done;
}

async function report(
  { out, place }: Dlq,
  app: App,
  held: readonly Pulled[],
  done: ReadonlySet<Pulled>,
  { ids, action, isJson, file }: Options,
): Promise<number> {
  const left = held.map((message) => readUnread(message, app));
  const missing = ids.filter((id) => ![...held, ...done].some(({ messageId }) => messageId === id));
  const unsaid =
    action === 'put-back' ? left.filter(({ messageId }) => ids.length === 0 || ids.includes(messageId)) : [];
  const code = missing.length > 0 || unsaid.length > 0 ? 1 : 0;
  if (isJson) {
    const ended = [...done].map(({ messageId }) => messageId);
    await out.json({ action, done: ended, missing, unread: left });
    return code;
  }
  if (action === 'list') {
    const shown = ids.length === 0 ? left : left.filter(({ messageId }) => ids.includes(messageId));
    const rows = shown.map((one) => [
      one.messageId,
      shortTime(one.givenUpAt),
      one.function ?? 'unknown',
      one.code ?? '',
      bytesText(one.bytes),
      one.reason ?? '',
    ]);
    const head = ['message', 'given up', 'function', 'code', 'size', 'why it was a dead letter'];
    const limits = [{}, {}, {}, {}, {}, { widest: 200, narrowest: 20 }];
    const cells = rows.map((row) => row.map((cell) => printable(cell.slice(0, 500))));
    if (rows.length > 0)
      for (const line of tableLines([head, ...cells], limits, out.width)) await out.line(line);
    await out.line(
      rows.length === 0
        ? 'there are no unread dead letters'
        : `${counted(rows.length, 'unread dead letter')}; once the inspector is fixed: ${place.command('unread --put-back --all')}`,
    );
  }
  if (action === 'save' && missing.length === 0) await out.line(`payload saved in ${printable(file)}`);
  if (action === 'put-back') await out.line(`${counted(done.size, 'dead letter')} put back`);
  if (action === 'drop') await out.line(`${counted(done.size, 'dead letter')} dropped`);
  if (unsaid.length > 0) {
    await out.line(`${count(unsaid.length)} skipped: their function is unknown, name it with --function`);
  }
  for (const id of missing) await out.line(`no unread dead letter has the message id ${id}`);
  return code;
}
