import type { JSX } from 'preact';
import { useState } from 'preact/hooks';
import type { UploadKey } from '../api-types.ts';
import { postJson } from './api.ts';
import { Problem } from './parts.tsx';

/** Asks another question about a stored video. `onAsked` gets the question. */
export function AskAgain({
  upload,
  onAsked,
}: {
  upload: UploadKey;
  onAsked(moment: string): void;
}): JSX.Element {
  const [moment, setMoment] = useState('');
  const [problem, setProblem] = useState<string | undefined>(undefined);
  const [isBusy, setBusy] = useState(false);
  const ask = async (event: Event): Promise<void> => {
    event.preventDefault();
    setBusy(true);
    setProblem(undefined);
    try {
      await postJson<unknown>('ask', { ...upload, moment });
      onAsked(moment.trim());
      setMoment('');
    } catch (error) {
      setProblem((error as Error).message);
    } finally {
      setBusy(false);
    }
  };
  return (
    <form class="panel" onSubmit={ask}>
      <h2>Ask another question</h2>
      <div class="drop-row">
        <label class="grow">
          <span>What to look for in the same video. The model is asked once, and its answer is kept.</span>
          <input
            type="text"
            value={moment}
            maxLength={2_000}
            onInput={(event) => setMoment(event.currentTarget.value)}
          />
        </label>
        <button type="submit" class="button primary" disabled={isBusy || moment.trim() === ''}>
          Ask
        </button>
      </div>
      {problem && <Problem text={problem} />}
    </form>
  );
}
