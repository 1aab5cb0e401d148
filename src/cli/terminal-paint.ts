/** Colours for people at a terminal; none when piped, with NO_COLOR set, or on a terminal that has none. */
import colours from 'picocolors';
import { type Paint, PLAIN } from './paint.ts';
import type { OutputStream } from './streams.ts';

export function paintFor(stream: OutputStream): Paint {
  if (stream.isTTY !== true || !colours.isColorSupported) return PLAIN;
  const { green, red, bold } = colours.createColors(true);
  return { good: green, bad: (text) => bold(red(text)), heading: bold };
}
