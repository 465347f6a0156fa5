export { asInitializer, registerInitializer } from './initializer.ts';
export type { InitializerDescription, InitializerLike } from './initializer.ts';
export { constantValue, glorotNormal, glorotUniform, heNormal, heUniform, identity, normal, ones, uniform, zeros } from './distributions.ts';
export { orthogonal } from './orthogonal.ts';
