import type { JSX } from 'preact';
import type { LetterAnswer, LetterEntryAnswer } from '../api-types.ts';
import { useFeed, useJson, useThrottled } from './hooks.ts';
import { LetterActions } from './letter-actions.tsx';
import { bytes, Chip, Facts, Head, Loading, Problem, TextTree, Time } from './parts.tsx';
import { linkTo } from './route.ts';

/** One dead letter: its cause, what happened in order, its payload, and what to do. */
export function Letter({ id }: { id: string }): JSX.Element {
  const { value: letter, problem, reload } = useJson<LetterAnswer>('letter', { id });
  const reloadSoon = useThrottled(reload, 700);
  useFeed((event) => {
    if (event.kind === 'letter' || (event.kind === 'tick' && letter?.status === 'replayed')) reloadSoon();
  });
  return (
    <>
      <p class="crumbs">
        <a href={linkTo(['letters'])}>Dead letters</a>
        {letter && <a href={linkTo(['letters', letter.group])}>group {letter.group}</a>}
      </p>
      <Head title={`Letter ${id.slice(0, 12)}`}>
        {letter?.correlationId && (
          <a class="button" href={linkTo(['trace', letter.correlationId])}>
            Trace
          </a>
        )}
      </Head>
      {problem && <Problem text={problem} onRetry={reload} />}
      {!letter && !problem && <Loading />}
      {letter && <Shown letter={letter} reload={reload} />}
    </>
  );
}

function Shown({ letter, reload }: { letter: LetterAnswer; reload(): void }): JSX.Element {
  const last = letter.entries.findLast(({ kind }) => kind === 'death');
  return (
    <>
      <div class="panel">
        <p class="cause">{last?.message ?? letter.pattern}</p>
        <p class="advice">{letter.advice}</p>
        <LetterActions names={[letter.letter]} what="this letter" onDone={reload} />
      </div>
      <Facts
        facts={[
          [
            'status',
            <Chip key="s" kind={letter.status}>
              {letter.status.replace('-', ' ')}
            </Chip>,
          ],
          ['function', letter.function],
          ['code', <code key="c">{letter.code}</code>],
          ['about', letter.concern || '–'],
          ['now', letter.state],
          ['deaths', String(letter.deaths)],
          ['died', <Time key="d" at={letter.lastDiedAt} />],
          ['event', <code key="e">{letter.eventId.slice(0, 16)}</code>],
        ]}
      />
      <section class="panel">
        <h2>What happened</h2>
        <ol class="timeline-list">
          {letter.unreadDeaths > 0 && <li class="faint">{letter.unreadDeaths} earlier deaths</li>}
          {letter.entries.map((entry) => (
            <Entry key={`${entry.kind} ${entry.key} ${entry.writtenAt}`} entry={entry} />
          ))}
        </ol>
      </section>
      <Payload payload={letter.payload} />
      {last?.letterMessage && (
        <details class="panel">
          <summary>Attributes of the message</summary>
          <dl class="pairs">
            {Object.entries(last.letterMessage.attributes).map(([name, value]) => (
              <div key={name}>
                <dt>{name}</dt>
                <dd>{value}</dd>
              </div>
            ))}
          </dl>
        </details>
      )}
    </>
  );
}

const TITLES: Readonly<Record<string, string>> = {
  death: 'died',
  sending: 'replay being published',
  replay: 'replayed',
  resolved: 'settled',
  discard: 'discarded',
};

function Entry({ entry }: { entry: LetterEntryAnswer }): JSX.Element {
  const { kind, writtenAt, diedAt, message, code, by, reason, topic, attempts = [] } = entry;
  return (
    <li class={`entry entry-${kind === 'death' ? 'bad' : kind === 'resolved' ? 'good' : 'plain'}`}>
      <b>{TITLES[kind] ?? kind}</b> <Time at={diedAt ?? writtenAt} />
      {by && <span class="faint"> by {by}</span>}
      {topic && <span class="faint"> to {topic}</span>}
      {reason && <p>{reason}</p>}
      {message && (
        <p>
          <code>{code}</code> {message}
        </p>
      )}
      {attempts.map(({ attempt, at, code: why, message: text, stack }) => (
        <details key={attempt} class="attempt">
          <summary>
            attempt {attempt}, <Time at={at} />: <code>{why}</code> <span class="cut">{text}</span>
          </summary>
          <pre>{stack}</pre>
        </details>
      ))}
    </li>
  );
}

function Payload({ payload }: { payload: LetterAnswer['payload'] }): JSX.Element {
  const text = textOf(payload.base64);
  return (
    <section class="panel">
      <h2>
        Payload <span class="faint">{bytes(payload.bytes)}</span>
      </h2>
      {payload.bytes === 0 && <p class="faint">It has none.</p>}
      {text === undefined ? <pre>{hexOf(payload.base64)}</pre> : <TextTree text={text} />}
    </section>
  );
}

const SHOWN_BYTES = 4_096;

function bytesOf(base64: string): Uint8Array {
  return Uint8Array.from(atob(base64), (char) => char.charCodeAt(0));
}

/** Undefined if it is not UTF-8. */
function textOf(base64: string): string | undefined {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytesOf(base64));
  } catch {
    return undefined;
  }
}

function hexOf(base64: string): string {
  const shown = bytesOf(base64).subarray(0, SHOWN_BYTES);
  const lines: string[] = [];
  for (let at = 0; at < shown.length; at += 16) {
    const hex = [...shown.subarray(at, at + 16)].map((byte) => byte.toString(16).padStart(2, '0'));
    lines.push(`${at.toString(16).padStart(6, '0')}  ${hex.join(' ')}`);
  }
  return lines.join('\n');
}
