/** The real redis-server, on a free port of loopback, with its data in the folder of the test. */

import { locate } from '../../tools/components.mjs';
import type { Certificate } from './certificates.ts';
import { startProgram, untilReady, type RunningProgram } from './child-process.ts';
import { freePort } from './ports.ts';
import type { TemporaryFolder } from './temporary-folder.ts';

export type RedisSettings = {
  readonly folder: TemporaryFolder;
  /** A free one by default. */
  readonly port?: number;
  /** Of the default user. */
  readonly password?: string;
  /** Another user who may do everything. */
  readonly user?: { readonly name: string; readonly password: string };
  /** TLS only, and a certificate of the same authority from every client. */
  readonly tls?: Certificate & { readonly caFile: string };
  /** Keeps the data over a restart (append-only file, synced always). */
  readonly durable?: boolean;
  /** Further settings as on the command line, e.g. `['--maxmemory', '10mb']`. */
  readonly args?: readonly string[];
};

export type RunningRedis = {
  readonly host: '127.0.0.1';
  readonly port: number;
  readonly pid: number;
  /** SIGSTOP: it keeps its connections and takes new ones, and answers nothing. */
  pause(): void;
  resume(): void;
  /** SIGKILL; resolves when it is gone. */
  kill(): Promise<void>;
  /** Starts it again on the same port, after `kill` or `stop`. */
  restart(): Promise<void>;
  stop(): Promise<void>;
};

/** @throws Error (MissingComponent) that says how to install it where there is no redis-server */
export async function startRedis(settings: RedisSettings): Promise<RunningRedis> {
  const port = settings.port ?? (await freePort());
  let program = await launch(settings, port);
  return {
    host: '127.0.0.1',
    port,
    get pid() {
      return program.pid;
    },
    pause: () => program.signal('SIGSTOP'),
    resume: () => program.signal('SIGCONT'),
    kill: async () => {
      program.signal('SIGKILL');
      await program.ended();
    },
    restart: async () => {
      program = await launch(settings, port);
    },
    stop: async () => {
      program.signal('SIGCONT');
      await program.stop();
    },
  };
}

async function launch(settings: RedisSettings, port: number): Promise<RunningProgram> {
  const program = startProgram({ name: 'redis-server', command: locate('redis'), args: argsOf(settings, port) });
  await untilReady('redis-server', program, () => program.stdout().includes('Ready to accept connections'));
  return program;
}

function argsOf({ folder, password, user, tls, durable, args }: RedisSettings, port: number): readonly string[] {
  const listen =
    tls === undefined
      ? ['--port', String(port)]
      : [
          ...['--port', '0', '--tls-port', String(port), '--tls-auth-clients', 'yes'],
          ...['--tls-cert-file', tls.certFile, '--tls-key-file', tls.keyFile, '--tls-ca-cert-file', tls.caFile],
        ];
  return [
    ...['--bind', '127.0.0.1', '--dir', folder.path, '--save', '', '--maxmemory-policy', 'noeviction'],
    ...listen,
    ...(durable === true ? ['--appendonly', 'yes', '--appendfsync', 'always'] : []),
    ...(password === undefined ? [] : ['--requirepass', password]),
    ...(user === undefined ? [] : ['--user', user.name, 'on', `>${user.password}`, '~*', '&*', '+@all']),
    ...(args ?? []),
  ];
}
