/** An experiment on the demo shop that customers do not notice, held for `hold`. */
export const oneReplicaFreezes = (hold: string): string => `experiment: one-replica-freezes
hypothesis: Customers notice nothing while one payments replica stands still
steadyState:
  - { probe: error-rate, max: 5% }
fault: host/pause
targets: { site: shop, group: payments }
blastRadius: { stages: [1], hold: ${hold} }
stopConditions:
  - { probe: error-rate, above: 50%, for: 5s, abort: immediate }
recoverWithin: 30s
timeToLive: 30s
`;
