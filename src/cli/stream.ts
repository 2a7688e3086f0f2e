/** `doorward stream list | cut`: against a running service, of the streams that it holds. */

import { answer, fieldsOf, notDoorward, table, time, type SessionCommand } from './session.ts';

export type StreamAction =
  | { readonly kind: 'list'; readonly user?: string; readonly session?: string; readonly limit: number }
  /** One of `id`, `session` and `user`. */
  | {
      readonly kind: 'cut';
      readonly id?: string;
      readonly session?: string;
      readonly user?: string;
      readonly reason?: string;
    };

const LIST_MAX = 1_000;
const REASON_MAX = 1_024;

/** The exit code: 0 done, 1 refused or nobody answers, 2 wrongly asked. */
export async function streamCommand(action: StreamAction, command: SessionCommand): Promise<0 | 1 | 2> {
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

function mistakeIn(action: StreamAction): string | undefined {
  if (action.kind === 'list') {
    const isCount = Number.isInteger(action.limit) && action.limit >= 1 && action.limit <= LIST_MAX;
    return isCount ? undefined : `--limit is a number from 1 to ${LIST_MAX}`;
  }
  const { id, session, user, reason } = action;
  if (reason === '' || (reason?.length ?? 0) > REASON_MAX) return `--reason is a text of 1 to ${REASON_MAX} characters`;
  const named = [id, session, user].filter((name) => name !== undefined && name !== '');
  return named.length === 1 ? undefined : 'say which: a stream, --session or --user';
}

async function run(action: StreamAction, command: SessionCommand): Promise<0 | 1> {
  if (action.kind === 'cut') {
    const { id, session, user, reason } = action;
    const given = Object.entries({ id, session, user, reason }).filter(
      (entry): entry is [string, string] => entry[1] !== undefined,
    );
    return answer(await command.ask('POST', '/v1/streams/cut', Object.fromEntries(given)), command, (body) => {
      const { streams } = fieldsOf(body);
      if (typeof streams !== 'number') throw notDoorward();
      return `cut: ${streams} stream${streams === 1 ? '' : 's'}\n`;
    });
  }
  const query = new URLSearchParams({ limit: String(action.limit) });
  if (action.user !== undefined) query.set('user', action.user);
  if (action.session !== undefined) query.set('session', action.session);
  return answer(await command.ask('GET', `/v1/streams?${query.toString()}`), command, (body) => {
    const { streams } = fieldsOf(body);
    if (!Array.isArray(streams)) throw notDoorward();
    if (streams.length === 0) return 'no streams\n';
    return table([['STREAM', 'USER', 'ROUTE', 'SINCE', 'WHAT'], ...streams.map(rowOf)]);
  });
}

function rowOf(stream: unknown): readonly string[] {
  const fields = fieldsOf(stream);
  const textOf = (name: string): string => {
    const text = fields[name];
    if (typeof text !== 'string') throw notDoorward();
    return text;
  };
  const { email, subject, route, since } = fields;
  if (typeof since !== 'number') throw notDoorward();
  const who = [email, subject].find((text): text is string => typeof text === 'string' && text !== '') ?? '-';
  const what = `${textOf('method')} ${textOf('host')}${textOf('path')}`;
  return [textOf('id'), who, typeof route === 'string' ? route : '-', time(since), what];
}
