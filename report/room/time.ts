/** Times that pass while somebody looks. */
import { formatDuration } from '../../domain/units.ts';
import { html } from '../markup.ts';
import type { Markup } from '../markup.ts';
import { clock } from '../words.ts';

/**
 * `until 14:05:00 UTC, 3m12s left`. Without `nowMs` what is left is for the page's script to say, so that the markup is the same until
 * something happens. `soon`: `at 14:05:00 UTC, in 3m12s`.
 */
export function until(atMs: number, nowMs: number | null, form: 'left' | 'in' = 'left', at = 'until'): Markup {
  const leftMs = nowMs === null ? null : Math.max(0, Math.round((atMs - nowMs) / 1_000) * 1_000);
  const words = leftMs === null ? '' : form === 'left' ? `${spell(leftMs)} left` : `in ${spell(leftMs)}`;
  return html`${at} ${clock(atMs)} UTC<span class="left" data-at="${atMs}" data-form="${form}">${words}</span>`;
}

function spell(ms: number): string {
  return ms === 0 ? '0s' : formatDuration(ms);
}
