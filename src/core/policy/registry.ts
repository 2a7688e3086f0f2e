/** Every criterion there is, by name. A criterion that is not listed here is a load error. */

import { accept } from './criteria/accept.ts';
import { acr } from './criteria/acr.ts';
import { authAge } from './criteria/auth-age.ts';
import { authenticatedUser } from './criteria/authenticated-user.ts';
import { cel } from './criteria/cel.ts';
import { changeWindow } from './criteria/change-window.ts';
import { claim } from './criteria/claim.ts';
import { clientCertificate } from './criteria/client-certificate.ts';
import { corsPreflight } from './criteria/cors-preflight.ts';
import { date } from './criteria/date.ts';
import { dayOfWeek } from './criteria/day-of-week.ts';
import { device } from './criteria/device.ts';
import { domain } from './criteria/domain.ts';
import { email } from './criteria/email.ts';
import { groups } from './criteria/groups.ts';
import { header } from './criteria/header.ts';
import { httpMethod } from './criteria/http-method.ts';
import { httpPath } from './criteria/http-path.ts';
import { httpQuery } from './criteria/http-query.ts';
import { invalidClientCertificate } from './criteria/invalid-client-certificate.ts';
import { label } from './criteria/label.ts';
import { mcpTool } from './criteria/mcp-tool.ts';
import { record } from './criteria/record.ts';
import { reject } from './criteria/reject.ts';
import { risk } from './criteria/risk.ts';
import { sourceIp } from './criteria/source-ip.ts';
import { sshCa } from './criteria/ssh-ca.ts';
import { sshPublickey } from './criteria/ssh-publickey.ts';
import { sshUsernameMatchesClaim } from './criteria/ssh-username-matches-claim.ts';
import { sshUsernameMatchesEmail } from './criteria/ssh-username-matches-email.ts';
import { sshUsername } from './criteria/ssh-username.ts';
import { timeOfDay } from './criteria/time-of-day.ts';
import { user } from './criteria/user.ts';
import type { Criterion } from './criterion.ts';

/** In the order of docs/policy-language.md. */
export const criteria: readonly Criterion[] = [
  accept,
  reject,
  authenticatedUser,
  user,
  email,
  domain,
  groups,
  claim,
  authAge,
  acr,
  device,
  risk,
  httpMethod,
  httpPath,
  httpQuery,
  header,
  corsPreflight,
  sourceIp,
  clientCertificate,
  invalidClientCertificate,
  mcpTool,
  label,
  date,
  dayOfWeek,
  timeOfDay,
  changeWindow,
  record,
  cel,
  sshUsername,
  sshUsernameMatchesEmail,
  sshUsernameMatchesClaim,
  sshPublickey,
  sshCa,
];

export const criteriaByName: ReadonlyMap<string, Criterion> = new Map(criteria.map((entry) => [entry.name, entry]));
