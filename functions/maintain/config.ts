import { type Env, EnvReader } from '../../shared/core/config.ts';
import { refuseLoops } from '../../shared/core/loops.ts';
import { readServiceConfig, type ServiceConfig } from '../../shared/invocation/services.ts';
import { type LakeConfig, readLakeConfig } from '../../shared/lake/lake-config.ts';

export interface MaintainConfig
  extends ServiceConfig,
    Pick<LakeConfig, 'lakeBucket' | 'lakePath' | 'deadLettersPath'> {
  /** Time one run has. */
  maintenanceMs: number;
}

/** Pure: throws one `invalid-config` that lists every bad variable. */
export function parseMaintainConfig(env: Env): MaintainConfig {
  const read = new EnvReader(env);
  refuseLoops(read);
  const config: MaintainConfig = {
    ...readServiceConfig(read),
    ...readLakeConfig(read),
    maintenanceMs: read.integer('MAINTENANCE_SECONDS', 480, { min: 1, max: 3_500 }) * 1_000,
  };
  read.finish();
  return config;
}
