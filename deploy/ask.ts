import { createInterface } from 'node:readline/promises';

/** True where the user types exactly what is asked for. */
export async function askFor(word: string, question: string): Promise<boolean> {
  if (!process.stdin.isTTY) return false;
  const lines = createInterface({ input: process.stdin, output: process.stderr });
  try {
    return (await lines.question(question)).trim() === word;
  } finally {
    lines.close();
  }
}
