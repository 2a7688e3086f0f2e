/** Login through each Envoy profile, with the real Redis. */

import { loginSuite } from './login.suite.ts';

loginSuite('hardened', 'https', 'redis');
loginSuite('bare', 'http', 'redis');
loginSuite('istio', 'https', 'redis');
