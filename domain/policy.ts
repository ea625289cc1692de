/**
 * Policy: what an organisation allows, whatever an experiment asks.
 *
 * Owns the rules. What can be told from the document alone is judged before anything is asked of a site
 * ({@link violationsOf}), what only the plan shows after pre-flight ({@link planViolationsOf}), and which targets are left
 * out while they are looked up ({@link protectionOf}). Pure: the control worker, the workflow, the site and the command
 * line all judge by these.
 */
import type { BudgetLimits } from './ask.ts';
import type { Experiment } from './experiment.ts';
import type { Reversal } from './fault.ts';
import { describeIdentity } from './identity.ts';
import type { Identity, Right } from './identity.ts';
import { topOf } from './ladder.ts';
import type { PlannedStage } from './ladder.ts';
import { percent } from './units.ts';

/** Names and values: labels of a pod, tags of an instance, labels of a group of processes. */
export type Labels = Readonly<Record<string, string>>;

/** Whoever carries one of these is left out of every experiment. `environment` is left in where the policy opens it by name. */
export const PROTECTED_LABELS = { 'chaos-monkey': 'disabled', critical: 'true', environment: 'production' } as const;

/** Nobody in one of these namespaces is part of any experiment. */
export const PROTECTED_NAMESPACES = ['kube-system', 'kube-public', 'kube-node-lease'] as const;

/** What is known of one candidate, by whoever finds it. */
export interface TargetFacts {
  readonly labels: Labels;
  /** Of a workload, what its pods are labelled with: who protects them protects it. */
  readonly podLabels?: Labels;
  readonly namespace?: string;
  readonly account?: string;
  readonly host?: string;
}

/** Which candidates must never be targets. */
export interface Protection {
  /** A candidate with one of these labels is left out. */
  readonly labels: Labels;
  readonly namespaces: readonly string[];
  readonly accounts: readonly string[];
  readonly hosts: readonly string[];
  /** Only a candidate with this label may be a target; absent: any that is not left out. */
  readonly optIn?: { readonly label: string; readonly value: string };
}

/** What every policy protects, whatever it adds. */
export const PROTECTED: Protection = {
  labels: PROTECTED_LABELS,
  namespaces: PROTECTED_NAMESPACES,
  accounts: [],
  hosts: [],
};

/** A group of sites, and what is allowed there. */
export interface Environment {
  readonly sites: readonly string[];
  /** Whether targets labelled with its name may be targets there. */
  readonly open?: true;
  /** The largest share of the candidates (ratio). */
  readonly radiusMax?: number;
  /** The most targets. */
  readonly targetsMax?: number;
}

/** When a run needs other people's leave. It applies where everything that it names does. */
export interface ApprovalRule {
  /** How many. */
  readonly people: number;
  readonly environments?: readonly string[];
  readonly faults?: readonly string[];
  /** A ladder that asks for more than this share (ratio). */
  readonly radiusAbove?: number;
  readonly reversals?: readonly Reversal[];
}

/** Somebody the policy knows. */
export interface Person {
  /** Ed25519 public key, as PEM. */
  readonly key: string;
  readonly may: readonly Right[];
}

/** What an organisation allows. */
export interface Policy {
  /** As people call it. */
  readonly version: string;
  /** SHA-256 of all the rest, in hex: whether two policies are the same. */
  readonly hash: string;
  /** Absent: any. */
  readonly sites?: readonly string[];
  /** Kinds, or `<provider>/*`; absent: any. */
  readonly faults?: readonly string[];
  readonly reversals: readonly Reversal[];
  readonly protect: Protection;
  readonly environments: Readonly<Record<string, Environment>>;
  readonly approvals: readonly ApprovalRule[];
  /** The share of the candidates that every run leaves outside of its blast radius, whatever its document says. */
  readonly minHealthyShare?: number;
  /** What may be held at one site at once, by all runs together. */
  readonly budget: BudgetLimits;
  /** Absent: nobody's name can be proven, and anybody may do anything. */
  readonly people?: Readonly<Record<string, Person>>;
  /** Only people with the right to may pull the emergency stop; absent: anybody. */
  readonly stop?: 'people';
}

/** What pre-flight found, as far as the policy cares. */
export interface PlanForPolicy {
  readonly reversal: string;
  readonly stages: readonly PlannedStage[];
  readonly candidates: number;
}

/** What the document asks for that the policy does not allow, in words; empty where it allows all of it. */
export function violationsOf(policy: Policy, experiment: Experiment): string[] {
  const { site } = experiment.targets;
  const violations = [];
  if (policy.sites && !policy.sites.includes(site))
    violations.push(`site ${site} is not one of those allowed: ${listed(policy.sites)}`);
  if (policy.faults && !matches(policy.faults, experiment.fault))
    violations.push(`fault ${experiment.fault} is not one of those allowed: ${listed(policy.faults)}`);
  for (const [name, { radiusMax, targetsMax }] of environmentsOf(policy, site)) {
    for (const size of experiment.blastRadius.stages) {
      const over = size.kind === 'share' ? size.share > (radiusMax ?? Infinity) : size.count > (targetsMax ?? Infinity);
      const most = size.kind === 'share' ? percent(radiusMax ?? 1) : `${targetsMax ?? 0}`;
      if (over) violations.push(`stage ${size.text} is more than ${most}, the most in environment ${name}`);
    }
  }
  return violations;
}

/** Why `who` may not do this; undefined where they may. A policy that knows nobody cannot tell people apart. */
export function forbidden({ people }: Policy, who: Identity, right: Right): string | undefined {
  if (!people) return undefined;
  const may = who.proven && Object.hasOwn(people, who.name) && people[who.name]?.may.includes(right);
  if (may) return undefined;
  const allowed = Object.keys(people).filter((name) => people[name]?.may.includes(right));
  return `${describeIdentity(who)} may not ${right}; those who may, with their key: ${listed(allowed)}`;
}

/** What the plan shows that the policy does not allow, in words. */
export function planViolationsOf(policy: Policy, experiment: Experiment, plan: PlanForPolicy): string[] {
  const violations = [];
  if (!policy.reversals.some((reversal) => reversal === plan.reversal))
    violations.push(`${experiment.fault} is ${plan.reversal}, and only ${listed(policy.reversals)} is allowed`);
  const top = topOf(plan.stages);
  for (const [name, { radiusMax = 1, targetsMax = Infinity }] of environmentsOf(policy, experiment.targets.site)) {
    if (top > targetsMax)
      violations.push(`${top} targets are more than ${targetsMax}, the most in environment ${name}`);
    // The same tolerance as the ladder's, which rounds down.
    if (top > radiusMax * plan.candidates + 1e-9)
      violations.push(
        `${top} of ${plan.candidates} candidates is more than ${percent(radiusMax)}, the most in environment ${name}`,
      );
  }
  return violations;
}

/** How many other people must agree. */
export function approvalsNeeded(policy: Policy, experiment: Experiment, plan: PlanForPolicy): number {
  const environments = environmentsOf(policy, experiment.targets.site).map(([name]) => name);
  const radius = plan.candidates === 0 ? 0 : topOf(plan.stages) / plan.candidates;
  const applies = (rule: ApprovalRule): boolean =>
    (rule.environments?.some((name) => environments.includes(name)) ?? true) &&
    (rule.faults === undefined || matches(rule.faults, experiment.fault)) &&
    (rule.radiusAbove === undefined || radius > rule.radiusAbove + 1e-9) &&
    (rule.reversals?.some((reversal) => reversal === plan.reversal) ?? true);
  return policy.approvals.filter(applies).reduce((most, { people }) => Math.max(most, people), 0);
}

/** Who is protected at `site`: where an environment is opened, its own label protects nobody. */
export function protectionAt(policy: Policy, site: string): Protection {
  const opened = environmentsOf(policy, site).flatMap(([name, { open }]) => (open ? [name] : []));
  const { labels, ...rest } = policy.protect;
  const kept = Object.entries(labels).filter(([key, value]) => !(key === 'environment' && opened.includes(value)));
  return { ...rest, labels: Object.fromEntries(kept) };
}

/** Why a candidate must not be a target; undefined where it may. One of whom nothing is known is left out. */
export function protectionOf(protect: Protection, facts: TargetFacts | undefined): string | undefined {
  if (!facts) return 'of whom nobody can say whether the policy protects them';
  const { labels, podLabels = {}, namespace, account, host } = facts;
  const label = Object.keys(protect.labels).find((name) =>
    [labels[name], podLabels[name]].includes(protect.labels[name]),
  );
  if (label !== undefined) return `protected by the label ${label}=${protect.labels[label]}`;
  if (namespace !== undefined && protect.namespaces.includes(namespace))
    return `in the protected namespace ${namespace}`;
  if (account !== undefined && protect.accounts.includes(account)) return `in the protected account ${account}`;
  if (host !== undefined && protect.hosts.includes(host)) return `on the protected host ${host}`;
  const { optIn } = protect;
  if (optIn && labels[optIn.label] !== optIn.value) return `without the label ${optIn.label}=${optIn.value}`;
  return undefined;
}

function environmentsOf(policy: Policy, site: string): [string, Environment][] {
  return Object.entries(policy.environments).filter(([, { sites }]) => sites.includes(site));
}

function matches(patterns: readonly string[], kind: string): boolean {
  return patterns.some((pattern) =>
    pattern.endsWith('/*') ? kind.startsWith(pattern.slice(0, -1)) : kind === pattern,
  );
}

function listed(names: readonly string[]): string {
  return names.join(', ') || 'none';
}
