/** A file with nothing wrong in it. */

import { COOKIE_SECRET, SHARED_SECRET } from './support.ts';

export const GOOD_FILE = `cookie_secret:
  - ${COOKIE_SECRET}
shared_secret: ${SHARED_SECRET}
auth_url: https://auth.example.com
cookie_expire: 8h
idps:
  corp:
    label: Staff
    url: https://login.example.com
    client_id: doorward
    client_secret: s
    request_params: {}
redis:
  host: 127.0.0.1
  port: 6379
  password: p
  tls:
    server_name: redis.example.com
workers: 2
audit:
  destination: stderr
routes:
  - from: https://a.example.com
    prefix: /api/
    allowed_domains: [example.com]
    labels: {}
  - from: https://b.example.com
    allow_public_unauthenticated_access: true
`;
