/** Every helper by its name. */
import type { Helper } from './helper.ts';
import { processorHelpers } from './processor.ts';
import { stringComparisonHelpers } from './string-comparison.ts';
import { systemInvalidationHelpers } from './system-invalidation.ts';
import { systemPortHelpers } from './system-port.ts';
import { systemRegisterHelpers } from './system-register.ts';
import { systemTransferHelpers } from './system-transfer.ts';
import { vectorFloatHelpers } from './vector-float.ts';
import { vectorStateHelpers } from './vector-state.ts';
import { x87ArithmeticHelpers } from './x87-arithmetic.ts';
import { x87CompareHelpers } from './x87-compare.ts';
import { x87ControlHelpers } from './x87-control.ts';
import { x87MoveHelpers } from './x87-move.ts';
import { x87TranscendentalHelpers } from './x87-transcendental.ts';

const table = {
  ...processorHelpers,
  ...vectorFloatHelpers,
  ...vectorStateHelpers,
  ...stringComparisonHelpers,
  ...x87ControlHelpers,
  ...x87MoveHelpers,
  ...x87ArithmeticHelpers,
  ...x87CompareHelpers,
  ...x87TranscendentalHelpers,
  ...systemRegisterHelpers,
  ...systemTransferHelpers,
  ...systemInvalidationHelpers,
  ...systemPortHelpers,
};

export type HelperName = keyof typeof table;

export const helpers: { readonly [N in HelperName]: Helper } = table;
