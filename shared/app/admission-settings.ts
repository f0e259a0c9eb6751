import { integer } from '../core/settings.ts';

/** Read by the server in front of every function, in every app. */
export const admissionSettings = {
  ADMIT_BYTES: integer({
    min: 0,
    max: 2 ** 40,
    default: 0,
    doc: 'bytes of request bodies in flight in one instance; 0 is a sixteenth of its memory',
  }),
};
