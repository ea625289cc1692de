/**
 * A running fault: the program in a namespace, with NET_ADMIN and no other capability.
 *
 * Owns the process, what it says, and that none outlives its test.
 */
import assert from 'node:assert/strict';
import { spawn, spawnSync, type ChildProcessWithoutNullStreams } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { z } from 'zod';
import { until } from '../until.ts';

const lineSchema = z.strictObject({
  event: z.enum(['applied', 'renewed', 'lapsed', 'reverted', 'refused', 'stuck', 'status']),
  owner: z.string().optional(),
  kind: z.string().optional(),
  reason: z.string().optional(),
  detail: z.string().optional(),
  mechanism: z.partialRecord(z.enum(['egress', 'ingress']), z.string()).optional(),
  unusable: z.array(z.string()).optional(),
  interfaces: z.array(z.string()).optional(),
  kept: z.array(z.string()).optional(),
  effect: z.string().optional(),
  state: z.enum(['absent', 'active', 'lapsed', 'occupied']).optional(),
  held: z.boolean().optional(),
  leftMs: z.number().optional(),
  atMostMs: z.number().optional(),
});

/** One line that the program says. */
export type Line = z.infer<typeof lineSchema>;

const parse = (text: string): Line => lineSchema.parse(JSON.parse(text));

/** Nothing but what a container with NET_ADMIN and all else dropped has. */
function confined(namespace: string, program: string, args: readonly string[]): [string, string[]] {
  const drop = ['--bounding-set=-all,+net_admin', '--inh-caps=-all,+net_admin', '--no-new-privs'];
  return ['nsenter', [`--net=/run/netns/${namespace}`, 'setpriv', ...drop, program, ...args]];
}

/** Runs a verb to its end. */
export function verb(namespace: string, program: string, args: readonly string[]): { code: number | null; said: Line } {
  const { status, stdout, stderr } = spawnSync(...confined(namespace, program, args), { encoding: 'utf8', input: '' });
  const lines = stdout.trimEnd().split('\n');
  assert.equal(lines.length, 1, `${stdout}${stderr}`);
  return { code: status, said: parse(lines[0] ?? '') };
}

export class Fault {
  readonly child: ChildProcessWithoutNullStreams;
  readonly lines: Line[] = [];
  readonly #exited: Promise<unknown>;

  constructor(namespace: string, program: string, args: readonly string[]) {
    this.child = spawn(...confined(namespace, program, args));
    this.child.stderr.pipe(process.stderr);
    this.child.stdin.on('error', () => undefined);
    createInterface({ input: this.child.stdout }).on('line', (text) => this.lines.push(parse(text)));
    this.#exited = once(this.child, 'close');
  }

  /** The first line of this event. */
  async said(event: Line['event']): Promise<Line> {
    await until(() => this.lines.some((line) => line.event === event) || this.child.exitCode !== null, `"${event}"`);
    const line = this.lines.find((each) => each.event === event);
    assert.ok(line, `"${event}" was not said, but ${JSON.stringify(this.lines)}`);
    return line;
  }

  tell(text: string): void {
    this.child.stdin.write(`${text}\n`);
  }

  signal(name: NodeJS.Signals): void {
    this.child.kill(name);
  }

  /** How it ended: a code, or the signal. */
  async ended(): Promise<number | NodeJS.Signals | null> {
    await this.#exited;
    return this.child.exitCode ?? this.child.signalCode;
  }
}
