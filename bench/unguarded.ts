/** Nobody's incidents, health and capacity are asked: an `admission:` for installations that are there to be beaten. */
export const UNGUARDED = { healthy: 'none', incidents: 'none', capacity: 'none' } as const;
