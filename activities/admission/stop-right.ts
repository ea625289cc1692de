/**
 * Who may pull the emergency stop, where the policy says that not everybody may.
 *
 * Owns the judgement: a person with the right, by their signature, or a lever of the control worker's own that is pulled.
 */
import { SIGNED_MS, stopText, unproven } from '../../domain/identity.ts';
import { stopId } from '../../domain/emergency-stop.ts';
import type { EmergencyStop } from '../../domain/emergency-stop.ts';
import { forbidden } from '../../domain/policy.ts';
import type { Policy } from '../../domain/policy.ts';
import { formatDuration } from '../../domain/units.ts';
import type { Lever } from './lever.ts';
import { authority } from './proof.ts';

/**
 * Why `stop`, pulled at `pulledAtMs` by Temporal's clock, must not hold; undefined where it does. A lever that cannot be
 * read is taken for pulled: what is not known must not end a stop.
 */
export async function forbiddenStop(
  policy: Policy,
  levers: readonly Lever[],
  stop: EmergencyStop,
  pulledAtMs: number,
  signal: AbortSignal,
): Promise<string | undefined> {
  if (policy.stop !== 'people') return undefined;
  const lever = levers.find(({ name }) => name === stop.by);
  if (lever && (await lever.pulled(signal).catch(() => true))) return undefined;
  const { proof } = stop;
  if (proof?.signedAtMs === undefined || unproven(proof.by) !== stop.by)
    return forbidden(policy, { name: stop.by, proven: false }, 'stop');
  const signed = { act: 'stop', of: stopId(stop.site), what: stopText(stop.reason, proof.signedAtMs) } as const;
  const judged = authority(policy, { claim: proof, signed, right: 'stop' });
  if (judged.forbidden !== undefined) return judged.forbidden;
  return Math.abs(pulledAtMs - proof.signedAtMs) <= SIGNED_MS
    ? undefined
    : `the signature of ${proof.by} is good for ${formatDuration(SIGNED_MS)}`;
}
