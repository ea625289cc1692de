/** The name of a site's budget, which outlives a deploy. */
export function budgetId(site: string): string {
  return `blast-radius/${site}`;
}
