/**
 * Answers of AWS: what went back, and refusals in the shape of each protocol.
 *
 * Owns the shapes. An SDK must take a refusal made here for one of AWS's own.
 */
import type { OutgoingHttpHeaders } from 'node:http';
import type { Call } from './call.ts';

export interface Answer {
  readonly status: number;
  readonly headers: OutgoingHttpHeaders;
  readonly body: string;
}

/** The connection is cut instead of an answer. */
export const CUT = 'cut';
export type AnswerOrCut = Answer | typeof CUT;

const ID = '00000000-0000-4000-8000-000000000000';

/** A refusal with AWS's code, such as `InvalidInstanceID.NotFound`. Default: 400. */
export function refusal({ protocol }: Call, code: string, message: string, status = 400): Answer {
  const side = status < 500 ? 'Sender' : 'Receiver';
  switch (protocol) {
    case 'ec2':
      return xml(
        status,
        `<Response><Errors><Error><Code>${code}</Code><Message>${escaped(message)}</Message></Error></Errors><RequestID>${ID}</RequestID></Response>`,
      );
    case 'query':
      return xml(
        status,
        `<ErrorResponse><Error><Type>${side}</Type><Code>${code}</Code><Message>${escaped(message)}</Message></Error><RequestId>${ID}</RequestId></ErrorResponse>`,
      );
    case 'json':
      return { status, headers: json('1.1'), body: JSON.stringify({ __type: code, message, Message: message }) };
    case 'rest':
      return { status, headers: { ...json(), 'x-amzn-errortype': code }, body: JSON.stringify({ message }) };
  }
}

function json(version?: string): OutgoingHttpHeaders {
  const type = version === undefined ? 'application/json' : `application/x-amz-json-${version}`;
  return { 'content-type': type, 'x-amzn-requestid': ID };
}

function xml(status: number, body: string): Answer {
  const headers = { 'content-type': 'text/xml;charset=UTF-8', 'x-amzn-requestid': ID };
  return { status, headers, body: `<?xml version="1.0" encoding="UTF-8"?>\n${body}` };
}

function escaped(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;');
}

/** As the service says that there were too many requests. */
export function throttled(call: Call): Answer {
  if (call.protocol === 'ec2') return refusal(call, 'RequestLimitExceeded', 'Request limit exceeded.', 503);
  if (call.protocol === 'query') return refusal(call, 'Throttling', 'Rate exceeded');
  return refusal(call, 'ThrottlingException', 'Rate exceeded', call.protocol === 'rest' ? 429 : 400);
}

/** As the service says that something is wrong with itself. */
export function broken(call: Call, status: 500 | 503): Answer {
  if (call.protocol === 'ec2')
    return status === 500
      ? refusal(call, 'InternalError', 'An internal error has occurred', 500)
      : refusal(call, 'Unavailable', 'The service is unavailable. Please try again shortly.', 503);
  const code = status === 500 ? 'InternalFailure' : 'ServiceUnavailable';
  return refusal(call, code, 'Something is wrong on our side.', status);
}
