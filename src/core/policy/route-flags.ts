/** Route flags: the keys of a route that allow without a policy, as blocks of one allow rule each. They are OR'ed with the policy's own. */

import type { Tree, TreePath } from '../problem.ts';
import type { Block, ParsedCriterion } from './parse.ts';
import { isList, isObject } from './tree.ts';
import type { TreeObject } from './tree.ts';

/** `allow_public_unauthenticated_access`, `cors_allow_preflight`, ... of a route. */
export type RouteFlags = {
  readonly public?: boolean;
  readonly corsPreflight?: boolean;
  readonly anyAuthenticatedUser?: boolean;
  readonly allowedDomains?: readonly string[];
  /** claim name -> accepted value or values; a mapping holds nested claims, whose names are joined by dots */
  readonly allowedIdpClaims?: TreeObject;
  /** Each is a user id or an e-mail address. */
  readonly allowedUsers?: readonly string[];
};

/** `routePath`: where the route stands, for the place of problems. */
export function blocksOfFlags(flags: RouteFlags, routePath: TreePath): readonly Block[] {
  const blocks: Block[] = [];
  const add = (key: string, criteria: readonly Omit<ParsedCriterion, 'at'>[]): void => {
    if (criteria.length === 0) return;
    blocks.push({
      at: key,
      action: 'allow',
      operator: 'or',
      criteria: criteria.map((criterion, index) => ({ ...criterion, at: `${key}[${index}]` })),
      path: [...routePath, key],
    });
  };
  const flag = (key: string, isSet: boolean | undefined, name: string): void => {
    if (isSet === true) add(key, [{ name, subPath: undefined, data: true, path: [...routePath, key] }]);
  };

  flag('allow_public_unauthenticated_access', flags.public, 'accept');
  flag('cors_allow_preflight', flags.corsPreflight, 'cors_preflight');
  flag('allow_any_authenticated_user', flags.anyAuthenticatedUser, 'authenticated_user');
  add(
    'allowed_domains',
    (flags.allowedDomains ?? []).map((domain, index) => ({
      name: 'domain',
      subPath: undefined,
      data: { is: domain },
      path: [...routePath, 'allowed_domains', index],
    })),
  );
  add(
    'allowed_idp_claims',
    acceptedClaims(flags.allowedIdpClaims ?? {}, '', [...routePath, 'allowed_idp_claims']).map(
      ({ claim, data, path }) => ({ name: 'claim', subPath: claim, data, path }),
    ),
  );
  add(
    'allowed_users',
    (flags.allowedUsers ?? []).flatMap((text, index) =>
      ['user', 'email'].map((name) => ({
        name,
        subPath: undefined,
        data: { is: text },
        path: [...routePath, 'allowed_users', index],
      })),
    ),
  );
  return blocks;
}

type AcceptedClaim = { readonly claim: string; readonly data: Tree; readonly path: TreePath };

/** One entry for each accepted value. Claims are flattened as those of a session are. Bounded by the depth of the configuration. */
function acceptedClaims(claims: TreeObject, prefix: string, path: TreePath): readonly AcceptedClaim[] {
  return Object.entries(claims).flatMap(([key, value]) => {
    const claim = prefix + key;
    const at = [...path, key];
    if (isObject(value)) return acceptedClaims(value, `${claim}.`, at);
    if (isList(value)) return value.map((data, index) => ({ claim, data, path: [...at, index] }));
    return [{ claim, data: value, path: at }];
  });
}
