/**
 * The configuration of the demo's worker, as the `squall.yaml` it would be.
 *
 * Owns the probes that read the shop's gateway. The ports are the shop's of this run.
 */
import { stringify } from 'yaml';

/**
 * `squall.yaml` for a shop at `url` with its pid files in `runDir`; journals are kept in `home`. Where the shop has a page of
 * incidents it is asked, and there are levers to try: a file that stops everything, and other people's leave.
 */
export function demoConfig(url: string, runDir: string, home: string, incidents?: string): string {
  const metrics = { type: 'metrics', url: `${url}/metrics`, window: '3s', timeout: '1s' };
  return stringify({
    // Undo records are where every Squall of this user looks: whichever comes back first ends what a killed demo left.
    journal: `${home}/journal`,
    sweepEvery: '5s',
    sites: {
      shop: {
        host: {
          groups: {
            payments: { pidFiles: `${runDir}/payments-*.pid` },
            catalogue: { pidFiles: `${runDir}/catalogue-*.pid` },
            checkout: { pidFiles: `${runDir}/checkout-*.pid` },
          },
        },
      },
    },
    probes: {
      'error-rate': {
        ...metrics,
        unit: 'ratio',
        ratio: { of: 'shop_requests_total{outcome="error"}', to: 'shop_requests_total' },
      },
      'latency-p99': {
        ...metrics,
        unit: 's',
        histogram: 'shop_request_duration_seconds{route="checkout"}',
        quantile: 0.99,
        beyondLargest: 'bound',
      },
      orders: { ...metrics, unit: 'per-second', rate: 'shop_orders_total' },
      availability: {
        ...metrics,
        unit: 'ratio',
        ratio: { of: 'shop_requests_total{outcome="ok"}', to: 'shop_requests_total' },
      },
      conversion: { ...metrics, unit: 'ratio', ratio: { of: 'shop_orders_total', to: 'shop_visits_total' } },
      connections: { ...metrics, unit: 'count', gauge: 'shop_upstream_connections' },
      'in-service': { ...metrics, unit: 'ratio', gauge: 'shop_payments_in_service' },
    },
    admission: {
      healthy: [{ probe: 'error-rate', max: '5%' }],
      incidents: incidents === undefined ? 'none' : [{ http: { url: incidents, jsonPointer: '', calmWhen: 'empty' } }],
      capacity: { probe: 'in-service', min: '50%' },
    },
    ...(incidents === undefined ? {} : leversOf(home)),
  });
}

function leversOf(home: string): object {
  return {
    emergencyStop: { file: `${home}/stop` },
    policy: { version: 'shop', approvals: [{ people: 1, radiusAbove: '50%' }] },
  };
}
