import { admissionSettings } from '../shared/app/admission-settings.ts';
import { type Env, readSettings } from '../shared/app/settings.ts';

export interface AdmissionConfig {
  /** Function that this process serves; empty if the framework was started without a target. */
  functionName: string;
  /** Maximum bytes of bodies in flight; 0 derives them from the instance's memory. */
  admitBytes: number;
}

/** Pure: throws one `invalid-config` that lists every bad variable. */
export function parseAdmissionConfig(env: Env): AdmissionConfig {
  const { ADMIT_BYTES } = readSettings(admissionSettings, env);
  return { functionName: env['FUNCTION_TARGET'] ?? '', admitBytes: ADMIT_BYTES };
}
