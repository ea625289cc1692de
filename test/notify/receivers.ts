/**
 * Receivers: real HTTP servers that hold what they are sent against the shape that each provider documents.
 *
 * Owns the contracts. What does not keep to one is answered as the provider answers it.
 */
import { createHmac } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { z } from 'zod';
import type { Handler } from '../probes/server.ts';

/** One request that was read whole. */
export interface Received {
  readonly method: string;
  readonly path: string;
  readonly headers: IncomingMessage['headers'];
  readonly body: string;
}

type Answer = { readonly status: number; readonly body?: unknown };

/** Reads a request whole and answers it. */
export function receiving(answer: (received: Received) => Answer): Handler {
  return (request, response) =>
    void read(request).then(
      (received) => say(response, answer(received)),
      () => response.destroy(),
    );
}

async function read(request: IncomingMessage): Promise<Received> {
  let body = '';
  for await (const chunk of request.setEncoding('utf8')) body += String(chunk);
  return { method: request.method ?? '', path: request.url ?? '', headers: request.headers, body };
}

function say(response: ServerResponse, { status, body = '' }: Answer): void {
  const text = typeof body === 'string' ? body : JSON.stringify(body);
  response
    .writeHead(status, { 'content-type': typeof body === 'string' ? 'text/plain' : 'application/json' })
    .end(text);
}

const mrkdwn = z.strictObject({ type: z.literal('mrkdwn'), text: z.string().min(1).max(3_000) });
const slackMessage = z.strictObject({
  text: z.string().min(1).max(40_000),
  blocks: z
    .array(
      z.discriminatedUnion('type', [
        z.strictObject({ type: z.literal('section'), text: mrkdwn }),
        z.strictObject({ type: z.literal('context'), elements: z.array(mrkdwn).min(1).max(10) }),
      ]),
    )
    .max(50),
});

/** Slack: 200 and `ok`, or 400 and `invalid_payload`; 404 and `no_service` at another address. */
export function slackContract(path: string, taken: (message: z.infer<typeof slackMessage>) => void): Handler {
  return receiving(({ method, path: at, headers, body }) => {
    if (at !== path) return { status: 404, body: 'no_service' };
    if (method !== 'POST' || headers['content-type'] !== 'application/json')
      return { status: 400, body: 'invalid_payload' };
    const message = slackMessage.safeParse(JSON.parse(body));
    if (!message.success) return { status: 400, body: 'invalid_payload' };
    taken(message.data);
    return { status: 200, body: 'ok' };
  });
}

const textRun = z.strictObject({ type: z.literal('TextRun'), text: z.string(), isSubtle: z.boolean().optional() });
const teamsMessage = z.strictObject({
  type: z.literal('message'),
  attachments: z
    .array(
      z.strictObject({
        contentType: z.literal('application/vnd.microsoft.card.adaptive'),
        contentUrl: z.null(),
        content: z.strictObject({
          $schema: z.literal('http://adaptivecards.io/schemas/adaptive-card.json'),
          type: z.literal('AdaptiveCard'),
          version: z.string().regex(/^1\.\d$/),
          body: z.array(z.strictObject({ type: z.literal('RichTextBlock'), inlines: z.array(textRun).min(1) })).min(1),
          actions: z.array(z.strictObject({ type: z.literal('Action.OpenUrl'), title: z.string(), url: z.url() })),
        }),
      }),
    )
    .length(1),
});

/** Teams: 202 and nothing, or 400. */
export function teamsContract(taken: (message: z.infer<typeof teamsMessage>) => void): Handler {
  return receiving(({ method, headers, body }) => {
    if (Buffer.byteLength(body) > 28 * 1024) return { status: 413 };
    const message = teamsMessage.safeParse(JSON.parse(body));
    if (method !== 'POST' || headers['content-type'] !== 'application/json' || !message.success) return { status: 400 };
    taken(message.data);
    return { status: 202 };
  });
}

/** CloudEvents 1.0, structured mode; attribute names and types as the specification has them. */
const cloudEvent = z.strictObject({
  specversion: z.literal('1.0'),
  id: z.string().min(1),
  source: z.string().regex(/^\/[^\s]+$/),
  type: z.string().regex(/^squall\.run\.[a-z]+$/),
  subject: z.string().min(1),
  time: z.iso.datetime(),
  datacontenttype: z.literal('application/json'),
  data: z.record(z.string(), z.string()),
});

/** A webhook that takes CloudEvents signed with `key`, and counts what it has already under one key. */
export function webhookContract(
  key: string,
  taken: (event: z.infer<typeof cloudEvent>, received: Received) => void,
): Handler {
  return receiving((received) => {
    const { method, headers, body } = received;
    const [, at = '', signature = ''] = /^t=(\d+),v1=([0-9a-f]{64})$/.exec(String(headers['squall-signature'])) ?? [];
    if (createHmac('sha256', key).update(`${at}.${body}`).digest('hex') !== signature) return { status: 401 };
    const event = cloudEvent.safeParse(JSON.parse(body));
    if (
      method !== 'POST' ||
      headers['content-type'] !== 'application/cloudevents+json; charset=utf-8' ||
      !event.success
    )
      return { status: 400 };
    if (headers['idempotency-key'] !== event.data.id) return { status: 422 };
    taken(event.data, received);
    return { status: 204 };
  });
}

const annotation = z.strictObject({
  dashboardUID: z.string().optional(),
  panelId: z.int().optional(),
  time: z.int().optional(),
  timeEnd: z.int().optional(),
  tags: z.array(z.string()).optional(),
  text: z.string().optional(),
});

/** Grafana's annotations API: makes, changes in part, and keeps them. */
export class GrafanaContract {
  readonly annotations = new Map<number, z.infer<typeof annotation>>();
  readonly handler: Handler;

  constructor(token: string) {
    this.handler = receiving(({ method, path, headers, body }) => {
      if (headers.authorization !== `Bearer ${token}`) return { status: 401, body: { message: 'Unauthorized' } };
      const asked = annotation.safeParse(JSON.parse(body));
      if (!asked.success) return { status: 400, body: { message: 'bad request data' } };
      if (method === 'POST' && path === '/api/annotations') {
        if (!asked.data.text) return { status: 400, body: { message: 'text field should not be empty' } };
        const id = this.annotations.size + 41;
        this.annotations.set(id, asked.data);
        return { status: 200, body: { message: 'Annotation added', id } };
      }
      const id = Number(/^\/api\/annotations\/(\d+)$/.exec(path)?.[1]);
      const present = this.annotations.get(id);
      if (method !== 'PATCH' || !present)
        return { status: 404, body: { message: 'Could not find annotation to update' } };
      this.annotations.set(id, { ...present, ...asked.data });
      return { status: 200, body: { message: 'Annotation patched' } };
    });
  }
}
