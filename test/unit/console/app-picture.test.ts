import { expect, test } from 'vitest';
import { describeApp } from '../../../console/app-picture.ts';
import { core } from '../../../functions/app.ts';
import { loadApp } from '../../../shared/app/load-app.ts';

const local = { where: 'here', isLocal: true, backlogs: undefined, now: Date.parse('2026-11-21T10:02:30Z') };

test.each(['functions', 'examples/orders', 'examples/signup'])(
  '%s: every wire ends at a place of the app',
  async (dir) => {
    const { app } = await loadApp(dir);
    const { functions, buckets, topics, hasVideo } = describeApp(app, local);
    expect(functions.map(({ name }) => name)).toEqual(app.functions.map(({ name }) => name));
    const places = [...buckets, ...topics].map(({ key }) => key);
    for (const { from, to, roles } of functions) {
      expect(places).toEqual(expect.arrayContaining([...from, ...to]));
      expect(roles.every(({ reason }) => reason.length > 0)).toBe(true);
    }
    expect(hasVideo).toBe(dir === 'functions');
  },
);

test('processVideo: from its bucket to its results, and what waits for it', () => {
  const backlogs = {
    'projects/local/subscriptions/eventarc-processVideo': {
      ...{ backlog: 3, outstanding: 1, oldest: '2026-11-21T10:00:07.000Z' },
    },
    'projects/local/subscriptions/replay-processvideo': {
      ...{ backlog: 2, outstanding: 0, oldest: '2026-11-21T10:00:05.000Z' },
    },
    'projects/local/subscriptions/push-ingestevent': { backlog: 50, outstanding: 0 },
  };
  const { functions } = describeApp(core, { ...local, backlogs });
  expect(functions.find(({ name }) => name === 'processVideo')).toMatchObject({
    trigger: 'new object in raw',
    from: ['raw'],
    to: ['frames', 'state', 'events', 'dead-letters'],
    backlog: 5,
    outstanding: 1,
    oldest: '2026-11-21T10:00:05.000Z',
  });
});

test('settings are described, and no value of any is part of the answer', () => {
  const text = JSON.stringify(describeApp(core, local));
  expect(text).toContain('GEMINI_MODEL');
  expect(text).not.toMatch(/gemini-\d/);
});
