/**
 * A request of an SDK as what it asks for: `ec2:StopInstances` with its parameters, whichever protocol carries it.
 *
 * Owns the reading of requests. Actions are named as IAM's policies name them, so that what was asked can be held against one.
 */
import type { IncomingHttpHeaders } from 'node:http';

/** `ec2` and `query` are forms that are answered in XML, `json` names its target in a header, `rest` is told by method and path. */
export type Protocol = 'ec2' | 'query' | 'json' | 'rest';

export interface Call {
  /** As IAM calls it: `ec2`, `autoscaling`, `elasticloadbalancing`, `rds`, `elasticache`, `ssm`, `fis`, `cloudwatch`, `sts`. */
  readonly service: string;
  /** `StopInstances`. */
  readonly action: string;
  /** `ec2:StopInstances`: the action as a policy names it. */
  readonly name: string;
  readonly region: string;
  readonly protocol: Protocol;
  /** Of a form, each of its fields (`InstanceId.1`); of JSON, what is at the top. Without the action and the version. */
  readonly params: Readonly<Record<string, unknown>>;
  readonly method: string;
  /** With its query. */
  readonly path: string;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
}

/** How the services that IAM names otherwise sign. */
const SIGNED_AS: Readonly<Record<string, string>> = { monitoring: 'cloudwatch' };

/** FIS: what a method and a path are called. */
const FIS: readonly (readonly [method: string, path: RegExp, action: string])[] = [
  ['POST', /^\/experimentTemplates$/, 'CreateExperimentTemplate'],
  ['GET', /^\/experimentTemplates$/, 'ListExperimentTemplates'],
  ['GET', /^\/experimentTemplates\/[^/]+$/, 'GetExperimentTemplate'],
  ['PATCH', /^\/experimentTemplates\/[^/]+$/, 'UpdateExperimentTemplate'],
  ['DELETE', /^\/experimentTemplates\/[^/]+$/, 'DeleteExperimentTemplate'],
  ['POST', /^\/experiments$/, 'StartExperiment'],
  ['GET', /^\/experiments$/, 'ListExperiments'],
  ['GET', /^\/experiments\/[^/]+$/, 'GetExperiment'],
  ['DELETE', /^\/experiments\/[^/]+$/, 'StopExperiment'],
  ['GET', /^\/experiments\/[^/]+\/resolvedTargets$/, 'ListExperimentResolvedTargets'],
  ['GET', /^\/actions$/, 'ListActions'],
  ['GET', /^\/actions\/[^/]+$/, 'GetAction'],
  ['GET', /^\/targetResourceTypes$/, 'ListTargetResourceTypes'],
  ['POST', /^\/tags\/.+$/, 'TagResource'],
  ['DELETE', /^\/tags\/.+$/, 'UntagResource'],
  ['GET', /^\/tags\/.+$/, 'ListTagsForResource'],
];

/** What a request asks for. What cannot be told has the action `?`, which no policy allows. */
export function readCall(method: string, path: string, headers: IncomingHttpHeaders, body: string): Call {
  const scope = /Credential=[^/]+\/\d+\/([^/]+)\/([^/]+)\//.exec(headers.authorization ?? '');
  const [, region = '', signed = 'sts'] = scope ?? [];
  const service = SIGNED_AS[signed] ?? signed;
  const told = action(method, path, headers, body, service);
  const carried = { service, region, method, path, headers, body };
  return { ...carried, ...told, name: `${service}:${told.action}` };
}

function action(
  method: string,
  path: string,
  headers: IncomingHttpHeaders,
  body: string,
  service: string,
): Pick<Call, 'action' | 'protocol' | 'params'> {
  const target = headers['x-amz-target'];
  if (typeof target === 'string')
    return { action: target.split('.').at(-1) ?? '?', protocol: 'json', params: object(body) };
  const form = Object.fromEntries(new URLSearchParams(body));
  const { Action, Version, ...params } = form;
  if (Action !== undefined && Version !== undefined)
    return { action: Action, protocol: service === 'ec2' ? 'ec2' : 'query', params };
  const [bare = ''] = path.split('?');
  const found = service === 'fis' && FIS.find(([by, at]) => by === method && at.test(bare));
  return { action: found ? found[2] : '?', protocol: 'rest', params: { path: bare, ...object(body) } };
}

function object(body: string): Record<string, unknown> {
  try {
    const read: unknown = JSON.parse(body === '' ? '{}' : body);
    return typeof read === 'object' && read !== null ? { ...read } : {};
  } catch {
    return {};
  }
}

/** All values of a form's list: `InstanceId.1`, or `ResourceArns.member.1`. */
export function listed({ params }: Call, field: string): string[] {
  return Object.entries(params)
    .filter(([key]) => new RegExp(`^${field}\\.(?:[A-Za-z]+\\.)?\\d+$`).test(key))
    .map(([, value]) => String(value));
}

/** Whether nothing is to be done but to say whether it might be. */
export function isDry({ params }: Call): boolean {
  return params['DryRun'] === 'true';
}

/** Whether it changes nothing. */
export function isRead(call: Call): boolean {
  return /^(?:Describe|Get|List|Search|Lookup)/.test(call.action) || isDry(call);
}

/** The same for tries of the same request, which each bear another token. */
export function sameAs({ name, region, params }: Call): string {
  const own = Object.entries(params).filter(([key]) => !/token/i.test(key) || key === 'NextToken');
  return JSON.stringify([name, region, own.toSorted(([a], [b]) => (a < b ? -1 : 1))]);
}
