/**
 * Which account a site is: the one whose credentials this process has for it.
 *
 * Owns that question, for which nobody needs leave. It is for people: nothing must be decided by the answer, nor wait for it for long.
 */
import { inTime } from '../attempt.ts';
import { usableAws } from '../targets/aws-settings.ts';
import { cloudOf } from './cloud.ts';
import { wordsOf } from './denied.ts';

/** How long the answer may take, credentials and all, in milliseconds. */
const ANSWER_MS = 10_000;

/** Where a site looks. */
export interface AwsAccount {
  /** Its id; null where nobody could tell. */
  readonly account: string | null;
  /** Why nobody could. */
  readonly why?: string;
  readonly regions: readonly string[];
}

/** By a site's `aws:` section; undefined where there is none that can be used. Never rejects. */
export async function accountOf(section: unknown): Promise<AwsAccount | undefined> {
  const settings = usableAws(section);
  if (settings === undefined) return undefined;
  const { regions } = settings;
  const ask = async (): Promise<string | undefined> => {
    const sts = await cloudOf(settings)
      .once(regions[0] ?? '')
      .sts();
    const { Account } = await sts.getCallerIdentity({}, { abortSignal: AbortSignal.timeout(ANSWER_MS) });
    return Account;
  };
  try {
    const account = await inTime(ANSWER_MS, ask(), 'STS');
    return account ? { account, regions } : { account: null, why: 'STS does not say which', regions };
  } catch (error) {
    return { account: null, why: wordsOf(error), regions };
  }
}
