import { describe, expect, test } from '@jest/globals';
import { appliedGlobalKeys, appliedRouteKeys } from '../../../src/adapters/config/schema/file-schema.ts';
import { foreignGlobalKeys, foreignRouteKeys } from '../../../src/adapters/config/schema/pomerium-keys.ts';
import { told } from './support.ts';

const words = (text: string): readonly string[] => text.trim().split(/\s+/);

/** Every key that Pomerium's options have, as they are named in its files. */
const POMERIUM_GLOBAL_KEYS = words(`
  access_log_fields address allow_upgrades authenticate_callback_path authenticate_internal_service_url authenticate_service_url
  authorize_internal_service_url authorize_log_fields authorize_service_url authorize_service_urls autocert autocert_ca autocert_dir
  autocert_eab_key_id autocert_eab_mac_key autocert_email autocert_must_staple autocert_trusted_ca autocert_trusted_ca_file
  autocert_use_staging bearer_token_format blob_storage certificate certificate_authority certificate_authority_file certificate_file
  certificate_key certificate_key_file certificates circuit_breaker_thresholds codec_type cookie_domain cookie_expire cookie_http_only
  cookie_name cookie_same_site cookie_secret cookie_secret_file cookie_secure darkmode_primary_color darkmode_secondary_color
  databroker_cluster_leader_id databroker_cluster_node_id databroker_cluster_nodes databroker_internal_service_url
  databroker_raft_bind_address databroker_service_url databroker_service_urls databroker_storage_connection_string
  databroker_storage_connection_string_file databroker_storage_type debug_address default_upstream_timeout dns_failure_refresh_rate
  dns_lookup_family dns_query_timeout dns_query_tries dns_refresh_rate dns_udp_max_queries dns_use_tcp downstream_mtls
  envoy_admin_access_log_path envoy_admin_address envoy_admin_profile_path envoy_bind_config_freebind envoy_bind_config_source_address
  envoy_dynamic_extensions error_message_first_paragraph favicon_url google_cloud_serverless_authentication_service_account
  grpc_address grpc_client_timeout grpc_insecure headers_with_underscores_action health_check_addr health_check_systemd_disabled
  http_redirect_addr identity_providers idp_access_token_allowed_audiences idp_client_id idp_client_secret idp_client_secret_file
  idp_provider idp_provider_url idp_request_params idp_scopes insecure_server installation_id jwt_claims_headers jwt_groups_filter
  jwt_issuer_format log_level logo_url mcp_allowed_as_metadata_domains mcp_allowed_client_id_domains merge_slashes metrics_address
  metrics_basic_auth metrics_certificate metrics_certificate_file metrics_certificate_key metrics_certificate_key_file
  metrics_client_ca metrics_client_ca_file normalize_path otel_attribute_value_length_limit otel_bsp_max_export_batch_size
  otel_bsp_schedule_delay otel_exporter_otlp_endpoint otel_exporter_otlp_headers otel_exporter_otlp_protocol
  otel_exporter_otlp_timeout otel_exporter_otlp_traces_endpoint otel_exporter_otlp_traces_headers
  otel_exporter_otlp_traces_protocol otel_exporter_otlp_traces_timeout otel_log_level otel_resource_attributes otel_traces_exporter
  otel_traces_sampler_arg override_certificate_name pass_identity_headers path_with_escaped_slashes_action policy policy_file
  pomerium_debug primary_color programmatic_redirect_domain_whitelist proxy_log_level routes runtime_flags secondary_color secrets
  services session_recording_concurrency set_response_headers shared_secret shared_secret_file signing_key signing_key_file
  signout_redirect_url skip_xff_append ssh_address ssh_host_key_files ssh_host_keys ssh_rls_additional_entries ssh_rls_enabled
  ssh_user_ca_key ssh_user_ca_key_file timeout_idle timeout_read timeout_write tls_derive tracing_datadog_address
  tracing_jaeger_agent_endpoint tracing_jaeger_collector_endpoint tracing_otlp_endpoint tracing_otlp_protocol tracing_provider
  tracing_sample_rate tracing_zipkin_endpoint use_proxy_protocol xff_num_trusted_hops
  client_ca client_ca_file client_crl client_crl_file forward_auth_url grpc_client_dns_roundrobin headers idp_qps
  idp_refresh_directory_interval idp_refresh_directory_timeout idp_service_account`);

const POMERIUM_ROUTE_KEYS = words(`
  allow_any_authenticated_user allow_public_unauthenticated_access allow_spdy allow_upgrades allow_websockets allowed_domains
  allowed_groups allowed_idp_claims allowed_users bearer_token_format circuit_breaker_thresholds cors_allow_preflight depends_on
  description enable_google_cloud_serverless_authentication envoy_opts from health_checks healthy_panic_threshold
  host_path_regex_rewrite_pattern host_path_regex_rewrite_substitution host_rewrite host_rewrite_header id identity_providers
  idle_timeout idp_access_token_allowed_audiences idp_client_id idp_client_secret jwt_groups_filter jwt_issuer_format
  kubernetes_service_account_token kubernetes_service_account_token_file load_balancing_policy logo_url mcp name outlier_detection
  pass_identity_headers path policy prefix prefix_rewrite preserve_host_header redirect regex regex_priority_order
  regex_rewrite_pattern regex_rewrite_substitution remove_request_headers response rewrite_response_headers session_recording
  set_authorization_header set_request_headers set_response_headers show_error_details stat_name sub_policies timeout tls_client_cert
  tls_client_cert_file tls_client_key tls_client_key_file tls_custom_ca tls_custom_ca_file tls_downstream_client_ca
  tls_downstream_client_ca_file tls_downstream_server_name tls_server_name tls_skip_verify tls_upstream_allow_renegotiation
  tls_upstream_server_name to upstream_tunnel
  lb_policy ring_hash_lb_config maglev_lb_config least_request_lb_config round_robin_lb_config common_lb_config connect_timeout`);

test('every key of Pomerium is known, and none has two fates', () => {
  const global = [...appliedGlobalKeys, ...Object.keys(foreignGlobalKeys)];
  const ofRoutes = [...appliedRouteKeys, ...Object.keys(foreignRouteKeys)];
  expect(POMERIUM_GLOBAL_KEYS.filter((key) => !global.includes(key))).toEqual([]);
  expect(POMERIUM_ROUTE_KEYS.filter((key) => !ofRoutes.includes(key))).toEqual([]);
  expect(new Set(global).size).toBe(global.length);
  expect(new Set(ofRoutes).size).toBe(ofRoutes.length);
});

/** Keys that let fewer people in, or change whom an application sees: none of them may pass with a notice. */
const RESTRICTING = {
  global: words(`identity_providers idp_access_token_allowed_audiences
    cookie_domain policy_file metrics_basic_auth metrics_client_ca metrics_client_ca_file secrets`),
  route: words(`allowed_groups sub_policies mcp identity_providers
    idp_access_token_allowed_audiences idp_client_id idp_client_secret kubernetes_service_account_token
    kubernetes_service_account_token_file upstream_tunnel set_authorization_header`),
};

const routeWith = (key: string, value: string): string =>
  `routes:\n  - from: https://a.example.com\n    ${key}: ${value}`;

describe('a key that belongs to Envoy or has no effect is told once, whatever its value', () => {
  const inert = (keys: typeof foreignGlobalKeys): readonly string[] =>
    Object.keys(keys).filter((key) => keys[key]?.fate !== 'refused');

  test.each(inert(foreignGlobalKeys))('%s', async (key) => {
    for (const value of ['x', '5', '[1, { a: b }]', '{ a: null }', 'null']) {
      const lines = (await told(`${key}: ${value}`)).filter((line) => !line.includes(' warning '));
      expect(lines).toEqual([
        expect.stringMatching(new RegExp(`^1:1 notice \`${key}\` (belongs to Envoy|is not used: )`)),
      ]);
    }
  });

  test.each(inert(foreignRouteKeys))('%s of a route', async (key) => {
    for (const value of ['x', '5', '[1, { a: b }]', '{ a: null }', 'null']) {
      const lines = (await told(routeWith(key, value))).filter((line) => !line.includes(' warning '));
      expect(lines).toEqual([
        expect.stringMatching(new RegExp(`^3:5 notice \`${key}\` (belongs to Envoy|is not used: )`)),
      ]);
    }
  });
});

describe('a key that would restrict, or change an identity, is refused whatever its value', () => {
  test.each(RESTRICTING.global)('%s', async (key) => {
    for (const value of ['x', '[]', '{}', 'null', 'false']) {
      const lines = (await told(`${key}: ${value}`)).filter((line) => !line.includes(' warning '));
      expect(lines).toEqual([expect.stringMatching(new RegExp(`^1:1 error \`${key}\` is no`))]);
    }
  });

  test.each(RESTRICTING.route)('%s of a route', async (key) => {
    for (const value of ['x', '[]', '{}', 'null', 'false']) {
      const lines = (await told(routeWith(key, value))).filter((line) => !line.includes(' warning '));
      expect(lines).toEqual([expect.stringMatching(new RegExp(`^3:5 error \`${key}\` is no`))]);
    }
  });

  test('the lists here and the tables there agree', () => {
    const refused = (keys: typeof foreignGlobalKeys): readonly string[] =>
      Object.keys(keys).filter((key) => keys[key]?.fate === 'refused');
    expect([...refused(foreignGlobalKeys)].sort()).toEqual([...RESTRICTING.global].sort());
    expect([...refused(foreignRouteKeys)].sort()).toEqual([...RESTRICTING.route].sort());
  });
});

test('a key that stands in many routes is told once, with their number', async () => {
  const routes = ['a', 'b', 'c'].map((host) => `  - { from: "https://${host}.example.com", to: "http://x" }`);
  const lines = await told(`policy:\n${routes.slice(0, 1).join('\n')}\nroutes:\n${routes.slice(1).join('\n')}`);
  expect(lines.filter((line) => line.includes('`to`'))).toEqual([
    '2:38 notice `to` belongs to Envoy, and has no effect here (and so in 2 more routes)',
  ]);
});

test('values that say what Doorward does anyway are accepted without a word', async () => {
  const yaml = `cookie_http_only: true
cookie_secure: true
bearer_token_format: default
runtime_flags: { mcp: true, match_any_incoming_port: true }
routes:
  - from: https://a.example.com
    allow_public_unauthenticated_access: true
    bearer_token_format: default
    enable_google_cloud_serverless_authentication: false`;
  expect(await told(yaml)).toEqual([]);
});
