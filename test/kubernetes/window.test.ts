/** How many requests are under way at once: as many as the server works on, whatever server it is. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { Turnstile } from '../../activities/kubernetes/turnstile.ts';
import { Window } from '../../activities/kubernetes/window.ts';

/** A server far away that works on some requests at once and lets the others wait. */
interface Served {
  readonly awayMs: number;
  readonly workMs: number;
  readonly atOnce: number;
}

/** The window after many answers of a server that is kept busy. */
function after(answers: number, served: Served, window = new Window(), fromMs = 0): { readonly size: number } {
  let nowMs = fromMs;
  for (let i = 0; i < answers; i++) {
    const { size } = window;
    const aloneMs = served.awayMs + served.workMs;
    const tookMs = Math.max(aloneMs, (size * served.workMs) / served.atOnce);
    // The first of all finds the server free.
    window.heard('GET', i === 0 ? aloneMs : tookMs, size, nowMs);
    nowMs += tookMs / size;
  }
  return { size: window.size };
}

describe('the window', () => {
  it('stays small at a server near by with two cores', () => {
    assert.equal(after(2_000, { awayMs: 0, workMs: 2, atOnce: 2 }).size, 8);
  });

  it('is as large as the way is long, and no larger', () => {
    // Twelve milliseconds alone, and one more for each that is under way: twice as long with twenty-four.
    const { size } = after(2_000, { awayMs: 10, workMs: 2, atOnce: 2 });
    assert.ok(size >= 24 && size <= 27, `${size}`);
  });

  it('has its bound at a server that never lets anything wait', () => {
    assert.equal(after(2_000, { awayMs: 5, workMs: 1, atOnce: 1_000 }).size, 32);
  });

  it('becomes smaller when the server has less to give, and does not take a server that is slow for good for a busy one', () => {
    const window = new Window();
    assert.equal(after(2_000, { awayMs: 5, workMs: 2, atOnce: 16 }, window).size, 32);
    assert.ok(after(2_000, { awayMs: 5, workMs: 2, atOnce: 1 }, window, 60_000).size < 16);
    const slow = { awayMs: 200, workMs: 1, atOnce: 100 };
    after(10_000, slow, window, 200_000);
    after(10_000, slow, window, 600_000);
    assert.equal(after(10_000, slow, window, 1_200_000).size, 32);
  });

  it('learns nothing from requests that do not fill it', () => {
    const window = new Window();
    for (let i = 0; i < 1_000; i++) window.heard('GET', 5, 1, i);
    assert.equal(window.size, 8);
  });

  it('does not take answers that are uneven for a server that is busy', () => {
    const window = new Window();
    for (let i = 0; i < 2_000; i++) window.heard('GET', 4 + (i % 5), window.size, i);
    assert.equal(window.size, 32);
  });

  it('compares each kind of request with its own kind', () => {
    const window = new Window();
    for (let i = 0; i < 1_000; i++) window.heard(i % 2 ? 'GET' : 'PATCH', i % 2 ? 2 : 20, window.size, i);
    assert.equal(window.size, 32);
  });
});

describe('the turnstile', () => {
  it('lets through as many as it is told at the time, in the order of coming', async () => {
    let atOnce = 2;
    const turnstile = new Turnstile(() => atOnce);
    const begun: number[] = [];
    const end: (() => void)[] = [];
    const all = Array.from({ length: 8 }, (_, i) =>
      turnstile.pass(async (through) => {
        begun.push(i);
        assert.ok(through() <= atOnce);
        await new Promise<void>((resolve) => (end[i] = resolve));
      }),
    );
    const settled = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));
    await settled();
    assert.deepEqual(begun, [0, 1]);
    atOnce = 4;
    end[0]?.();
    await settled();
    assert.deepEqual(begun, [0, 1, 2, 3, 4]);
    for (let i = 1; i < 8; i++) {
      end[i]?.();
      await settled();
    }
    await Promise.all(all);
    assert.deepEqual(begun, [0, 1, 2, 3, 4, 5, 6, 7]);
  });

  it('goes on after one that fails', async () => {
    const turnstile = new Turnstile(() => 1);
    const failing = turnstile.pass(() => Promise.reject(new Error('it failed')));
    const next = turnstile.pass(async () => 'done');
    await assert.rejects(failing, /it failed/);
    assert.equal(await next, 'done');
  });
});
