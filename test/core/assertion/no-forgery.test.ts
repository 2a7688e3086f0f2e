import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { plainName } from '../../../src/core/assertion/hygiene.ts';
import { anUpstreamInput, received } from './an-upstream.ts';

const MARK = 'FORGED';

/** Names that some server could take for one of ours: any case is lower here, as Envoy sends names, and separators vary. */
const identityName = fc
  .tuple(
    fc.constantFrom(
      ...[
        'x-pomerium-jwt-assertion',
        'x-pomerium-jwt-assertion-for',
        'x-pomerium-claim-email',
        'x-pomerium-routing-key',
      ],
      ...['x-pomerium-', 'x-doorward-', 'x-doorward-user', 'x-email', 'x-groups', 'x-department', 'x-env'],
    ),
    fc.array(fc.constantFrom('-', '_', '.', '~', '!'), { minLength: 8, maxLength: 8 }),
  )
  .map(([name, separators]) => {
    let at = 0;
    return name.replace(/-/g, () => separators[at++] ?? '-');
  });
const otherName = fc.stringMatching(/^[a-z0-9!#$%&'*+.^_|~-]{1,12}$/);
const line = fc.oneof(
  fc.tuple(identityName, fc.constantFrom(MARK, `${MARK},x`, '', `\ufffd${MARK}`)),
  fc.tuple(otherName, fc.string({ maxLength: 10 })),
  fc.tuple(fc.constant('connection'), identityName),
);

const isOurs = (name: string): boolean =>
  /^x-(?:pomerium|doorward)-/.test(plainName(name)) ||
  ['x-email', 'x-groups', 'x-department', 'x-env'].includes(plainName(name));

describe('whatever set of headers a client sends', () => {
  test.each(['strict', 'pomerium'] as const)('none of it passes for identity (%s)', (semantics) => {
    fc.assert(
      fc.property(
        fc.array(line, { maxLength: 12 }),
        fc.boolean(),
        fc.boolean(),
        fc.boolean(),
        (lines, isSignedIn, passes, raw) => {
          const input = anUpstreamInput({
            headers: lines,
            hasRawHeaders: raw,
            ...(isSignedIn ? {} : { session: undefined }),
            route: { passIdentityHeaders: passes },
            setRequestHeaders: { 'x-env': 'prod' },
            config: { identity_semantics: semantics },
          });
          const { headers } = received(input);
          for (const [name, values] of headers) {
            if (!isOurs(name)) continue;
            expect(values).toHaveLength(1);
            // The Pomerium semantics hand one thing on, under the one name that says what it is.
            if (semantics === 'pomerium' && name === 'x-pomerium-jwt-assertion-for') continue;
            expect(values[0]).not.toContain(MARK);
            expect(['x-env', 'x-email', 'x-groups', 'x-department', 'x-pomerium-jwt-assertion']).toContain(name);
          }
          if (semantics === 'strict' && !isSignedIn) expect(headers.has('x-pomerium-jwt-assertion')).toBe(false);
        },
      ),
      { numRuns: 500 },
    );
  });

  test('all that does not look like identity passes as it was sent', () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(otherName, fc.string({ maxLength: 10 })), { maxLength: 12 }), (lines) => {
        const others = lines.filter(([name]) => !isOurs(name) && !['cookie', 'authorization'].includes(name));
        const { headers } = received(anUpstreamInput({ headers: others }));
        for (const [name] of others) {
          expect(headers.get(name)).toEqual(others.filter(([key]) => key === name).map(([, value]) => value));
        }
      }),
    );
  });
});
