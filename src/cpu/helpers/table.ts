/** Every helper by its name. */
import type { Helper } from './helper.ts';
import { processorHelpers } from './processor.ts';

const table = { ...processorHelpers };

export type HelperName = keyof typeof table;

export const helpers: { readonly [N in HelperName]: Helper } = table;
