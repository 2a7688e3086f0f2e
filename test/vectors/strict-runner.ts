/** Reads test/vectors/strict.yaml and judges each case in both semantics. */

import { parseChangeWindows } from '../../src/core/policy/change-window.ts';
import { compilePolicy } from '../../src/core/policy/compile.ts';
import type { PolicyFacts } from '../../src/core/policy/facts.ts';
import { parseMcpMessage } from '../../src/core/policy/mcp-message.ts';
import type { PolicySemantics } from '../../src/core/config.ts';
import type { Problem, Tree } from '../../src/core/problem.ts';
import { epochSeconds } from '../../src/core/units.ts';
import { aSource, aSubject, anHttpRequest, someFacts } from '../core/policy/builders.ts';

type Claims = { readonly [name: string]: readonly Tree[] };

export type StrictCase = {
  readonly id: string;
  readonly policy: Tree;
  readonly user?: {
    readonly email?: string;
    readonly groups?: readonly string[];
    readonly session_claims?: Claims;
    readonly user_claims?: Claims;
  };
  readonly path?: string;
  readonly query?: string;
  /** Lines by name, in lower case. */
  readonly headers?: { readonly [name: string]: readonly string[] };
  readonly labels?: { readonly [key: string]: string };
  /** ISO 8601. */
  readonly now?: string;
  readonly change_windows?: { readonly [name: string]: Tree };
  readonly source_ip?: string;
  readonly ssh?: { readonly username: string };
  readonly mcp?: {
    readonly method?: string;
    readonly body: string;
    readonly content_type?: string;
    readonly partial?: boolean;
  };
  readonly client_ca?: boolean;
  readonly certificate?: {
    readonly valid: boolean;
    readonly san_email?: readonly string[];
    readonly san_dns?: readonly string[];
  };
  readonly strict: ExpectedVerdict;
  readonly pomerium: ExpectedVerdict;
};

export type ExpectedVerdict = string | { readonly load: string };

/** The kind of the verdict, or the messages of the errors, and what else the loader said. */
export type Judged = { readonly verdict: string; readonly problems: readonly Problem[] };

export function judgeCase(given: StrictCase, semantics: PolicySemantics): Judged {
  const labels = new Map(Object.entries(given.labels ?? {}));
  const changeWindows = parseChangeWindows(given.change_windows ?? {}, [], (_path, message) => {
    throw new Error(message);
  });
  const hasClientCa = given.client_ca === true;
  const compiled = compilePolicy(aSource(given.policy, { semantics, hasClientCa, labels, changeWindows }));
  if (!compiled.ok)
    return { verdict: compiled.error.map(({ message }) => message).join('\n'), problems: compiled.error };
  const { kind } = compiled.value.policy.evaluate(factsOf(given));
  return { verdict: kind, problems: compiled.value.warnings };
}

function factsOf(given: StrictCase): PolicyFacts {
  const { user, certificate, mcp, ssh } = given;
  return someFacts({
    ...(given.now === undefined ? {} : { now: epochSeconds(Date.parse(given.now) / 1000) }),
    labels: new Map(Object.entries(given.labels ?? {})),
    http:
      ssh === undefined
        ? anHttpRequest({
            path: given.path ?? '/',
            query: given.query ?? '',
            header: (name) => given.headers?.[name] ?? [],
          })
        : undefined,
    sourceIp: given.source_ip ?? '10.0.0.5',
    subject:
      user === undefined
        ? undefined
        : aSubject({
            ...(user.email === undefined ? {} : { email: user.email }),
            ...(user.groups === undefined ? {} : { groups: user.groups }),
            sessionClaims: new Map(Object.entries(user.session_claims ?? {})),
            userClaims: new Map(Object.entries(user.user_claims ?? {})),
          }),
    ssh: ssh === undefined ? undefined : { username: ssh.username, publicKey: new Uint8Array() },
    mcp:
      mcp === undefined
        ? undefined
        : parseMcpMessage({
            method: mcp.method ?? 'POST',
            contentType: mcp.content_type ?? 'application/json',
            body: Buffer.from(mcp.body),
            isPartial: mcp.partial === true,
          }),
    certificate: {
      presented: certificate !== undefined,
      valid: certificate?.valid === true,
      leaf:
        certificate === undefined
          ? undefined
          : {
              fingerprint: '',
              spkiHash: '',
              sanEmail: certificate.san_email ?? [],
              sanDns: certificate.san_dns ?? [],
              sanUri: [],
            },
    },
  });
}
