import type { JSX } from 'preact';
import { useRef, useState } from 'preact/hooks';
import type { UploadKey } from '../api-types.ts';
import { postFile } from './api.ts';
import { Problem } from './parts.tsx';
import { go } from './route.ts';

/** A place to drop a video, with the question about it. */
export function DropVideo(): JSX.Element {
  const [moment, setMoment] = useState('');
  const [share, setShare] = useState<number | undefined>(undefined);
  const [problem, setProblem] = useState<string | undefined>(undefined);
  const [isOver, setOver] = useState(false);
  const picker = useRef<HTMLInputElement>(null);
  const send = async (file: File | undefined): Promise<void> => {
    if (!file || share !== undefined) return;
    setProblem(undefined);
    setShare(0);
    try {
      const key = await postFile<UploadKey>('receive', { name: file.name, moment }, file, setShare);
      go(['upload', key.bucket, key.generation, key.name]);
    } catch (error) {
      setProblem((error as Error).message);
    } finally {
      setShare(undefined);
    }
  };
  return (
    <section
      class={`drop ${isOver ? 'drop-over' : ''}`}
      aria-label="Upload a video"
      onDragOver={(event) => {
        event.preventDefault();
        setOver(true);
      }}
      onDragLeave={() => setOver(false)}
      onDrop={(event) => {
        event.preventDefault();
        setOver(false);
        void send(event.dataTransfer?.files[0]);
      }}
    >
      <div class="drop-row">
        <label class="grow">
          <span>What to look for</span>
          <input
            type="text"
            value={moment}
            maxLength={2_000}
            placeholder="the dog catches the ball"
            onInput={(event) => setMoment(event.currentTarget.value)}
          />
        </label>
        <input
          ref={picker}
          type="file"
          accept="video/*"
          class="hidden"
          aria-label="Video file"
          tabIndex={-1}
          onChange={(event) => {
            void send(event.currentTarget.files?.[0]);
            event.currentTarget.value = '';
          }}
        />
        <button
          type="button"
          class="button primary"
          disabled={share !== undefined}
          onClick={() => picker.current?.click()}
        >
          {share === undefined ? 'Choose a video' : `${Math.round(share * 100)} %`}
        </button>
      </div>
      <p class="faint">or drop one here. It is stored in this machine's local cloud and processed at once.</p>
      {share !== undefined && <progress value={share} max={1} aria-label="Uploaded" />}
      {problem && <Problem text={problem} />}
    </section>
  );
}
