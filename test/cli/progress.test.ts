import { describe, expect, it } from 'vitest';
import { Progress } from '../../src/cli/progress.ts';

/** What a run of so many milliseconds writes. */
async function written(milliseconds: number, isTTY: boolean): Promise<string[]> {
  const texts: string[] = [];
  const progress = new Progress(() => '12 steps', { isTTY, write: (text) => texts.push(text) });
  const end = Date.now() + milliseconds;
  while (Date.now() < end) {
    await progress.update();
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
  progress.end();
  return texts;
}

describe('progress', () => {
  it('is shown on a terminal after the first second, and taken away at the end', async () => {
    const texts = await written(1800, true);
    expect(texts[0]).toMatch(/^\r12 steps, [12] s /);
    expect(texts.length).toBeGreaterThan(1);
    expect(texts.at(-1)).toBe('\r\u001b[K');
  });

  it('is not shown for a short run, nor when piped', async () => {
    expect(await written(500, true)).toEqual([]);
    expect(await written(1800, false)).toEqual([]);
  });
});
