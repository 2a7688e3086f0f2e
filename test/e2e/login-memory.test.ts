/** Login through each Envoy profile, with the store in memory. */

import { loginSuite } from './login.suite.ts';

loginSuite('hardened', 'https', 'memory');
loginSuite('minimal', 'http', 'memory');
loginSuite('bare', 'http', 'memory');
loginSuite('istio', 'https', 'memory');
