/**
 * `kubernetes/pod-dns`: a pod's name servers do not answer it, answer late, or refuse.
 *
 * It is done to the answers, as the pod receives them: the servers are asked, and nobody else notices.
 */
import { z } from 'zod';
import { durationMs } from '../../../domain/written-duration.ts';
import { networkFault } from './network/network-fault.ts';
import { COMMON } from './network/params.ts';

/** The longest delay, in milliseconds. */
const DELAY_MAX_MS = 30_000;
/** The most names, and the longest; together they must fit into a container's arguments. */
const NAMES_MAX = 100;

const name = z
  .string()
  .max(255)
  .regex(
    /^(?:\*\.)?(?:[A-Za-z0-9_-]{1,63}\.)*[A-Za-z0-9_-]{1,63}$/,
    'expected a name, or the end of names such as *.example.org',
  );

const params = z
  .strictObject({
    answer: z
      .enum(['none', 'late', 'refused'])
      .default('none')
      .describe('What becomes of answers: none comes, each is late, or each says that it was refused.'),
    delay: durationMs
      .refine((ms) => ms >= 1 && ms <= DELAY_MAX_MS, 'expected 1ms to 30s')
      .optional()
      .describe('How late each answer is: 1ms to 30s. Only with `answer: late`.'),
    names: z
      .array(name)
      .min(1)
      .max(NAMES_MAX)
      .optional()
      .describe('Only answers about these names: in full, or all that end so, `*.example.org`. Default: all.'),
    peers: COMMON.peers.describe(
      'Only answers of these name servers: addresses, ranges, or services. One that is a service answers by the service’s address. Default: all.',
    ),
    keep: COMMON.keep.describe('Name servers that go on answering.'),
  })
  .refine(({ answer, delay }) => (answer === 'late') === (delay !== undefined), {
    message: 'expected with `answer: late`, and only then',
    path: ['delay'],
  });

export const driver = networkFault({
  kind: 'kubernetes/pod-dns',
  summary: 'A pod cannot resolve names: name servers do not answer it, answer late, or refuse.',
  params,
  harm: ({ answer, delay, names = [] }) => [
    'dns',
    `--answer=${answer}`,
    ...(delay === undefined ? [] : [`--delay=${delay}ms`]),
    ...(names.length === 0 ? [] : [`--name=${names.join(',')}`]),
  ],
});
