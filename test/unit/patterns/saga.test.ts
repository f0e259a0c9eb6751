import { expect, test } from 'vitest';
import {
  type SagaMove,
  type SagaState,
  type SagaStep,
  sagaAnswered,
  sagaOverdue,
  startSaga,
} from '../../../shared/patterns/saga.ts';

/** Accepted by the event that starts it; two steps that can be refused; one behind the point of no return. */
const STEPS: SagaStep[] = [
  { name: 'accept', undo: { command: 'reject', done: 'rejected' } },
  {
    name: 'hotel',
    run: { command: 'book-hotel', done: 'hotel', refused: ['full'] },
    undo: { command: 'free-hotel', done: 'hotel-freed' },
  },
  {
    name: 'flight',
    run: { command: 'book-flight', done: 'flight', refused: ['sold-out', 'grounded'] },
    undo: { command: 'free-flight', done: 'flight-freed' },
  },
  { name: 'ticket', run: { command: 'print', done: 'printed' } },
];
const LIMITS = { answerMs: 100, maxTries: 3 };

/** Plays a scene: `overdue` lets the deadline pass, anything else is an event. */
function play(...happens: string[]): { commands: string[]; state: SagaState } {
  let now = 0;
  let move: SagaMove = startSaga(STEPS, now, LIMITS);
  const commands = [move.command];
  for (const one of happens) {
    if (one === 'overdue') now = move.state.deadline ?? now;
    const next =
      one === 'overdue'
        ? sagaOverdue(STEPS, move.state, now, LIMITS)
        : sagaAnswered(STEPS, move.state, one, now, LIMITS);
    if (next === undefined) continue;
    move = next;
    commands.push(move.command);
  }
  return { commands: commands.filter((one) => one !== undefined), state: move.state };
}

test('every step is done: completed', () => {
  const { commands, state } = play('hotel', 'flight', 'printed');
  expect(commands).toEqual(['book-hotel', 'book-flight', 'print']);
  expect(state).toMatchObject({ status: 'completed', tries: 0, deadline: undefined, reason: undefined });
});

test.each([
  ['full', ['full', 'rejected'], ['book-hotel', 'reject']],
  [
    'grounded',
    ['hotel', 'grounded', 'hotel-freed', 'rejected'],
    ['book-hotel', 'book-flight', 'free-hotel', 'reject'],
  ],
])(
  'a step that is refused with %s: what was done before is undone in reverse',
  (reason, happens, commands) => {
    const scene = play(...happens);
    expect(scene.commands).toEqual(commands);
    expect(scene.state).toMatchObject({ status: 'compensated', reason, deadline: undefined });
  },
);

test('a step without an answer may have happened, or happen late: it is undone as well', () => {
  const scene = play('hotel', 'overdue', 'flight', 'flight-freed', 'hotel-freed', 'rejected');
  expect(scene.commands).toEqual(['book-hotel', 'book-flight', 'free-flight', 'free-hotel', 'reject']);
  expect(scene.state).toMatchObject({ status: 'compensated', reason: 'flight overdue' });
});

test('a step behind the point of no return is sent again, and parks the saga in the end', () => {
  expect(play('hotel', 'flight', 'overdue', 'overdue', 'printed')).toMatchObject({
    commands: ['book-hotel', 'book-flight', 'print', 'print', 'print'],
    state: { status: 'completed' },
  });
  const parked = play('hotel', 'flight', 'overdue', 'overdue', 'overdue', 'overdue');
  expect(parked.commands.filter((one) => one === 'print')).toHaveLength(3);
  expect(parked.state).toMatchObject({ status: 'parked', deadline: undefined, tries: 3 });
});

test('a compensation that keeps failing parks the saga; its answer, should it come, lets the saga go on', () => {
  const until = ['hotel', 'sold-out', 'overdue', 'overdue', 'overdue'];
  expect(play(...until)).toMatchObject({
    commands: ['book-hotel', 'book-flight', 'free-hotel', 'free-hotel', 'free-hotel'],
    state: { status: 'parked', isUndoing: true, reason: 'sold-out' },
  });
  expect(play(...until, 'hotel-freed', 'rejected').state.status).toBe('compensated');
});

test('events that are not awaited change nothing: late answers, answers of other steps, anything after the end', () => {
  const { state } = play('hotel');
  for (const type of ['hotel', 'printed', 'full', 'anything'])
    expect(sagaAnswered(STEPS, state, type, 0, LIMITS)).toBeUndefined();
  const { state: ended } = play('hotel', 'flight', 'printed');
  for (const type of ['printed', 'grounded', 'rejected'])
    expect(sagaAnswered(STEPS, ended, type, 0, LIMITS)).toBeUndefined();
  expect(sagaOverdue(STEPS, ended, 1e9, LIMITS)).toBeUndefined();
  expect(sagaOverdue(STEPS, state, state.deadline! - 1, LIMITS)).toBeUndefined();
});

test('if somebody else undoes a step, the saga turns back, and does not undo that step again', () => {
  const early = play('hotel', 'rejected', 'flight-freed', 'hotel-freed');
  expect(early.commands).toEqual(['book-hotel', 'book-flight', 'free-flight', 'free-hotel']);
  expect(early.state).toMatchObject({ status: 'compensated', reason: 'rejected' });
  // behind the point of no return, too: the step could not happen any more
  const late = play('hotel', 'flight', 'rejected', 'flight-freed', 'hotel-freed');
  expect(late.commands).toEqual(['book-hotel', 'book-flight', 'print', 'free-flight', 'free-hotel']);
  expect(late.state.status).toBe('compensated');
  // while it is turning back for another reason
  const twice = play('hotel', 'sold-out', 'rejected', 'rejected', 'hotel-freed');
  expect(twice.commands).toEqual(['book-hotel', 'book-flight', 'free-hotel']);
  expect(twice.state).toMatchObject({ status: 'compensated', reason: 'sold-out' });
});

/** What a service has done, by its commands in any order: an undone step stays undone. */
class Service {
  state: 'open' | 'done' | 'undone' = 'open';
  run(): void {
    if (this.state === 'open') this.state = 'done';
  }
  undo(): void {
    this.state = 'undone';
  }
}

/**
 * Every behaviour of both services: each answers, refuses, or is late (its command runs whenever the scene lets it,
 * even after the compensation).
 */
test('whatever the services do, both steps happen or neither', () => {
  const ways = ['done', 'refused', 'late'] as const;
  for (const hotel of ways) {
    for (const flight of ways) {
      for (const late of ['before', 'after'] as const) {
        const services = { hotel: new Service(), flight: new Service() };
        const belated: (() => void)[] = [];
        let move: SagaMove = startSaga(STEPS, 0, LIMITS);
        for (let steps = 0; move.command !== undefined && steps < 20; steps++) {
          const [verb, name] = move.command.split('-') as [string, 'hotel' | 'flight' | undefined];
          let answer = { print: 'printed', reject: 'rejected' }[verb];
          if (verb === 'book' && name) {
            const way = { hotel, flight }[name];
            if (way === 'done') services[name].run();
            if (way === 'late') belated.push(() => services[name].run());
            answer = { done: name, refused: name === 'hotel' ? 'full' : 'sold-out', late: undefined }[way];
            if (way === 'late' && late === 'before') for (const one of belated.splice(0)) one();
          }
          if (verb === 'free' && name) {
            services[name].undo();
            answer = `${name}-freed`;
          }
          const { state } = move;
          move =
            answer === undefined
              ? sagaOverdue(STEPS, state, state.deadline!, LIMITS)!
              : sagaAnswered(STEPS, state, answer, 0, LIMITS)!;
        }
        for (const one of belated) one();
        const both = hotel === 'done' && flight === 'done';
        expect(move.state.status).toBe(both ? 'completed' : 'compensated');
        expect(services.hotel.state === 'done', `${hotel} ${flight} ${late}`).toBe(both);
        expect(services.flight.state === 'done', `${hotel} ${flight} ${late}`).toBe(both);
      }
    }
  }
});
