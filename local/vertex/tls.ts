import { randomBytes, X509Certificate } from 'node:crypto';
import { mkdir, readFile, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

export interface Certificate {
  key: string;
  cert: string;
  /** For `NODE_EXTRA_CA_CERTS`: the certificate is self-signed. */
  caPath: string;
}

const DAY_MS = 86_400_000;

/**
 * A certificate for localhost and 127.0.0.1, created on first use, kept in `dir`, and renewed 30 days before it
 * expires. Its key never leaves `dir`, and only its owner can read it.
 */
export async function localCertificate(dir: string, now: () => number = Date.now): Promise<Certificate> {
  const keyPath = join(dir, 'vertex-key.pem');
  const caPath = join(dir, 'vertex-cert.pem');
  try {
    const [key, cert] = await Promise.all([readFile(keyPath, 'utf8'), readFile(caPath, 'utf8')]);
    if (isUsable(cert, now())) return { key, cert, caPath };
  } catch {
    // missing or unreadable: create it
  }
  // loaded only when needed: it brings a whole X.509 library
  const { generate } = await import('selfsigned');
  const made = await generate([{ name: 'commonName', value: 'localhost' }], {
    keyType: 'ec',
    algorithm: 'sha256',
    notBeforeDate: new Date(now() - DAY_MS),
    notAfterDate: new Date(now() + 365 * DAY_MS),
    extensions: [
      { name: 'basicConstraints', cA: true, critical: true },
      { name: 'keyUsage', digitalSignature: true, keyCertSign: true, critical: true },
      { name: 'extKeyUsage', serverAuth: true },
      {
        name: 'subjectAltName',
        altNames: [
          { type: 2, value: 'localhost' },
          { type: 7, ip: '127.0.0.1' },
          { type: 7, ip: '::1' },
        ],
      },
    ],
  });
  await mkdir(dir, { recursive: true });
  await replaceFile(keyPath, made.private, 0o600);
  await replaceFile(caPath, made.cert, 0o644);
  return { key: made.private, cert: made.cert, caPath };
}

function isUsable(cert: string, now: number): boolean {
  const parsed = new X509Certificate(cert);
  const names = parsed.subjectAltName ?? '';
  return (
    Date.parse(parsed.validFrom) <= now &&
    Date.parse(parsed.validTo) - now > 30 * DAY_MS &&
    names.includes('localhost') &&
    names.includes('127.0.0.1')
  );
}

async function replaceFile(path: string, content: string, mode: number): Promise<void> {
  const temporary = `${path}.${randomBytes(6).toString('hex')}`;
  await writeFile(temporary, content, { mode });
  await rename(temporary, path);
}
