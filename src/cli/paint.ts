/** Colours for people at a terminal; none when piped, with NO_COLOR set, or on a terminal that has none. */
import type { WriteStream } from 'node:tty';
import colours from 'picocolors';

export interface Paint {
  readonly good: (text: string) => string;
  readonly bad: (text: string) => string;
  readonly heading: (text: string) => string;
}

const plain = (text: string): string => text;
export const PLAIN: Paint = { good: plain, bad: plain, heading: plain };

export function paintFor(stream: Pick<WriteStream, 'isTTY'>): Paint {
  if (!stream.isTTY || !colours.isColorSupported) return PLAIN;
  const { green, red, bold } = colours.createColors(true);
  return { good: green, bad: (text) => bold(red(text)), heading: bold };
}
