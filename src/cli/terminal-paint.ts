/** Colours for people at a terminal; none when piped, with NO_COLOR set, or on a terminal that has none. */
import type { WriteStream } from 'node:tty';
import colours from 'picocolors';
import { type Paint, PLAIN } from './paint.ts';

export function paintFor(stream: Pick<WriteStream, 'isTTY'>): Paint {
  if (!stream.isTTY || !colours.isColorSupported) return PLAIN;
  const { green, red, bold } = colours.createColors(true);
  return { good: green, bad: (text) => bold(red(text)), heading: bold };
}
