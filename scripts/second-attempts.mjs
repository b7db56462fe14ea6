/** A Vitest reporter that names every test that passed at its second attempt only: it did not fail, and is not sound. */
export default class SecondAttempts {
  #named = [];

  onTestCaseResult(test) {
    if (test.diagnostic()?.flaky) this.#named.push(`${test.module.relativeModuleId} ${test.fullName}`);
  }

  onTestRunEnd() {
    if (this.#named.length === 0) return;
    const list = this.#named.map((name) => `  - ${name}`).join('\n');
    console.log(`\nPassed at a second attempt (${this.#named.length}), to be looked into:\n${list}`);
  }
}
