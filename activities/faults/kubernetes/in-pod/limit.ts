/**
 * What a pod may have of its node, as its description says.
 *
 * Owns the amounts in which that is written, and that a pod has a limit only where all of its containers have one, those that begin it too. Pure.
 */
import type { Pod } from './pod.ts';

const UNITS: Readonly<Record<string, number>> = {
  n: 1e-9,
  u: 1e-6,
  m: 1e-3,
  '': 1,
  k: 1e3,
  M: 1e6,
  G: 1e9,
  T: 1e12,
  P: 1e15,
  E: 1e18,
  Ki: 2 ** 10,
  Mi: 2 ** 20,
  Gi: 2 ** 30,
  Ti: 2 ** 40,
  Pi: 2 ** 50,
  Ei: 2 ** 60,
};

/** The number that `500m`, `64Mi` or `1e3` is; undefined where it is none. */
export function amountOf(written: string): number | undefined {
  const [, number, exponent = '', unit = ''] =
    /^(\d+(?:\.\d*)?|\.\d+)(?:([eE][+-]?\d{1,2})|([a-zA-Z]{1,2}))?$/.exec(written) ?? [];
  const factor = UNITS[unit];
  return number === undefined || factor === undefined ? undefined : Number(`${number}${exponent}`) * factor;
}

/** How much the whole pod may have: processors, or bytes. Undefined where nothing holds it. */
export function limitOf({ spec }: Pod, resource: 'cpu' | 'memory'): number | undefined {
  const whole = spec.resources.limits[resource];
  if (whole !== undefined) return amountOf(whole);
  let sum = 0;
  for (const container of [...spec.containers, ...spec.initContainers]) {
    const one = amountOf(container.resources.limits[resource] ?? '');
    // Also of those that end before the others begin: without theirs the kubelet sets the pod none.
    if (one === undefined || one <= 0) return undefined;
    if (spec.containers.includes(container) || container.restartPolicy === 'Always') sum += one;
  }
  return sum > 0 ? sum : undefined;
}
