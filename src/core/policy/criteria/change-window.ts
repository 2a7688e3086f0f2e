/**
 * `change_window`: one of the named windows of the configuration is open.
 * Reasons: change-window-open, change-window-closed. Source: docs/policy-language.md "change_window".
 */

import { isOpen } from '../change-window.ts';
import type { ChangeWindow } from '../change-window.ts';
import type { DataParser } from '../criterion.ts';
import { criterion, outcomes } from '../criterion.ts';
import { parseTextList } from '../data.ts';
import { meant } from '../parse.ts';
import { err, ok } from '../../result.ts';

const windowNames: DataParser<readonly ChangeWindow[]> = {
  form: 'name or list of names',
  parse(data, context) {
    const { changeWindows, path } = context;
    const found = parseTextList(data, context, path, (name) =>
      changeWindows.has(name)
        ? ok(changeWindows.get(name))
        : err(`\`change_windows\` has no window \`${name}\`${meant(name, [...changeWindows.keys()])}`),
    );
    if (found?.length === 0) {
      context.error(path, 'an empty list names no window');
      return undefined;
    }
    // A window that did not load is a problem of its own, and stops the load.
    return found?.filter((window) => window !== undefined);
  },
};

const byTruth = outcomes({ pass: 'change-window-open', fail: 'change-window-closed' });

export const changeWindow = criterion({
  name: 'change_window',
  data: windowNames,
  needs: [],
  reads: [],
  reasons: ['change-window-open', 'change-window-closed'],
  compile:
    (windows) =>
    ({ now }) =>
      byTruth(windows.some((window) => isOpen(window, now))),
});
