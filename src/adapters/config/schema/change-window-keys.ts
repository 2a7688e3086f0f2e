/** `change_windows`: the shape of named windows. What days, times, dates and zones mean is checked by the core. */

import { Type } from 'typebox';
import { section, text } from './parts.ts';

const point = (description: string) => Type.Optional(text({ description, examples: ['2027-01-01', '2027-01-01T08:00'] }));

const validity = {
  from: point('Closed before it. A date, or a date with a time; a date counts from its beginning.'),
  until: point('Closed after it. A date counts to its end.'),
};

const changeWindow = section(
  {
    timezone: text({
      description: 'The IANA name of the zone whose clock counts.',
      examples: ['Europe/Berlin', 'UTC'],
    }),
    days: Type.Optional(
      text({
        description:
          'The weekdays on which it opens: `mon-fri`, `sat,sun`, or `*` for all. Hours over midnight belong to the day on which they begin.',
        default: '*',
      }),
    ),
    hours: Type.Optional(
      section(
        {
          after: Type.Optional(text({ description: 'Opens at this time: `09:00` or `9 AM`.' })),
          before: Type.Optional(text({ description: 'Closes at this time. Before `after`: on the next day.' })),
        },
        { description: 'The time of day. Without it: all day.' },
      ),
    ),
    ...validity,
    freezes: Type.Optional(
      Type.Unsafe<readonly unknown[]>({
        type: 'array',
        items: {
          anyOf: [
            { type: 'string', minLength: 1 },
            section(
              { from: text({ description: 'The first day.' }), until: text({ description: 'The last day.' }) },
              { description: 'A range.' },
            ),
          ],
          errorMessage: 'must be a date, or a range with `from` and `until`',
        },
        errorMessage: 'must be a list of dates and ranges',
        description: 'Days and ranges on which it stays closed: holidays, a freeze at the end of the year.',
        examples: [['2026-12-25', { from: '2026-12-28', until: '2027-01-03' }]],
      }),
    ),
  },
  { description: 'A window.' },
);

export const changeWindows = Type.Unsafe<{ readonly [name: string]: unknown }>({
  type: 'object',
  propertyNames: { pattern: '^[A-Za-z0-9_.-]{1,64}$', errorMessage: 'must have names of letters, digits and `_-.` as keys' },
  additionalProperties: changeWindow,
  errorMessage: 'must be a map of names to windows',
  description: 'Times in which changes may be made, by name, for the criterion `change_window` of policies.',
  examples: [{ deploys: { timezone: 'Europe/Berlin', days: 'mon-thu', hours: { after: '09:00', before: '16:00' } } }],
});
