import { AppError } from './errors.ts';

export type Env = Readonly<Record<string, string | undefined>>;

/**
 * Reads an environment, collecting every mistake, so that one error names them all. A variable set to the
 * empty string counts as not set.
 */
export class EnvReader {
  private readonly mistakes: string[] = [];

  constructor(private readonly env: Env) {}

  required(name: string): string {
    const value = this.optional(name);
    if (value === undefined) this.mistakes.push(`${name} is not set`);
    return value ?? '';
  }

  optional(name: string): string | undefined {
    const value = this.env[name]?.trim();
    return value ? value : undefined;
  }

  string(name: string, fallback: string): string {
    return this.optional(name) ?? fallback;
  }

  number(name: string, fallback: number, { min, max }: { min: number; max: number }): number {
    const text = this.optional(name);
    if (text === undefined) return fallback;
    const value = Number(text);
    if (!Number.isFinite(value) || value < min || value > max) {
      this.mistakes.push(`${name} is ${JSON.stringify(text)}; a number from ${min} to ${max} is allowed`);
      return fallback;
    }
    return value;
  }

  integer(name: string, fallback: number, bounds: { min: number; max: number }): number {
    const value = this.number(name, fallback, bounds);
    if (Number.isInteger(value)) return value;
    this.mistakes.push(`${name} is ${value}; a whole number is allowed`);
    return fallback;
  }

  oneOf<const T extends string>(name: string, allowed: readonly T[], fallback: T): T {
    const value = this.string(name, fallback);
    const found = allowed.find((option) => option === value);
    if (found !== undefined) return found;
    this.mistakes.push(`${name} is ${JSON.stringify(value)}; allowed are ${allowed.join(', ')}`);
    return fallback;
  }

  boolean(name: string, fallback: boolean): boolean {
    return this.oneOf(name, ['true', 'false'], fallback ? 'true' : 'false') === 'true';
  }

  /** A Pub/Sub topic: `projects/P/topics/T`, or its short name where GOOGLE_CLOUD_PROJECT is set. */
  topic(name: string): string | undefined {
    const topic = this.optional(name);
    if (topic === undefined || /^projects\/[^/]+\/topics\/[^/]+$/.test(topic)) return topic;
    if (topic.includes('/')) {
      this.mistakes.push(`${name} is ${JSON.stringify(topic)}; T or projects/P/topics/T is allowed`);
    } else if (this.optional('GOOGLE_CLOUD_PROJECT') === undefined) {
      this.mistakes.push(`${name} names no project, and GOOGLE_CLOUD_PROJECT is not set`);
    }
    return topic;
  }

  mistake(message: string): void {
    this.mistakes.push(message);
  }

  /** Throws `invalid-config` with every mistake found. */
  finish(): void {
    if (this.mistakes.length > 0) {
      throw new AppError('invalid-config', `configuration: ${this.mistakes.join('; ')}`);
    }
  }
}
