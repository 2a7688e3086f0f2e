/** `doorward session list | show | revoke | revoke-user`: against a running service, over its admin socket. */

export type SessionAction =
  | { readonly kind: 'list'; readonly user: string | undefined; readonly limit: number }
  | { readonly kind: 'show'; readonly handle: string }
  | { readonly kind: 'revoke'; readonly handle: string; readonly why: string | undefined }
  /** `user`: the subject, or the e-mail address of a user who has a live session. */
  | {
      readonly kind: 'revoke-user';
      readonly user: string;
      readonly issuer: string | undefined;
      readonly why: string | undefined;
    };

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

type Revoked = { readonly sessions?: number; readonly acknowledged: number; readonly tookMs: number };

/** The exit code: 0 done, 1 refused or not there. `ask` throws a sentence when nobody answers. */
export async function sessionCommand(action: SessionAction, command: SessionCommand): Promise<0 | 1> {
  switch (action.kind) {
    case 'list':
      return list(action, command);
    case 'show':
      return answer(await command.ask('GET', `/v1/sessions/${encodeURIComponent(action.handle)}`), command, showOne);
    case 'revoke': {
      const path = `/v1/sessions/${encodeURIComponent(action.handle)}/revoke`;
      return answer(await command.ask('POST', path, whyOf(action.why)), command, showRevoked);
    }
    case 'revoke-user':
      return revokeUser(action, command);
  }
}

const whyOf = (why: string | undefined): Readonly<Record<string, string>> => (why === undefined ? {} : { why });

async function list(
  { user, limit }: Extract<SessionAction, { kind: 'list' }>,
  command: SessionCommand,
): Promise<0 | 1> {
  const query = new URLSearchParams({ limit: String(limit), ...(user === undefined ? {} : { user }) });
  return answer(await command.ask('GET', `/v1/sessions?${query.toString()}`), command, (body) => {
    const { sessions } = body as { readonly sessions: readonly Summary[] };
    if (sessions.length === 0) return 'no sessions\n';
    return table([
      ['SESSION', 'USER', 'PROVIDER', 'LAST USED', 'ENDS'],
      ...sessions.map((each) => [each.handle, shownUser(each), each.idp, time(each.lastSeenAt), time(each.expiresAt)]),
    ]);
  });
}

async function revokeUser(
  { user, issuer, why }: Extract<SessionAction, { kind: 'revoke-user' }>,
  command: SessionCommand,
): Promise<0 | 1> {
  const who = issuer === undefined ? await findUser(user, command) : { issuer, subject: user };
  if (typeof who === 'string') {
    command.writeError(`${who}\n`);
    return 1;
  }
  return answer(await command.ask('POST', '/v1/users/revoke', { ...who, ...whyOf(why) }), command, showRevoked);
}

/** Who it is, from the live sessions of that name; a sentence where that is not one user. */
async function findUser(
  user: string,
  { ask }: SessionCommand,
): Promise<{ readonly issuer: string; readonly subject: string } | string> {
  const { status, body } = await ask('GET', `/v1/sessions?${new URLSearchParams({ user, limit: '1000' }).toString()}`);
  if (status !== 200) return errorOf(body);
  const { sessions } = body as { readonly sessions: readonly Summary[] };
  const [first] = sessions;
  if (first === undefined)
    return `no live session of "${user}"; name the issuer with --issuer to refuse logins that are under way`;
  const isOne = sessions.every(({ issuer, subject }) => issuer === first.issuer && subject === first.subject);
  return isOne
    ? { issuer: first.issuer, subject: first.subject }
    : `"${user}" is more than one user: give --issuer and the subject`;
}

function answer(
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

function errorOf(body: unknown): string {
  const error = typeof body === 'object' && body !== null ? (body as { error?: unknown }).error : undefined;
  return typeof error === 'string' ? error : 'the service did not say why';
}

function showRevoked(body: unknown): string {
  const { sessions, acknowledged, tookMs } = body as Revoked;
  const count = sessions === undefined ? '' : `${sessions} session${sessions === 1 ? '' : 's'}, `;
  return `revoked: ${count}acknowledged by ${acknowledged} process${acknowledged === 1 ? '' : 'es'} in ${tookMs.toFixed(1)} ms\n`;
}

const showOne = (body: unknown): string =>
  table(
    Object.entries(body as Record<string, unknown>).map(([name, value]) => [
      name,
      /At$|Time$/.test(name) ? time(Number(value)) : Array.isArray(value) ? value.join(', ') : String(value),
    ]),
  );

const shownUser = ({ email, subject }: Summary): string => (email === '' ? subject : email);

const time = (seconds: number): string => new Date(seconds * 1000).toISOString().replace(/\.\d+Z$/, 'Z');

/** A terminal obeys control characters; users choose their names. */
const printable = (text: string): string => text.replace(/[\p{Cc}\p{Cf}]/gu, '?');

function table(rows: readonly (readonly string[])[]): string {
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
