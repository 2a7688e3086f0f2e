/** The keys of an identity provider: below `idps`, and with the prefix `idp_` for the one named `default`. */

import { Type } from 'typebox';
import type { Static } from 'typebox';
import { defaults } from '../defaults.ts';
import { choice, flag, section, text, textList, textMap } from './parts.ts';

const NAME = '^[a-z0-9](?:[a-z0-9_-]{0,62}[a-z0-9])?$';

export const IDP_NAME_PATTERN = NAME;

const provider = text({
  description:
    'The kind of provider: `oidc`, or a name that Doorward knows: `auth0`, `azure`, `cognito`, `gitlab`, `google`, `okta`, `onelogin`, `ping`. `google` and `gitlab` need no URL.',
  default: 'oidc',
});
const url = text({
  description: 'The issuer URL. OpenID Connect discovery is below it.',
  examples: ['https://login.example.com/realms/staff'],
});
const clientId = text({ description: 'The client id that the provider gave to Doorward.' });
const clientSecret = text({ description: 'The client secret that the provider gave to Doorward. Leave it out for a public client.' });
const clientSecretFile = text({ description: 'A file that holds the client secret.' });
const scopes = textList({
  description: 'The scopes to ask for; `openid` is among them. Google and GitLab are asked without `offline_access`, which they do not know.',
  default: [...defaults.idp_scopes],
});
const requestParams = textMap({
  description:
    'Further parameters of the authorization request, for instance `{ hd: example.com }`. `acr_values` and `max_age` are asked at each sign-in: a step-up puts its own `acr_values` in their place, and of two `max_age` the smaller counts. What must be shown is for the policy to say (`acr`, `auth_age`).',
});
const insecureHttp = flag({ description: 'Allows an `http:` issuer on a loopback address, for development.', default: false });

const backchannelLogout = choice(['any', 'typed', 'off'], {
  description:
    'Whether logout tokens of the provider end sessions (back-channel logout): `any`, also those without `typ`; `typed`, only those with `typ: logout+jwt`; `off`.',
  default: 'any',
});

export const idpKeys = {
  name: Type.Optional(
    text(
      { description: 'The name by which routes mean it. In a map, it is the key.' },
      { pattern: NAME, errorMessage: 'must be lower-case letters, digits, `-` and `_`' },
    ),
  ),
  label: Type.Optional(text({ description: 'The name that people see when they choose.' })),
  provider: Type.Optional(provider),
  url: Type.Optional(url),
  client_id: clientId,
  client_secret: Type.Optional(clientSecret),
  client_secret_file: Type.Optional(clientSecretFile),
  scopes: Type.Optional(scopes),
  request_params: Type.Optional(requestParams),
  insecure_http: Type.Optional(insecureHttp),
  backchannel_logout: Type.Optional(backchannelLogout),
} as const;

const idp = section(idpKeys, { description: 'An OpenID Connect provider.' });
export type IdpFile = Static<typeof idp>;

export const idpList = Type.Unsafe<readonly IdpFile[] | { readonly [name: string]: IdpFile }>({
  anyOf: [
    { type: 'array', items: idp },
    {
      type: 'object',
      propertyNames: { pattern: NAME, errorMessage: 'must have names of lower-case letters, digits, `-` and `_` as keys' },
      additionalProperties: idp,
    },
  ],
  errorMessage: 'must be a list of identity providers, or a map of names to them',
  description:
    'The identity providers, by name. Where there are several and a route does not say which, people choose. A session belongs to the provider that made it.',
});

/** The one provider of Pomerium's configuration; its name is `default`. */
export const defaultIdpKeys = {
  idp_provider: Type.Optional(provider),
  idp_provider_url: Type.Optional(url),
  idp_client_id: Type.Optional(clientId),
  idp_client_secret: Type.Optional(clientSecret),
  idp_client_secret_file: Type.Optional(clientSecretFile),
  idp_scopes: Type.Optional(scopes),
  idp_request_params: Type.Optional(requestParams),
} as const;
