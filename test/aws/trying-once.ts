/** An SDK's clients that try everything once, and what they hear. */
import { cloudOf } from '../../activities/aws/cloud.ts';
import type { RegionClients } from '../../activities/aws/cloud.ts';
import type { AwsSettings } from '../../activities/targets/aws-settings.ts';

const ONCE = {
  mode: 'once',
  acquireInitialRetryToken: () => Promise.resolve({ getRetryCount: () => 0, getRetryDelay: () => 0 }),
  refreshRetryTokenForRetry: () => Promise.reject(new Error('once')),
  recordSuccess: () => undefined,
};

/** Clients of the first region of `settings`. Nobody else may have clients with the same settings: they do not try again either. */
export function tryingOnce(settings: AwsSettings): RegionClients {
  const clients = cloudOf(settings).region(settings.regions[0] ?? '');
  return new Proxy(clients, {
    get(target, key: keyof RegionClients) {
      const member = target[key];
      if (typeof member !== 'function' || key === 'nowMs') return member;
      const open = member as () => Promise<{ readonly config: object }>;
      return async () => {
        const client = await open();
        Object.assign(client.config, { retryStrategy: () => Promise.resolve(ONCE) });
        return client;
      };
    },
  });
}

/** Why it was refused, and with which status: `Throttling 400`, `TimeoutError -`; `nothing` where it was not. */
export async function refused(asked: Promise<unknown>): Promise<string> {
  try {
    await asked;
    return 'nothing';
  } catch (error) {
    const { name, $metadata } = error as { name: string; $metadata?: { httpStatusCode?: number } };
    return `${name} ${$metadata?.httpStatusCode ?? '-'}`;
  }
}
