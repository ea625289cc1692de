/**
 * The interruption of a run: a signal to this process aborts it.
 *
 * Owns the abort until Temporal has it: one that is not delivered is sent again whenever {@link Interruption.send} is called.
 * Ctrl-C once more leaves the terminal, and says what goes on without it.
 */
import { WorkflowNotFoundError } from '@temporalio/client';
import type { Client } from '@temporalio/client';
import { abortSignal } from '../workflows/messages.ts';
import { EXIT } from './exit.ts';
import { interrupts } from './interrupts.ts';
import type { Output } from './output.ts';
import { signer } from './who.ts';

/** A signal may come twice at once, from the terminal and from its shell; a second one comes later, in milliseconds. */
const TWICE_MS = 1_000;
/** How long Temporal may take to accept an abort, in milliseconds. */
const ACCEPT_MS = 3_000;

/** Hears signals from its making to its disposal. */
export class Interruption implements Disposable {
  readonly #client: Client;
  readonly #run: string;
  readonly #out: Output;
  readonly #names = interrupts();
  #reason: string | undefined;
  #atMs = 0;
  #sending = false;
  /** Temporal has the abort, or there is no run that could take it. */
  #needless = false;
  #said = false;

  /** Whether Temporal has said that it has the run. */
  started = false;

  constructor(client: Client, run: string, out: Output) {
    this.#client = client;
    this.#run = run;
    this.#out = out;
    for (const name of this.#names) process.on(name, this.#hear);
  }

  [Symbol.dispose](): void {
    for (const name of this.#names) process.off(name, this.#hear);
  }

  /** Whether a signal has come. */
  get wanted(): boolean {
    return this.#reason !== undefined;
  }

  /** Whether a signal has come, and Temporal has not accepted the abort. */
  get pending(): boolean {
    return this.wanted && !this.#needless;
  }

  /** Sends the abort where it is pending, one attempt at a time. Never rejects. */
  async send(): Promise<void> {
    if (!this.pending || this.#sending) return;
    this.#sending = true;
    try {
      const abort = { mode: 'immediate' as const, reason: this.#reason ?? 'no reason was given', ...signer() };
      await this.#client.withDeadline(Date.now() + ACCEPT_MS, () =>
        this.#client.workflow.getHandle(this.#run).signal(abortSignal, abort),
      );
      this.#needless = true;
      if (this.#said) this.#out.line('the abort is delivered');
    } catch (error) {
      // There is no such run while it is being started, and none any more once it has closed: neither is worth a word.
      if (!(error instanceof WorkflowNotFoundError)) this.#sayOnce();
      else if (this.started) this.#needless = true;
    } finally {
      this.#sending = false;
    }
  }

  #sayOnce(): void {
    if (this.#said) return;
    this.#said = true;
    this.#out.event('waiting', { run: this.#run, for: 'Temporal to accept the abort' });
    this.#out.line(this.#out.style('yellow', 'the abort is not delivered yet: Temporal does not answer. Trying again'));
  }

  readonly #hear = (name: NodeJS.Signals): void => {
    if (this.wanted) {
      if (performance.now() - this.#atMs > TWICE_MS) this.#leave();
      return;
    }
    this.#reason = name === 'SIGINT' ? 'Ctrl-C' : name;
    this.#atMs = performance.now();
    this.#out.event('aborting', { run: this.#run, mode: 'immediate', reason: this.#reason });
    const words = 'aborting; waiting for the rollback (Ctrl-C again leaves the terminal)';
    this.#out.line(this.#out.style('yellow', words));
    void this.send();
  };

  /** Whoever leaves now leaves before the rollback is confirmed. */
  #leave(): never {
    this.#out.line(
      this.pending
        ? `the abort is not delivered: \`squall abort ${this.#run}\` ends the run where it is open`
        : 'the rollback goes on',
    );
    process.exit(EXIT.stuck);
  }
}
