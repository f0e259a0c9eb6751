import type { JSX } from 'preact';
import { useEffect, useRef, useState } from 'preact/hooks';
import type { ReplayAnswer } from '../api-types.ts';
import { postJson } from './api.ts';
import { count, Loading, Problem } from './parts.tsx';

type Action = 'replay' | 'discard';

/** Replay and discard: each says first what it will do, and does it only after that. */
export function LetterActions({
  names,
  what,
  onDone,
}: {
  names: string[];
  what: string;
  onDone(): void;
}): JSX.Element {
  const [action, setAction] = useState<Action | undefined>(undefined);
  return (
    <div class="actions">
      <button type="button" class="button primary" onClick={() => setAction('replay')}>
        Replay…
      </button>
      <button type="button" class="button" onClick={() => setAction('discard')}>
        Discard…
      </button>
      <span class="faint">{what}</span>
      {action && (
        <Dialog title={action === 'replay' ? 'Replay' : 'Discard'} onClose={() => setAction(undefined)}>
          {action === 'replay' ? (
            <Replay names={names} onDone={onDone} />
          ) : (
            <Discard names={names} what={what} onDone={onDone} />
          )}
        </Dialog>
      )}
    </div>
  );
}

function Dialog({
  title,
  onClose,
  children,
}: {
  title: string;
  onClose(): void;
  children: JSX.Element;
}): JSX.Element {
  const dialog = useRef<HTMLDialogElement>(null);
  useEffect(() => dialog.current?.showModal(), []);
  return (
    <dialog ref={dialog} aria-label={title} onClose={onClose}>
      <h2>{title}</h2>
      {children}
      <form method="dialog" class="actions end">
        <button type="submit" class="button">
          Close
        </button>
      </form>
    </dialog>
  );
}

type Step<T> = { kind: 'busy' } | { kind: 'problem'; text: string } | { kind: 'ready'; value: T };

function Replay({ names, onDone }: { names: string[]; onDone(): void }): JSX.Element {
  const [plan, setPlan] = useState<Step<ReplayAnswer>>({ kind: 'busy' });
  const [done, setDone] = useState<Step<ReplayAnswer> | undefined>(undefined);
  const ask = async (dryRun: boolean): Promise<Step<ReplayAnswer>> => {
    try {
      return { kind: 'ready', value: await postJson<ReplayAnswer>('replay', { names, dryRun }) };
    } catch (error) {
      return { kind: 'problem', text: (error as Error).message };
    }
  };
  useEffect(() => void ask(true).then(setPlan), []);
  const run = async (): Promise<void> => {
    setDone({ kind: 'busy' });
    setDone(await ask(false));
    onDone();
  };
  if (plan.kind === 'busy') return <Loading />;
  if (plan.kind === 'problem') return <Problem text={plan.text} />;
  const { wanted, left } = plan.value;
  return (
    <>
      <p>
        <b>{count(wanted.length)}</b> would be published to the function that failed, and to nobody else.
        Their effects still happen once.
      </p>
      <Left left={left} />
      {done === undefined && (
        <button type="button" class="button primary" disabled={wanted.length === 0} onClick={run}>
          Replay {count(wanted.length)}
        </button>
      )}
      {done?.kind === 'busy' && <p role="status">Published; waiting for outcomes…</p>}
      {done?.kind === 'problem' && <Problem text={done.text} />}
      {done?.kind === 'ready' && <Outcome answer={done.value} />}
    </>
  );
}

function Left({ left }: { left: ReplayAnswer['left'] }): JSX.Element | null {
  if (left.length === 0) return null;
  return (
    <details open={left.length <= 3}>
      <summary>{count(left.length)} are left out</summary>
      <ul class="plain">
        {left.slice(0, 100).map(({ letter, concern, reason }) => (
          <li key={letter}>
            <code>{letter.slice(0, 12)}</code> {concern}: {reason}
          </li>
        ))}
      </ul>
    </details>
  );
}

function Outcome({ answer: { published, outcomes, left } }: { answer: ReplayAnswer }): JSX.Element {
  const { resolved = [], failedAgain = [], pending = [] } = outcomes ?? {};
  return (
    <div role="status">
      <p>
        <b>{count(published.length)}</b> published: {count(resolved.length)} resolved,{' '}
        {count(failedAgain.length)} failed again, {count(pending.length)} without an outcome yet.
      </p>
      <Left left={left} />
    </div>
  );
}

function Discard({ names, what, onDone }: { names: string[]; what: string; onDone(): void }): JSX.Element {
  const [reason, setReason] = useState('');
  const [planned, setPlanned] = useState<number | undefined>(undefined);
  const [done, setDone] = useState<number | undefined>(undefined);
  const [problem, setProblem] = useState<string | undefined>(undefined);
  const run = async (event: Event): Promise<void> => {
    event.preventDefault();
    setProblem(undefined);
    const dryRun = planned === undefined;
    try {
      const answer = await postJson<{ letters: string[]; discarded: number }>('discard', {
        names,
        reason,
        dryRun,
      });
      if (dryRun) return setPlanned(answer.letters.length);
      setDone(answer.discarded);
      onDone();
    } catch (error) {
      setProblem((error as Error).message);
    }
  };
  if (done !== undefined) return <p role="status">{count(done)} discarded.</p>;
  return (
    <form onSubmit={run}>
      <p>Nothing is deleted: {what} are kept with the reason, and reopened if their event fails again.</p>
      <label class="stack">
        Why they are not replayed
        <input
          type="text"
          required
          maxLength={1_000}
          value={reason}
          onInput={(event) => {
            setReason(event.currentTarget.value);
            setPlanned(undefined);
          }}
        />
      </label>
      {problem && <Problem text={problem} />}
      <button type="submit" class="button primary" disabled={reason.trim() === '' || planned === 0}>
        {planned === undefined ? 'Look what would be discarded' : `Discard ${count(planned)}`}
      </button>
    </form>
  );
}
