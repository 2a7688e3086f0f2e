/**
 * Every key of Pomerium's configuration (v0.33) that Doorward does not apply, and what becomes of it. Two things can: it is accepted with
 * one notice, because Envoy does it or because it has no effect here; or it is refused, because without it more would be allowed than its
 * author meant, or the application would see another identity. Source: Pomerium's options, its route settings, Envoy's Cluster message.
 */

export type ForeignKey =
  /** Accepted; Envoy's configuration is where it is set. */
  | { readonly fate: 'envoy' }
  /** Accepted; `why` says what Doorward has instead, or why nothing is lost. */
  | { readonly fate: 'unused'; readonly why: string }
  /** An error; `why` follows the key. */
  | { readonly fate: 'refused'; readonly why: string };

export type ForeignKeys = { readonly [key: string]: ForeignKey };

const each = (keys: string, fate: ForeignKey): ForeignKeys =>
  Object.fromEntries(
    keys
      .split(/\s+/)
      .filter((key) => key !== '')
      .map((key) => [key, fate]),
  );

const envoy = (keys: string): ForeignKeys => each(keys, { fate: 'envoy' });
const unused = (why: string, keys: string): ForeignKeys => each(keys, { fate: 'unused', why });
const refused = (why: string, keys: string): ForeignKeys => each(keys, { fate: 'refused', why });

const bearerTokens = 'is not applied: Doorward does not read bearer tokens yet';

export const foreignGlobalKeys: ForeignKeys = {
  ...envoy(`
    address insecure_server http_redirect_addr codec_type use_proxy_protocol skip_xff_append
    certificates certificate certificate_key certificate_file certificate_key_file
    timeout_read timeout_write timeout_idle default_upstream_timeout grpc_client_timeout
    headers set_response_headers circuit_breaker_thresholds allow_upgrades
    normalize_path merge_slashes path_with_escaped_slashes_action headers_with_underscores_action
    dns_failure_refresh_rate dns_lookup_family dns_query_timeout dns_query_tries dns_refresh_rate dns_udp_max_queries dns_use_tcp
    access_log_fields proxy_log_level
    autocert autocert_ca autocert_email autocert_use_staging autocert_eab_key_id autocert_eab_mac_key autocert_must_staple
    autocert_dir autocert_trusted_ca autocert_trusted_ca_file
    envoy_admin_access_log_path envoy_admin_profile_path envoy_admin_address envoy_bind_config_source_address
    envoy_bind_config_freebind envoy_dynamic_extensions`),
  ...unused('`trusted_proxies` says whose X-Forwarded-For is believed', 'xff_num_trusted_hops'),
  ...unused(
    'Doorward is one service',
    `services authenticate_internal_service_url authorize_service_url authorize_service_urls authorize_internal_service_url
    override_certificate_name tls_derive grpc_client_dns_roundrobin grpc_server_max_connection_age
    grpc_server_max_connection_age_grace forward_auth_url cache_service_url`,
  ),
  ...unused(
    '`session_store` and `redis` say where sessions are kept',
    `databroker_service_url databroker_service_urls databroker_internal_service_url databroker_storage_type
    databroker_storage_connection_string databroker_storage_connection_string_file databroker_storage_ca_file
    databroker_storage_cert_file databroker_storage_key_file databroker_storage_tls_skip_verify databroker_cluster_leader_id
    databroker_cluster_node_id databroker_cluster_nodes databroker_raft_bind_address`,
  ),
  ...unused('the callback path of Doorward is fixed', 'authenticate_callback_path'),
  ...unused(
    'NODE_EXTRA_CA_CERTS names a file of further authorities',
    'certificate_authority certificate_authority_file',
  ),
  ...unused(
    'metrics and health are at `ops_address`',
    `metrics_address metrics_certificate metrics_certificate_key metrics_certificate_file metrics_certificate_key_file
    health_check_addr health_check_systemd_disabled debug_address`,
  ),
  ...refused(
    'is not applied: `ops_address` is open to whoever reaches it; bind it to loopback',
    'metrics_basic_auth metrics_client_ca metrics_client_ca_file',
  ),
  ...unused(
    'Doorward makes no traces',
    `tracing_provider tracing_sample_rate tracing_otlp_endpoint tracing_otlp_protocol tracing_datadog_address
    tracing_jaeger_collector_endpoint tracing_jaeger_agent_endpoint tracing_zipkin_endpoint
    otel_traces_exporter otel_traces_sampler_arg otel_resource_attributes otel_log_level otel_attribute_value_length_limit
    otel_exporter_otlp_endpoint otel_exporter_otlp_traces_endpoint otel_exporter_otlp_protocol otel_exporter_otlp_traces_protocol
    otel_exporter_otlp_headers otel_exporter_otlp_traces_headers otel_exporter_otlp_timeout otel_exporter_otlp_traces_timeout
    otel_bsp_schedule_delay otel_bsp_max_export_batch_size`,
  ),
  ...unused('the audit has its own fields, and all of them', 'authorize_log_fields'),
  ...unused('`log_level` says what is logged', 'pomerium_debug'),
  ...unused('Doorward reports to nobody', 'installation_id'),
  ...unused(
    'Doorward does not serve SSH',
    `ssh_address ssh_host_key_files ssh_host_keys ssh_user_ca_key_file ssh_user_ca_key ssh_rls_enabled
    ssh_rls_additional_entries session_recording_concurrency blob_storage`,
  ),
  ...unused(
    'Doorward does not fetch the metadata of MCP clients and servers',
    'mcp_allowed_client_id_domains mcp_allowed_as_metadata_domains',
  ),
  ...unused('Doorward has no programmatic login', 'programmatic_redirect_domain_whitelist'),
  ...unused(
    'Doorward fetches no Google ID tokens; the routes that want one are refused',
    'google_cloud_serverless_authentication_service_account',
  ),
  ...unused(
    'the pages of Doorward look alike everywhere',
    `primary_color secondary_color darkmode_primary_color darkmode_secondary_color logo_url favicon_url
    error_message_first_paragraph`,
  ),
  ...unused(
    'Doorward takes groups from the identity provider’s claims',
    'idp_service_account idp_refresh_directory_timeout idp_refresh_directory_interval idp_qps',
  ),
  ...unused('the kind of key decides the algorithm', 'signing_key_algorithm'),
  ...refused(bearerTokens, 'identity_providers idp_access_token_allowed_audiences'),
  ...refused(
    'is not supported: each host has its own cookie; set `auth_url` for one sign-in over all hosts',
    'cookie_domain',
  ),
  ...refused('is not applied: list the routes in this file', 'policy_file'),
  ...refused('is not applied: Doorward injects no secrets', 'secrets'),
};

export const foreignRouteKeys: ForeignKeys = {
  ...envoy(`
    to redirect response load_balancing_weights
    prefix_rewrite regex_rewrite_pattern regex_rewrite_substitution
    host_rewrite host_rewrite_header host_path_regex_rewrite_pattern host_path_regex_rewrite_substitution preserve_host_header
    timeout idle_timeout allow_websockets allow_spdy allow_upgrades
    tls_skip_verify tls_server_name tls_downstream_server_name tls_upstream_server_name tls_custom_ca tls_custom_ca_file
    tls_client_cert tls_client_key tls_client_cert_file tls_client_key_file tls_upstream_allow_renegotiation
    set_response_headers rewrite_response_headers
    circuit_breaker_thresholds outlier_detection health_checks healthy_panic_threshold stat_name envoy_opts
    alt_stat_name type cluster_type eds_cluster_config connect_timeout per_connection_buffer_limit_bytes load_assignment
    max_requests_per_connection circuit_breakers upstream_http_protocol_options common_http_protocol_options http_protocol_options
    http2_protocol_options typed_extension_protocol_options dns_refresh_rate dns_jitter dns_failure_refresh_rate respect_dns_ttl
    dns_lookup_family dns_resolvers use_tcp_for_dns_lookups dns_resolution_config typed_dns_resolver_config wait_for_warm_on_init
    cleanup_interval upstream_bind_config lb_subset_config ring_hash_lb_config maglev_lb_config original_dst_lb_config
    least_request_lb_config round_robin_lb_config common_lb_config transport_socket transport_socket_matches metadata
    protocol_selection upstream_connection_options close_connections_on_host_health_failure ignore_health_on_host_removal filters
    lrs_server lrs_report_endpoint_metrics track_timeout_budgets upstream_config track_cluster_stats preconnect_policy
    connection_pool_per_downstream_connection`),
  ...unused('routes are matched in the order in which they are listed', 'regex_priority_order'),
  ...unused('`auth_url` gives one sign-in over all hosts', 'depends_on'),
  ...unused('Doorward lists no routes to users', 'logo_url'),
  ...unused('Doorward does not serve SSH', 'session_recording'),
  ...refused('is not applied: name the provider in `idps`, and here as `idp`', 'idp_client_id idp_client_secret'),
  ...refused(bearerTokens, 'idp_access_token_allowed_audiences identity_providers'),
  ...refused(
    'is not applied: Kubernetes takes each group in a header of its own, which nobody but a proxy can add; let the API server trust the identity provider, or a proxy behind Envoy impersonate',
    'kubernetes_service_account_token kubernetes_service_account_token_file',
  ),
  ...refused('is not applied: Doorward does not serve MCP routes yet', 'mcp'),
  ...refused('is not applied: write its rules under `policy`', 'sub_policies'),
  ...refused('is not applied: Doorward opens no tunnels', 'upstream_tunnel'),
  ...refused('is not applied: use the `claim/groups` criterion under `policy`', 'allowed_groups'),
  ...refused('is not applied: use `set_request_headers`', 'set_authorization_header'),
};
