/**
 * A real Alertmanager, of Debian's package.
 *
 * Owns its process and its folder. One critical alert inhibits the warnings of the same service.
 */
import { spawn, spawnSync } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { freePort } from '../../workers/temporal-server.ts';
import { until } from '../until.ts';

const PROGRAM = ['alertmanager', 'prometheus-alertmanager'].find((name) => spawnSync(name, ['--version']).status === 0);

/** Why this machine has none; false where it has. */
export const SKIP = PROGRAM ? false : 'no alertmanager on PATH: apt-get install prometheus-alertmanager';

const CONFIG = `route: { receiver: nobody }
receivers: [{ name: nobody }]
inhibit_rules:
  - { source_matchers: ['severity="critical"'], target_matchers: ['severity="warning"'], equal: [service] }
`;

export class Alertmanager {
  readonly url: string;
  readonly #end: () => Promise<void>;

  private constructor(url: string, end: () => Promise<void>) {
    this.url = url;
    this.#end = end;
  }

  static async start(): Promise<Alertmanager> {
    const folder = await mkdtemp(join(tmpdir(), 'squall-alertmanager-'));
    await writeFile(join(folder, 'alertmanager.yml'), CONFIG);
    const port = await freePort();
    const child = spawn(
      PROGRAM ?? '',
      [
        `--config.file=${folder}/alertmanager.yml`,
        `--storage.path=${folder}/data`,
        `--web.listen-address=127.0.0.1:${port}`,
        // No peers.
        '--cluster.listen-address=',
        '--log.level=error',
      ],
      { stdio: 'ignore' },
    );
    const url = `http://127.0.0.1:${port}`;
    await until(() =>
      fetch(`${url}/-/ready`).then(
        ({ ok }) => ok,
        () => false,
      ),
    );
    return new Alertmanager(url, async () => {
      const gone = new Promise((resolve) => child.once('exit', resolve));
      child.kill('SIGKILL');
      await gone;
      await rm(folder, { recursive: true, force: true });
    });
  }

  /** Fires an alert with these labels, or ends it. */
  async alert(labels: Readonly<Record<string, string>>, fires = true): Promise<void> {
    const nowMs = Date.now();
    const [startsAt, endsAt] = [nowMs - 60_000, fires ? nowMs + 600_000 : nowMs - 1].map((ms) =>
      new Date(ms).toISOString(),
    );
    await this.#post('alerts', [{ labels, startsAt, endsAt }]);
  }

  /** Silences alerts of this name; returns how to end the silence. */
  async silence(alertname: string): Promise<() => Promise<void>> {
    const nowMs = Date.now();
    const { silenceID } = (await this.#post('silences', {
      matchers: [{ name: 'alertname', value: alertname, isRegex: false, isEqual: true }],
      startsAt: new Date(nowMs).toISOString(),
      endsAt: new Date(nowMs + 600_000).toISOString(),
      createdBy: 'a test',
      comment: 'a test',
    })) as { silenceID: string };
    return async () => void (await fetch(`${this.url}/api/v2/silence/${silenceID}`, { method: 'DELETE' }));
  }

  close(): Promise<void> {
    return this.#end();
  }

  async #post(what: string, body: unknown): Promise<unknown> {
    const answer = await fetch(`${this.url}/api/v2/${what}`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(body),
    });
    const text = await answer.text();
    if (!answer.ok) throw new Error(`${what}: ${answer.status} ${text}`);
    return text === '' ? undefined : (JSON.parse(text) as unknown);
  }
}
