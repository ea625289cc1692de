/**
 * The `host:` section of a site: which groups of processes there are.
 *
 * Owns its schema, which takes what it has parsed before. It is loaded with every configuration, so it must never need the
 * ledger or the process table.
 */
import { z } from 'zod';

/** How a group's processes are found, and what the policy is to know of them. */
export type HostGroup = ({ readonly pidFiles: string } | { readonly command: string }) & {
  readonly labels: Readonly<Record<string, string>>;
};

const groupSchema = z
  .strictObject({
    pidFiles: z.string().min(1).optional().describe('A glob of pid files; a file is named after its member.'),
    command: z
      .string()
      .min(3)
      .refine(isRegExp, 'expected a regular expression')
      .optional()
      .describe('A regular expression on the whole command line.'),
    labels: z
      .record(z.string(), z.string())
      .default({})
      .describe('What policies know these processes by: `critical: "true"`, `environment: production`.'),
  })
  .transform(({ pidFiles, command, labels }, context): HostGroup => {
    if (pidFiles !== undefined && command === undefined) return { pidFiles, labels };
    if (command !== undefined && pidFiles === undefined) return { command, labels };
    context.addIssue({ code: 'custom', message: 'expected one of: pidFiles, command' });
    return z.NEVER;
  });

/** The `host:` section of a site. */
export const hostSettings = z.strictObject({
  groups: z
    .record(
      z.string().regex(/^[a-z0-9-]{1,63}$/, 'expected a name of lower-case letters, digits and dashes'),
      groupSchema,
    )
    .default({}),
  allowOtherUsers: z.boolean().default(false).describe('Whether processes of other users may be targets.'),
});

/** The groups of a `host:` section that can be used, whatever else is wrong in it. For undoing, which needs no more. */
export function usableGroups(section: unknown): Readonly<Record<string, HostGroup>> {
  const written = z.object({ groups: z.record(z.string(), z.unknown()) }).safeParse(section).data?.groups ?? {};
  const parsed = Object.entries(written).map(([name, group]) => [name, groupSchema.safeParse(group).data] as const);
  return Object.fromEntries(parsed.filter((entry): entry is [string, HostGroup] => entry[1] !== undefined));
}

function isRegExp(text: string): boolean {
  try {
    return Boolean(new RegExp(text));
  } catch {
    return false;
  }
}
