import type { JSX } from 'preact';
import { useState } from 'preact/hooks';
import type { FaultDraft, FaultService, FaultsAnswer, SwitchedFault } from '../action-types.ts';
import type { AppAnswer } from '../api-types.ts';
import { postJson } from './api.ts';
import { useFeed, useJson, useThrottled } from './hooks.ts';
import { Chip, count, Empty, Head, Loading, Problem } from './parts.tsx';
import { linkTo } from './route.ts';

const NAMES: Readonly<Record<FaultService, string>> = {
  storage: 'Cloud Storage',
  pubsub: 'Pub/Sub',
  model: 'the model',
};

const KINDS: Readonly<Record<string, string>> = {
  status: 'answers an error',
  drop: 'closes the connection',
  'applied-status': 'does it, then answers an error',
  'applied-drop': 'does it, then closes the connection',
  delay: 'answers late',
  cut: 'breaks off in the body',
  corrupt: 'flips a bit of the body',
  stall: 'falls silent in the body',
};

/** Faults of the local cloud's services, which can be switched on and off while it runs. */
export function Faults({ app }: { app: AppAnswer }): JSX.Element {
  const { value, problem, reload } = useJson<FaultsAnswer>('faults');
  const reloadSoon = useThrottled(reload, 2_000);
  useFeed(reloadSoon);
  return (
    <>
      <p class="crumbs">
        <a href={linkTo(['functions'])}>Functions</a>
      </p>
      <Head title="Faults" />
      {problem && <Problem text={problem} onRetry={reload} />}
      {!value && !problem && <Loading />}
      {value && (
        <>
          {value.faults.length === 0 ? (
            <Empty title="No fault is on">
              Switch one on below, and watch the functions retry, give up and recover.
            </Empty>
          ) : (
            <ul class="list apart">
              {value.faults.map((fault) => (
                <li key={`${fault.service} ${fault.id ?? ''}`}>
                  <Switched fault={fault} onDone={reload} />
                </li>
              ))}
            </ul>
          )}
          <SwitchOn services={value.services} buckets={app.buckets} onDone={reload} />
        </>
      )}
    </>
  );
}

function Switched({ fault, onDone }: { fault: SwitchedFault; onDone(): void }): JSX.Element {
  const [problem, setProblem] = useState<string | undefined>(undefined);
  const { service, id, what, met, left } = fault;
  const end = async (): Promise<void> => {
    try {
      await postJson('end-fault', { service, ...(id !== undefined && { id }) });
      onDone();
    } catch (error) {
      setProblem((error as Error).message);
    }
  };
  return (
    <div class="line">
      <span class="grow">
        <b>{capital(NAMES[service])}</b> {what}
        <span class="line-facts">
          {left === 0 ? <Chip kind="plain">over</Chip> : <Chip kind="open">on</Chip>}
          {met !== undefined && <span>{count(met)} met it</span>}
          {left !== undefined && left > 0 && <span>{count(left)} to go</span>}
          {left === undefined && <span>until it is switched off</span>}
        </span>
        {problem && <Problem text={problem} />}
      </span>
      <button type="button" class="button" onClick={end} aria-label={`Switch off: ${what}`}>
        Switch off
      </button>
    </div>
  );
}

function SwitchOn({
  services,
  buckets,
  onDone,
}: {
  services: FaultsAnswer['services'];
  buckets: AppAnswer['buckets'];
  onDone(): void;
}): JSX.Element {
  const [draft, setDraft] = useState<FaultDraft>({ service: 'storage', kind: 'status', number: 503 });
  const [problem, setProblem] = useState<string | undefined>(undefined);
  const chosen = services.find(({ service }) => service === draft.service) ?? services[0];
  if (!chosen) return <p class="note">The services of this cloud are of others, and have no faults.</p>;
  const number = numberOf(draft.kind);
  const choose = (kind: string): FaultDraft => {
    const { number: _, ...rest } = draft;
    const asked = numberOf(kind);
    return { ...rest, kind, ...(asked && { number: asked.usual }) };
  };
  const submit = async (event: Event): Promise<void> => {
    event.preventDefault();
    setProblem(undefined);
    try {
      await postJson('switch-fault', draft);
      onDone();
    } catch (error) {
      setProblem((error as Error).message);
    }
  };
  const change = (changes: Partial<FaultDraft>): void => setDraft({ ...draft, ...changes });
  return (
    <form class="panel" onSubmit={submit} aria-label="Switch a fault on">
      <h2>Switch a fault on</h2>
      <div class="filters">
        <label class="wide">
          <span>Which service</span>
          <select
            value={draft.service}
            onChange={({ currentTarget: { value } }) => {
              const service = services.find((one) => one.service === value);
              const kind = service?.kinds[0] ?? '';
              const asked = numberOf(kind);
              setDraft({ service: value as FaultService, kind, ...(asked && { number: asked.usual }) });
            }}
          >
            {services.map(({ service }) => (
              <option key={service} value={service}>
                {capital(NAMES[service])}
              </option>
            ))}
          </select>
        </label>
        <label class="wide">
          <span>What it does</span>
          <select value={draft.kind} onChange={(event) => setDraft(choose(event.currentTarget.value))}>
            {chosen.kinds.map((kind) => (
              <option key={kind} value={kind}>
                {KINDS[kind] ?? kind}
              </option>
            ))}
          </select>
        </label>
        {number && (
          <label>
            <span>{number.name}</span>
            <input
              type="number"
              min={number.min}
              max={number.max}
              required
              value={draft.number}
              onInput={(event) => change({ number: event.currentTarget.valueAsNumber })}
            />
          </label>
        )}
        {chosen.operations.length > 0 && (
          <label>
            <span>Requests</span>
            <select
              value={draft.operation ?? ''}
              onChange={(event) => change({ operation: event.currentTarget.value })}
            >
              <option value="">all</option>
              {chosen.operations.map((one) => (
                <option key={one}>{one}</option>
              ))}
            </select>
          </label>
        )}
        {draft.service === 'storage' && (
          <label>
            <span>Bucket</span>
            <select
              value={draft.bucket ?? ''}
              onChange={(event) => change({ bucket: event.currentTarget.value })}
            >
              <option value="">all</option>
              {buckets.map(({ key }) => (
                <option key={key}>{key}</option>
              ))}
            </select>
          </label>
        )}
        {draft.service !== 'model' && (
          <label>
            <span>{draft.service === 'storage' ? 'Object name has' : 'Topic or subscription has'}</span>
            <input
              type="text"
              value={draft.name ?? ''}
              maxLength={200}
              onInput={(event) => change({ name: event.currentTarget.value })}
            />
          </label>
        )}
        <label>
          <span>How many times</span>
          <input
            type="number"
            min={1}
            max={1_000_000}
            placeholder="until it is off"
            value={draft.times ?? ''}
            onInput={({ currentTarget: { valueAsNumber } }) => {
              const { times: _, ...rest } = draft;
              setDraft(Number.isNaN(valueAsNumber) ? rest : { ...rest, times: valueAsNumber });
            }}
          />
        </label>
      </div>
      <p class="note">
        {capital(NAMES[draft.service])} of this local cloud misbehaves for everybody, this console included,
        until the fault is over or switched off. Nothing outside this machine is touched.
      </p>
      {problem && <Problem text={problem} />}
      <button type="submit" class="button primary">
        Switch on
      </button>
    </form>
  );
}

interface Asked {
  name: string;
  usual: number;
  min: number;
  max: number;
}

function numberOf(kind: string): Asked | undefined {
  if (kind.endsWith('status')) return { name: 'Status', usual: 503, min: 400, max: 599 };
  if (kind === 'delay' || kind === 'slow')
    return { name: 'Milliseconds', usual: 2_000, min: 1, max: 600_000 };
  if (kind === 'cut' || kind === 'stall') return { name: 'After bytes', usual: 100, min: 0, max: 1_000_000 };
  return undefined;
}

const capital = (text: string): string => text.charAt(0).toUpperCase() + text.slice(1);
