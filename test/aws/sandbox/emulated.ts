/**
 * Sandboxes on an emulator: `npm run test:aws` as its user runs it, and what is left of it.
 *
 * Owns what moto has no answer to: which images there are, and which refreshes of groups.
 */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { Account } from '../account.ts';
import type { Answer } from '../shim.ts';
import { listLeft } from './removal.ts';

export const SCRIPT = join(import.meta.dirname, 'sandbox.ts');
/** moto's. */
export const ACCOUNT = '123456789012';
/** Nothing takes so long here, but on a busy machine. */
const PATIENCE = '90s';

/** What a sandbox has said, and how it ended. */
export interface Ended {
  readonly code: number | null;
  readonly said: string;
  readonly id: string;
}

/** An account that has two images, and the sandboxes in it. */
export class Emulated {
  readonly account: Account;

  private constructor(account: Account) {
    this.account = account;
    account.shim.before('ec2:DescribeImages', images);
    account.shim.before('autoscaling:DescribeInstanceRefreshes', noRefreshes);
  }

  static async open(): Promise<Emulated> {
    return new Emulated(await Account.open());
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.account.close();
  }

  start(...more: string[]): ChildProcess {
    const args = [
      '--region',
      this.account.region,
      '--endpoint',
      this.account.shim.url,
      '--patience',
      PATIENCE,
      ...more,
    ];
    return spawn(process.execPath, ['--disable-warning=ExperimentalWarning', SCRIPT, ...args], {
      stdio: ['ignore', 'pipe', 'pipe'],
    });
  }

  /** Once it has ended. */
  async ended(child: ChildProcess): Promise<Ended> {
    const closed = once(child, 'close');
    assert.ok(child.stdout !== null && child.stderr !== null);
    const [out, err] = await Promise.all([text(child.stdout), text(child.stderr)]);
    const [code] = (await closed) as [number | null];
    const said = `${out}${err}`;
    return { code, said, id: /the sandbox ([0-9a-f]{8})/.exec(said)?.[1] ?? '' };
  }

  run(...more: string[]): Promise<Ended> {
    return this.ended(this.start('--account', ACCOUNT, ...more));
  }

  /** A profile for instances, by a request that nobody has to sign. */
  async profile(name: string): Promise<void> {
    const { ok } = await fetch(this.account.moto.url, {
      method: 'POST',
      headers: { authorization: 'AWS4-HMAC-SHA256 Credential=AKIA/20260101/us-east-1/iam/aws4_request' },
      body: new URLSearchParams({ Action: 'CreateInstanceProfile', Version: '2010-05-08', InstanceProfileName: name }),
    });
    assert.ok(ok, 'moto does not make a profile');
  }

  /** What is left, past the shim: with the tag, or in a network that has it. */
  async left({ id }: Ended): Promise<string[]> {
    assert.match(id, /^[0-9a-f]{8}$/, 'it has made none');
    return (await listLeft(id, this.account.observe)).map(({ name }) => name);
  }
}

export function xml(action: string, version: string, body: string): Answer {
  const content = { 'content-type': 'text/xml' };
  return { status: 200, headers: content, body: `<${action}Response xmlns="${version}">${body}</${action}Response>` };
}

/** The newest is not the first. */
function images(): Answer {
  const item = (id: string, date: string): string =>
    `<item><imageId>${id}</imageId><imageState>available</imageState><creationDate>${date}</creationDate></item>`;
  const all =
    item('ami-00000000000000001', '2024-01-01T00:00:00.000Z') +
    item('ami-00000000000000002', '2026-01-01T00:00:00.000Z');
  return xml('DescribeImages', 'http://ec2.amazonaws.com/doc/2016-11-15/', `<imagesSet>${all}</imagesSet>`);
}

/** moto knows none of them. */
function noRefreshes(): Answer {
  const none = '<DescribeInstanceRefreshesResult><InstanceRefreshes/></DescribeInstanceRefreshesResult>';
  return xml('DescribeInstanceRefreshes', 'http://autoscaling.amazonaws.com/doc/2011-01-01/', none);
}
