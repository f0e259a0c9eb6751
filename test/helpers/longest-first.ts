import { basename } from 'node:path';
import { BaseSequencer, type TestSpecification } from 'vitest/node';

/** Files that take longest on a quiet machine, in this order. The others follow, the larger before the smaller. */
const LONGEST = [
  'start',
  'exact-frames',
  'pipeline',
  'dead-letter-walk',
  'budget',
  'pipeline-faults',
  'monitoring',
  'stranger',
  'mutations',
  'gemini-passes',
  'wrong-statements',
  'hostile-media',
  'dlq-replay-faults',
  'dlq-effects',
  'cli-start',
];

/** Starts the longest files first, so that both workers end at about the same time. */
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
