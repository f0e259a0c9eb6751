import { readFileSync } from 'node:fs';
import { request } from 'node:https';
import type { LocalCloud } from '../../local/cloud.ts';

/** Makes the next `times` answers of the local Gemini take these faults in turn. */
export async function setVertexFaults(
  cloud: LocalCloud,
  setting: { kinds: string[]; times?: number; after?: number },
): Promise<void> {
  const { vertex } = cloud;
  if (!vertex) throw new Error('the real Gemini answers here');
  await new Promise<void>((resolve, reject) => {
    const sent = request(
      `${vertex.url}/_faults`,
      { method: 'POST', ca: readFileSync(vertex.caPath), headers: { 'content-type': 'application/json' } },
      (response) => {
        response.resume();
        response.on('end', () =>
          response.statusCode === 200
            ? resolve()
            : reject(new Error(`faults refused: ${response.statusCode}`)),
        );
      },
    );
    sent.on('error', reject);
    sent.end(JSON.stringify(setting));
  });
}
