/** What `plugins:` in `squall.yaml` loads: any of `drivers`, `targets` and `probes`. */
import { targets as files } from './files.ts';
import { driver as missing } from './missing.ts';
import { provider as size } from './size.ts';

export const drivers = [missing];
export const targets = [files];
export const probes = [size];
