/**
 * A gate between a command and Temporal.
 *
 * Owns a TCP relay on one port. Shut, it is as if nobody listened there; deafened, what the command asks still arrives, and
 * no answer comes back.
 */
import { connect, createServer } from 'node:net';
import type { AddressInfo, Server, Socket } from 'node:net';

export class Gate {
  readonly #to: number;
  #server: Server | undefined;
  #port = 0;
  readonly #far = new Set<Socket>();
  #deafened: { readonly at: string; readonly resolve: () => void } | undefined;

  private constructor(to: number) {
    this.#to = to;
  }

  /** Relays from a free port of the loopback to `address` there. */
  static async to(address: string): Promise<Gate> {
    const gate = new Gate(Number(address.split(':').at(-1)));
    await gate.open();
    return gate;
  }

  get address(): string {
    return `127.0.0.1:${this.#port}`;
  }

  /** Listens, on the same port each time. */
  async open(): Promise<void> {
    const server = createServer((near) => this.#relay(near));
    this.#server = server;
    await new Promise<void>((resolve) => server.listen(this.#port, '127.0.0.1', resolve));
    this.#port = (server.address() as AddressInfo).port;
  }

  /** Ends every connection, and refuses new ones. */
  async shut(): Promise<void> {
    for (const far of this.#far) far.destroy();
    const server = this.#server;
    this.#server = undefined;
    if (server) await new Promise((resolve) => server.close(resolve));
  }

  /** Resolves when the command has sent `text`; from then on it hears nothing. */
  deafenAt(text: string): Promise<void> {
    return new Promise((resolve) => (this.#deafened = { at: text, resolve }));
  }

  /** Lets through what was held back. */
  hear(): void {
    this.#deafened = undefined;
    for (const far of this.#far) far.resume();
  }

  #relay(near: Socket): void {
    const far = connect(this.#to, '127.0.0.1');
    this.#far.add(far);
    near.on('data', (chunk) => {
      if (this.#deafened && chunk.includes(this.#deafened.at)) {
        for (const other of this.#far) other.pause();
        this.#deafened.resolve();
      }
      far.write(chunk);
    });
    far.on('data', (chunk) => near.write(chunk));
    for (const [one, other] of [
      [near, far],
      [far, near],
    ] as const) {
      one.on('error', () => one.destroy());
      one.on('close', () => {
        this.#far.delete(far);
        other.destroy();
      });
    }
  }
}
