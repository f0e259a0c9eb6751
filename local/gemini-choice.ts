import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type { Env } from '../shared/core/settings.ts';

export type GeminiChoice = 'local' | 'real';

/**
 * Chooses the real Gemini if a project is named and application default credentials exist, else the local one.
 * https://cloud.google.com/docs/authentication/application-default-credentials
 */
export function chooseGemini(env: Env): GeminiChoice {
  return env['GOOGLE_CLOUD_PROJECT'] && credentialsFile(env) ? 'real' : 'local';
}

function credentialsFile(env: Env): string | undefined {
  const named = env['GOOGLE_APPLICATION_CREDENTIALS'];
  if (named) return existsSync(named) ? named : undefined;
  const folder = env['CLOUDSDK_CONFIG'] ?? join(env['HOME'] ?? '', '.config', 'gcloud');
  const wellKnown = join(folder, 'application_default_credentials.json');
  return existsSync(wellKnown) ? wellKnown : undefined;
}
