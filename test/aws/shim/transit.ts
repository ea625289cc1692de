/**
 * What takes time on AWS and none in moto: an instance is `pending`, `stopping` or `shutting-down` for a moment.
 *
 * Owns who is on the way, as far as it was sent there through the same shim. Its effect has begun: moto has it done already.
 */
import { CUT, refusal } from './answer.ts';
import type { AnswerOrCut } from './answer.ts';
import { isDry, listed } from './call.ts';
import type { Call } from './call.ts';
import type { Note, Pass } from './roughness.ts';
import { mapItems, own } from './xml.ts';

const CODES = { pending: 0, 'shutting-down': 32, stopping: 64 } as const;
type State = keyof typeof CODES;
const EVERY_STATE = ['pending', 'running', 'shutting-down', 'terminated', 'stopping', 'stopped'];

/** What sends instances where, and from where they are on the way: who is there already is not. */
const SENDS: Readonly<Record<string, readonly [to: State, from: readonly string[]]>> = {
  RunInstances: ['pending', ['']],
  StartInstances: ['pending', ['stopped']],
  StopInstances: ['stopping', ['running', 'pending']],
  TerminateInstances: ['shutting-down', ['running', 'pending', 'stopping', 'stopped']],
};
/** What cannot be done on the way there. */
const REFUSED: Readonly<Record<string, readonly [on: readonly State[], done: string]>> = {
  StartInstances: [['stopping', 'shutting-down'], 'started'],
  StopInstances: [['pending', 'shutting-down'], 'stopped'],
  RebootInstances: [['pending', 'stopping', 'shutting-down'], 'rebooted'],
};

export class Transit {
  readonly #mostMs: number;
  readonly #onTheWay = new Map<string, { readonly state: State; readonly untilMs: number }>();

  /** For no longer than `mostMs`; with 0, never. */
  constructor(mostMs: number) {
    this.#mostMs = mostMs;
  }

  async answer(call: Call, pass: Pass, random: () => number, note: Note): Promise<AnswerOrCut> {
    const asked = call.service === 'ec2' || call.action === 'DescribeTargetHealth';
    if (!asked || this.#mostMs === 0) return pass(call);
    for (const [id, { untilMs }] of this.#onTheWay) if (performance.now() >= untilMs) this.#onTheWay.delete(id);
    const [on, done] = REFUSED[call.action] ?? [[], ''];
    const stuck = listed(call, 'InstanceId').find((id) => on.some((state) => state === this.#onTheWay.get(id)?.state));
    if (stuck !== undefined && !isDry(call)) {
      note('in-transit');
      const message = `The instance '${stuck}' is not in a state from which it can be ${done}.`;
      return refusal(call, 'IncorrectInstanceState', message);
    }
    const { wider, states } = this.#onTheWay.size > 0 ? widened(call) : { wider: call };
    const answer = await pass(wider);
    if (answer === CUT || answer.status >= 300) return answer;
    this.#send(call, answer.body, random);
    if (this.#onTheWay.size === 0) return answer;
    const body = this.#told(call, answer.body, states);
    if (body !== answer.body) note('in-transit');
    return { ...answer, body };
  }

  #send({ action }: Call, body: string, random: () => number): void {
    const [to, from] = SENDS[action] ?? [];
    if (to === undefined) return;
    const untilMs = performance.now() + this.#mostMs * (0.3 + 0.7 * random());
    mapItems(body, 'instancesSet', (item) => {
      const before = /<previousState>.*?<name>([^<]*)</s.exec(item)?.[1] ?? '';
      if (from?.includes(before)) this.#onTheWay.set(own(item, 'instanceId') ?? '', { state: to, untilMs });
      return item;
    });
  }

  #told({ action, params }: Call, body: string, states: ReadonlySet<string> | undefined): string {
    const stateOf = (id = ''): State | undefined => this.#onTheWay.get(id)?.state;
    switch (action) {
      case 'DescribeInstances': {
        const told = mapItems(body, 'instancesSet', (item) => inState(item, stateOf(own(item, 'instanceId')), states));
        return mapItems(told, 'reservationSet', (item) => (/<instanceId>/.test(item) ? item : undefined));
      }
      case 'DescribeInstanceStatus':
        return mapItems(body, 'instanceStatusSet', (item) => {
          const state = stateOf(own(item, 'instanceId'));
          if (state !== undefined && params['IncludeAllInstances'] !== 'true' && states === undefined) return undefined;
          const checks = state === 'pending' ? 'initializing' : 'not-applicable';
          return inState(state ? item.replaceAll('<status>ok<', `<status>${checks}<`) : item, state, states);
        });
      case 'DescribeTargetHealth':
        return mapItems(
          body,
          'TargetHealthDescriptions',
          (item) =>
            stateOf(own(item, 'Id')) === 'pending' ? item.replace('<State>healthy<', '<State>unhealthy<') : item,
          'member',
        );
      default:
        return body;
    }
  }
}

/** An item as it is told on the way; undefined where it is not one of `states`. */
function inState(item: string, state: State | undefined, states: ReadonlySet<string> | undefined): string | undefined {
  const told = (text: string): string =>
    state === undefined
      ? text
      : text.replace(/<code>\d+</, `<code>${CODES[state]}<`).replace(/<name>[^<]*</, `<name>${state}<`);
  const changed = item.replace(/<instanceState>.*?<\/instanceState>/s, told);
  const name = /<instanceState>.*?<name>([^<]*)</s.exec(changed)?.[1] ?? '';
  return states === undefined || states.has(name) ? changed : undefined;
}

/** The same question for instances in any state, with the states that were asked for: moto does not know who is on the way. */
function widened(call: Call): { readonly wider: Call; readonly states?: ReadonlySet<string> } {
  const form = new URLSearchParams(call.body);
  const filter = Object.entries(call.params).find(([, value]) => value === 'instance-state-name')?.[0];
  const at = /^(Filter\.\d+)\.Name$/.exec(filter ?? '')?.[1];
  if (at === undefined || !/^DescribeInstance(?:s|Status)$/.test(call.action)) return { wider: call };
  const states = new Set<string>();
  for (const [key, value] of [...form]) {
    if (!key.startsWith(`${at}.Value.`)) continue;
    states.add(value);
    form.delete(key);
  }
  for (const [i, state] of EVERY_STATE.entries()) form.set(`${at}.Value.${i + 1}`, state);
  return { wider: { ...call, body: form.toString() }, states };
}
