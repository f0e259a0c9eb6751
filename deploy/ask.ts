import { createInterface } from 'node:readline';

/** Asks on standard error; true if the first line of standard input is exactly the word. */
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
