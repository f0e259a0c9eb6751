import type { Setting } from '../core/settings.ts';
import { admissionSettings } from './admission-settings.ts';
import { placeVariables, settingsOf } from './app-settings.ts';
import type { App } from './define-app.ts';

/** Set by Cloud Run and functions-framework. A function may read them if it declares them as `place`. */
const RESERVED = /^(FUNCTION_[A-Z_]+|GOOGLE_FUNCTION_[A-Z_]+|K_[A-Z_]+|PORT)$/;
/** A name that a shell, a file of NAME=value lines and Secret Manager all accept. */
const NAME = /^[A-Z][A-Z0-9_]{0,63}$/;

/** Mistakes in the settings and secrets of an app's functions. */
export function settingMistakes(app: App): string[] {
  return [...nameMistakes(app), ...secretMistakes(app), ...differences(app)];
}

/** Names of buckets and topics that a function cannot do without, and that the app does not give it. */
export function placeMistakes(app: App): string[] {
  const given = placeVariables(app);
  return app.functions.flatMap((one) =>
    // a handler of requests is not wired to the toolkit's buckets
    Object.entries(one.trigger.kind === 'http' ? one.settings : settingsOf(one))
      .filter(
        ([name, { type, required }]) => required && ['bucket', 'topic'].includes(type) && !given.has(name),
      )
      .map(([name, { type }]) => `${one.name}: a ${type} must have env: '${name}': include the services`),
  );
}

function nameMistakes({ functions }: App): string[] {
  return functions.flatMap(({ name, settings, secrets, secretFiles }) => [
    ...[...Object.keys(settings), ...secrets, ...secretFiles]
      .filter((variable) => !NAME.test(variable))
      .map((variable) => `${name}: a setting must be named like MAX_BYTES, got ${JSON.stringify(variable)}`),
    ...Object.entries(settings)
      .filter(([variable, { setBy }]) => RESERVED.test(variable) && setBy !== 'deployment')
      .map(([variable]) => `${name}: ${variable} is set by the platform, so it must be declared as a place`),
    ...secrets
      .filter((variable) => RESERVED.test(variable))
      .map((variable) => `${name}: ${variable} is set by the platform, so it cannot be a secret`),
  ]);
}

function secretMistakes(app: App): string[] {
  const places = placeVariables(app);
  const settings = new Set(app.functions.flatMap((one) => Object.keys(settingsOf(one))));
  return app.functions.flatMap(({ name, secrets: variables, secretFiles }) => {
    const secrets = [...variables, ...secretFiles];
    return [
      ...secrets
        .filter((secret) => settings.has(secret) || places.has(secret))
        .map((secret) => `${name}: ${secret} must be a secret or a setting, got both`),
      ...secrets
        .filter((secret, index) => secrets.indexOf(secret) !== index)
        .map((secret) => `${name}: the secret ${secret} is listed twice`),
    ];
  });
}

/** A variable has one value per deployment, so it must mean the same everywhere. Whether it is required may differ. */
function differences({ functions }: App): string[] {
  const first = new Map<string, { by: string; declared: string }>();
  for (const [name, setting] of Object.entries(admissionSettings)) {
    first.set(name, { by: "every function's server", declared: meaningOf(setting) });
  }
  const mistakes: string[] = [];
  for (const one of functions) {
    for (const [name, setting] of Object.entries(one.settings)) {
      const declared = meaningOf(setting);
      const other = first.get(name) ?? { by: one.name, declared };
      first.set(name, other);
      if (other.declared !== declared) {
        mistakes.push(
          `${name} must be declared identically in all functions, got two declarations in ${other.by} and ${one.name}`,
        );
      }
    }
  }
  return mistakes;
}

const meaningOf = ({ type, doc, default: fallback, mustBe, bounds, setBy }: Setting<unknown>): string =>
  JSON.stringify({ type, doc, fallback, mustBe, bounds, setBy });
