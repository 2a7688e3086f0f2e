/**
 * A logout token: an identity provider says that a login there is over (OpenID Connect Back-Channel Logout 1.0 §2.4, §2.6). The signature was
 * verified before; every other check of the specification is here.
 */

import { err, ok, type Result } from '../result.ts';
import { epochSeconds, type EpochSeconds } from '../units.ts';
import { isAudience, isObject, numberIn, textIn, typeOf, type VerifiedMessage } from './signed-message.ts';

export type LogoutToken = {
  /** Which login there: by `sid` where it is named, else every login of `sub`. */
  readonly ended:
    { readonly kind: 'login'; readonly sid: string } | { readonly kind: 'user'; readonly subject: string };
  readonly jti: string;
  /** Until when it has to be remembered as used. */
  readonly expiresAt: EpochSeconds;
};

export type LogoutTokenRules = {
  readonly issuer: string;
  readonly clientId: string;
  /** Whether `typ: logout+jwt` may be missing. */
  readonly isTypeOptional: boolean;
  readonly now: EpochSeconds;
};

const EVENT = 'http://schemas.openid.net/event/backchannel-logout';
/** Clocks of providers and of this machine differ by less. */
const TOLERANCE_SECONDS = 60;
/** The specification wants two minutes (§2.4). What would have to be remembered for longer than this is refused. */
const LIFE_SECONDS_MAX = 3600;
/** Of `sid`, `sub` and `jti`. OpenID Connect Core §2 allows a subject of 255. */
const NAME_CHARS_MAX = 512;

/** The error says which check failed, in words that hold nothing of the token. */
export function readLogoutToken(message: VerifiedMessage, rules: LogoutTokenRules): Result<LogoutToken, string> {
  const { header, claims } = message;
  const { now } = rules;
  const type = typeOf(header);
  if (type !== 'logout+jwt' && !(rules.isTypeOptional && (type === undefined || type === 'jwt')))
    return err('typ is not logout+jwt');
  if (Object.hasOwn(header, 'crit')) return err('the header has critical parameters');
  if (textIn(claims, 'iss') !== rules.issuer) return err('iss is another issuer');
  if (!isAudience(claims, rules.clientId)) return err('aud is another client');
  if (Object.hasOwn(claims, 'nonce')) return err('it has a nonce');
  if (!hasExactEvent(claims['events'])) return err('events is not that of a logout');
  const jti = nameIn(claims, 'jti');
  if (jti === undefined) return err('there is no usable jti');

  const issuedAt = numberIn(claims, 'iat');
  const expiresAt = numberIn(claims, 'exp');
  if (issuedAt === undefined) return err('there is no iat');
  if (expiresAt === undefined) return err('there is no exp');
  if (issuedAt > now + TOLERANCE_SECONDS) return err('iat is in the future');
  if (expiresAt <= now - TOLERANCE_SECONDS) return err('it has expired');
  if (expiresAt > now + LIFE_SECONDS_MAX) return err('exp is too far in the future');
  const nbf = Object.hasOwn(claims, 'nbf') ? numberIn(claims, 'nbf') : now;
  if (nbf === undefined || nbf > now + TOLERANCE_SECONDS) return err('it is not valid yet');

  const ended = endedBy(claims);
  if (!ended.ok) return ended;
  return ok({ ended: ended.value, jti, expiresAt: epochSeconds(expiresAt + TOLERANCE_SECONDS) });
}

/** A `sub` or `sid` that is there but is no name is not passed over: it could be the narrower of the two. */
function endedBy(claims: VerifiedMessage['claims']): Result<LogoutToken['ended'], string> {
  const sid = nameIn(claims, 'sid');
  const subject = nameIn(claims, 'sub');
  if (Object.hasOwn(claims, 'sid') && sid === undefined) return err('sid is not usable');
  if (Object.hasOwn(claims, 'sub') && subject === undefined) return err('sub is not usable');
  if (sid !== undefined) return ok({ kind: 'login', sid });
  return subject === undefined ? err('there is neither sub nor sid') : ok({ kind: 'user', subject });
}

/** One member, whose value is an object. */
function hasExactEvent(events: unknown): boolean {
  if (!isObject(events)) return false;
  const names = Object.keys(events);
  return names.length === 1 && names[0] === EVENT && isObject(events[EVENT]);
}

const nameIn = (claims: VerifiedMessage['claims'], name: string): string | undefined => {
  const value = textIn(claims, name);
  return value !== undefined && value.length <= NAME_CHARS_MAX ? value : undefined;
};
