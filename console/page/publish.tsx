import type { JSX } from 'preact';
import type { FormsAnswer } from '../action-types.ts';
import { EventEditor } from './event-editor.tsx';
import { useJson } from './hooks.ts';
import { Empty, Head, Loading, Problem } from './parts.tsx';
import { go, linkTo } from './route.ts';

/** Publishes an event of a type to a topic of the local cloud, by a form made from the type's schema. */
export function Publish({ query }: { query: URLSearchParams }): JSX.Element {
  const { value, problem, reload } = useJson<FormsAnswer>('forms');
  return (
    <>
      <p class="crumbs">
        <a href={linkTo(['functions'])}>Functions</a>
      </p>
      <Head title="Publish an event" />
      {problem && <Problem text={problem} onRetry={reload} />}
      {!value && !problem && <Loading />}
      {value && <Chosen answer={value} query={query} />}
    </>
  );
}

function Chosen({
  answer: { forms, topics },
  query,
}: {
  answer: FormsAnswer;
  query: URLSearchParams;
}): JSX.Element {
  if (topics.length === 0) {
    return <Empty title="The app has no topic for events">Declare one in its app.ts.</Empty>;
  }
  const wanted = query.get('topic');
  const named = query.get('type');
  const fitting = forms.find(({ topic }) => topic === wanted) ?? forms[0];
  const form =
    named === null
      ? fitting
      : (forms.find(({ type, version }) => `${type}/${version}` === named) ??
        forms.findLast(({ type }) => type === named));
  const type = form?.type ?? named ?? '';
  const topic = topics.find(({ key }) => key === (wanted ?? form?.topic)) ?? topics[0];
  const choose = (changes: Readonly<Record<string, string>>): void =>
    go(['publish'], { ...Object.fromEntries(query), ...changes });
  const isFree = named !== null && form === undefined;
  return (
    <>
      <div class="filters">
        <label class="wide">
          <span>Type</span>
          <select
            value={isFree ? '' : `${form?.type}/${form?.version}`}
            onChange={({ currentTarget: { value } }) =>
              choose({ type: value === '' ? 'my.event' : value, topic: '' })
            }
          >
            {forms.map((one) => (
              <option key={`${one.type}/${one.version}`} value={`${one.type}/${one.version}`}>
                {one.type}, version {one.version}
              </option>
            ))}
            <option value="">another type, without a schema</option>
          </select>
        </label>
        <label class="wide">
          <span>Topic</span>
          <select value={topic?.key} onChange={(event) => choose({ topic: event.currentTarget.value })}>
            {topics.map(({ key }) => (
              <option key={key}>{key}</option>
            ))}
          </select>
        </label>
        {isFree && (
          <label class="wide">
            <span>Name of the type</span>
            <input
              type="text"
              value={type}
              onChange={(event) => choose({ type: event.currentTarget.value })}
            />
          </label>
        )}
      </div>
      {topic && (
        <EventEditor
          key={form ? `${form.type}/${form.version}` : ''}
          form={form}
          type={type}
          topic={topic}
          isJson={query.get('as') === 'json'}
          onJson={(isJson) => choose({ as: isJson ? 'json' : '' })}
        />
      )}
    </>
  );
}
