import { basename } from 'node:path';
import { BaseSequencer, type TestSpecification } from 'vitest/node';

/** Files that take longest on a quiet machine, in this order. The others follow, the larger before the smaller. */
const LONGEST = [
  'orders-without-parts',
  'orders',
  'start',
  'signup',
  'dead-letter-walk',
  'pipeline',
  'stranger',
  'exact-frames',
  'pipeline-faults',
  'receive',
  'lake',
  'pubsub',
  'gemini',
];

/** Starts the longest files first, so that all workers end at about the same time. */
export class LongestFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const place = ({ moduleId }: TestSpecification): number => {
      const index = LONGEST.indexOf(basename(moduleId, '.test.ts'));
      return index < 0 ? LONGEST.length : index;
    };
    const sorted = await super.sort(files);
    return sorted.sort((a, b) => place(a) - place(b));
  }
}
