/**
 * The fault program in a pod's container, and what it answers when it is spoken to.
 *
 * Owns the meaning of its lines and codes (`deploy/fault/said.go`). A container that no longer runs does not answer, which
 * is an error here: whoever asks looks at the pod then.
 */
import { z } from 'zod';
import type { Fault } from '../../../../domain/fault.ts';
import type { KubernetesApi } from '../../../kubernetes/api.ts';
import type { Metadata } from '../../../kubernetes/objects.ts';
import type { Attempt } from '../../driver.ts';
import { command, containerName } from './container.ts';

const lineSchema = z.object({
  event: z.string(),
  reason: z.string().catch(''),
  detail: z.string().catch(''),
  state: z.enum(['absent', 'active', 'lapsed', 'occupied']).optional(),
  mechanism: z.record(z.string(), z.string()).catch({}),
  effect: z.string().optional().catch(undefined),
});

/** One line that it said. */
export type Line = z.infer<typeof lineSchema>;

/** How it answered. */
export interface Answer {
  readonly code: number;
  readonly line: Line | undefined;
}

/** The pod that it is in. */
export type Where = Pick<Metadata, 'name' | 'namespace'>;

/** Speaks to the container of `fault`. Rejects where it does not run, or nobody can say what it answered. */
export async function speak(
  { api, where, what }: { readonly api: KubernetesApi; readonly where: Where; readonly what: { verbsFor?: string } },
  verb: 'renew' | 'revert' | 'status',
  fault: Fault<unknown>,
  attempt: Attempt,
): Promise<Answer> {
  const { namespace = '', name: pod } = where;
  const told = command(verb, fault, what.verbsFor);
  const { code, said } = await api.execute({ namespace, pod, container: containerName(fault), command: told }, attempt);
  return { code, line: lineOf(said) };
}

function lineOf(said: string): Line | undefined {
  try {
    return lineSchema.parse(JSON.parse(said));
  } catch {
    return undefined;
  }
}

/** How the harm is done here, for people: `by netem (egress), nfqueue (ingress)`. */
export function wayOf(line: Line | undefined): string {
  const ways = Object.entries(line?.mechanism ?? {}).map(([direction, name]) => `${name} (${direction})`);
  return `by ${ways.join(', ')}`;
}

/** Why it refused, for people. */
export function refusalOf({ reason, detail }: Line): string {
  return `${reason}: ${detail}`.slice(0, 300);
}
