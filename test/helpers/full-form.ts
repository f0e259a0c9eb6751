/**
 * Whether tests run in full: every case, every ffmpeg, many kills. `npm run test:long` does so for each file that
 * imports this; `npm test` runs a sample of their cases, which fails with the code as well.
 */
export const FULL = process.env['TEST_FORM'] === 'full';
