/** `tlbsan eras`: the kernels whose TLB code a run can choose, and their broken and harmless variants. */
import { listEras } from '../scenario/era-list.ts';
import { printTable } from '../trace/table.ts';
import { ExitStatus } from './exit-status.ts';
import type { Streams } from './streams.ts';

const ERAS_SCHEMA = 1;

export function erasCommand({ json }: { readonly json: boolean }, { out }: Streams): ExitStatus {
  const eras = listEras();
  if (json) {
    out.write(`${JSON.stringify({ schema: ERAS_SCHEMA, eras }, null, 2)}\n`);
    return ExitStatus.clean;
  }
  const rows = eras.map(({ id, kernels, summary, variantOf }) =>
    variantOf === null
      ? [id, kernels, summary]
      : [`  ${id}`, variantOf.harmless ? 'harmless variant' : 'broken variant', variantOf.change],
  );
  const columns = ['era', 'kernel', 'what it does'].map((title) => ({ title, align: 'left' as const }));
  out.write(`${printTable(columns, rows).join('\n')}\n`);
  return ExitStatus.clean;
}
