/** How a report is coloured: by default not at all. */
export interface Paint {
  readonly good: (text: string) => string;
  readonly bad: (text: string) => string;
  readonly heading: (text: string) => string;
}

const plain = (text: string): string => text;
export const PLAIN: Paint = { good: plain, bad: plain, heading: plain };
