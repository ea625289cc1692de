/**
 * The room's script: it puts what is new in the place of what was, and sends forms without leaving the page.
 *
 * Owns nothing that the page cannot do without it. Must never take away what somebody is writing, nor the place where they are.
 */

/** Between two looks, in milliseconds; and while nobody answers. */
const LOOK_MS = 1_000;
const AWAY_MS = 2_000;
/** The room may take so long to answer before it counts as away, and so long with what somebody does, in milliseconds. */
const ANSWER_MS = 10_000;
const DONE_MS = 40_000;

const main = document.querySelector('main');
const said = document.getElementById('said');
const news = document.getElementById('news');
/** How far this clock is behind the room's, in milliseconds. */
let behindMs = Number(main?.dataset.now ?? Date.now()) - Date.now();
let shut = false;

/** Whatever somebody has typed or opened in a part, by its id. */
function keep(part) {
  const typed = [...part.querySelectorAll('input[id]')].map(({ id, value }) => [id, value]);
  const open = [...part.querySelectorAll('details[id]')].map(({ id, open: is }) => [id, is]);
  const { activeElement: at } = document;
  const within = at !== null && part.contains(at);
  const place = within
    ? { id: at.id || at.closest('[id]')?.id, start: at.selectionStart, end: at.selectionEnd, own: at.id !== '' }
    : undefined;
  return { typed, open, place };
}

function restore(part, { typed, open, place }) {
  for (const [id, value] of typed) {
    const field = document.getElementById(id);
    if (field) field.value = value;
  }
  for (const [id, is] of open) {
    const details = document.getElementById(id);
    if (details) details.open = is;
  }
  if (place === undefined) return;
  const same = place.own ? document.getElementById(place.id) : undefined;
  const inside = same ?? document.getElementById(place.id)?.querySelector('summary, input, button');
  const there = inside ?? part.querySelector('h2[tabindex], summary');
  there?.focus({ preventScroll: true });
  if (same && typeof place.start === 'number') same.setSelectionRange(place.start, place.end);
}

function put(name, { text, version }) {
  const part = document.querySelector(`[data-part="${CSS.escape(name)}"]`);
  if (!part || part.dataset.version === version) return;
  const kept = keep(part);
  const latest = Number(part.querySelector('.happened li')?.dataset.at ?? 0);
  part.innerHTML = text;
  part.dataset.version = version;
  restore(part, kept);
  if (latest > 0) tell(part, latest);
}

/** Those who do not see the page hear what is new. */
function tell(part, latest) {
  const lines = [...part.querySelectorAll('.happened li')].filter((line) => Number(line.dataset.at) > latest);
  if (lines.length > 0)
    news.textContent = lines
      .slice(0, 3)
      .map((line) => line.innerText)
      .join('. ');
}

function tick() {
  for (const span of document.querySelectorAll('.left')) {
    const leftMs = Math.max(0, Number(span.dataset.at) - (Date.now() + behindMs));
    const words = spell(Math.ceil(leftMs / 1_000));
    span.textContent = span.dataset.form === 'in' ? `in ${words}` : `${words} left`;
  }
}

function spell(s) {
  const [days, hours, minutes, seconds] = [
    Math.floor(s / 86_400),
    Math.floor(s / 3_600) % 24,
    Math.floor(s / 60) % 60,
    s % 60,
  ];
  if (days > 0) return `${days}d${hours}h`;
  if (hours > 0) return `${hours}h${minutes}m`;
  return minutes > 0 ? `${minutes}m${seconds}s` : `${seconds}s`;
}

function trouble(words) {
  const part = document.querySelector('[data-part="connection"]');
  const line = Object.assign(document.createElement('p'), { className: 'connection trouble', textContent: words });
  line.setAttribute('role', 'alert');
  if (part.textContent !== words) part.replaceChildren(line);
  part.dataset.version = '';
}

async function look() {
  const have = new URLSearchParams();
  for (const part of document.querySelectorAll('[data-part]')) have.set(part.dataset.part, part.dataset.version);
  const answer = await fetch(`/live?${have}`, { signal: AbortSignal.timeout(ANSWER_MS) });
  if (answer.status === 403) {
    shut = true;
    trouble('You are not let in any more: open your link again, or ask for a new one.');
    return;
  }
  if (!answer.ok) throw new Error('no answer');
  const { parts, nowMs } = await answer.json();
  behindMs = nowMs - Date.now();
  for (const [name, part] of Object.entries(parts)) put(name, part);
  tick();
}

async function follow() {
  let away = false;
  while (!shut) {
    try {
      await look();
      away = false;
    } catch {
      if (!away)
        trouble(
          `The room does not answer, since ${new Date().toISOString().slice(11, 19)} UTC. What you see may be old; this page goes on by itself once it is back.`,
        );
      away = true;
    }
    await new Promise((resolve) => setTimeout(resolve, away ? AWAY_MS : LOOK_MS));
  }
}

async function send(form, pressed) {
  const fields = new URLSearchParams(new FormData(form, pressed));
  const buttons = [...form.querySelectorAll('button')];
  for (const one of buttons) one.disabled = true;
  say('', 'Sent…');
  try {
    const answer = await fetch(form.action, {
      method: 'POST',
      body: fields,
      headers: { accept: 'application/json' },
      signal: AbortSignal.timeout(DONE_MS),
    });
    const { done, words } = await answer.json();
    say(done ? 'good' : 'bad', words);
    if (done) {
      form.reset();
      const details = form.closest('details');
      if (details) details.open = false;
    }
  } catch {
    say('bad', 'The room did not answer: it may have been done or not. Look at what happened.');
  } finally {
    for (const one of buttons) one.disabled = false;
  }
  await look().catch(() => undefined);
}

function say(tone, words) {
  said.className = `said ${tone}`;
  said.textContent = words;
  if (tone === 'bad') said.scrollIntoView({ block: 'nearest' });
}

document.addEventListener('submit', (event) => {
  event.preventDefault();
  void send(event.target, event.submitter ?? undefined);
});
setInterval(tick, 1_000);
void follow();
