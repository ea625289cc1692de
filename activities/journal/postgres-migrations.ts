/**
 * The tables of the journal in PostgreSQL, as the steps that led to them.
 *
 * Owns the schema's version, which is the number of steps. A step that was released is never changed: another follows it.
 * Must only ever add, since workers of the version before go on writing while they are replaced.
 */

/** Each step is run once, in order, in one transaction with all that are missing. */
export const MIGRATIONS: readonly string[] = [
  `
  CREATE TABLE squall_journal (
    -- The run's name, with other characters than letters, digits and -_.!~*'() as %XX.
    run text PRIMARY KEY,
    schema text NOT NULL,
    -- Of the events as JSON.
    bytes bigint NOT NULL,
    -- What a list says of the run, derived from its events at each append.
    about json
  );
  CREATE TABLE squall_event (
    run text NOT NULL REFERENCES squall_journal,
    seq bigint NOT NULL,
    at_ms double precision NOT NULL,
    type text NOT NULL,
    position bigint GENERATED ALWAYS AS IDENTITY,
    -- As it was written: json, since jsonb would refuse what JSON allows, such as \\u0000.
    event json NOT NULL,
    PRIMARY KEY (run, seq, at_ms, type)
  );
  CREATE TABLE squall_audit (
    seq bigint PRIMARY KEY,
    -- As a JSON text, which has no NUL.
    key text NOT NULL UNIQUE,
    what text NOT NULL,
    entry json NOT NULL
  );
  CREATE INDEX squall_audit_what ON squall_audit (what, seq);
  `,
  `
  -- Game days, as journals are kept: run is the day's name.
  CREATE TABLE squall_day (
    run text PRIMARY KEY,
    schema text NOT NULL,
    bytes bigint NOT NULL,
    about json
  );
  CREATE TABLE squall_day_event (
    run text NOT NULL REFERENCES squall_day,
    seq bigint NOT NULL,
    at_ms double precision NOT NULL,
    type text NOT NULL,
    position bigint GENERATED ALWAYS AS IDENTITY,
    event json NOT NULL,
    PRIMARY KEY (run, seq, at_ms, type)
  );
  `,
];
