/** From the records and the request of a vector to the facts that a policy looks at. */

import { parseMcpMessage } from '../../src/core/policy/mcp-message.ts';
import type {
  CertificateFacts,
  DeviceFacts,
  HttpFacts,
  McpFacts,
  PolicyFacts,
  Subject,
} from '../../src/core/policy/facts.ts';
import type { Claims } from '../../src/core/session/session.ts';
import { epochSeconds } from '../../src/core/units.ts';
import type { PplVector, Records, SessionRecord } from './vector.ts';

/** Every date of the vectors is far before or far after this one. */
export const NOW = epochSeconds(Date.UTC(2026, 10, 1) / 1000);

const isPast = (date: string | undefined): boolean => date !== undefined && Date.parse(date) / 1000 < NOW;

/** Records that are not expired, by id. */
function current<R extends { readonly id: string; readonly expires_at?: string }>(
  records: readonly R[] | undefined,
): ReadonlyMap<string, R> {
  return new Map((records ?? []).filter(({ expires_at }) => !isPast(expires_at)).map((record) => [record.id, record]));
}

/** The id of the session or service account that is presented; '' when it is none, expired, or no longer good at its provider. */
export function effectiveSessionId(vector: PplVector): string {
  const id = vector.session_id ?? '';
  const session = current(vector.records?.sessions).get(id);
  if (session !== undefined) {
    const isLost = isPast(session.access_token_expires_at) && (session.refresh_token ?? '') === '';
    return isLost ? '' : id;
  }
  return current(vector.records?.service_accounts).has(id) ? id : '';
}

/** The record that a session id stands for: a service account, the session that it impersonates, or the session itself. */
function resolveSession(id: string, records: Records): SessionRecord | undefined {
  const account = current(records.service_accounts).get(id);
  if (account !== undefined) return account;
  const sessions = current(records.sessions);
  const session = sessions.get(id);
  const impersonated = session?.impersonate_session_id ?? '';
  return impersonated === '' ? session : sessions.get(impersonated);
}

function claimsOf(claims: SessionRecord['claims']): Claims {
  return new Map(Object.entries(claims ?? {}));
}

function subjectOf(session: SessionRecord, records: Records): Subject {
  const userId = session.user_id ?? '';
  const user = current(records.users).get(userId);
  const directoryUser = current(records.directory_users).get(userId);
  return {
    kind: 'human',
    userId,
    issuer: '',
    email: directoryUser?.email || user?.email || '',
    name: user?.name ?? '',
    groups: directoryUser === undefined ? undefined : (directoryUser.group_ids ?? []),
    sessionClaims: claimsOf(session.claims),
    userClaims: claimsOf(user?.claims),
    authTime: undefined,
    acr: undefined,
    actors: [],
  };
}

/** The first available credential of each type, where its record exists. */
function deviceOf(session: SessionRecord, records: Records): DeviceFacts {
  const credentials = current(records.device_credentials);
  const enrolments = current(records.device_enrollments);
  const byType = new Map<string, { credentialId: string; enrolled: boolean; approved: boolean }>();
  const seen = new Set<string>();
  for (const { type_id: type, id, unavailable } of session.device_credentials ?? []) {
    if (unavailable === true || seen.has(type)) continue;
    seen.add(type);
    const credential = credentials.get(id);
    if (credential === undefined) continue;
    const enrolment = enrolments.get(credential.enrollment_id ?? '');
    byType.set(type, {
      credentialId: credential.id,
      enrolled: enrolment !== undefined,
      approved: (enrolment?.approved_by ?? '') !== '',
    });
  }
  return { byType };
}

/** Percent-decoded once; '' where that is not possible. */
export function decodedPath(rawPath: string): string {
  const [path = ''] = rawPath.split('?', 1);
  if (/%(?![0-9a-fA-F]{2})/.test(path)) return '';
  const bytes = Buffer.from(path)
    .toString('latin1')
    .replace(/%([0-9a-fA-F]{2})/g, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)));
  return Buffer.from(bytes, 'latin1').toString('utf8');
}

const nothing: McpFacts = { method: '', tool: undefined, readable: true };

function mcpOf({ route, request }: PplVector): McpFacts {
  if (route.mcp_server !== true) return nothing;
  return parseMcpMessage({
    method: request.method,
    contentType: headerOf(request, 'content-type'),
    body: Buffer.from(request.body ?? ''),
    isPartial: false,
  });
}

export function headerOf({ headers }: PplVector['request'], name: string): string {
  const found = Object.entries(headers ?? {}).find(([key]) => key.toLowerCase() === name);
  return found?.[1] ?? '';
}

function httpOf(request: PplVector['request']): HttpFacts {
  const query = request.path.indexOf('?');
  return {
    method: request.method,
    hostname: request.host.replace(/:\d+$/, ''),
    path: decodedPath(request.path),
    query: query < 0 ? '' : request.path.slice(query + 1),
    header: (name) => [headerOf(request, name)],
  };
}

export function factsOf(vector: PplVector, certificate: CertificateFacts): PolicyFacts {
  const { request } = vector;
  const records = vector.records ?? {};
  const session = resolveSession(effectiveSessionId(vector), records);
  return {
    now: NOW,
    http: request.ssh === undefined ? httpOf(request) : undefined,
    sourceIp: request.source_ip,
    subject: session === undefined ? undefined : subjectOf(session, records),
    certificate,
    mcp: request.ssh === undefined ? mcpOf(vector) : nothing,
    ssh:
      request.ssh === undefined
        ? undefined
        : { username: request.ssh.username, publicKey: Buffer.from(request.ssh.publickey, 'base64') },
    device: session === undefined ? undefined : deviceOf(session, records),
    labels: new Map(),
  };
}
