import { requireBoolean, requireChoice } from '../../checks.ts';
import { BpttError, checkOptions } from '../../errors.ts';
import { activationNames, type ActivationName } from '../activation.ts';
import type { LayerOptions } from '../define.ts';
import { asInitializer, glorotUniform, zeros, type InitializerLike } from '../initializers/index.ts';
import type { Initializer } from '../layer.ts';

/** What every convolution accepts. */
export interface FilterLayerOptions extends LayerOptions {
  /** Features of the output. */
  readonly filters: number;
  /** Default "linear". */
  readonly activation?: ActivationName | undefined;
  /** Default true. */
  readonly bias?: boolean | undefined;
  /** Whether each filter's length and direction are learned apart (T. Salimans and D. Kingma, arXiv:1602.07868). Default false. */
  readonly weightNorm?: boolean | undefined;
  /** Defaults: weight glorotUniform, bias zeros. With `weightNorm` the weight's is the direction's, and the length begins as the direction's. */
  readonly initializer?: { readonly weight?: InitializerLike | undefined; readonly bias?: InitializerLike | undefined } | undefined;
}

export const filterOptionNames = ['name', 'filters', 'activation', 'bias', 'weightNorm', 'initializer'] as const;

/** Those options, checked and complete. */
export interface FilterSettings {
  readonly activation: ActivationName;
  readonly bias: boolean;
  readonly weightNorm: boolean;
  readonly initializer: { readonly weight: Initializer; readonly bias: Initializer };
}

/** @throws ERR_BPTT_OPTION or ERR_BPTT_TYPE naming the layer and the option. */
export function readFilterOptions(owner: string, options: FilterLayerOptions): FilterSettings {
  const bias = requireBoolean(owner, 'bias', options.bias ?? true);
  const initializer = options.initializer ?? {};
  checkOptions(`${owner}: initializer`, initializer, ['weight', 'bias']);
  if (!bias && initializer.bias !== undefined) {
    throw new BpttError('ERR_BPTT_OPTION', `${owner}: initializer.bias says where the bias begins, and bias: false leaves none; leave one of them out`, { received: 'initializer.bias' });
  }
  return {
    bias,
    activation: requireChoice(owner, 'activation', options.activation ?? 'linear', activationNames),
    weightNorm: requireBoolean(owner, 'weightNorm', options.weightNorm ?? false),
    initializer: {
      weight: asInitializer(`${owner}: initializer.weight`, initializer.weight ?? glorotUniform()),
      bias: asInitializer(`${owner}: initializer.bias`, initializer.bias ?? zeros()),
    },
  };
}
