/** The routes that most end-to-end tests use. */

import type { Origins, RouteFile } from '../support/world.ts';

/** `app`: /public/ for everybody, /sre/ for a group that alice is in and bob is not, the rest for whoever is signed in; `other`: for whoever is signed in. */
export const standardRoutes = (origins: Origins): readonly RouteFile[] => [
  { from: origins('app'), id: 'public', prefix: '/public/', allow_public_unauthenticated_access: true },
  {
    from: origins('app'),
    id: 'sre',
    prefix: '/sre/',
    policy: [{ allow: { and: [{ groups: { has: 'sre' } }] } }],
    show_error_details: true,
  },
  { from: origins('app'), id: 'app', prefix: '/', allow_any_authenticated_user: true },
  { from: origins('other'), id: 'other', prefix: '/', allow_any_authenticated_user: true },
];
