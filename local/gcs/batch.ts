import { randomUUID } from 'node:crypto';
import { STATUS_CODES } from 'node:http';
import { type Answer, type Call, gathered } from './answer.ts';
import { invalid } from './errors.ts';

interface BatchPart {
  path: string;
  call: Call;
  done(status: number, body: Buffer): void;
}

export interface Batch {
  calls: BatchPart[];
  /** Called after every part is done. */
  answer(): Answer;
}

/** `POST /batch/storage/v1`: up to 100 requests in one, each a part of `multipart/mixed`. */
export async function parseBatch(call: Call): Promise<Batch> {
  const type = call.headers['content-type'] ?? '';
  const boundary = /boundary=(?:"([^"]+)"|([^;\s]+))/i.exec(type);
  const name = boundary?.[1] ?? boundary?.[2];
  if (name === undefined) throw invalid(`the content type of a batch must have a boundary, got ${type}`);
  const text = (await gathered(call)).toString('utf8').replaceAll('\r\n', '\n');
  const parts = text.split(`--${name}`).slice(1, -1);
  if (parts.length > 100) throw invalid(`a batch must have at most 100 requests, got ${parts.length}`);
  const answers: string[] = [];
  const calls = parts.map((part, index) =>
    parsePart(part, call, (answer) => {
      answers[index] = answer;
    }),
  );
  return {
    calls,
    answer() {
      const mark = `batch_${randomUUID()}`;
      const body = Buffer.from(
        `${answers.map((answer) => `--${mark}\r\n${answer}\r\n`).join('')}--${mark}--\r\n`,
      );
      const headers = { 'content-type': `multipart/mixed; boundary=${mark}`, 'content-length': body.length };
      return { status: 200, headers, body };
    },
  };
}

function parsePart(part: string, call: Call, store: (answer: string) => void): BatchPart {
  const [head = '', request = '', ...body] = part.replace(/^\n/, '').split('\n\n');
  const [line = '', ...fields] = request.split('\n');
  const [, method, target] = /^([A-Z]+) (\S+)/.exec(line) ?? [];
  if (method === undefined || target === undefined)
    throw invalid(`a batch part must be an HTTP request, got ${line}`);
  const headers = Object.fromEntries(
    fields.map((field) => {
      const colon = field.indexOf(':');
      return [field.slice(0, colon).toLowerCase(), field.slice(colon + 1).trim()];
    }),
  );
  const id = /^content-id:\s*(.+)$/im.exec(head)?.[1]?.trim();
  const [path = '', query] = target.replace(/^https?:\/\/[^/]+/, '').split('?');
  const bytes = Buffer.from(body.join('\n\n').trim());
  return {
    path,
    call: { method, query: new URLSearchParams(query), headers, base: call.base, body: once(bytes) },
    done(status, answer) {
      const reply =
        id === undefined
          ? ''
          : `Content-ID: ${id.startsWith('<') ? `<response-${id.slice(1)}` : `response-${id}`}\r\n`;
      store(
        `Content-Type: application/http\r\n${reply}\r\nHTTP/1.1 ${status} ${STATUS_CODES[status] ?? ''}\r\n` +
          `Content-Type: application/json; charset=UTF-8\r\nContent-Length: ${answer.length}\r\n\r\n${answer}\r\n`,
      );
    },
  };
}

async function* once(bytes: Buffer): AsyncIterable<Uint8Array> {
  if (bytes.length > 0) yield bytes;
}
