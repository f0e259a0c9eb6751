import type { JSX } from 'preact';
import { useId, useState } from 'preact/hooks';
import { initialValue, type JsonSchema, kindOf, resolve } from './schema.ts';
import {
  type FieldProps,
  Group,
  isSame,
  JsonField,
  Labelled,
  NumberField,
  Remove,
  stepOf,
  TextField,
  textOf,
} from './schema-fields.tsx';

/** One field of a form made from a schema, with the fields inside it. */
export function Field(props: FieldProps): JSX.Element {
  const schema = resolve(props.schema, props.root);
  const found = kindOf(props.schema, props.root);
  switch (found.kind) {
    case 'object':
      return <ObjectField {...props} schema={schema} properties={found.properties} />;
    case 'array':
      return <ArrayField {...props} schema={schema} items={found.items} most={found.most} />;
    case 'choice':
      return <ChoiceField {...props} schema={schema} schemas={found.schemas} />;
    case 'json':
      return <JsonField {...props} schema={schema} />;
    case 'enum':
      return (
        <Labelled {...props} schema={schema}>
          {(field) => (
            <select
              {...field}
              value={String(found.values.findIndex((one) => isSame(one, props.value)))}
              onChange={(event) => props.onChange(found.values[Number(event.currentTarget.value)])}
            >
              {!found.values.some((one) => isSame(one, props.value)) && (
                <option value="-1">choose one</option>
              )}
              {found.values.map((one, index) => (
                <option key={JSON.stringify(one)} value={String(index)}>
                  {textOf(one)}
                </option>
              ))}
            </select>
          )}
        </Labelled>
      );
    case 'boolean':
      return (
        <Labelled {...props} schema={schema}>
          {(field) => (
            <select
              {...field}
              value={String(props.value === true)}
              onChange={(event) => props.onChange(event.currentTarget.value === 'true')}
            >
              <option value="true">true</option>
              <option value="false">false</option>
            </select>
          )}
        </Labelled>
      );
    case 'const':
    case 'null': {
      const fixed = found.kind === 'const' ? found.value : null;
      return (
        <Labelled {...props} schema={schema}>
          {(field) => <input type="text" {...field} readOnly value={textOf(fixed)} />}
        </Labelled>
      );
    }
    case 'number':
    case 'integer':
      return <NumberField {...props} schema={schema} />;
    case 'string':
      return <TextField {...props} schema={schema} />;
  }
}

function ObjectField({
  properties,
  ...props
}: FieldProps & {
  properties: readonly [name: string, schema: JsonSchema, isRequired: boolean][];
}): JSX.Element {
  const { value, root, pointer, problems, onChange } = props;
  const current = (typeof value === 'object' && value !== null ? value : {}) as Record<string, unknown>;
  const absent = properties.filter(([name]) => !Object.hasOwn(current, name));
  const known = new Set(properties.map(([name]) => name));
  const others = Object.keys(current).filter((name) => !known.has(name));
  const without = (name: string): Record<string, unknown> =>
    Object.fromEntries(Object.entries(current).filter(([key]) => key !== name));
  const set = (name: string, next: unknown): void => onChange({ ...current, [name]: next });
  return (
    <Group {...props}>
      {properties.map(([name, schema, isRequired]) =>
        Object.hasOwn(current, name) ? (
          <Field
            key={name}
            {...{ schema, root, problems, isRequired, label: name }}
            value={current[name]}
            pointer={`${pointer}/${stepOf(name)}`}
            onChange={(next) => set(name, next)}
            onRemove={isRequired ? undefined : () => onChange(without(name))}
          />
        ) : null,
      )}
      {others.map((name) => (
        <JsonField
          key={name}
          {...{ schema: {}, root, problems, isRequired: false, label: name }}
          value={current[name]}
          pointer={`${pointer}/${stepOf(name)}`}
          onChange={(next) => set(name, next)}
          onRemove={() => onChange(without(name))}
        />
      ))}
      {absent.length > 0 && (
        <div class="adders">
          {absent.map(([name, schema, isRequired]) => (
            <button
              key={name}
              type="button"
              class={isRequired ? 'adder adder-needed' : 'adder'}
              onClick={() => set(name, initialValue(schema, root))}
            >
              + {name}
            </button>
          ))}
        </div>
      )}
    </Group>
  );
}

function ArrayField({
  items,
  most,
  ...props
}: FieldProps & { items: JsonSchema; most: number }): JSX.Element {
  const { value, root, pointer, problems, onChange } = props;
  const current: readonly unknown[] = Array.isArray(value) ? value : [];
  return (
    <Group {...props}>
      {current.map((one, index) => (
        <Field
          key={`${pointer}/${current.length}/${String(index)}`}
          {...{ schema: items, root, problems, isRequired: true, label: `${props.label} ${index + 1}` }}
          value={one}
          pointer={`${pointer}/${index}`}
          onChange={(next) => onChange(current.map((each, at) => (at === index ? next : each)))}
          onRemove={() => onChange(current.filter((_, at) => at !== index))}
        />
      ))}
      <div class="adders">
        <button
          type="button"
          class="adder"
          disabled={current.length >= most}
          onClick={() => onChange([...current, initialValue(items, root)])}
        >
          + {props.label} {current.length + 1}
        </button>
      </div>
    </Group>
  );
}

function ChoiceField({ schemas, ...props }: FieldProps & { schemas: readonly JsonSchema[] }): JSX.Element {
  const { root, value, onChange, pointer, label } = props;
  const id = useId();
  const [chosen, setChosen] = useState(() =>
    Math.max(
      0,
      schemas.findIndex((one) => fits(one, value, root)),
    ),
  );
  return (
    <div class="choice">
      <div class="field-head">
        <label for={id}>
          <b>{label}</b> is
        </label>
        {props.onRemove && <Remove label={label} onRemove={props.onRemove} />}
      </div>
      <select
        id={id}
        value={String(chosen)}
        onChange={(event) => {
          const next = Number(event.currentTarget.value);
          setChosen(next);
          onChange(initialValue(schemas[next] ?? {}, root));
        }}
      >
        {schemas.map((one, index) => (
          <option key={JSON.stringify(one)} value={String(index)}>
            {nameOf(resolve(one, root), index)}
          </option>
        ))}
      </select>
      <Field {...props} key={`${pointer}#${chosen}`} schema={schemas[chosen] ?? {}} onRemove={undefined} />
    </div>
  );
}

function nameOf({ title, type, const: only }: JsonSchema, index: number): string {
  if (typeof title === 'string') return title;
  if (only !== undefined) return textOf(only);
  return typeof type === 'string' ? type : `form ${index + 1}`;
}

/** Whether a value looks like one of this alternative, by its type. */
function fits(schema: JsonSchema, value: unknown, root: JsonSchema): boolean {
  const found = kindOf(schema, root);
  switch (found.kind) {
    case 'const':
      return isSame(found.value, value);
    case 'enum':
      return found.values.some((one) => isSame(one, value));
    case 'array':
      return Array.isArray(value);
    case 'object':
      return (
        typeof value === 'object' &&
        value !== null &&
        !Array.isArray(value) &&
        found.properties.every(([name, one, isRequired]) => {
          if (!Object.hasOwn(value, name)) return !isRequired;
          const { const: only } = resolve(one, root);
          return only === undefined || isSame(only, (value as Record<string, unknown>)[name]);
        })
      );
    case 'null':
      return value === null;
    case 'integer':
      return Number.isInteger(value);
    case 'choice':
    case 'json':
      return value !== null;
    default:
      return typeof value === found.kind;
  }
}
