import type { JSX } from 'preact';
import { useEffect, useMemo, useRef, useState } from 'preact/hooks';
import type { EventForm, FormsAnswer, PublishAnswer } from '../action-types.ts';
import { postJson } from './api.ts';
import { Problem, Tree } from './parts.tsx';
import { linkTo } from './route.ts';
import { initialValue } from './schema.ts';
import { readDraft } from './schema-fields.tsx';
import { Field } from './schema-form.tsx';

interface Attributes {
  source: string;
  subject: string;
  correlationId: string;
  orderingKey: string;
}

const CHECK_MS = 250;

/** Data and attributes of one event: what is wrong with them, and what publishing it will do. */
export function EventEditor({
  form,
  type,
  topic,
  isJson,
  onJson,
}: {
  form: EventForm | undefined;
  type: string;
  topic: FormsAnswer['topics'][number];
  isJson: boolean;
  onJson(isJson: boolean): void;
}): JSX.Element {
  const schema = form?.schema ?? {};
  const [data, setData] = useState<unknown>(() => form?.example ?? initialValue(schema, schema));
  const [head, setHead] = useState<Attributes>({
    source: '/console',
    subject: '',
    correlationId: '',
    orderingKey: '',
  });
  const [checked, setChecked] = useState<PublishAnswer | undefined>(undefined);
  const [done, setDone] = useState<PublishAnswer | undefined>(undefined);
  const [isWrong, setWrong] = useState(false);
  const [touched, setTouched] = useState<ReadonlySet<string> | 'all'>(new Set());
  const element = useRef<HTMLFormElement>(null);
  const [failure, setFailure] = useState<string | undefined>(undefined);
  const read = useMemo(() => readDraft(data), [data]);
  const draft = JSON.stringify({
    ...{ topic: topic.key, type, data: read.value },
    ...(form && { version: form.version }),
    ...Object.fromEntries(Object.entries(head).filter(([, value]) => value !== '')),
  });
  useEffect(() => {
    let isOld = false;
    const timer = setTimeout(() => {
      postJson<PublishAnswer>('publish', { ...JSON.parse(draft), dryRun: true }).then(
        (answer) => {
          if (isOld) return;
          setChecked(answer);
          setFailure(undefined);
        },
        (error: Error) => !isOld && setFailure(error.message),
      );
    }, CHECK_MS);
    return () => {
      isOld = true;
      clearTimeout(timer);
    };
  }, [draft]);
  const problems = new Map(checked?.problems.map(({ pointer, message }) => [pointer, message]));
  for (const pointer of read.unparsed) problems.set(pointer, 'must be JSON');
  const isUnread = read.unparsed.length > 0;
  // a field is not called wrong before its reader has been there
  const shown = new Map([...problems].filter(([pointer]) => touched === 'all' || touched.has(pointer)));
  const publish = async (event: Event): Promise<void> => {
    event.preventDefault();
    setFailure(undefined);
    setTouched('all');
    if (isUnread || (problems.size > 0 && !isWrong)) {
      // drawn first
      setTimeout(() => element.current?.querySelector<HTMLElement>('[aria-invalid="true"]')?.focus());
      return;
    }
    try {
      const body = { ...JSON.parse(draft), dryRun: false, isWrong };
      const answer = await postJson<PublishAnswer>('publish', body);
      setChecked(answer);
      setDone(answer.messageId === undefined ? undefined : answer);
    } catch (error) {
      setFailure((error as Error).message);
    }
  };
  const write = (asJson: boolean): void => {
    setData(read.value);
    onJson(asJson);
  };
  const set = (name: keyof Attributes) => (value: string) => setHead({ ...head, [name]: value });
  return (
    <form
      class="publish"
      ref={element}
      onSubmit={publish}
      onFocusOut={({ target }) => {
        const pointer = target instanceof HTMLElement ? target.dataset['pointer'] : undefined;
        if (pointer !== undefined && touched !== 'all') setTouched(new Set([...touched, pointer]));
      }}
    >
      <section class="panel" aria-label="Data">
        <div class="panel-head">
          <h2>Data</h2>
          <fieldset class="tabs">
            <legend class="unseen">How to write it</legend>
            <button type="button" aria-pressed={!isJson} disabled={isUnread} onClick={() => write(false)}>
              Form
            </button>
            <button type="button" aria-pressed={isJson} disabled={isUnread} onClick={() => write(true)}>
              JSON
            </button>
          </fieldset>
        </div>
        <Field
          schema={isJson ? {} : schema}
          root={schema}
          value={data}
          pointer=""
          label="data"
          isRequired
          problems={isJson ? problems : shown}
          onChange={(value) => {
            setData(value);
            setDone(undefined);
          }}
        />
        {isJson && <OtherProblems problems={problems} />}
      </section>
      <div class="publish-side">
        <section class="panel" aria-label="Event">
          <h2>Event</h2>
          <TextRow label="source" value={head.source} onChange={set('source')} />
          <TextRow label="subject" value={head.subject} onChange={set('subject')} />
          <TextRow
            label="correlation id"
            hint="a new one"
            value={head.correlationId}
            onChange={set('correlationId')}
          />
          {topic.orders && (
            <TextRow label="ordering key" value={head.orderingKey} onChange={set('orderingKey')} />
          )}
        </section>
        <section class="panel" aria-label="What will happen">
          <h2>What will happen</h2>
          {failure && <Problem text={failure} />}
          {checked && (
            <p>
              One message is published to <b>{topic.key}</b> of this local cloud.{' '}
              {checked.takers.length === 0
                ? 'No function takes it.'
                : `${checked.takers.join(', ')} ${checked.takers.length === 1 ? 'takes' : 'take'} it.`}
            </p>
          )}
          {problems.size > 0 && (
            <>
              <p class={touched === 'all' ? 'wrong' : 'faint'}>
                {problems.size === 1 ? 'One field does' : `${problems.size} fields do`} not fit the schema
                yet.
              </p>
              <label class="check">
                <input
                  type="checkbox"
                  checked={isWrong}
                  onChange={(event) => setWrong(event.currentTarget.checked)}
                />
                Publish it all the same, to see it refused
              </label>
            </>
          )}
          <button type="submit" class="button primary" disabled={!checked}>
            Publish
          </button>
          {done && <Published answer={done} />}
          {checked && (
            <details>
              <summary>The event as JSON</summary>
              <Tree value={checked.event} />
            </details>
          )}
        </section>
      </div>
    </form>
  );
}

function OtherProblems({ problems }: { problems: ReadonlyMap<string, string> }): JSX.Element | null {
  const within = [...problems].filter(([pointer]) => pointer !== '');
  if (within.length === 0) return null;
  return (
    <ul class="plain">
      {within.map(([pointer, message]) => (
        <li key={pointer}>
          <code>{pointer}</code> <strong class="wrong">{message}</strong>
        </li>
      ))}
    </ul>
  );
}

function Published({ answer }: { answer: PublishAnswer }): JSX.Element {
  return (
    <p role="status">
      Published as message <code>{answer.messageId}</code>.{' '}
      <a href={linkTo(['trace', String(answer.event['correlationid'])])}>Follow it</a>
    </p>
  );
}

function TextRow({
  label,
  value,
  hint = '',
  onChange,
}: {
  label: string;
  value: string;
  hint?: string;
  onChange(value: string): void;
}): JSX.Element {
  return (
    <label class="stack">
      <span>{label}</span>
      <input
        type="text"
        value={value}
        placeholder={hint}
        maxLength={1_024}
        onInput={(event) => onChange(event.currentTarget.value)}
      />
    </label>
  );
}
