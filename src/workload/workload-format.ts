/** Tells the kinds of workload apart by how they begin. Nothing is read further than the first 64 KBytes. */

export type WorkloadFormat = 'gzip' | 'scenario' | 'lackey';

const EXAMINED_BYTES = 65_536;
const GZIP_MAGIC = [0x1f, 0x8b] as const;
/** A scenario begins with its title, after comments; a comment can be anything. */
const SCENARIO = /^(?:[ \t\r]*(?:#[^\n]*)?\n)*[ \t]*scenario\b/;
const LACKEY =
  /^(?:==\d+== Lackey, |SYSCALL\[\d+,\d+\]\(|--\d+-- {1,8}SCHED\[\d+\]:|I {2}[0-9a-f]+,\d| [LSM] [0-9a-f]+,\d)/m;

/** Null: none of ours. A gzip member has to be undone by the caller, and asked about again. */
export function workloadFormat(firstBytes: Uint8Array): WorkloadFormat | null {
  if (firstBytes[0] === GZIP_MAGIC[0] && firstBytes[1] === GZIP_MAGIC[1]) return 'gzip';
  const text = new TextDecoder('latin1').decode(firstBytes.subarray(0, EXAMINED_BYTES));
  if (SCENARIO.test(text)) return 'scenario';
  return LACKEY.test(text) ? 'lackey' : null;
}
