import { type JSX, render } from 'preact';
import { useEffect, useRef, useState } from 'preact/hooks';
import type { AppAnswer } from '../api-types.ts';
import { EventPage } from './event.tsx';
import { Events } from './events.tsx';
import { Faults } from './faults.tsx';
import { FunctionPage } from './function.tsx';
import { Functions } from './functions.tsx';
import { useJson } from './hooks.ts';
import { Letter } from './letter.tsx';
import { Letters } from './letters.tsx';
import { Now } from './now.tsx';
import { Empty, Head, Problem } from './parts.tsx';
import { Publish } from './publish.tsx';
import { linkTo, type Route, useRoute } from './route.ts';
import { Trace } from './trace.tsx';
import { Upload } from './upload.tsx';
import { Uploads } from './uploads.tsx';

const PAGES: readonly { path: string; title: string; icon: string; needsVideo?: true }[] = [
  { path: 'now', title: 'Now', icon: 'M3 12h4l3-8 4 16 3-8h4' },
  {
    path: 'uploads',
    title: 'Uploads',
    icon: 'M4 5h16v14H4zM4 15l4-4 4 4 3-3 5 5M15 9h.01',
    needsVideo: true,
  },
  { path: 'events', title: 'Events', icon: 'M4 6h16M4 12h16M4 18h10' },
  { path: 'letters', title: 'Dead letters', icon: 'M4 6h16v12H4zM4 7l8 6 8-6' },
  {
    path: 'functions',
    title: 'Functions',
    icon: 'M8 4c-3 0-1 8-4 8 3 0 1 8 4 8M16 4c3 0 1 8 4 8-3 0-1 8-4 8',
  },
];

function Shell(): JSX.Element {
  const route = useRoute();
  const { value: app, problem, reload } = useJson<AppAnswer>('app');
  const [first = ''] = route.parts;
  const current = first === '' ? (app?.hasVideo === false ? 'now' : 'uploads') : first;
  const pages = PAGES.filter(({ needsVideo }) => !needsVideo || app?.hasVideo !== false);
  const title = PAGES.find(({ path }) => isAt(current, path))?.title ?? 'Console';
  useEffect(() => {
    document.title = app ? `${title} · ${app.name}` : title;
  }, [title, app]);
  const key = route.parts.join('/');
  const shown = useRef(key);
  useEffect(() => {
    if (shown.current === key) return;
    shown.current = key;
    // a reader of the screen hears the new page's heading
    document.querySelector('h1')?.focus({ preventScroll: true });
    scrollTo(0, 0);
  }, [key]);
  return (
    <div class="shell">
      <button type="button" class="skip" onClick={skip}>
        Skip to content
      </button>
      <nav class="nav" aria-label="Pages">
        <a class="brand" href={linkTo([])}>
          <img src="icon.svg" alt="" width="28" height="28" />
          <span>
            <b>{app?.name ?? 'pipeline'}</b>
            <small>{app ? (app.isLocal ? 'local cloud' : 'Google Cloud') : ''}</small>
          </span>
        </a>
        <ul>
          {pages.map(({ path, title: text, icon }) => (
            <li key={path}>
              <a href={linkTo([path])} aria-current={isAt(current, path) ? 'page' : undefined}>
                <svg viewBox="0 0 24 24" aria-hidden="true">
                  <path d={icon} />
                </svg>
                <span>{text}</span>
              </a>
            </li>
          ))}
        </ul>
        <ThemeButton />
      </nav>
      <main id="main" tabIndex={-1}>
        {problem ? (
          <Problem text={problem} onRetry={reload} />
        ) : (
          <Page route={route} at={current} app={app} />
        )}
      </main>
    </div>
  );
}

const isAt = (current: string, path: string): boolean =>
  current === path ||
  `${current}s` === path ||
  (current === 'trace' && path === 'events') ||
  (path === 'functions' && (current === 'publish' || current === 'faults'));

function skip(): void {
  document.getElementById('main')?.focus();
}

function Page({
  route,
  at,
  app,
}: {
  route: Route;
  at: string;
  app: AppAnswer | undefined;
}): JSX.Element | null {
  if (!app) return null;
  const [, ...rest] = route.parts;
  const [first = '', second = '', third = ''] = rest;
  switch (at) {
    case 'now':
      return <Now />;
    case 'uploads':
      return <Uploads app={app} query={route.query} />;
    case 'upload':
      return (
        <Upload
          key={route.parts.join('/')}
          query={route.query}
          upload={{ bucket: first, generation: second, name: third }}
        />
      );
    case 'letters':
      return <Letters group={first} query={route.query} />;
    case 'letter':
      return <Letter key={first} id={first} />;
    case 'events':
      return <Events query={route.query} />;
    case 'event':
      return <EventPage id={first} />;
    case 'trace':
      return <Trace key={first} id={first} />;
    case 'functions':
      return <Functions />;
    case 'function':
      return <FunctionPage key={first} name={first} />;
    case 'publish':
      return app.isLocal ? <Publish query={route.query} /> : <LocalOnly />;
    case 'faults':
      return app.isLocal ? <Faults app={app} /> : <LocalOnly />;
    default:
      return (
        <>
          <Head title="There is no such page" />
          <Empty title="The address may be of another version of the console">
            <a href={linkTo([])}>Go to the first page</a>
          </Empty>
        </>
      );
  }
}

function LocalOnly(): JSX.Element {
  return (
    <>
      <Head title="This is for a local cloud" />
      <Empty title="The console shows a deployed project">
        Nothing is published or broken there for exercise.{' '}
        <a href={linkTo(['functions'])}>Go to the functions</a>
      </Empty>
    </>
  );
}

const THEMES = ['auto', 'light', 'dark'] as const;

function ThemeButton(): JSX.Element {
  const [theme, setTheme] = useState(() => storedTheme());
  useEffect(() => {
    if (theme === 'auto') delete document.documentElement.dataset['theme'];
    else document.documentElement.dataset['theme'] = theme;
    localStorage.setItem('theme', theme);
  }, [theme]);
  const next = THEMES[(THEMES.indexOf(theme) + 1) % THEMES.length] ?? 'auto';
  return (
    <button type="button" class="theme" onClick={() => setTheme(next)} title={`Switch to ${next}`}>
      Theme: {theme}
    </button>
  );
}

function storedTheme(): (typeof THEMES)[number] {
  const stored = localStorage.getItem('theme');
  return THEMES.find((theme) => theme === stored) ?? 'auto';
}

const root = document.getElementById('app');
if (root) render(<Shell />, root);
