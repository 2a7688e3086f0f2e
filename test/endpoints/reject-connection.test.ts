import { expect, test } from '@jest/globals';

import { startDoorward } from './a-doorward.ts';

const withMtls = (enforcement: 'policy' | 'policy_with_default_deny' | 'reject_connection', ca?: string) =>
  startDoorward({
    config: {
      downstream_mtls: {
        ...(ca === undefined ? {} : { ca }),
        enforcement,
        match_subject_alt_names: [],
        max_verify_depth: 1,
      },
    },
  });

const jwks = 'https://app.example.com/.well-known/doorward/jwks.json';

test('under reject_connection the paths of Doorward’s own are refused without a valid certificate, too', async () => {
  await expect(withMtls('reject_connection', 'pem').answer(jwks)).rejects.toThrow(/^refused: client-certificate/);
});

test.each(['policy', 'policy_with_default_deny'] as const)('under %s they need none', async (enforcement) => {
  expect(await withMtls(enforcement, 'pem').answer(jwks)).toMatchObject({ response: { status: 200 } });
});

test('without authorities for the host there is nothing to be valid by', async () => {
  expect(await withMtls('reject_connection').answer(jwks)).toMatchObject({ response: { status: 200 } });
});
