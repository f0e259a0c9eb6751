import { createInterface } from 'node:readline';

/** True where the user, or whoever writes to standard input, types exactly what is asked for. */
export async function askFor(word: string, question: string): Promise<boolean> {
  process.stderr.write(question);
  const lines = createInterface({ input: process.stdin });
  try {
    for await (const line of lines) return line.trim() === word;
    return false;
  } finally {
    lines.close();
    process.stdin.destroy();
  }
}
