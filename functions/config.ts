import { type Env, EnvReader } from '../shared/core/config.ts';

export interface AdmissionConfig {
  /** The function that this process serves; empty if the framework was started without a target. */
  functionName: string;
  /** Bytes of bodies that may be in flight; 0 follows from the instance's memory. */
  admitBytes: number;
}

/** Pure: throws one `invalid-config` that lists every bad variable. */
export function parseAdmissionConfig(env: Env): AdmissionConfig {
  const read = new EnvReader(env);
  const admitBytes = read.integer('ADMIT_BYTES', 0, { min: 0, max: 2 ** 40 });
  read.finish();
  return { functionName: env['FUNCTION_TARGET'] ?? '', admitBytes };
}
