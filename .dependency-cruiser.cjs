/** The one-way import rule (ARCHITECTURE.md, "Imports"): main -> cli, adapters, check; check -> endpoints -> core; cli -> core. */
const into = (path) => ({ path });

module.exports = {
  forbidden: [
    { name: 'no-cycles', severity: 'error', from: {}, to: { circular: true } },
    { name: 'no-orphans', severity: 'error', from: { orphan: true, pathNot: '^src/main\\.ts$' }, to: {} },
    {
      name: 'core-is-pure',
      comment: 'src/core imports only itself and the allow-list below.',
      severity: 'error',
      from: into('^src/core/'),
      to: { pathNot: ['^src/core/', '^(node:)?crypto$', 'node_modules/re2js/', 'node_modules/@marcbachmann/cel-js/'] },
    },
    {
      name: 'core-regex-behind-one-file',
      severity: 'error',
      from: { path: '^src/core/', pathNot: '^src/core/regex\\.ts$' },
      to: { path: 'node_modules/re2js/' },
    },
    {
      name: 'core-cel-behind-one-file',
      severity: 'error',
      from: { path: '^src/core/', pathNot: '^src/core/policy/cel\\.ts$' },
      to: { path: 'node_modules/@marcbachmann/cel-js/' },
    },
    {
      name: 'endpoints-see-only-core',
      severity: 'error',
      from: into('^src/endpoints/'),
      to: { path: '^src/', pathNot: '^src/(endpoints|core)/' },
    },
    {
      name: 'check-sees-only-endpoints-and-core',
      severity: 'error',
      from: into('^src/(check|answer-check|judge-again|judge-case|keep-fresh|refresh-session|shadow-watch)\\.ts$'),
      to: { path: '^src/', pathNot: '^src/(endpoints/|core/|(check|keep-fresh|refresh-session|shadow-watch)\\.ts$)' },
    },
    {
      name: 'cli-sees-only-core-and-check',
      severity: 'error',
      from: into('^src/cli/'),
      to: { path: '^src/', pathNot: '^src/(cli/|core/|(check|judge-case)\\.ts$)' },
    },
    {
      name: 'adapters-see-only-core-and-themselves',
      severity: 'error',
      from: { path: '^src/adapters/([^/]+)/' },
      to: { path: '^src/', pathNot: '^src/(core/|adapters/$1/)' },
    },
    { name: 'nobody-imports-main', severity: 'error', from: {}, to: into('^src/main\\.ts$') },
  ],
  options: {
    doNotFollow: { path: 'node_modules' },
    tsPreCompilationDeps: true,
    tsConfig: { fileName: 'tsconfig.json' },
    enhancedResolveOptions: {
      exportsFields: ['exports'],
      conditionNames: ['import', 'require', 'node', 'default', 'types'],
    },
  },
};
