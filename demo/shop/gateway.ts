/**
 * The demo shop's gateway: `/browse`, `/checkout`, and `/metrics` for whoever watches the shop.
 *
 * Owns the routes and the numbers. Contains nothing that injects or knows of a fault.
 *
 * Arguments: the host and the port to listen on.
 */
import { createServer } from 'node:http';
import type { ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Counter, Gauge, Histogram, Registry } from 'prom-client';
import { Upstreams } from './upstreams.ts';

/** What the supervisor says of the replicas: ports by service. */
export type Replicas = Readonly<Record<string, readonly number[]>>;

const registry = new Registry();
const counter = (name: string, help: string, labelNames: string[] = []): Counter =>
  new Counter({ name, help, labelNames, registers: [registry] });
const requests = counter('shop_requests_total', 'Requests, by route and outcome', ['route', 'outcome']);
const visits = counter('shop_visits_total', 'Visits: requests for /browse');
const orders = counter('shop_orders_total', 'Orders: checkouts that succeeded');
const revenue = counter('shop_revenue_euros_total', 'Revenue of the orders, in euros');
const latency = new Histogram({
  name: 'shop_request_duration_seconds',
  help: 'Time to answer, by route',
  labelNames: ['route'],
  buckets: [0.005, 0.01, 0.025, 0.05, 0.1, 0.15, 0.2, 0.25, 0.3, 0.35, 0.4, 0.5, 0.6, 0.8, 1, 1.5, 2],
  registers: [registry],
});

const services = new Map(['catalogue', 'checkout', 'payments'].map((name) => [name, new Upstreams()]));
for (const [name, upstreams] of services) {
  new Gauge({
    name: `shop_${name}_ejected`,
    help: `Replicas of ${name} that the gateway has taken out of service`,
    registers: [registry],
    collect() {
      this.set(upstreams.ejected);
    },
  });
}
new Gauge({
  name: 'shop_payments_in_service',
  help: 'The share of the replicas of payments that the gateway has in service',
  registers: [registry],
  collect() {
    this.set(services.get('payments')?.inService ?? 0);
  },
});
new Gauge({
  name: 'shop_upstream_connections',
  help: 'Open connections to replicas',
  registers: [registry],
  collect() {
    this.set([...services.values()].reduce((sum, upstreams) => sum + upstreams.connections, 0));
  },
});
// Every series exists from the start, so that a ratio of two has both.
for (const route of ['browse', 'checkout']) for (const outcome of ['ok', 'error']) requests.inc({ route, outcome }, 0);

/** What each route needs, in order. */
const ROUTES: Readonly<Record<string, readonly string[]>> = {
  browse: ['catalogue'],
  checkout: ['checkout', 'payments'],
};

async function serve(route: string, needs: readonly string[], response: ServerResponse): Promise<void> {
  const done = latency.startTimer({ route });
  if (route === 'browse') visits.inc();
  let ok = true;
  for (const service of needs) ok &&= (await services.get(service)?.call('/work')) ?? false;
  requests.inc({ route, outcome: ok ? 'ok' : 'error' });
  if (ok && route === 'checkout') {
    orders.inc();
    revenue.inc(20 + Math.random() * 60);
  }
  done();
  response.writeHead(ok ? 200 : 503).end();
}

const server = createServer((request, response) => {
  const route = request.url?.slice(1) ?? '';
  const needs = ROUTES[route];
  if (needs) void serve(route, needs, response);
  else if (route === 'metrics') {
    void registry.metrics().then((text) => response.writeHead(200, { 'content-type': registry.contentType }).end(text));
  } else response.writeHead(404).end();
});
server.keepAliveTimeout = 30_000;
const [host, port] = process.argv.slice(2);
server.listen(Number(port), host, () => process.send?.({ port: (server.address() as AddressInfo).port }));
process.on('message', (replicas: Replicas) => {
  for (const [name, ports] of Object.entries(replicas)) services.get(name)?.set(ports);
});
process.on('disconnect', () => process.exit());
