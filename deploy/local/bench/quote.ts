import { spawnSync } from 'node:child_process';
import { createHash, createPublicKey, verify } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { readAttestationKey } from '../../../proofs/tpm/attestation-key.js';
import { replayEventLog } from '../../../proofs/tpm/event-log.js';
import { readPcrValues } from '../../../proofs/tpm/pcr-values.js';
import { hashByName } from '../../../proofs/tpm/tpm-algorithms.js';
import { verifyQuote } from '../../../proofs/tpm/verify-quote.js';
import { median, rounded, type Measured } from './measured.js';
import { benchEventLog, benchQuote, type BenchQuote } from './software-quote.js';

const ROUNDS = 60;
const ROUND_MS = 50;
const PROCESSES = 11;

/** The verifier of TPM quotes against the bare signature check that is in it, both in this process, in turns. */
export function quote(progress: (text: string) => void): Promise<Measured> {
  const made = benchQuote();
  const ak = readAttestationKey(Buffer.from(made.pem));
  const key = createPublicKey(made.pem);
  const pcrs = readPcrValues(made.pcrs);
  const whole = (): void => {
    const { quote: bytes, signature, nonce } = made;
    const report = verifyQuote({ quote: bytes, signature, ak, pcrs }, { nonce });
    if (!report.ok) throw new Error('the verifier refused a good quote: this measures something else');
  };
  const bare = (): void => {
    if (!verify('sha256', made.quote, key, made.bare)) throw new Error('the signature does not verify');
  };
  const times: { whole: number[]; bare: number[] } = { whole: [], bare: [] };
  for (let round = 0; round <= ROUNDS; round += 1) {
    const [a, b] = [timeEach(whole), timeEach(bare)];
    progress(`round ${round} of ${ROUNDS}`);
    // The first of each is the engine learning what runs often.
    if (round === 0) continue;
    times.whole.push(a);
    times.bare.push(b);
  }
  const json = median([1, 2, 3, 4, 5].map(() => timeEach(() => void readPcrValues(made.pcrs))));
  const [judged, signed] = [median(times.whole), median(times.bare)];
  const tool = checkquoteMs(made);
  const log = replayRates();
  return Promise.resolve({
    name: 'quote',
    what: 'a TPM quote judged (RSASSA 2048, eight PCRs)',
    value: `${rounded(judged * 1000, 0)} µs`,
    baseline: `crypto.verify of its signature: ${rounded(signed * 1000, 0)} µs`,
    figure: rounded(judged / signed),
    figure_is: 'ratio',
    required: '<= 2',
    aim: '2',
    notes: [
      `medians of ${ROUNDS} rounds of ${ROUND_MS} ms of CPU in turns; key and values were read before`,
      `reading the values from JSON: ${rounded(json * 1000, 0)} µs more`,
      tool === null
        ? 'tpm2_checkquote is not installed: not measured against it'
        : `tpm2_checkquote, a process: ${rounded(tool, 1)} ms, ${rounded(tool / judged, 0)} times as long`,
      `event log replayed: ${rounded(log.replay, 0)} MB/s; SHA-256 alone over the same bytes: ${rounded(log.sha256, 0)} MB/s`,
    ],
    details: { whole_ms: times.whole, bare_ms: times.bare, checkquote_ms: tool, replay: log },
  });
}

/** Milliseconds of CPU of one, from as many as fit into a round: others on the machine then make no difference. */
function timeEach(work: () => void): number {
  const [began, used] = [performance.now(), process.cpuUsage()];
  let count = 0;
  while (performance.now() - began < ROUND_MS) {
    work();
    count += 1;
  }
  const { user, system } = process.cpuUsage(used);
  return (user + system) / 1000 / count;
}

/** How long the tool takes for signature and nonce of the same quote, or null where there is none. */
function checkquoteMs(made: BenchQuote): number | null {
  if (spawnSync('tpm2_checkquote', ['--version']).error !== undefined) return null;
  const folder = mkdtempSync(join(tmpdir(), 'reseal-bench-quote-'));
  try {
    for (const [name, bytes] of Object.entries({ msg: made.quote, sig: made.signature, pem: made.pem }))
      writeFileSync(join(folder, name), bytes);
    const args = ['-u', 'pem', '-m', 'msg', '-s', 'sig', '-g', 'sha256', '-q', made.nonce.toString('hex')];
    const times = Array.from({ length: PROCESSES }, () => {
      const began = performance.now();
      const { status } = spawnSync('tpm2_checkquote', args, { cwd: folder, stdio: 'ignore' });
      if (status !== 0) throw new Error(`tpm2_checkquote ended with ${status ?? 'a signal'}`);
      return performance.now() - began;
    });
    return median(times);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** MB a second, of a log like a server's: 160 events of about 600 bytes, for one bank. */
function replayRates(): { replay: number; sha256: number; bytes: number } {
  const log = benchEventLog(160, 600);
  const bank = hashByName('sha256');
  const banks = bank === undefined ? [] : [bank];
  const replay = timeEach(() => {
    if (!replayEventLog(log, banks).ok) throw new Error('the log was refused');
  });
  const sha256 = timeEach(() => void createHash('sha256').update(log).digest());
  const rate = (ms: number): number => rounded(log.length / 1000 / ms, 1);
  return { replay: rate(replay), sha256: rate(sha256), bytes: log.length };
}
