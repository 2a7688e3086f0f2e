/** The operators' listener over a real socket. */

import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { get } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { afterEach, describe, expect, test } from '@jest/globals';

import { createMetrics } from '../../../src/adapters/metrics/metrics.ts';
import { startOpsServer, type Component, type OpsServer } from '../../../src/adapters/web/ops-server.ts';

const opened: OpsServer[] = [];

afterEach(async () => {
  await Promise.all(opened.splice(0).map((server) => server.close()));
});

async function open(components: readonly Component[]) {
  const metrics = createMetrics({ version: '1.2.3', node: '20' });
  const server = await startOpsServer(
    { kind: 'tcp', host: '127.0.0.1', port: 0 },
    { expose: () => metrics.expose(), components: () => Promise.resolve(components) },
  );
  opened.push(server);
  const ask = (path: string, init?: RequestInit) => fetch(`http://127.0.0.1:${server.port}${path}`, init);
  return { metrics, get: ask };
}

const routes: Component = { name: 'configuration', required: true, ok: true, detail: 'generation 1, 2 routes' };
const idp: Component = { name: 'idp corp', required: false, ok: false, detail: 'not reached yet' };

describe('the listener for operators', () => {
  test('is alive and ready while an identity provider is out of reach, and says which', async () => {
    const { get } = await open([routes, idp]);
    expect((await get('/livez')).status).toBe(200);
    const ready = await get('/readyz');
    expect([ready.status, await ready.text()]).toEqual([200, 'ok\n']);
    expect(await (await get('/readyz?verbose')).text()).toBe(
      '[+] configuration: generation 1, 2 routes\n[-] idp corp: not reached yet (does not make Doorward unready)\nready\n',
    );
  });

  test('is not ready without what it requires', async () => {
    const { get } = await open([{ ...routes, ok: false, detail: 'draining' }]);
    const ready = await get('/readyz?verbose');
    expect([ready.status, await ready.text()]).toEqual([503, '[-] configuration: draining\nnot ready\n']);
  });

  test('exposes counted Checks by decision and code', async () => {
    const { get, metrics } = await open([routes]);
    metrics.observeCheck({ decision: 'allow', code: 'allow', micros: 30 });
    metrics.observeCheck({ decision: 'allow', code: 'allow', micros: 3000 });
    metrics.observeCheck({ decision: 'deny', code: 'forbidden', micros: 10 });
    metrics.observeDependencyError('store-unavailable');
    metrics.observeReload({ ok: true, generation: 3, atSeconds: 1_767_225_600 });
    metrics.observeReload({ ok: false, generation: 3, atSeconds: 1_767_225_700 });
    metrics.reportInFlight(() => 7);
    const response = await get('/metrics');
    const text = await response.text();
    expect(response.headers.get('content-type')).toMatch(/^text\/plain; version=0\.0\.4/);
    for (const line of [
      'doorward_build_info{version="1.2.3",node="20"} 1',
      'doorward_decisions_total{decision="allow",code="allow"} 2',
      'doorward_decisions_total{decision="deny",code="forbidden"} 1',
      'doorward_check_duration_seconds_bucket{le="0.00005",decision="allow"} 1',
      'doorward_check_duration_seconds_count{decision="allow"} 2',
      'doorward_dependency_errors_total{code="store-unavailable"} 1',
      'doorward_config_generation 3',
      'doorward_config_last_reload_successful 0',
      'doorward_config_reload_success_timestamp_seconds 1767225600',
      'doorward_checks_in_flight 7',
    ]) {
      expect(text.split('\n')).toContain(line);
    }
  });

  test('answers 500 and nothing else where it cannot tell', async () => {
    const server = await startOpsServer(
      { kind: 'tcp', host: '127.0.0.1', port: 0 },
      { expose: () => Promise.reject(new Error('secret')), components: () => Promise.reject(new Error('secret')) },
    );
    opened.push(server);
    for (const path of ['/metrics', '/readyz', '/readyz?verbose']) {
      const response = await fetch(`http://127.0.0.1:${server.port}${path}`);
      expect([response.status, await response.text()]).toEqual([500, 'internal error\n']);
    }
    expect((await fetch(`http://127.0.0.1:${server.port}/livez`)).status).toBe(200);
  });

  test('can be a unix socket, which replaces what a killed process left and no other', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'doorward-ops-'));
    const path = join(folder, 'ops.sock');
    const listen = `require('net').createServer().listen(${JSON.stringify(path)}, () => process.kill(process.pid, 'SIGKILL'))`;
    spawnSync(process.execPath, ['-e', listen]);
    const options = { expose: () => Promise.reject(new Error()), components: () => Promise.resolve([routes]) };
    const server = await startOpsServer({ kind: 'unix', path }, options);
    opened.push(server);
    expect(server.port).toBeUndefined();
    const status = await new Promise((resolve) => {
      get({ socketPath: path, path: '/readyz' }, (response) => {
        resolve(response.statusCode);
        response.resume();
      });
    });
    expect(status).toBe(200);
    await expect(startOpsServer({ kind: 'unix', path }, options)).rejects.toThrow(`another process listens on ${path}`);
    rmSync(folder, { recursive: true });
  });

  test.each([
    ['POST', '/metrics', 405],
    ['DELETE', '/livez', 405],
    ['GET', '/', 404],
    ['GET', '/debug/pprof', 404],
    ['GET', '/livez/../metrics2', 404],
    ['HEAD', '/livez', 200],
  ])('%s %s is %i', async (method, path, status) => {
    const { get } = await open([routes]);
    expect((await get(path, { method })).status).toBe(status);
  });
});
