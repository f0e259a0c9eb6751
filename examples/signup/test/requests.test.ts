import { expect, test } from 'vitest';
import type { HttpRequest } from '../../../shared/app/define-function.ts';
import { AppError } from '../../../shared/core/errors.ts';
import { receivedOf } from '../../../shared/invocation/request.ts';
import { parseUser } from '../create-user/parse-user.ts';

const MOST = 1_000;

function parsed(body: string | Uint8Array, contentType: string | undefined = 'application/json') {
  const rawHeaders = contentType === '' ? [] : ['Content-Type', contentType];
  return parseUser(receivedOf({ rawHeaders, rawBody: Buffer.from(body) } as unknown as HttpRequest), MOST);
}

const json = (fields: Record<string, unknown>): string => JSON.stringify(fields);
const user = (fields: Record<string, unknown> = {}) =>
  json({ email: 'ada@example.com', name: 'Ada', ...fields });

test.each<[string, string, { email: string; name: string }]>([
  ['a plain user', user(), { email: 'ada@example.com', name: 'Ada' }],
  [
    'space around',
    user({ email: ' ada@example.com ', name: '\tAda ' }),
    { email: 'ada@example.com', name: 'Ada' },
  ],
  [
    'a tag and dots',
    user({ email: 'a.d.a+x@mail.example.co.uk' }),
    { email: 'a.d.a+x@mail.example.co.uk', name: 'Ada' },
  ],
  [
    'an international domain in ASCII',
    user({ email: 'a@xn--bcher-kva.example' }),
    { email: 'a@xn--bcher-kva.example', name: 'Ada' },
  ],
  ['an apostrophe', user({ name: "O'Brien" }), { email: 'ada@example.com', name: "O'Brien" }],
  ['a name in another script', user({ name: '李小龙' }), { email: 'ada@example.com', name: '李小龙' }],
  [
    'a name with a joiner',
    user({ name: 'می\u200cخواهم' }),
    { email: 'ada@example.com', name: 'می\u200cخواهم' },
  ],
  ['a name that is decomposed', user({ name: 'Zoe\u0308' }), { email: 'ada@example.com', name: 'Zoë' }],
  ['an emoji of several characters', user({ name: '👩‍🚀' }), { email: 'ada@example.com', name: '👩‍🚀' }],
  ['the longest name', user({ name: 'x'.repeat(200) }), { email: 'ada@example.com', name: 'x'.repeat(200) }],
  ['markup, which is text', user({ name: '<b>Ada</b>' }), { email: 'ada@example.com', name: '<b>Ada</b>' }],
])('%s is taken', (_name, body, wanted) => {
  expect(parsed(body)).toEqual({ kind: 'user', user: wanted });
});

const EMAIL = 'must be an e-mail address of at most 254 ASCII characters, got';
const NAME = 'must be text of 1 to 200 characters, got';

test.each<[string, string, [pointer: string, detail: string][]]>([
  [
    'no field',
    '{}',
    [
      ['#/email', `${EMAIL} nothing`],
      ['#/name', `${NAME} nothing`],
    ],
  ],
  [
    'null',
    json({ email: null, name: null }),
    [
      ['#/email', `${EMAIL} null`],
      ['#/name', `${NAME} null`],
    ],
  ],
  [
    'other types',
    json({ email: 7, name: ['Ada'] }),
    [
      ['#/email', `${EMAIL} a number`],
      ['#/name', `${NAME} an array of 1`],
    ],
  ],
  [
    'blanks',
    json({ email: ' ', name: '\n' }),
    [
      ['#/email', `${EMAIL} an empty string`],
      ['#/name', `${NAME} an empty string`],
    ],
  ],
  ['no at sign', user({ email: 'ada.example.com' }), [['#/email', `${EMAIL} a string of 15 characters`]]],
  [
    'no dot in the domain',
    user({ email: 'ada@localhost' }),
    [['#/email', `${EMAIL} a string of 13 characters`]],
  ],
  ['two at signs', user({ email: 'a@b@example.com' }), [['#/email', `${EMAIL} a string of 15 characters`]]],
  [
    'a header in the address',
    user({ email: 'a@example.com\nBcc: b@example.com' }),
    [['#/email', `${EMAIL} a string of 32 characters`]],
  ],
  [
    'a list of addresses',
    user({ email: 'a@example.com,b@example.com' }),
    [['#/email', `${EMAIL} a string of 27 characters`]],
  ],
  [
    'letters that look alike',
    user({ email: 'аda@example.com' }),
    [['#/email', `${EMAIL} a string of 15 characters`]],
  ],
  [
    'a long local part',
    user({ email: `${'a'.repeat(65)}@example.com` }),
    [['#/email', `${EMAIL} a string of 77 characters`]],
  ],
  [
    'a long address',
    user({ email: `a@${'b.'.repeat(130)}com` }),
    [['#/email', `${EMAIL} a string of 265 characters`]],
  ],
  ['a long name', user({ name: 'x'.repeat(201) }), [['#/name', `${NAME} a string of 201 characters`]]],
  [
    'a control character',
    user({ name: 'Ada\u0000' }),
    [['#/name', 'must have no control characters and none that change the direction of text']],
  ],
  [
    'a right-to-left override',
    user({ name: 'Ada\u202egpj' }),
    [['#/name', 'must have no control characters and none that change the direction of text']],
  ],
  [
    'half a surrogate pair',
    '{"email":"ada@example.com","name":"\\ud800"}',
    [['#/name', 'must be Unicode, got half of a surrogate pair']],
  ],
  [
    'fields of no user',
    user({ nmae: 'x', 'a/b~c': 1, isAdmin: true }),
    [
      ['#/nmae', 'must not be there: fields are email and name'],
      ['#/a~1b~0c', 'must not be there: fields are email and name'],
      ['#/isAdmin', 'must not be there: fields are email and name'],
    ],
  ],
  ['an array', '[]', [['#', 'must be an object, got an array of 0']]],
  ['a number', '7', [['#', 'must be an object, got a number']]],
  [
    'a prototype',
    '{"__proto__":{"email":"ada@example.com","name":"Ada"}}',
    [
      ['#/email', `${EMAIL} nothing`],
      ['#/name', `${NAME} nothing`],
      ['#/__proto__', 'must not be there: fields are email and name'],
    ],
  ],
])('every fault is listed: %s', (_name, body, wanted) => {
  const found = parsed(body);
  const faults = found.kind === 'faults' ? found.faults : [];
  expect(faults.map(({ pointer, detail }) => [pointer, detail])).toEqual(wanted);
});

test.each<[string, string | Uint8Array, string | undefined, string]>([
  ['nothing', '', undefined, 'not-json'],
  ['text', 'ada', undefined, 'not-json'],
  ['JSON with a tail', '{} {}', undefined, 'not-json'],
  ['a form', 'email=ada%40example.com', 'application/x-www-form-urlencoded', 'unsupported-media'],
  ['no content type', user(), '', 'unsupported-media'],
  ['text that is JSON', user(), 'text/plain', 'unsupported-media'],
  ['another character set', user(), 'application/json; charset=latin1', 'unsupported-media'],
  ['bytes that are no UTF-8', Buffer.from('{"name":"\xff"}', 'latin1'), undefined, 'not-json'],
  ['a byte too many', user({ name: 'x'.repeat(MOST) }), undefined, 'too-large'],
  ['deep nesting', `${'['.repeat(400)}${']'.repeat(400)}`, undefined, 'too-deep'],
])('a body that is no user at all is refused: %s', (_name, body, contentType, code) => {
  let found: unknown;
  try {
    parsed(body, contentType);
  } catch (error) {
    found = error;
  }
  expect(found).toBeInstanceOf(AppError);
  expect((found as AppError).code).toBe(code);
});

test('JSON in UTF-8 may say so', () => {
  expect(parsed(user(), 'application/json;charset="UTF-8"').kind).toBe('user');
});

test('names of fields that are no user are bounded in the answer', () => {
  const many = Object.fromEntries(Array.from({ length: 60 }, (_, n) => [`${'k'.repeat(9)}${n}`, 1]));
  const found = parsed(json(many));
  expect(found.kind === 'faults' && found.faults.length).toBe(22);
});
