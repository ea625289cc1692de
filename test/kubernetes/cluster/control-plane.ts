/**
 * The control plane: etcd, API server and controller manager, as they are told to run.
 *
 * Owns their files and arguments. They are alone in their network, so every port is free. Without
 * a node (`node.ts`) there is no scheduler, and nobody looks at nodes: a node or a pod is what a test says that it is.
 */
import { generateKeyPairSync, randomBytes } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Begin } from './messages.ts';
import { NODE_ADDRESS } from './node.ts';

/** Where the API server listens in the cluster's network. */
export const API_PORT = 6443;

/** The kubeconfig of the cluster's own programs. */
export const CONFIG = 'components.conf';

/** A program of the cluster. */
export interface Component {
  readonly name: string;
  readonly args: readonly string[];
}

/** Writes what the components read into `state`, and says how they are started. */
export function controlPlane({ token, key, certificate, group, still }: Begin, state: string): Component[] {
  const at = (name: string): string => join(state, name);
  const write = (name: string, text: string | Buffer): void => writeFileSync(at(name), text, { mode: 0o600 });
  const controller = randomBytes(16).toString('hex');
  const accounts = generateKeyPairSync('ec', { namedCurve: 'prime256v1' });
  write('api.key', key);
  write('api.crt', certificate);
  write('accounts.key', accounts.privateKey.export({ type: 'sec1', format: 'pem' }));
  write('accounts.pub', accounts.publicKey.export({ type: 'spki', format: 'pem' }));
  write('tokens.csv', `${token},admin,1,"system:masters"\n${controller},controller-manager,2,"system:masters"\n`);
  const server = `https://127.0.0.1:${API_PORT}`;
  write(CONFIG, kubeconfig(server, certificate, controller));
  return [
    {
      name: 'etcd',
      args: [
        ...['--data-dir', at('etcd'), '--unsafe-no-fsync', '--log-level=warn'],
        ...['--listen-client-urls=http://127.0.0.1:2379', '--advertise-client-urls=http://127.0.0.1:2379'],
        ...['--listen-peer-urls=http://127.0.0.1:2380', '--initial-advertise-peer-urls=http://127.0.0.1:2380'],
        '--initial-cluster=default=http://127.0.0.1:2380',
      ],
    },
    {
      name: 'kube-apiserver',
      args: [
        ...['--etcd-servers=http://127.0.0.1:2379', '--bind-address=0.0.0.0', `--secure-port=${API_PORT}`],
        ...[`--tls-cert-file=${at('api.crt')}`, `--tls-private-key-file=${at('api.key')}`],
        ...[`--token-auth-file=${at('tokens.csv')}`, '--authorization-mode=Node,RBAC', '--allow-privileged=true'],
        '--service-account-issuer=https://kubernetes.default.svc',
        `--service-account-key-file=${at('accounts.pub')}`,
        `--service-account-signing-key-file=${at('accounts.key')}`,
        ...['--service-cluster-ip-range=10.96.0.0/24', '--profiling=false'],
        ...[`--advertise-address=${NODE_ADDRESS}`, '--kubelet-preferred-address-types=InternalIP'],
      ],
    },
    {
      name: 'kube-controller-manager',
      args: [
        ...['kubeconfig', 'authentication-kubeconfig', 'authorization-kubeconfig'].map(
          (flag) => `--${flag}=${at(CONFIG)}`,
        ),
        ...[`--service-account-private-key-file=${at('accounts.key')}`, `--root-ca-file=${at('api.crt')}`],
        ...['--leader-elect=false', '--bind-address=127.0.0.1', '--profiling=false'],
        // With an identity for each controller the first pod waits for seconds.
        '--use-service-account-credentials=false',
        // Where no kubelet is, nodes would be given up, and pods with them.
        `--controllers=${still ? 'serviceaccount-controller' : `*${group === undefined ? ',-node-lifecycle-controller' : ''}`}`,
      ],
    },
  ];
}

/** A kubeconfig for one user of one server. */
export function kubeconfig(server: string, certificate: string, token: string): string {
  const authority = Buffer.from(certificate).toString('base64');
  return JSON.stringify({
    apiVersion: 'v1',
    kind: 'Config',
    'current-context': 'test',
    clusters: [{ name: 'test', cluster: { server, 'certificate-authority-data': authority } }],
    contexts: [{ name: 'test', context: { cluster: 'test', user: 'test' } }],
    users: [{ name: 'test', user: { token } }],
  });
}
