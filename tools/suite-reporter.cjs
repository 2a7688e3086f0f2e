/**
 * A jest reporter: one line per suite with its seconds, failures in full at the end. Writes the true counts to the file named by
 * DOORWARD_SUITE_COUNTS, from which tools/test.mjs makes its last line.
 */

const { writeFileSync } = require('node:fs');
const { relative } = require('node:path');

/** A suite should be shorter, or be cut in two: it is the longest suites that a run waits for. */
const SLOW_SECONDS = 60;

const seconds = (result) => (result.perfStats.end - result.perfStats.start) / 1000;

class SuiteReporter {
  constructor(globalConfig) {
    this.root = globalConfig.rootDir;
    // With a name pattern jest reports every other test as skipped; without one a skipped test is a failure to test.
    this.isNarrowed = Boolean(globalConfig.testNamePattern);
    this.slow = [];
    this.failures = [];
  }

  onTestResult(_test, result) {
    const name = relative(this.root, result.testFilePath);
    const took = seconds(result);
    const skipped = this.isNarrowed ? 0 : result.numPendingTests + result.numTodoTests;
    const failed = result.numFailingTests + skipped + (result.testExecError === undefined ? 0 : 1);
    const isOk = failed === 0 && result.failureMessage === null;
    const isSlow = took > SLOW_SECONDS;
    if (isSlow) this.slow.push(`${name} (${took.toFixed(1)} s)`);
    const counts = `${result.numPassingTests} passed${failed === 0 ? '' : `, ${failed} failed`}`;
    const time = `${took.toFixed(1).padStart(6)} s`;
    console.error(`  ${isOk ? 'ok  ' : 'FAIL'} ${time}  ${name}  (${counts})${isSlow ? '  SLOW' : ''}`);
    if (result.failureMessage) this.failures.push(result.failureMessage);
    if (skipped > 0) this.failures.push(`${name}: ${skipped} skipped; a test that cannot run must fail\n`);
  }

  onRunComplete(_contexts, results) {
    for (const failure of this.failures) console.error(`\n${failure}`);
    if (this.slow.length > 0) console.error(`\nSlower than ${SLOW_SECONDS} s: ${this.slow.join(', ')}`);
    const skipped = this.isNarrowed ? 0 : results.numPendingTests + results.numTodoTests;
    const counts = {
      passed: results.numPassedTests,
      failed: results.numFailedTests + results.numRuntimeErrorTestSuites + skipped,
      suites: results.numTotalTestSuites,
      slow: this.slow.length,
    };
    if (process.env.DOORWARD_SUITE_COUNTS) writeFileSync(process.env.DOORWARD_SUITE_COUNTS, JSON.stringify(counts));
    if (skipped > 0) this.error = new Error(`${skipped} tests were skipped`);
  }

  /** jest takes an error from here as a failed run. */
  getLastError() {
    return this.error;
  }
}

module.exports = SuiteReporter;
