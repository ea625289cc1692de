/** What Prometheus and Alertmanager are configured with, by their own tools: and that each alert fires, and rests. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { parse } from 'yaml';
import { z } from 'zod';
import { RUN_ALERTS } from '../../activities/admission/alertmanager.ts';
import { ROOT } from '../readme/blocks.ts';
import { SKIP } from './container.ts';

const rules = z.object({
  groups: z.array(
    z.object({
      rules: z.array(
        z.object({
          alert: z.string(),
          expr: z.string(),
          labels: z.looseObject({ severity: z.enum(['critical', 'warning']) }),
          annotations: z.strictObject({ summary: z.string(), runbook: z.string().optional() }),
        }),
      ),
    }),
  ),
});
const ruleTests = z.object({
  tests: z.array(
    z.object({
      alert_rule_test: z.array(z.object({ alertname: z.string(), exp_alerts: z.array(z.unknown()).default([]) })),
    }),
  ),
});

const read = (path: string): string => readFileSync(join(ROOT, path), 'utf8');
const ALERTS = rules.parse(parse(read('deploy/alerts.yml'))).groups.flatMap((group) => group.rules);

function says(program: string, ...args: readonly string[]): void {
  const { status, stdout, stderr } = spawnSync(program, args, { cwd: ROOT, encoding: 'utf8' });
  assert.equal(status, 0, `${stdout}${stderr}`);
}

describe('what watches', { skip: SKIP }, () => {
  it('Prometheus takes its configuration and its rules, Alertmanager its own', async () => {
    says('promtool', 'check', 'rules', 'deploy/alerts.yml');
    says('amtool', 'check-config', 'deploy/alertmanager.yml');
    const folder = await mkdtemp(join(tmpdir(), 'squall-prometheus-'));
    try {
      const file = join(folder, 'prometheus.yml');
      await writeFile(file, read('deploy/prometheus.yml').replace('/etc/prometheus/', join(ROOT, 'deploy/')));
      says('promtool', 'check', 'config', file);
    } finally {
      await rm(folder, { recursive: true });
    }
  });

  it('every alert fires when it should, and rests when it should', () => {
    says('promtool', 'test', 'rules', 'test/service/alerts.yml');
    const cases = ruleTests
      .parse(parse(read('test/service/alerts.yml')))
      .tests.flatMap((suite) => suite.alert_rule_test);
    for (const { alert } of ALERTS) {
      const own = cases.filter(({ alertname }) => alertname === alert);
      for (const fires of [true, false])
        assert.ok(
          own.some(({ exp_alerts }) => exp_alerts.length > 0 === fires),
          `${alert} is not tested to ${fires ? 'fire' : 'rest'}`,
        );
    }
  });
});

it('those that are no incident to the guard are there, and are none of the critical ones', () => {
  for (const name of RUN_ALERTS.filter((own) => own.startsWith('Squall')))
    assert.equal(ALERTS.find(({ alert }) => alert === name)?.labels.severity, 'warning', name);
});

it('alerts are about metrics that there are, and each points at a page that there is', () => {
  const known = `${read('docs/metrics.md')}${read('demo/shop/gateway.ts')}${read('demo/shop/upstreams.ts')}`;
  for (const { alert, expr, labels, annotations } of ALERTS) {
    for (const [metric] of expr.matchAll(/\b(?:chaos|shop)_[a-z_]+\b/g)) assert.ok(known.includes(metric), metric);
    if (labels.severity === 'critical' && alert.startsWith('Squall')) assert.ok(annotations.runbook, alert);
    const [, page = '', section] = /^(\S+), "(.+)"$/.exec(annotations.runbook ?? '') ?? [];
    if (page !== '') assert.match(read(page), new RegExp(`^## ${section}$`, 'm'), alert);
  }
});
