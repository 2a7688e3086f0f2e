/**
 * `doorward replay`: judges recorded requests again under another configuration, and says which decisions would be others. Streams: what is kept
 * are counts, and of those a bounded number.
 */

import type { JudgedAgain } from '../core/audit/judged-again.ts';
import { parseRecord } from '../core/audit/parse-record.ts';
import type { JudgedKind } from '../core/audit/judged-kind.ts';
import type { ApartKind, JudgedRecord } from '../core/audit/parse-record.ts';
import type { LocatedProblem } from '../core/problem.ts';
import type { Result } from '../core/result.ts';
import { formatProblems } from './format-problems.ts';

export type Judge = (record: JudgedRecord) => JudgedAgain;

export type ReplayCommand = {
  /** The new configuration, compiled to what judges; or what is wrong with it. */
  readonly load: () => Promise<Result<Judge, readonly LocatedProblem[]>>;
  /** The lines of the audit, one after the other. Throws where it cannot be read. */
  readonly lines: () => AsyncIterable<string>;
  readonly write: (text: string) => void;
  readonly writeError: (text: string) => void;
  readonly output: 'text' | 'json';
  readonly color: boolean;
};

/** Different rows of counts that are kept; beyond it they are counted together. */
const ROWS_MAX = 10_000;
/** Numbers of lines that are named as no records. */
const LINES_NAMED_MAX = 20;
const OTHERS = '(others)';
const ANONYMOUS = '(anonymous)';
const NO_ROUTE = '(no route)';

/** The exit code: 0 when no decision would change, 1 when some would, 2 when it could not be done. A file without a record is none of the first two. */
export async function replayCommand(command: ReplayCommand): Promise<0 | 1 | 2> {
  const { load, lines, write, writeError, output, color } = command;
  const loaded = await load();
  if (!loaded.ok) {
    if (output === 'json') write(`${JSON.stringify({ requests: [], problems: loaded.error })}\n`);
    else writeError(`${formatProblems(loaded.error, { color })}\n`);
    return 2;
  }
  const totals = createTotals();
  const report = output === 'json' ? jsonReport(write) : textReport(write);
  report.begin();
  try {
    for await (const line of lines()) replayLine(line, loaded.value, totals, report);
  } catch (error) {
    const fault = `the audit cannot be read: ${error instanceof Error ? error.message : 'unknown reason'}`;
    report.end(totals, fault);
    writeError(`${fault}\n`);
    return 2;
  }
  if (!hasRecords(totals)) {
    report.end(totals, NO_RECORD);
    writeError(`${NO_RECORD}\n`);
    return 2;
  }
  report.end(totals, undefined);
  return totals.changed === 0 ? 0 : 1;
}

const NO_RECORD = 'nothing was judged: there is no audit record of version 2 in it';

const hasRecords = ({ same, changed, undecided, apart }: Totals): boolean =>
  Object.values(apart).reduce((sum, count) => sum + count, same + changed + undecided) > 0;

type Change = { readonly record: JudgedRecord; readonly again: Extract<JudgedAgain, { kind: 'decided' }> };
type Open = { readonly record: JudgedRecord; readonly again: Extract<JudgedAgain, { kind: 'undecided' }> };

interface Report {
  begin(): void;
  changed(change: Change): void;
  undecided(open: Open): void;
  /** `fault`: why it came to no end of its own; undefined = it did. */
  end(totals: Totals, fault: string | undefined): void;
}

type Totals = {
  lines: number;
  same: number;
  changed: number;
  undecided: number;
  malformed: number;
  readonly apart: Record<ApartKind, number>;
  readonly malformedLines: { readonly line: number; readonly why: string }[];
  readonly byRoute: Counts;
  readonly bySubject: Counts;
  readonly byLacking: Counts;
};

const createTotals = (): Totals => ({
  lines: 0,
  same: 0,
  changed: 0,
  undecided: 0,
  malformed: 0,
  apart: { own: 0, error: 0, 'bad-request': 0, administration: 0 },
  malformedLines: [],
  byRoute: new Counts(),
  bySubject: new Counts(),
  byLacking: new Counts(),
});

type Row = { readonly what: string; readonly from: string; readonly to: string; count: number };

class Counts {
  readonly #rows = new Map<string, Row>();

  add(what: string, from: string, to: string): void {
    const known = this.#rows.get(keyOf(what, from, to));
    if (known !== undefined) known.count += 1;
    else if (this.#rows.size < ROWS_MAX) this.#rows.set(keyOf(what, from, to), { what, from, to, count: 1 });
    else if (what !== OTHERS) this.add(OTHERS, from, to);
    else this.#rows.set(keyOf(what, from, to), { what, from, to, count: 1 });
  }

  /** The largest first. */
  rows(): readonly Row[] {
    return [...this.#rows.values()].sort((a, b) => b.count - a.count);
  }
}

const keyOf = (what: string, from: string, to: string): string => JSON.stringify([what, from, to]);

function replayLine(line: string, judge: Judge, totals: Totals, report: Report): void {
  totals.lines += 1;
  if (line.trim() === '') return;
  const parsed = parseLine(line);
  if (!parsed.ok) {
    totals.malformed += 1;
    if (totals.malformedLines.length < LINES_NAMED_MAX)
      totals.malformedLines.push({ line: totals.lines, why: parsed.error });
    return;
  }
  if (parsed.value.kind === 'apart') {
    totals.apart[parsed.value.as] += 1;
    return;
  }
  const { record } = parsed.value;
  const again = judge(record);
  switch (again.kind) {
    case 'own':
      totals.apart.own += 1;
      return;
    case 'undecided':
      totals.undecided += 1;
      for (const name of again.lacking) totals.byLacking.add(again.route ?? NO_ROUTE, record.was, name);
      report.undecided({ record, again });
      return;
    case 'decided':
      if (again.is === record.was) {
        totals.same += 1;
        return;
      }
      totals.changed += 1;
      totals.byRoute.add(again.route ?? record.route ?? NO_ROUTE, record.was, again.is);
      totals.bySubject.add(nameOf(record), record.was, again.is);
      report.changed({ record, again });
  }
}

function parseLine(line: string): ReturnType<typeof parseRecord> {
  try {
    return parseRecord(JSON.parse(line));
  } catch {
    return { ok: false, error: 'not JSON' };
  }
}

const nameOf = ({ email, subject }: JudgedRecord): string =>
  email !== undefined && email !== '' ? email : (subject ?? ANONYMOUS);

/** SECURITY: what clients wrote must not steer a terminal. */
// eslint-disable-next-line no-control-regex -- these are the characters that steer one
const shown = (text: string): string => text.replace(/[\u0000-\u001f\u007f-\u009f]/g, '\uFFFD');

const timeOf = ({ time }: JudgedRecord): string => {
  const date = new Date(time * 1000);
  return Number.isNaN(date.getTime()) ? String(time) : date.toISOString();
};

function textReport(write: (text: string) => void): Report {
  const rows = (title: string, counts: Counts): void => {
    const all = counts.rows();
    if (all.length === 0) return;
    write(`\n${title}\n`);
    for (const { what, from, to, count } of all) write(`  ${count}  ${shown(what)}: ${from} -> ${shown(to)}\n`);
  };
  return {
    begin: () => undefined,
    changed: ({ record, again }) => {
      const because = [...(again.rule === undefined ? [] : [again.rule]), ...again.reasons].join(', ');
      const target = `${record.method} ${record.host}${record.path}`;
      write(
        `${timeOf(record)} ${record.was} -> ${again.is}  ${shown(nameOf(record))}  ${shown(target)}  ${again.route ?? NO_ROUTE}` +
          `${because === '' ? '' : ` (${because})`}  ${shown(record.requestId)}\n`,
      );
    },
    undecided: () => undefined,
    end: (totals) => {
      if (totals.lines === 0) return;
      rows('changed, by route', totals.byRoute);
      rows('changed, by subject', totals.bySubject);
      rows('undecided, by route and by what the record lacks', totals.byLacking);
      for (const { line, why } of totals.malformedLines) write(`line ${line}: ${why}\n`);
      const { own, error, 'bad-request': bad, administration } = totals.apart;
      write(
        `\n${totals.changed} changed, ${totals.same} the same, ${totals.undecided} undecided` +
          `; not judged: ${own} own endpoints, ${error} errors, ${bad} bad requests, ${administration} changes by administrators, ${totals.malformed} lines that are no record\n`,
      );
    },
  };
}

/** One JSON document, written as it comes. */
function jsonReport(write: (text: string) => void): Report {
  let isFirst = true;
  const item = (value: object): void => {
    write(`${isFirst ? '' : ','}\n${JSON.stringify(value)}`);
    isFirst = false;
  };
  const common = (record: JudgedRecord): object => ({
    request_id: record.requestId,
    time: record.time,
    subject: record.subject,
    email: record.email,
    method: record.method,
    host: record.host,
    path: record.path,
    was: { decision: record.was satisfies JudgedKind, route: record.route, rule: record.rule },
  });
  const rows = (counts: Counts, name: 'route' | 'subject'): readonly object[] =>
    counts.rows().map(({ what, from, to, count }) => ({ [name]: what, was: from, is: to, count }));
  return {
    begin: () => {
      write('{"requests":[');
    },
    changed: ({ record, again: { is, route, rule, reasons } }) => {
      item({ ...common(record), is: { decision: is, route, rule, reasons } });
    },
    undecided: ({ record, again: { route, lacking } }) => {
      item({ ...common(record), is: { decision: 'undecided', route, lacking } });
    },
    end: (totals, fault) => {
      const { changed, same, undecided, malformed, apart, malformedLines } = totals;
      const summary = {
        counts: { changed, same, undecided, malformed, ...apart },
        changed_by_route: rows(totals.byRoute, 'route'),
        changed_by_subject: rows(totals.bySubject, 'subject'),
        undecided_by_route: totals.byLacking
          .rows()
          .map(({ what, from, to, count }) => ({ route: what, was: from, lacking: to, count })),
        malformed_lines: malformedLines,
        error: fault,
      };
      write(`\n],${JSON.stringify(summary).slice(1)}\n`);
    },
  };
}
