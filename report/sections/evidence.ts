/** The evidence behind the verdict: the abort, the pre-flight checks, and where every number comes from. */
import { JOURNAL_SCHEMA } from '../../domain/journal.ts';
import { describeStopCondition } from '../../domain/breach.ts';
import type { RunSummary } from '../../domain/run-summary.ts';
import { html } from '../markup.ts';
import type { Markup, Piece } from '../markup.ts';
import { mark } from '../marks.ts';
import { clock, counted } from '../words.ts';

const CAUSES = {
  'stop-condition': 'a stop condition was breached for long enough',
  'no-data': 'a probe stopped answering, and no data counts as a breach',
  blind: 'nobody was watching for longer than the blind budget',
  unstable: 'a probe kept crossing its limit',
  person: 'a person asked for it',
  'emergency-stop': 'an emergency stop was called',
  admission: 'a guard refused to let it go on',
  cancelled: 'the run was cancelled',
  'lease-lost': 'a lease was lost',
  'fault-lapsed': 'the fault had ended by itself',
  'inject-failed': 'the fault could not be put on',
  skipped: 'none of its targets was to be harmed then',
  reset: 'the run was reset',
  error: 'an error in the machinery',
} as const;

/** Why and how the run was ended early; nothing where it was not. */
export function abortEvidence({ aborts, decisive, started }: RunSummary): Markup | null {
  if (!decisive) return null;
  const others = aborts.filter((abort) => abort !== decisive);
  const conditions = started?.experiment.stopConditions ?? [];
  return html`<section aria-labelledby="abort">
    <h2 id="abort">The abort</h2>
    <p class="note">Ended early because ${CAUSES[decisive.cause]}.</p>
    <dl class="provenance">
      ${pair('Evidence', html`<strong>${decisive.evidence}</strong>`)} ${pair('At', `${clock(decisive.atMs)} UTC`)} ${pair('Mode', decisive.mode)}
      ${pair('Cause', html`<code>${decisive.cause}</code>`)} ${decisive.stage !== undefined && pair('Stage', String(decisive.stage + 1))} ${pair('Asked by', decisive.by ?? 'Squall')}
      ${
        others.length > 0 &&
        pair(
          'Also',
          others.map((abort) => html`<div>${clock(abort.atMs)} ${abort.mode}: ${abort.evidence}</div>`),
        )
      }
      ${pair(
        'Stop conditions',
        conditions.map((condition) => html`<div>${describeStopCondition(condition)}, ${condition.abort}</div>`),
      )}
    </dl>
  </section>`;
}

/** What was looked at before anything was touched. */
export function preflight({ preflight: found, refusal }: RunSummary): Markup | null {
  if (!found && !refusal) return null;
  return html`<section aria-labelledby="pre-flight">
    <h2 id="pre-flight">Pre-flight</h2>
    <p class="note">
      ${found && `${counted(found.candidates, 'candidate')}.`}
      ${found && found.excluded.length > 0 && ` Left out: ${found.excluded.map(({ reason, count }) => `${count} ${reason}`).join(', ')}.`}
      ${refusal && ` Refused by ${refusal.check}: ${refusal.found}.`}
    </p>
    ${
      found &&
      html`<div class="scroll"><table class="cards checks">
      <thead><tr><th scope="col">Check</th><th scope="col">Result</th><th scope="col">Found</th></tr></thead>
      <tbody>${found.checks.map(
        ({ check, passed, found: words }) => html`<tr>
          <th scope="row">${check}</th><td>${passed ? mark('good', 'passed') : mark('bad', 'failed')}</td><td>${words}</td>
        </tr>`,
      )}</tbody>
    </table></div>`
    }
  </section>`;
}

/** All that it takes to run the same experiment again, and to find this run. */
export function provenance({ run, started }: RunSummary): Markup {
  return html`<section aria-labelledby="provenance">
    <h2 id="provenance">Provenance</h2>
    <p class="note">The same document with the same seed chooses the same targets from the same candidates.</p>
    <dl class="provenance">
      ${pair('Run', html`<code>${run}</code>`)}
      ${
        started &&
        html`${pair('Started by', started.startedBy)} ${pair('Installation', started.installation)} ${pair('Site', started.experiment.targets.site)}
      ${pair('Seed', html`<code>${started.seed}</code>`)} ${pair('Document SHA-256', html`<code>${started.documentHash}</code>`)}
      ${pair(
        'Versions',
        Object.entries(started.versions)
          .map(([name, version]) => `${name} ${version}`)
          .join(', '),
      )}`
      }
      ${pair('Journal', html`<code>${JOURNAL_SCHEMA}</code>`)}
    </dl>
    ${started && html`<details><summary>The experiment as it was read</summary><pre>${JSON.stringify(started.experiment, null, 2)}</pre></details>`}
  </section>`;
}

function pair(name: string, value: Piece): Markup {
  return html`<dt>${name}</dt><dd>${value}</dd>`;
}
