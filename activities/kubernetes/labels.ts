/** Label selectors, as Kubernetes means them. See https://kubernetes.io/docs/concepts/overview/working-with-objects/labels/. */
import { z } from 'zod';
import type { Labels } from '../../domain/policy.ts';

/** A selector as objects hold it: everything in it must be true; an empty one is true of all. */
export const selectorSchema = z.object({
  matchLabels: z.record(z.string(), z.string()).default({}),
  matchExpressions: z
    .array(
      z.object({
        key: z.string(),
        operator: z.enum(['In', 'NotIn', 'Exists', 'DoesNotExist']),
        values: z.array(z.string()).default([]),
      }),
    )
    .default([]),
});

/** Whether `labels` are selected. */
export function selects({ matchLabels, matchExpressions }: z.infer<typeof selectorSchema>, labels: Labels): boolean {
  return (
    hasAll(labels, matchLabels) &&
    matchExpressions.every(({ key, operator, values }) => {
      const value = Object.hasOwn(labels, key) ? labels[key] : undefined;
      if (operator === 'Exists') return value !== undefined;
      if (operator === 'DoesNotExist') return value === undefined;
      const isIn = value !== undefined && values.includes(value);
      return operator === 'In' ? isIn : !isIn;
    })
  );
}

/** Whether each of `wanted` is among `labels`. */
export function hasAll(labels: Labels, wanted: Labels): boolean {
  return Object.entries(wanted).every(([key, value]) => Object.hasOwn(labels, key) && labels[key] === value);
}

/** The same for a list's query. */
export function labelQuery(wanted: Labels): { labelSelector?: string } {
  const labelSelector = Object.entries(wanted)
    .map(([key, value]) => `${key}=${value}`)
    .join(',');
  return labelSelector === '' ? {} : { labelSelector };
}
