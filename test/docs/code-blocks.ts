/** The code blocks of a Markdown document, in order, each with the comment right above it. */
export interface CodeBlock {
  readonly language: string;
  readonly text: string;
  /** `<!-- … -->` on the line before. */
  readonly comment: string | null;
}

export function codeBlocks(markdown: string): CodeBlock[] {
  return [...markdown.matchAll(/(?:^<!-- (.*) -->\n)?^```(\w*)\n([\s\S]*?)^```$/gm)].map(
    ([, comment, language = '', text = '']) => ({ language, text, comment: comment ?? null }),
  );
}

/** Whether `output` has these lines in this order; `…` stands for any number of lines, none included. */
export function isExcerpt(excerpt: string, output: string): boolean {
  const lines = output.split('\n');
  let at = 0;
  let anywhere = true;
  for (const wanted of excerpt.trimEnd().split('\n')) {
    if (wanted === '…') {
      anywhere = true;
      continue;
    }
    const found = anywhere ? lines.indexOf(wanted, at) : lines[at] === wanted ? at : -1;
    if (found < 0) return false;
    at = found + 1;
    anywhere = false;
  }
  return true;
}
