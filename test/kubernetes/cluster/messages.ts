/**
 * What a test and its cluster say to each other.
 *
 * Owns the messages. With the first one travels the door: a listening socket of the test's own network.
 */

/** What a cluster is to be. */
export interface Begin {
  readonly binary: string;
  /** A folder of the test's, which the cluster takes away when the test dies. Its logs are there. */
  readonly folder: string;
  /** The bearer token of whoever may do everything. */
  readonly token: string;
  /** The API server's key and certificate, which is its own authority, as PEM. */
  readonly key: string;
  readonly certificate: string;
  /** The control group of its pods; absent: it has no node. */
  readonly group?: string;
  /** Whether objects are what is written of them, and nobody makes or deletes any: there are no controllers then. */
  readonly still?: true;
}

/** The API server answers: whatever else there is may start. */
export interface Answering {
  readonly answering: true;
}

/** What a test does to a component: a signal, or a start once it has ended, with the arguments that it had. */
export interface Told {
  readonly component: string;
  readonly to: 'SIGSTOP' | 'SIGCONT' | 'SIGKILL' | 'start';
}

/** A component has ended, although nobody wanted it to. */
export interface Died {
  readonly died: string;
}
