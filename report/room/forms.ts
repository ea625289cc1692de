/**
 * The forms of a game day's room: a button for each thing that somebody may do.
 *
 * Owns the fields that are sent; `starters/room/form.ts` reads them. Every form says which execution, and which scenario, was looked at, so
 * that nothing is done to another one than was seen.
 */
import type { DayAct } from '../../domain/game-day-acts.ts';
import { html } from '../markup.ts';
import type { Markup, Piece } from '../markup.ts';
import type { DaySeen } from './seen.ts';

type Look = 'first' | 'plain' | 'stop';

/** A button, with the fields that go with it. */
export function button(
  { execution }: Pick<DaySeen, 'execution'>,
  act: DayAct['act'],
  label: string,
  fields: Readonly<Record<string, string | number | undefined>> = {},
  look: Look = 'plain',
): Markup {
  return form(execution, act, fields, html`<button class="${look}">${label}</button>`);
}

/** A form with one line to write, and its button; `id` is unique on the page. */
export function line(
  { execution }: Pick<DaySeen, 'execution'>,
  act: DayAct['act'],
  {
    id,
    ask,
    name,
    send,
    look = 'plain',
    required = false,
  }: {
    readonly id: string;
    readonly ask: string;
    readonly name: string;
    readonly send: string;
    readonly look?: Look;
    readonly required?: boolean;
  },
  fields: Readonly<Record<string, string | number | undefined>> = {},
): Markup {
  return form(
    execution,
    act,
    fields,
    html`${field(id, ask, name, required)}<button class="${look}">${send}</button>`,
    'line',
  );
}

/** A line to write, and what it asks for. */
export function field(id: string, ask: string, name: string, required: boolean, more: Piece = ''): Markup {
  const input = required
    ? html`<input id="${id}" name="${name}" maxlength="1000" autocomplete="off" required>`
    : html`<input id="${id}" name="${name}" maxlength="1000" autocomplete="off">`;
  return html`<p class="field"><label for="${id}">${ask}</label>${input}${more}</p>`;
}

/** A form for one act. */
export function form(
  execution: string,
  act: DayAct['act'],
  fields: Readonly<Record<string, string | number | undefined>>,
  content: Piece,
  look = '',
): Markup {
  const hidden = Object.entries({ act, execution, ...fields }).filter(([, value]) => value !== undefined);
  return html`<form method="post" action="/act" class="${look}">${hidden.map(
    ([name, value]) => html`<input type="hidden" name="${name}" value="${value}">`,
  )}${content}</form>`;
}
