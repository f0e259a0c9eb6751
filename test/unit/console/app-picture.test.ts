import { expect, test } from 'vitest';
import { describeApp } from '../../../console/app-picture.ts';
import { sourcesOf, wiringOf } from '../../../console/page/wiring.ts';
import { core } from '../../../functions/app.ts';
import { loadApp } from '../../../shared/app/load-app.ts';
import { withOptional } from '../../../shared/app/optional.ts';

const local = { where: 'here', isLocal: true, backlogs: undefined, now: Date.parse('2026-11-21T10:02:30Z') };

test.each(['functions', 'examples/orders', 'examples/signup'])(
  '%s: every wire ends at a place of the app',
  async (dir) => {
    const { app } = await loadApp(dir);
    const { functions, buckets, topics, hasVideo } = describeApp(app, local);
    expect(functions.map(({ name }) => name)).toEqual(withOptional(app).functions.map(({ name }) => name));
    expect(functions.filter(({ option }) => option !== undefined).length).toBeGreaterThan(2);
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

test('a topic for others, a schedule with its next tick, an HTTP function with its address', () => {
  const running = { vertex: undefined, functions: { receiveEvent: 'http://127.0.0.1:9/' }, running: {} };
  const { functions, topics } = describeApp(core, { ...local, running });
  expect(topics.filter(({ isTaken }) => !isTaken).map(({ key }) => key)).toEqual(['dead-letters-unread']);
  const named = (name: string) => functions.find((one) => one.name === name);
  expect(named('maintainTable')).toMatchObject({ cron: '*/5 * * * *', nextTick: '2026-11-21T10:05:00.000Z' });
  expect(named('receiveEvent')).toMatchObject({
    option: 'receive',
    url: 'http://127.0.0.1:9/',
    isRunning: false,
  });
  expect(named('inspectDeadLetter')?.to).toContain('dead-letters-unread');
});

test.each(['functions', 'examples/orders', 'examples/signup'])(
  '%s: the picture has every bucket and topic, and a wire for each source and target',
  async (dir) => {
    const { app } = await loadApp(dir);
    const answer = describeApp(app, local);
    const { left, right, functions } = wiringOf(answer);
    const shown = [...left, ...right].map(({ key }) => key);
    expect(shown).toEqual(
      expect.arrayContaining([...answer.buckets, ...answer.topics].map(({ key }) => key)),
    );
    expect(new Set(left.map(({ at }) => at)).size).toBe(left.length);
    for (const one of functions) {
      expect(left.map(({ key }) => key)).toEqual(expect.arrayContaining([...sourcesOf(one)]));
      expect(right.map(({ key }) => key)).toEqual(expect.arrayContaining(one.to));
    }
    // those that an option would run come last
    const options = functions.map(({ option }) => option !== undefined);
    expect(options).toEqual([...options].sort());
  },
);
