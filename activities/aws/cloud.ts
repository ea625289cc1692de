/**
 * The way to an account: the SDK's clients of each region, loaded when the first request is made.
 *
 * Owns how requests are bounded: in time, in number at once, and in tries, which slow down where AWS throttles. Knows the time of
 * AWS's clock. Must never decide what an answer means.
 */
import type { AutoScaling } from '@aws-sdk/client-auto-scaling';
import type { CloudWatch } from '@aws-sdk/client-cloudwatch';
import type { EC2 } from '@aws-sdk/client-ec2';
import type { ElasticLoadBalancingV2 } from '@aws-sdk/client-elastic-load-balancing-v2';
import type { ElastiCache } from '@aws-sdk/client-elasticache';
import type { Fis } from '@aws-sdk/client-fis';
import type { RDS } from '@aws-sdk/client-rds';
import type { SSM } from '@aws-sdk/client-ssm';
import type { STS } from '@aws-sdk/client-sts';
import type { AwsSettings } from '../targets/aws-settings.ts';
import { Turns } from './turns.ts';

/** Requests of one service and region that are under way at once; the SDK's own rate comes on top of it. */
const AT_ONCE = 16;
/** Tries of one request; between them the SDK waits, longer each time, with jitter. */
const TRIES = 4;
/** Whether a request may be tried again by itself. What changes something is not: whoever asks looks anew before each try. */
type Tried = 'again' | 'once';

/** The clients of one region. Each is the same one for as long as the process lives. */
export interface RegionClients {
  readonly region: string;
  readonly ec2: () => Promise<EC2>;
  readonly autoScaling: () => Promise<AutoScaling>;
  readonly loadBalancing: () => Promise<ElasticLoadBalancingV2>;
  readonly rds: () => Promise<RDS>;
  readonly elastiCache: () => Promise<ElastiCache>;
  readonly ssm: () => Promise<SSM>;
  readonly fis: () => Promise<Fis>;
  readonly cloudWatch: () => Promise<CloudWatch>;
  readonly sts: () => Promise<STS>;
  /** AWS's clock as of its last answer in this region, in milliseconds since 1970; this machine's before the first. */
  readonly nowMs: () => number;
}

/** An account as one site reaches it. */
export interface Cloud {
  readonly settings: AwsSettings;
  /** Throws where `region` is not one of the site's. Requests are tried again, more slowly where AWS throttles. */
  region(region: string): RegionClients;
  /** The same for what changes something: each request is sent once, within `requestTimeout`, and given up after as long again. */
  once(region: string): RegionClients;
  /** Of whoever begins to change a resource there. */
  turns(region: string): Turns;
}

const clouds = new Map<string, Cloud>();

/** The account of `settings`. All that is asked with the same settings shares clients, and so rates. */
export function cloudOf(settings: AwsSettings): Cloud {
  const key = JSON.stringify(settings);
  const known = clouds.get(key);
  if (known !== undefined) return known;
  const opened = (tried: Tried): ((name: string) => RegionClients) => {
    const regions = new Map(settings.regions.map((name) => [name, openRegion(name, settings, tried)]));
    return (name) => ofSite(name, regions, settings);
  };
  const turns = new Map(settings.regions.map((name) => [name, new Turns()]));
  const cloud: Cloud = {
    settings,
    region: opened('again'),
    once: opened('once'),
    turns: (name) => ofSite(name, turns, settings),
  };
  clouds.set(key, cloud);
  return cloud;
}

function ofSite<Of>(region: string, known: ReadonlyMap<string, Of>, { regions }: AwsSettings): Of {
  const found = known.get(region);
  if (found === undefined) throw new Error(`region ${region} is not one of this site's: ${regions.join(', ')}`);
  return found;
}

/** What this file uses of every client. */
interface AnyClient {
  readonly middlewareStack: {
    add(
      middleware: (
        next: (args: never) => Promise<{ response: unknown }>,
        context: { squallAskedMs?: number },
      ) => (args: never) => Promise<{ response: unknown }>,
      options: { step: 'initialize' | 'deserialize'; name: string; priority: 'high' | 'low' },
    ): void;
  };
}

function openRegion(region: string, settings: AwsSettings, tried: Tried): RegionClients {
  let offsetMs = 0;
  const heard = (response: unknown): void => {
    const { date } = (response as { headers?: Record<string, string> } | undefined)?.headers ?? {};
    const serverMs = Date.parse(date ?? '');
    // It tells whole seconds: half of one is lost on average.
    if (Number.isFinite(serverMs)) offsetMs = serverMs + 500 - Date.now();
  };
  const lazily = <Client extends AnyClient>(
    load: () => Promise<new (config: Record<string, unknown>) => Client>,
  ): (() => Promise<Client>) => {
    let opening: Promise<Client> | undefined;
    return () =>
      (opening ??= Promise.all([load(), config(region, settings, tried)]).then(
        ([Open, configured]) => {
          const client = new Open(configured);
          client.middlewareStack.add(
            (next, context) => async (args) => {
              context.squallAskedMs = performance.now();
              return next(args);
            },
            { step: 'initialize', name: 'squallAsked', priority: 'high' },
          );
          client.middlewareStack.add(
            (next, context) => async (args) => {
              if (tried === 'once') refuseLate(context.squallAskedMs, settings.requestTimeout);
              const answer = await next(args);
              heard(answer.response);
              return answer;
            },
            { step: 'deserialize', name: 'squallServerTime', priority: 'low' },
          );
          return client;
        },
        (error: unknown) => {
          // What could not be loaded may be there the next time.
          opening = undefined;
          throw error;
        },
      ));
  };
  type Opened<Client> = new (config: Record<string, unknown>) => Client & AnyClient;
  const as = <Client>(client: unknown): Opened<Client> => client as Opened<Client>;
  return {
    region,
    ec2: lazily(async () => as<EC2>((await import('@aws-sdk/client-ec2')).EC2)),
    autoScaling: lazily(async () => as<AutoScaling>((await import('@aws-sdk/client-auto-scaling')).AutoScaling)),
    loadBalancing: lazily(async () =>
      as<ElasticLoadBalancingV2>((await import('@aws-sdk/client-elastic-load-balancing-v2')).ElasticLoadBalancingV2),
    ),
    rds: lazily(async () => as<RDS>((await import('@aws-sdk/client-rds')).RDS)),
    elastiCache: lazily(async () => as<ElastiCache>((await import('@aws-sdk/client-elasticache')).ElastiCache)),
    ssm: lazily(async () => as<SSM>((await import('@aws-sdk/client-ssm')).SSM)),
    fis: lazily(async () => as<Fis>((await import('@aws-sdk/client-fis')).Fis)),
    cloudWatch: lazily(async () => as<CloudWatch>((await import('@aws-sdk/client-cloudwatch')).CloudWatch)),
    sts: lazily(async () => as<STS>((await import('@aws-sdk/client-sts')).STS)),
    nowMs: () => Date.now() + offsetMs,
  };
}

/** Throws where a request has waited for credentials for longer than it may be under way: what it was asked for may have been fenced since. */
function refuseLate(askedMs = 0, requestTimeout: number): void {
  const waitedMs = Math.round(performance.now() - askedMs);
  if (waitedMs <= requestTimeout) return;
  const error = new Error(`the request waited ${waitedMs} ms for credentials, and was not sent`);
  error.name = 'TimeoutError';
  throw error;
}

async function config(region: string, settings: AwsSettings, tried: Tried): Promise<Record<string, unknown>> {
  const { NodeHttpHandler } = await import('@smithy/node-http-handler');
  const { requestTimeout, endpoint, profile } = settings;
  const { fromNodeProviderChain } = await import('@aws-sdk/credential-providers');
  return {
    region,
    // The adaptive mode may keep a request back before it is sent.
    ...(tried === 'again' ? { maxAttempts: TRIES, retryMode: 'adaptive' } : { maxAttempts: 1, retryMode: 'standard' }),
    ...(endpoint === undefined ? {} : { endpoint }),
    credentials: fromNodeProviderChain(profile === undefined ? {} : { profile }),
    requestHandler: new NodeHttpHandler({
      connectionTimeout: requestTimeout,
      requestTimeout,
      throwOnRequestTimeout: true,
      httpAgent: { maxSockets: AT_ONCE, keepAlive: true },
      httpsAgent: { maxSockets: AT_ONCE, keepAlive: true },
    }),
  };
}
