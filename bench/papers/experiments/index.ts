import type { Experiment } from '../experiment.ts';
import { reportCounting } from '../report/counting.ts';
import { reportLag, reportReber } from '../report/early.ts';
import { reportArithmetic, reportXml } from '../report/jozefowicz.ts';
import { reportCopyMemory, reportLongAdding } from '../report/memory.ts';
import { reportOdyssey } from '../report/odyssey.ts';
import { planLongAdding, planOdyssey } from './adding.ts';
import { planCopyMemory } from './copyMemory.ts';
import { planCounting } from './counting.ts';
import { cellOf1997, earlySubjects, planEarlyAdding, planOrderOfThree, planOrderOfTwo, planReber } from './hochreiter.ts';
import { planArithmetic, planXml } from './jozefowicz.ts';

/** All experiments in the order of the page. */
export const experiments: readonly Experiment[] = [
  { name: 'adding', title: 'Adding, long sequences', plan: planLongAdding, report: reportLongAdding },
  { name: 'copy-memory', title: 'Copy memory', plan: planCopyMemory, report: reportCopyMemory },
  { name: 'arithmetic', title: 'Arithmetic', plan: planArithmetic, report: reportArithmetic },
  { name: 'xml', title: 'XML', plan: planXml, report: reportXml },
  { name: 'reber', title: 'Embedded Reber grammar', plan: planReber, report: (records) => reportReber(records, earlySubjects, cellOf1997) },
  { name: 'early-adding', title: 'Adding as in 1997', plan: planEarlyAdding, report: (records) => reportLag('early-adding', records, earlySubjects, cellOf1997) },
  { name: 'order-of-two', title: 'Temporal order of two symbols', plan: planOrderOfTwo, report: (records) => reportLag('order-of-two', records, earlySubjects, cellOf1997) },
  { name: 'order-of-three', title: 'Temporal order of three symbols', plan: planOrderOfThree, report: (records) => reportLag('order-of-three', records, earlySubjects, cellOf1997) },
  { name: 'counting', title: 'Counting', plan: planCounting, report: reportCounting },
  { name: 'odyssey', title: 'The odyssey’s variants', plan: planOdyssey, report: reportOdyssey },
];
