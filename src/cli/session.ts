/** `doorward session list | show | revoke | revoke-user | revoke-idp | revoke-all`: against a running service, over its admin socket. */

export type SessionAction =
  | { readonly kind: 'list'; readonly user: string | undefined; readonly limit: number }
  | { readonly kind: 'show'; readonly handle: string }
  | { readonly kind: 'revoke'; readonly handle: string; readonly reason: string | undefined }
  /** `user`: the subject, or the e-mail address of a user who has a live session. */
  | {
      readonly kind: 'revoke-user';
      readonly user: string;
      readonly issuer: string | undefined;
      readonly reason: string | undefined;
    }
  /** All that this provider signed in. */
  | { readonly kind: 'revoke-idp'; readonly idp: string; readonly reason: string | undefined }
  | { readonly kind: 'revoke-all'; readonly reason: string | undefined };

export type SessionCommand = {
  readonly ask: (
    method: 'GET' | 'POST',
    path: string,
    body?: Readonly<Record<string, string>>,
  ) => Promise<{ readonly status: number; readonly body: unknown }>;
  readonly write: (text: string) => void;
  readonly writeError: (text: string) => void;
  readonly output: 'text' | 'json';
};

type Summary = {
  readonly handle: string;
  readonly idp: string;
  readonly issuer: string;
  readonly subject: string;
  readonly email: string;
  readonly createdAt: number;
  readonly expiresAt: number;
  readonly lastSeenAt: number;
};

/** As many as the service gives at once. */
const LIST_MAX = 1000;
/** Characters of a reason, as the service takes it. */
const REASON_MAX = 1024;
/** base64url of SHA-256. */
const HANDLE = /^[A-Za-z0-9_-]{43}$/;

/** The exit code: 0 done, 1 refused, not there or nobody answers, 2 wrongly asked. */
export async function sessionCommand(action: SessionAction, command: SessionCommand): Promise<0 | 1 | 2> {
  const mistake = mistakeIn(action);
  if (mistake !== undefined) {
    command.writeError(`${mistake}\n`);
    return 2;
  }
  try {
    return await run(action, command);
  } catch (error) {
    // What `ask` throws is a sentence for whoever sits there.
    command.writeError(`${error instanceof Error ? error.message : String(error)}\n`);
    return 1;
  }
}

function mistakeIn(action: SessionAction): string | undefined {
  const reason = 'reason' in action ? action.reason : undefined;
  if (reason === '' || (reason?.length ?? 0) > REASON_MAX) return `--reason is a text of 1 to ${REASON_MAX} characters`;
  switch (action.kind) {
    case 'list': {
      const isCount = Number.isInteger(action.limit) && action.limit >= 1 && action.limit <= LIST_MAX;
      return isCount ? undefined : `--limit is a number from 1 to ${LIST_MAX}`;
    }
    case 'show':
    case 'revoke':
      return HANDLE.test(action.handle)
        ? undefined
        : 'a session is named by 43 letters, digits, - and _, as `session list` shows it';
    case 'revoke-user':
      return action.user === '' ? 'a user is named by subject or e-mail address' : undefined;
    case 'revoke-idp':
      return action.idp === '' ? 'an identity provider is named as in the configuration' : undefined;
    case 'revoke-all':
      return undefined;
  }
}

async function run(action: SessionAction, command: SessionCommand): Promise<0 | 1> {
  switch (action.kind) {
    case 'list':
      return list(action, command);
    case 'show':
      return answer(await command.ask('GET', `/v1/sessions/${encodeURIComponent(action.handle)}`), command, showOne);
    case 'revoke': {
      const path = `/v1/sessions/${encodeURIComponent(action.handle)}/revoke`;
      return answer(await command.ask('POST', path, reasonOf(action.reason)), command, showRevoked);
    }
    case 'revoke-user':
      return revokeUser(action, command);
    case 'revoke-idp': {
      const body = { idp: action.idp, ...reasonOf(action.reason) };
      return answer(await command.ask('POST', '/v1/idps/revoke', body), command, showRevoked);
    }
    case 'revoke-all':
      return answer(await command.ask('POST', '/v1/all/revoke', reasonOf(action.reason)), command, showRevoked);
  }
}

const reasonOf = (reason: string | undefined): Readonly<Record<string, string>> =>
  reason === undefined ? {} : { reason };

async function list(
  { user, limit }: Extract<SessionAction, { kind: 'list' }>,
  command: SessionCommand,
): Promise<0 | 1> {
  const query = new URLSearchParams({ limit: String(limit), ...(user === undefined ? {} : { user }) });
  return answer(await command.ask('GET', `/v1/sessions?${query.toString()}`), command, (body) => {
    const sessions = sessionsIn(body);
    if (sessions.length === 0) return 'no sessions\n';
    return table([
      ['SESSION', 'USER', 'PROVIDER', 'LAST USED', 'ENDS'],
      ...sessions.map((each) => [each.handle, shownUser(each), each.idp, time(each.lastSeenAt), time(each.expiresAt)]),
    ]);
  });
}

async function revokeUser(
  { user, issuer, reason }: Extract<SessionAction, { kind: 'revoke-user' }>,
  command: SessionCommand,
): Promise<0 | 1> {
  const who = issuer === undefined ? await findUser(user, command) : { issuer, subject: user };
  if (typeof who === 'string') {
    command.writeError(`${who}\n`);
    return 1;
  }
  return answer(await command.ask('POST', '/v1/users/revoke', { ...who, ...reasonOf(reason) }), command, showRevoked);
}

/** Who it is, from the live sessions of that name; a sentence where that is not one user. */
async function findUser(
  user: string,
  { ask }: SessionCommand,
): Promise<{ readonly issuer: string; readonly subject: string } | string> {
  const { status, body } = await ask(
    'GET',
    `/v1/sessions?${new URLSearchParams({ user, limit: String(LIST_MAX) }).toString()}`,
  );
  if (status !== 200) return errorOf(body);
  const sessions = sessionsIn(body);
  const [first] = sessions;
  if (first === undefined)
    return `no live session of "${user}"; name the issuer with --issuer to refuse logins that are under way`;
  // Of a list that may go on it cannot be known.
  const isOne =
    sessions.length < LIST_MAX &&
    sessions.every(({ issuer, subject }) => issuer === first.issuer && subject === first.subject);
  return isOne
    ? { issuer: first.issuer, subject: first.subject }
    : `"${user}" is more than one user: give --issuer and the subject`;
}

export function answer(
  reply: { readonly status: number; readonly body: unknown },
  { write, writeError, output }: SessionCommand,
  asText: (body: unknown) => string,
): 0 | 1 {
  if (reply.status !== 200) {
    writeError(`${errorOf(reply.body)}\n`);
    return 1;
  }
  write(output === 'json' ? `${JSON.stringify(reply.body, undefined, 2)}\n` : asText(reply.body));
  return 0;
}

export const fieldsOf = (value: unknown): Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {};

export const notDoorward = (): Error => new Error('what answers on the admin socket is not this Doorward');

/** @throws Error with a sentence for anything else */
function sessionsIn(body: unknown): readonly Summary[] {
  const { sessions } = fieldsOf(body);
  if (!Array.isArray(sessions) || !sessions.every(isSummary)) throw notDoorward();
  return sessions;
}

function isSummary(value: unknown): value is Summary {
  const { handle, idp, issuer, subject, email, createdAt, expiresAt, lastSeenAt } = fieldsOf(value);
  return (
    [handle, idp, issuer, subject, email].every((text) => typeof text === 'string') &&
    [createdAt, expiresAt, lastSeenAt].every((time) => typeof time === 'number')
  );
}

function errorOf(body: unknown): string {
  const { error } = fieldsOf(body);
  return typeof error === 'string' ? printable(error) : 'the service did not say why';
}

function showRevoked(body: unknown): string {
  const { sessions, acknowledged, members, tookMs } = fieldsOf(body);
  if ([acknowledged, members, tookMs].some((value) => typeof value !== 'number')) throw notDoorward();
  const count = typeof sessions === 'number' ? `${sessions} session${sessions === 1 ? '' : 's'}, ` : '';
  const of = `${String(acknowledged)} of ${String(members)} process${members === 1 ? '' : 'es'}`;
  return `revoked: ${count}acknowledged by ${of} in ${Number(tookMs).toFixed(1)} ms\n`;
}

const showOne = (body: unknown): string =>
  table(
    Object.entries(fieldsOf(body)).map(([name, value]) => [
      name,
      /At$|Time$/.test(name) ? time(Number(value)) : Array.isArray(value) ? value.join(', ') : String(value),
    ]),
  );

const shownUser = ({ email, subject }: Summary): string => (email === '' ? subject : email);

/** RFC 3339 in UTC; a number that is no time is shown as it is. */
export function time(seconds: number): string {
  const date = new Date(seconds * 1000);
  return Number.isNaN(date.getTime()) ? String(seconds) : date.toISOString().replace(/\.\d+Z$/, 'Z');
}

/** SECURITY: a terminal obeys control characters, and users choose their names. */
const printable = (text: string): string => text.replace(/[\p{Cc}\p{Cf}]/gu, '?');

export function table(rows: readonly (readonly string[])[]): string {
  const cells = rows.map((row) => row.map(printable));
  const widths = (cells[0] ?? []).map((_, column) => Math.max(...cells.map((row) => row[column]?.length ?? 0)));
  return cells
    .map(
      (row) =>
        `${row
          .map((cell, column) => cell.padEnd(widths[column] ?? 0))
          .join('  ')
          .trimEnd()}\n`,
    )
    .join('');
}
