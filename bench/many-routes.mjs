/** Configurations with any number of routes, each with five rules, and requests that are spread over their hosts and paths. */

const HOSTS_MAX = 50;
const RULES = 5;

const hostOf = (index, count) => `app${index % Math.min(count, HOSTS_MAX)}.example.com`;
const pathOf = (index) => `/service${index}/`;

/** The user of the scene is in `sre`, and so is let in by the last rule that is looked at. */
const rules = (index) =>
  Array.from({ length: RULES }, (_, rule) => {
    const group = rule === RULES - 1 ? 'sre' : `team-${index}-${rule}`;
    return `      - allow: { and: [{ groups: { has: ${group} } }, { http_method: { in: [GET, POST] } }] }\n`;
  }).join('');

export const manyRoutes = (count) => `cookie_secret: MDEyMzQ1Njc4OWFiY2RlZmdoaWprbG1ub3BxcnN0dXY=
shared_secret: QUJDREVGR0hJSktMTU5PUFFSU1RVVldYWVphYmNkZWY=
jwt_claims_headers: { x-email: email, x-groups: groups }
pass_identity_headers: true
idps:
  - { name: corp, url: https://idp.example.com/, client_id: doorward, client_secret: bench-only }
routes:
${Array.from(
  { length: count },
  (_, index) => `  - from: https://${hostOf(index, count)}\n    prefix: ${pathOf(index)}\n    policy:\n${rules(index)}`,
).join('')}`;

/** So many targets at equal distances, the same number for every `count`: what differs is how many routes there are, not how many are hit. */
export const spreadTargets = (count, targets) =>
  Array.from({ length: targets }, (_, target) => {
    const index = Math.floor((target * count) / targets);
    return { host: hostOf(index, count), path: `${pathOf(index)}d/overview?orgId=1&from=now-6h&to=now` };
  });
