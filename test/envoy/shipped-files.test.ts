/** The files in envoy/ are accepted by the real Envoy as they are (but for the certificate's place), and say what makes them safe. */

import { readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { parse } from 'yaml';

import { createCertificateAuthority } from '../support/certificates.ts';
import type { Certificate } from '../support/certificates.ts';
import { envoyConfig, profileFile, validateEnvoyConfig } from '../support/envoy.ts';
import type { EnvoyProfile } from '../support/envoy.ts';
import { PROJECT_ROOT } from '../support/project.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';

const SHIPPED = readdirSync(join(PROJECT_ROOT, 'envoy')).filter((name) => name.endsWith('.yaml'));
const PROFILES: readonly EnvoyProfile[] = ['hardened', 'streams', 'minimal', 'bare', 'istio'];

const folder = temporaryFolder();
let certificate: Certificate;

beforeAll(() => {
  certificate = createCertificateAuthority(folder).issue('app.example.com', ['DNS:app.example.com']);
});
afterAll(() => folder.remove());

type Node = { readonly [key: string]: unknown };
const isNode = (value: unknown): value is Node => typeof value === 'object' && value !== null;

/** Every object below `value`, itself included. */
const nodesOf = (value: unknown): readonly Node[] =>
  isNode(value) ? [value, ...Object.values(value).flatMap(nodesOf)] : [];

const ofType = (nodes: readonly Node[], type: string): readonly Node[] =>
  nodes.filter((node) => typeof node['@type'] === 'string' && node['@type'].endsWith(`.${type}`));

const read = (name: string): string => readFileSync(join(PROJECT_ROOT, 'envoy', name), 'utf8');
const nodesOfFile = (name: string): readonly Node[] => nodesOf(parse(read(name), { maxAliasCount: 100 }));

test('there are shipped files to test', () => {
  expect(SHIPPED).toEqual(expect.arrayContaining(['edge-hardened.yaml', 'minimal.yaml']));
});

describe.each(SHIPPED)('envoy/%s', (name) => {
  test('is accepted by the real Envoy', () => {
    const file = folder.file(name);
    const text = read(name)
      .replaceAll('/etc/envoy/tls/tls.crt', certificate.certFile)
      .replaceAll('/etc/envoy/tls/tls.key', certificate.keyFile);
    writeFileSync(file, text);
    const { ok, output } = validateEnvoyConfig(file);
    expect(output).toContain('OK');
    expect(output).not.toContain('Deprecated');
    expect(ok).toBe(true);
  });

  test('never lets a request pass without a Check, and never takes another route than the one that was judged', () => {
    const text = read(name);
    expect(text).not.toMatch(/failure_mode_allow:\s*true/);
    expect(text).not.toMatch(
      /^\s*(clear_route_cache|disabled|filter_enabled|shadow_mode|allowed_headers|disallowed_headers)\b/m,
    );
    for (const node of nodesOfFile(name)) {
      expect(node['failure_mode_allow'] ?? false).toBe(false);
      expect(node).not.toHaveProperty('clear_route_cache');
      expect(node).not.toHaveProperty('disabled');
    }
  });

  test('asks with the settings that Doorward relies on', () => {
    const filters = ofType(nodesOfFile(name), 'ExtAuthz');
    expect(filters).not.toHaveLength(0);
    for (const filter of filters) {
      expect(filter).toMatchObject({
        transport_api_version: 'V3',
        failure_mode_allow: false,
        status_on_error: { code: 'ServiceUnavailable' },
        encode_raw_headers: true,
        validate_mutations: true,
        grpc_service: {
          timeout: '5s',
          retry_policy: { num_retries: 1, retry_on: expect.stringContaining('unavailable') },
        },
      });
    }
  });

  test('leaves one reading of every path, and no client address that a client can write', () => {
    const managers = ofType(nodesOfFile(name), 'HttpConnectionManager');
    expect(managers).not.toHaveLength(0);
    for (const manager of managers) {
      expect(manager).toMatchObject({
        use_remote_address: true,
        normalize_path: true,
        merge_slashes: true,
        path_with_escaped_slashes_action: 'REJECT_REQUEST',
        common_http_protocol_options: { headers_with_underscores_action: 'REJECT_REQUEST' },
      });
      const names = (manager['http_filters'] as readonly Node[]).map((filter) => filter['name']);
      const holds = name === 'edge-streams.yaml' ? ['hold.response', 'hold.request'] : [];
      const last = ['envoy.filters.http.ext_authz', ...holds, 'envoy.filters.http.router'];
      expect(names.slice(-last.length)).toEqual(last);
    }
  });

  test('has a route for every path of every host, and reads a body for Doorward’s own endpoints only', () => {
    const managers = ofType(nodesOfFile(name), 'HttpConnectionManager');
    const hosts = managers.flatMap((manager) => (manager['route_config'] as Node)['virtual_hosts'] as readonly Node[]);
    expect(hosts.map((host) => host['domains'])).toContainEqual(['*']);
    for (const host of hosts) {
      const routes = host['routes'] as readonly Node[];
      expect(routes.at(-1)).toMatchObject({ match: { prefix: '/' } });
      expect(routes).toContainEqual(expect.objectContaining({ match: { prefix: '/.doorward/' } }));
      const withBody = routes.filter((route) => JSON.stringify(route).includes('with_request_body'));
      for (const route of withBody) {
        expect((route['match'] as Node)['prefix']).toMatch(/^\/\.(doorward|pomerium)\/$/);
        expect(JSON.stringify(route)).toContain('"max_request_bytes":65536');
      }
    }
  });

  test('keeps Envoy’s admin on loopback', () => {
    expect(parse(read(name), { maxAliasCount: 100 })).toMatchObject({
      admin: { address: { socket_address: { address: '127.0.0.1' } } },
    });
  });
});

test('the hardened edge also bounds and watches what Doorward and clients do', () => {
  const nodes = nodesOfFile('edge-hardened.yaml');
  expect(ofType(nodes, 'ExtAuthz')[0]).toMatchObject({ include_peer_certificate: true, include_tls_session: true });
  expect(ofType(nodes, 'HttpConnectionManager')[0]).toMatchObject({ forward_client_cert_details: 'SANITIZE_SET' });
  const doorward = nodes.find((node) => node['name'] === 'doorward' && 'load_assignment' in node);
  expect(doorward).toMatchObject({
    circuit_breakers: { thresholds: [{ max_pending_requests: 10_000, max_requests: 10_000 }] },
    health_checks: [{ grpc_health_check: { service_name: 'envoy.service.auth.v3.Authorization' } }],
  });
});

describe.each(PROFILES)('the %s profile of the end-to-end tests', (profile) => {
  test.each([
    ['http', {}],
    ['https with client certificates, TLS to Doorward, and an HTTP/2 upstream', { isFull: true }],
  ] as const)('is accepted by the real Envoy: %s', (name, { isFull = false }: { readonly isFull?: boolean }) => {
    const file = folder.file(`${profile}-${isFull ? 'full' : 'plain'}.yaml`);
    const full = {
      tls: certificate,
      clientCertificates: true,
      doorwardTls: { ca: certificate.certFile, certificate, name: 'doorward' },
      upstreamHttp2: true,
    };
    const common = {
      profile,
      folder,
      port: 10_000,
      doorward: 'unix:/tmp/check.sock',
      upstreamPort: 10_001,
      hosts: ['a.test'],
    };
    writeFileSync(file, envoyConfig({ ...common, ...(isFull ? full : {}) }));
    const { ok, output } = validateEnvoyConfig(file);
    expect(`${name}: ${output}`).toContain('OK');
    expect(ok).toBe(true);
  });
});

test('the istio profile has what Istio generates, and nothing that it does not', () => {
  const text = readFileSync(profileFile('istio'), 'utf8');
  const filter = ofType(nodesOf(parse(text)), 'ExtAuthz')[0];
  expect(Object.keys(filter ?? {}).sort()).toEqual(
    ['@type', 'filter_enabled_metadata', 'grpc_service', 'status_on_error', 'transport_api_version'].sort(),
  );
  expect(text).not.toContain('context_extensions');
});

describe('envoy/edge-streams.yaml', () => {
  const nodes = nodesOfFile('edge-streams.yaml');

  test('sends neither header nor byte of a stream to the hold, and cuts where there is none', () => {
    const filters = ofType(nodes, 'ExternalProcessor');
    expect(filters).toHaveLength(2);
    for (const filter of filters) {
      expect(filter).toMatchObject({
        failure_mode_allow: false,
        grpc_service: { envoy_grpc: { cluster_name: 'hold' } },
        processing_mode: {
          request_body_mode: 'NONE',
          response_body_mode: 'NONE',
          request_trailer_mode: 'SKIP',
          response_trailer_mode: 'SEND',
        },
        forward_rules: { allowed_headers: { patterns: [{ exact: 'x-doorward-none' }] } },
        metadata_options: { forwarding_namespaces: { untyped: ['envoy.filters.http.ext_authz'] } },
      });
    }
  });

  test('hands the header of the hold to no application, and holds by a cluster of its own', () => {
    expect(nodes).toContainEqual(expect.objectContaining({ request_headers_to_remove: ['x-doorward-hold'] }));
    const clusters = nodes.filter((node) => node['name'] === 'hold' && 'circuit_breakers' in node);
    expect(clusters).toHaveLength(1);
    expect(clusters[0]).toMatchObject({ circuit_breakers: { thresholds: [{ max_requests: 1_000_000 }] } });
    expect(JSON.stringify(clusters[0])).toContain('"connection_keepalive":{"interval":"1s","timeout":"1s"}');
  });
});
