/**
 * `kubernetes/zone-outage`: the nodes of a zone are cordoned and, where asked, their pods cut off from everybody.
 *
 * Composes what there is: the cordon of a node, with the slot that all cordons share, and `pod-partition` for each pod on it,
 * whose faults bear ids of their own and end by themselves. Which pods these are is written on the node before the first is
 * touched. Refused where too little is left outside of the zone, where another zone is out, and where this worker runs.
 */
import { z } from 'zod';
import type {
  Fault,
  InjectResult,
  Outcome,
  RenewResult,
  RevertResult,
  TargetId,
  Verification,
} from '../../../domain/fault.ts';
import { missingAccess, permission } from '../../kubernetes/access.ts';
import { unhurried } from '../../kubernetes/api.ts';
import type { Node } from '../../kubernetes/objects.ts';
import { ownPod } from '../../kubernetes/own-pod.ts';
import { reasonOf } from '../../probes/reading.ts';
import type { Attempt, DriverFactory, FaultDriver, Leftover, Site } from '../driver.ts';
import { CORDON, cordoned, CORDONING, OWN_NODE, workersNode } from './cordon.ts';
import { IN_A_POD, NO_IMAGE } from './in-pod/pod-fault.ts';
import { objectFault } from './object-fault.ts';
import { driver as podPartition } from './pod-partition.ts';
import { isHeldBy, remembered } from './slot.ts';
import { NO_SECTION, SlottedObjects } from './slotted.ts';
import { parseTarget } from './target.ts';
import { carriers, shareOutside, zoneOf } from './zone-capacity.ts';
import type { Carrier } from './zone-capacity.ts';
import { ZonePods } from './zone-pods.ts';
import { claim, giveBack, zoneHeldBesides } from './zones-going.ts';

const params = z.strictObject({
  network: z
    .boolean()
    .default(false)
    .describe(
      'Whether the pods of the nodes are cut off as well, as by `pod-partition`. Needs the site’s `faultImage`.',
    ),
  outside: z
    .string()
    .regex(/^(?:100|\d{1,2}(?:\.\d{1,3})?)%$/, 'expected a share such as 50%')
    .default('50%')
    .describe(
      'What must be left outside of the zone at least, of the CPU and of the memory that all nodes have for pods.',
    ),
  spare: z
    .record(z.string(), z.string())
    .default({})
    .describe('Pods with one of these labels are not cut off, besides those that every policy protects.'),
});
type Params = z.infer<typeof params>;

/** Asked where this worker is, to find out on which node. */
const OWN_POD = permission('', ['pods'], ['get']);
const NO_ZONE = 'nobody says in which zone it is';
const undoRecord = z.object({ pods: z.array(z.string()) });

export const driver: DriverFactory<Params> = (site) => new ZoneOutage(site);

class ZoneOutage implements FaultDriver<Params> {
  readonly kind = 'kubernetes/zone-outage';
  readonly summary = 'The nodes of a zone are cordoned and, where asked, their pods are cut off from everybody.';
  readonly params = params;
  readonly reversal = 'reverted';
  readonly expiry = 'none';
  readonly permissions;
  readonly undo =
    'the nodes are uncordoned and their pods connected again; pods that are cut off end that themselves when renewal stops';
  readonly #pods: ZonePods;
  readonly #nodes: FaultDriver<Params>;
  readonly #slots: SlottedObjects<Node>;

  constructor(site: Site) {
    const pods = new ZonePods(podPartition(site));
    this.#pods = pods;
    this.#slots = new SlottedObjects(site, CORDON);
    this.permissions = [CORDONING, ...IN_A_POD];
    this.#nodes = objectFault({
      ...CORDON,
      kind: this.kind,
      summary: this.summary,
      params,
      permissions: [CORDONING],
      undo: this.undo,
      undoRecord,
      unfit: async (targets, asked, looking) => {
        const [own, nodes] = await Promise.all([workersNode(looking), carriers(looking.api, looking.attempt)]);
        const names = targets.map((target) => parseTarget(target, ['node']).name);
        const many =
          severalZones(names, nodes) ?? (asked.network ? await pods.tooMany(names, asked.spare, looking) : undefined);
        return new Map(
          targets.flatMap((target, i) => {
            const why = refusal(names[i] ?? '', own, nodes, asked) ?? many;
            return why === undefined ? [] : [[target, why]];
          }),
        );
      },
      harm: async (node, fault, looking) => {
        const zone = zoneOf(node);
        if (zone === undefined) return NO_ZONE;
        const begun = claim(fault, zone, looking.api);
        if (begun !== undefined) return out(begun);
        const [own, nodes] = await Promise.all([workersNode(looking), carriers(looking.api, looking.attempt)]);
        const held = zoneHeldBesides(zone, nodes, this.kind);
        if (held !== undefined) return out(held);
        return refusal(node.metadata.name, own, nodes, fault.params) ?? cordoned(node, { pods: [] });
      },
      follow: async (fault, holding) => (fault.params.network ? pods.cutOff(fault, holding) : { result: 'injected' }),
      unhealed: async (_node, { pods: cut }, { attempt }, fault) => pods.left(fault, cut, attempt),
    })(site);
  }

  async check({ network }: Params): Promise<readonly string[]> {
    const { settings } = this.#slots;
    if (settings === undefined) return [NO_SECTION];
    const missing = await this.#slots.missing(network ? this.permissions : [CORDONING]);
    const own = await ownPod();
    const seen = own && (await missingAccess([OWN_POD], [own.namespace], this.#slots.api, unhurried()));
    const noImage = network && settings.faultImage === undefined ? [NO_IMAGE] : [];
    return [...missing, ...(seen ?? []), ...noImage];
  }

  async occupied(targets: readonly TargetId[]): Promise<ReadonlyMap<TargetId, string>> {
    return this.#nodes.occupied(targets);
  }

  async unfit(targets: readonly TargetId[], asked: Params): Promise<ReadonlyMap<TargetId, string>> {
    return (await this.#nodes.unfit?.(targets, asked)) ?? new Map();
  }

  async inject(faults: readonly Fault<Params>[], attempt: Attempt): Promise<readonly Outcome<InjectResult>[]> {
    try {
      return await this.#nodes.inject(faults, attempt);
    } finally {
      giveBack(faults);
    }
  }

  async renew(faults: readonly Fault<Params>[], attempt: Attempt): Promise<readonly Outcome<RenewResult>[]> {
    const outcomes = (await this.#nodes.renew?.(faults, attempt)) ?? [];
    return Promise.all(
      outcomes.map(async (outcome, i): Promise<Outcome<RenewResult>> => {
        const fault = faults[i];
        if (fault === undefined || outcome.result !== 'renewed') return outcome;
        const why = await this.#pods.lapsed(fault, await this.#cut(fault, attempt), attempt);
        return why === undefined ? outcome : { id: fault.id, result: 'lapsed', detail: why };
      }),
    );
  }

  /** The cordon first, which ends the cutting off of more pods; then those that were. */
  async revert(faults: readonly Fault<Params>[], attempt: Attempt): Promise<readonly Outcome<RevertResult>[]> {
    const outcomes = await this.#nodes.revert(faults, attempt);
    return Promise.all(
      outcomes.map(async (outcome, i): Promise<Outcome<RevertResult>> => {
        const fault = faults[i];
        if (fault === undefined) return outcome;
        try {
          const why = await this.#pods.revert(fault, await this.#cut(fault, attempt), attempt);
          if (why !== undefined) return { id: fault.id, result: 'failed', detail: why };
          return outcome.result === 'absent' ? { id: fault.id, result: 'absent' } : outcome;
        } catch (error) {
          return { id: fault.id, result: 'failed', detail: reasonOf(error) };
        }
      }),
    );
  }

  async verify(faults: readonly Fault<Params>[], attempt: Attempt): Promise<readonly Verification[]> {
    return this.#nodes.verify(faults, attempt);
  }

  leftovers(): AsyncIterable<Leftover<Params>> {
    return this.#nodes.leftovers();
  }

  /** The pods that the fault has cut off, as the node tells; none where it is gone. */
  async #cut(fault: Fault<unknown>, attempt: Attempt): Promise<readonly TargetId[]> {
    const read = await this.#slots.read(fault, attempt);
    if (read === undefined) return [];
    const { live, slot } = read;
    const written = isHeldBy(slot, fault) ? slot.record?.undo : remembered(live.metadata, CORDON.resource, fault)?.undo;
    return written === undefined ? [] : undoRecord.parse(written).pods;
  }
}

function out(zone: string): string {
  return `zone ${zone} is being taken out already: one at a time`;
}

/** Why nodes must not be taken out together: it would be more than a zone. */
function severalZones(names: readonly string[], nodes: readonly Carrier[]): string | undefined {
  const zones = new Set(nodes.filter(({ metadata }) => names.includes(metadata.name)).map(zoneOf));
  zones.delete(undefined);
  if (zones.size < 2) return undefined;
  const [first = ''] = zones;
  return `selected with nodes of other zones (${[...zones].join(', ')}), and an outage is of one: say \`zone: ${first}\``;
}

/** Why a node must not be taken out with its zone; undefined where it may be. */
function refusal(
  name: string,
  own: string | undefined,
  nodes: readonly Carrier[],
  { outside }: Params,
): string | undefined {
  if (name === own) return OWN_NODE;
  const node = nodes.find(({ metadata }) => metadata.name === name);
  const zone = node && zoneOf(node);
  if (zone === undefined) return NO_ZONE;
  const share = 100 * shareOutside(zone, nodes);
  if (share + 1e-9 >= Number.parseFloat(outside)) return undefined;
  return `only ${share.toFixed(1)}% of the cluster would be left outside of zone ${zone}; ${outside} are asked for`;
}
