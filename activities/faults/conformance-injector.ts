/**
 * The conformance suite's other worker: injects one fault, says how that ended, and lives on until it is killed.
 *
 * Arguments: the driver's module, its site and the fault, the latter two as JSON.
 */
import type { Fault } from '../../domain/fault.ts';
import type { DriverFactory, Site } from './driver.ts';

const [module = '', site = '', fault = ''] = process.argv.slice(2);
const { driver } = (await import(module)) as { driver: DriverFactory<unknown> };
const attempt = { signal: new AbortController().signal, remainingMs: () => 30_000 };
const [outcome] = await driver(JSON.parse(site) as Site).inject([JSON.parse(fault) as Fault<unknown>], attempt);
process.stdout.write(outcome?.result ?? 'nothing');
// Whatever a driver keeps alive in here must end with it.
setInterval(() => undefined, 60_000);
