/** The page of maturity as text: it needs nothing else, says every state in words, and is unbroken by what is put into it. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { maturityOf } from '../../domain/maturity.ts';
import type { Evidence } from '../../domain/maturity-evidence.ts';
import { renderMaturity } from '../../report/maturity.ts';
import { escapeText } from '../../report/markup.ts';
import { HOSTILE } from './journals.ts';
import { hostilePractice, practice } from './maturity-story.ts';

const render = (evidence: Evidence, leftOut: readonly string[] = []): string =>
  renderMaturity(maturityOf(evidence), evidence, leftOut);

describe('the page of maturity', () => {
  for (const [name, evidence] of [
    ['a practice', practice()],
    ['nothing', { ...practice(), runs: [] }],
    ['what is hostile', hostilePractice()],
  ] as const)
    it(`of ${name}: needs nothing else, and is the same every time`, () => {
      const text = render(evidence, [HOSTILE]);
      assert.equal(render(evidence, [HOSTILE]), text);
      assert.ok(text.startsWith('<!doctype html>') && text.endsWith('</html>\n'));
      assert.doesNotMatch(text, /<(?:script|link|img|iframe|object|embed|base|form)\b|onerror="/i);
      assert.doesNotMatch(text, /\b(?:src|href|action|xlink:href)="|@import|url\(/i);
      const ids = [...text.matchAll(/ id="([^"]+)"/g)].map(([, id]) => id);
      assert.equal(new Set(ids).size, ids.length, 'every id is unique');
      assert.ok(text.includes(escapeText(HOSTILE)));
    });

  it('says of each cell in a word what its colour says', () => {
    const text = render(practice());
    const row = (service: string): string[] => {
      const cells = text.split(`<tr><th scope="row">${service}</th>`)[1]?.split('</tr>')[0] ?? '';
      return [...cells.matchAll(/<td data-label="(\w+)"><span class="cell (\w+) (\w+)"[^]*?<\/svg>(\w+)<\/span>/g)].map(
        ([, faultClass, tone, state, word]) => {
          assert.equal(word, state);
          return `${faultClass} ${tone} ${word}`;
        },
      );
    };
    assert.deepEqual(row('payments'), [
      'loss good passed',
      'stall good passed',
      'resources warn stale',
      'network good passed',
      'zone calm never',
      'data calm never',
      'change calm never',
    ]);
    assert.equal(row('orders')[2], 'resources bad failed');
    assert.match(text, /<li>orders, resources, failed: <code>orders-pod-memory-prod-eu-6<\/code><\/li>/);
    assert.match(text, /<small>passed<\/small><small>2026-08-02<\/small>/);
    assert.match(text, /<small>2026-11-23<\/small><small>not production<\/small>/);
  });

  it('says the level, its proof, what is missing, and what to do', () => {
    const text = render(practice());
    assert.match(text, /Level 4 of 5: Continuous Minimal/);
    assert.match(text, /For level 5, Continuous Scaled: no destination of <code>notify:<\/code> pages who is on call/);
    assert.match(text, /<li>Configure <code>notify:<\/code> with an Alertmanager/);
    assert.match(text, /<code>payments-pod-loss-prod-eu-0<\/code>/);
  });
});
