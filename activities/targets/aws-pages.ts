/**
 * Lists of an account, page by page.
 *
 * Owns how much of a list is read, and what a refusal to list means. Of each page only what is yielded is kept by anybody.
 */
import { z } from 'zod';
import type { Labels } from '../../domain/policy.ts';
import { isDenied, wordsOf } from '../aws/denied.ts';
import { Nobody } from './aws-selector.ts';
import type { Unreadable } from './aws-selector.ts';

/** The most resources of one list that are looked through. */
export const LISTED_MAX = 10_000;
/** The most pages, since one may be empty. */
const PAGES_MAX = 1_000;

/** The most values of a filter of EC2's. */
export const VALUES_MAX = 200;

/** One page. */
export interface Page {
  readonly items: readonly unknown[] | undefined;
  readonly next: string | undefined;
}

/** Everything that `ask` lists. Throws {@link Nobody} where this worker may not, and beyond {@link LISTED_MAX}. */
export async function* listed(
  call: string,
  region: string,
  ask: (token: string | undefined) => Promise<Page>,
): AsyncGenerator {
  let token: string | undefined;
  let seen = 0;
  for (let pages = 0; pages < PAGES_MAX; pages += 1) {
    const { items = [], next } = await asked(call, region, () => ask(token));
    seen += items.length;
    if (seen > LISTED_MAX)
      throw new Nobody(`${call} in ${region} lists more than ${LISTED_MAX}: narrow it by tags, zone, group or ids`);
    yield* items;
    if (next === undefined || next === '') return;
    token = next;
  }
  throw new Nobody(`${call} in ${region} has more than ${PAGES_MAX} pages: narrow it by tags, zone, group or ids`);
}

/** What `ask` comes to. Throws {@link Nobody} where this worker may not ask. */
export async function asked<T>(call: string, region: string, ask: () => Promise<T>): Promise<T> {
  try {
    return await ask();
  } catch (error) {
    if (!isDenied(error)) throw error;
    throw new Nobody(`this worker may not ask for ${call} in ${region}: ${wordsOf(error)}`, { cause: error });
  }
}

/** A filter of EC2's: its values are patterns, so that what is one there must say that it is none. */
export function filter(name: string, ...values: readonly string[]): { Name: string; Values: string[] } {
  return { Name: name, Values: values.map((value) => value.replace(/[*?\\]/g, '\\$&')) };
}

/** Filters for all of `tags`. */
export function tagFilters(tags: Labels): ReturnType<typeof filter>[] {
  return Object.entries(tags).map(([key, value]) => filter(`tag:${key}`, value));
}

/** What is said of one resource, whose name is at `key`. */
export function read<T>(schema: z.ZodType<T>, item: unknown, key: string): T | Unreadable {
  const parsed = schema.safeParse(item);
  if (parsed.success) return parsed.data;
  const name = (item as Record<string, unknown> | null)?.[key];
  return { unreadable: typeof name === 'string' ? name : 'something without a name' };
}

/** Tags as most services list them. */
export const tagsSchema = z
  .array(z.object({ Key: z.string(), Value: z.string().default('') }))
  .transform((tags) => Object.fromEntries(tags.map(({ Key, Value }) => [Key, Value])));

/** The same of a service that says nothing of them where there are none. */
export const maybeTags = tagsSchema.prefault([]);

/** The account in an ARN, as a fact. */
export function accountIn(arn: string): { readonly account?: string } {
  const account = arn.split(':')[4];
  return account ? { account } : {};
}
